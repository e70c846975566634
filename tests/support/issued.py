"""A finished, locked card of the field, made without any personalisation protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from drivers.chip.security_infos import (
    ID_PK_ECDH,
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    encode,
)
from drivers.errors import UserRetry
from drivers.virtual.card.card import VirtualCard
from drivers.virtual.card.chip import Chip, Traits
from drivers.virtual.card.emrtd import AID, Emrtd
from drivers.virtual.card.field import answer_to_reset
from drivers.virtual.card.files import ALWAYS, GUARDED, SECURED
from drivers.virtual.card.iso import KIND
from drivers.virtual.card.kinds import CHIPS
from drivers.virtual.card.reader import VirtualReader
from drivers.virtual.card.transport import Transport
from support.chip import FILES, KEYS
from support.pace_chip import card_access

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CAN_DIGITS = "099999"
CA_PROTOCOLS = {1: "0.4.0.127.0.7.2.2.3.2.1", 2: "0.4.0.127.0.7.2.2.3.2.2", 4: "0.4.0.127.0.7.2.2.3.2.4"}
ECDSA_SHA256 = "0.4.0.127.0.7.1.1.4.1.3"


@dataclass(frozen=True)
class Issue:
    """What a card is made with; `pace` are (cipher, parameter identifier) pairs, `ca` the cipher's arc."""

    pace: tuple[tuple[int, int], ...] = ((2, 13),)
    can: str | None = CAN_DIGITS
    ca: int = 2
    ca_curve: type[ec.EllipticCurve] = ec.BrainpoolP256R1
    extended: int = 4000
    chaining: bool = True
    bare_errors: bool = False
    files: Mapping[int, bytes] = field(default_factory=lambda: FILES)


@cache
def private_key(curve: type[ec.EllipticCurve], which: str) -> ec.EllipticCurvePrivateKey:
    """One key of this run for each curve and use."""
    return ec.generate_private_key(curve())


def public_key(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def security_infos(issue: Issue) -> bytes:
    """What stands in DG14, without its tag."""
    key = public_key(private_key(issue.ca_curve, "ca"))
    return encode(
        (
            ChipAuthenticationInfo(CA_PROTOCOLS[issue.ca], 1, 1),
            ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, key, 1),
            ActiveAuthenticationInfo(ECDSA_SHA256),
        )
    )


def issued_card(issue: Issue | None = None) -> VirtualCard:
    issue = issue or Issue()
    traits = Traits(issue.extended, issue.chaining, issue.bare_errors)
    emrtd = CHIPS[KIND](traits)
    chip = emrtd.chip
    chip.access = (KEYS.document_number, KEYS.birth, KEYS.expiry)
    chip.can = issue.can
    chip.set_ca(pkcs8(private_key(issue.ca_curve, "ca")))
    chip.set_aa(pkcs8(private_key(ec.SECP256R1, "aa")))
    for fid, content in issue.files.items():
        chip.files.put(fid, content, SECURED)
    chip.files.put(0x0103, b"\x63\x01\x00", GUARDED)
    if issue.pace:
        chip.files.put(0x011C, card_access(*issue.pace), ALWAYS)
    chip.locked = True
    transport = Transport(issue.extended, issue.chaining)
    return VirtualCard({AID: emrtd}, answer_to_reset(traits), AID, transport)


def chip_of(card: VirtualCard) -> Chip:
    """What is inside, to be changed behind the terminal's back."""
    emrtd = card._applications[AID]
    assert isinstance(emrtd, Emrtd)
    return emrtd.chip


def pkcs8(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


class SilentReader(VirtualReader):
    """A reader that does not pass on what the card says about lengths."""

    def connect(self, timeout_s: float = 5.0) -> bytes:
        super().connect(timeout_s)
        return b"\x3b\x80\x80\x01\x01"

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        hidden = apdu[5:7] == b"\x2f\x01" or apdu[:3] == b"\x00\xb0\x81"
        return b"\x6a\x82" if hidden else super().transmit(apdu, timeout_s)


def takes_short_apdus_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reader loses its card at an extended APDU; pcscd tells of that as of a card that was lifted."""
    passes_on = VirtualReader.transmit

    def transmit(self: VirtualReader, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        if len(apdu) > 5 and apdu[4] == 0:
            self.disconnect()
            raise UserRetry("hold_card_still")
        return passes_on(self, apdu, timeout_s)

    monkeypatch.setattr(VirtualReader, "transmit", transmit)
