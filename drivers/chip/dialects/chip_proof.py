"""That a chip holds the private keys it was given, asked as a border guard asks (Doc 9303-11, 6)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from drivers.chip import tlv
from drivers.chip.active_authentication import authenticate_actively
from drivers.chip.chip_authentication import authenticate_chip, chip_key
from drivers.chip.dialects import ChipKeys
from drivers.chip.errors import FileNotFound, NotGenuine
from drivers.chip.lds import LdsFiles
from drivers.chip.pace import choose
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import SecurityInfo, parse
from drivers.chip.select import Ef

DG14_TAG = 0x6E


def prove_keys(files: LdsFiles, keys: ChipKeys) -> tuple[str, ...]:
    """The names of the proofs that held, for the keys that `keys` has; `files` go on in Chip Authentication's
    channel.

    Raises NotGenuine where the chip has another key, or none, and other CardErrors.
    """
    aa, ca = _public_key(keys.aa), _public_key(keys.ca)
    needs_infos = ca or isinstance(aa, ec.EllipticCurvePublicKey)  # RSA says itself how it hashes
    infos = _security_infos(files) if needs_infos else ()
    held = []
    if aa:
        encoded = aa.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        authenticate_actively(files.channel, encoded, infos)
        held.append("active_authentication")
    if ca:
        files.adopt(_authenticate_chip(files.channel, ca, infos))
        held.append("chip_authentication")
    return tuple(held)


def promises_pace(files: LdsFiles) -> bool:
    """Whether DG14 has a PACE that is known here; it repeats EF.CardAccess (Doc 9303-11, 9.2.11)."""
    try:
        return choose(_security_infos(files)) is not None
    except FileNotFound:
        return False


def _public_key(private: bytes | None) -> PublicKeyTypes | None:
    """That of a private key in PKCS#8, which we made: whether RSA's numbers are primes is not asked again."""
    if not private:
        return None
    return load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True).public_key()


def _security_infos(files: LdsFiles) -> tuple[SecurityInfo, ...]:
    content = tlv.parse(files.read_object(Ef.DG14))
    if [each.tag for each in content] != [DG14_TAG]:
        raise NotGenuine("DG14 is not one object with its tag")
    return parse(content[0].value)


def _authenticate_chip(
    channel: SecureMessaging, given: PublicKeyTypes, infos: tuple[SecurityInfo, ...]
) -> SecureMessaging:
    offered = chip_key(infos)
    if offered is None or not isinstance(given, ec.EllipticCurvePublicKey):
        raise NotGenuine("DG14 offers no Chip Authentication for the key that the chip was given")
    point = given.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if offered.point != point:
        raise NotGenuine("DG14 has another key than the chip was given")
    return authenticate_chip(channel, offered)
