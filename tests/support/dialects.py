"""Each dialect with its blank card, content that its chip can prove, and the keys it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from drivers.api import ChipReader
from drivers.chip import tlv
from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import Profile, load_profile
from drivers.chip.key_store import KeyStore, StaticKeys, diversify
from drivers.chip.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    encode,
)
from drivers.virtual.card import VirtualCard, blank_card
from support.chip import CHIP_KEYS, FILES, KEYS, OTHER_KEYS, Keys, lds_file, made_up, unheard

NAMES = ("lds-plain", "iso7816-scp03", "store-data")
FIELD = NAMES[1:]
GP_TEST_KEY = bytes.fromhex("404142434445464748494A4B4C4D4E4F")  # public by definition
DG3, DG14, DG15, CARD_ACCESS, COM = 0x0103, 0x010E, 0x010F, 0x011C, 0x011E
PACE = PaceInfo("0.4.0.127.0.7.2.2.4.2.2", 2, 12)  # ECDH-GM, AES-128, P-256


@dataclass(frozen=True)
class MasterKeys:
    """`KeyStore` with one master key for all KVNs."""

    master: bytes = GP_TEST_KEY

    def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:
        del kvn
        return diversify(self.master, kdd)


@dataclass(frozen=True)
class Kit:
    """All that a test needs of a dialect."""

    name: str
    keys: Keys
    files: Mapping[int, bytes]
    recreates: bool = True  # of the card: CREATE FILE of a file that is there

    @property
    def profile(self) -> Profile:
        return load_profile(self.name)

    def blank(self) -> VirtualCard:
        return blank_card(kind=self.name, recreates=self.recreates)

    def open(
        self,
        reader: ChipReader,
        key_store: KeyStore | None = None,
        memory: BlockMemory | None = None,
    ) -> Dialect:
        return open_dialect(self.name, reader, key_store or MasterKeys(), memory or BlockMemory())

    def personalise(self, dialect: Dialect) -> None:
        """Blank to operational, every file read back: the order of steps the transaction keeps."""
        assert dialect.identify(KEYS).kind == CardKind.BLANK
        dialect.put_keys(self.keys)
        self.finish(dialect)

    def finish(self, dialect: Dialect) -> None:
        for fid, content in self.files.items():
            dialect.write_file(fid, content, unheard)
        for fid, content in self.files.items():
            assert dialect.read_file(fid, len(content), unheard) == content
        dialect.lock()


@cache
def kit(name: str, pace: bool = True) -> Kit:
    """Without `pace` a chip of the field is an older one: it offers none and opens with BAC."""
    if name not in FIELD:
        return Kit(name, CHIP_KEYS, FILES)
    curve = ec.SECP256R1() if name == "store-data" else ec.BrainpoolP256R1()
    aa, ca = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(curve)
    offered = (PACE,) if pace else ()
    infos = (
        *offered,
        ChipAuthenticationInfo("0.4.0.127.0.7.2.2.3.2.2", 1),
        ChipAuthenticationPublicKeyInfo("0.4.0.127.0.7.2.2.1.2", public(ca)),
        ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.3"),
    )
    files = {
        0x0101: FILES[0x0101],
        0x0102: lds_file(0x75, 5000),
        DG3: lds_file(0x63, 700),
        DG14: tlv.encode(0x6E, encode(infos)),
        DG15: tlv.encode(0x6F, public(aa)),
        **({CARD_ACCESS: encode(offered)} if offered else {}),
        COM: FILES[COM],
        0x011D: FILES[0x011D],
    }
    return Kit(name, Keys(KEYS, "135790", private(aa), private(ca)), files)


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def curve_of(pkcs8: bytes) -> ec.EllipticCurve:
    key = load_der_private_key(pkcs8, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.curve


__all__ = [
    "CARD_ACCESS", "COM", "DG3", "FIELD", "KEYS", "NAMES", "OTHER_KEYS", "Kit", "MasterKeys", "curve_of",
    "kit", "made_up", "private", "unheard",
]  # fmt: skip
