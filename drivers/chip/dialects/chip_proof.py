"""That a chip holds the private keys it was given, asked as a border guard asks (Doc 9303-11, 6)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from drivers.chip import tlv
from drivers.chip.active_authentication import authenticate_actively
from drivers.chip.chip_authentication import authenticate_chip, chip_key
from drivers.chip.dialects import ChipKeys
from drivers.chip.errors import NotGenuine
from drivers.chip.lds import LdsFiles
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import SecurityInfo, parse
from drivers.chip.select import Ef

DG14_TAG = 0x6E


def prove_keys(files: LdsFiles, keys: ChipKeys) -> tuple[str, ...]:
    """The names of the proofs that held, for the keys that `keys` has; `files` go on in Chip Authentication's
    channel.

    Raises NotGenuine where the chip has another key, or none, and other CardErrors.
    """
    infos = _security_infos(files) if keys.ca or _needs_infos(keys.aa) else ()
    held = []
    if keys.aa:
        authenticate_actively(files.channel, public_key_info(keys.aa), infos)
        held.append("active_authentication")
    if keys.ca:
        files.adopt(_authenticate_chip(files.channel, keys.ca, infos))
        held.append("chip_authentication")
    return tuple(held)


def public_key_info(private: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a private key in PKCS#8."""
    key = load_der_private_key(private, password=None).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _needs_infos(aa: bytes | None) -> bool:
    """ECDSA's hash stands in DG14; RSA says its own."""
    return aa is not None and isinstance(load_der_private_key(aa, password=None), ec.EllipticCurvePrivateKey)


def _security_infos(files: LdsFiles) -> tuple[SecurityInfo, ...]:
    content = tlv.parse(files.read_object(Ef.DG14))
    if [each.tag for each in content] != [DG14_TAG]:
        raise NotGenuine("DG14 is not one object with its tag")
    return parse(content[0].value)


def _authenticate_chip(
    channel: SecureMessaging, private: bytes, infos: tuple[SecurityInfo, ...]
) -> SecureMessaging:
    offered = chip_key(infos)
    key = load_der_private_key(private, password=None)
    if offered is None or not isinstance(key, ec.EllipticCurvePrivateKey):
        raise NotGenuine("DG14 offers no Chip Authentication for the key that the chip was given")
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if offered.point != point:
        raise NotGenuine("DG14 has another key than the chip was given")
    return authenticate_chip(channel, offered)
