"""Active Authentication, the terminal's side (Doc 9303-11, 6.1): the chip signs a challenge with DG15's key.

RSA with message recovery (ISO/IEC 9796-2:2010, digital signature scheme 1) or ECDSA in plain format
(TR-03111, 5.2.1.1). It proves something about the card only once DG15 is authentic.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from drivers.chip import tlv
from drivers.chip.apdu import SHORT_NE, CommandApdu, Ins
from drivers.chip.blocks import protected_payload
from drivers.chip.ec import BIT_STRING, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, Curve, Random, public_key
from drivers.chip.errors import MalformedData, NotGenuine, UnknownAlgorithm
from drivers.chip.processor import Processor, demand
from drivers.chip.security_infos import ActiveAuthenticationInfo, SecurityInfo, decode_oid

AA_TIMEOUT_S = 5.0
CHALLENGE_SIZE = 8
ID_RSA = "1.2.840.113549.1.1.1"
ID_ECDSA_PLAIN = "0.4.0.127.0.7.1.1.4.1"
PLAIN_HASHES: dict[str, hashes.HashAlgorithm] = {
    f"{ID_ECDSA_PLAIN}.2": hashes.SHA224(),
    f"{ID_ECDSA_PLAIN}.3": hashes.SHA256(),
    f"{ID_ECDSA_PLAIN}.4": hashes.SHA384(),
    f"{ID_ECDSA_PLAIN}.5": hashes.SHA512(),
}
RSA_BITS = range(1024, 4097, 8)
LARGEST_EXPONENT_BITS = 64

PARTIAL_RECOVERY = 0x6A  # header of a message representative with M1 inside and no more padding
TRAILER_SHA1, TRAILER_NAMED = 0xBC, 0xCC
TRAILER_HASHES = {0x33: "sha1", 0x34: "sha256", 0x35: "sha512", 0x36: "sha384", 0x38: "sha224"}


def authenticate_actively(
    channel: Processor,
    key: bytes,
    infos: Sequence[SecurityInfo] = (),
    random: Random = secrets.token_bytes,
    timeout_s: float = AA_TIMEOUT_S,
) -> str:
    """Have the chip sign a fresh challenge with the private key of `key`; return the algorithm's name.

    `key` is the SubjectPublicKeyInfo in DG15, `infos` are those of DG14 (ECDSA needs the algorithm from
    there). Raises NotGenuine for a wrong signature, UnknownAlgorithm, MalformedData, CardRefused.
    """
    challenge = random(CHALLENGE_SIZE)
    rsa = _rsa_key(key)
    if rsa is not None:
        size = (rsa[0].bit_length() + 7) // 8
        signature = _internal_authenticate(channel, challenge, size, timeout_s)
        return f"AA RSA-{rsa[0].bit_length()} ISO 9796-2 {verify_rsa(*rsa, challenge, signature)}"
    curve, point = public_key(key)
    algorithm = _plain_hash(infos)
    signature = _internal_authenticate(channel, challenge, 2 * curve.size, timeout_s)
    verify_ecdsa(curve, point, algorithm, challenge, signature)
    return f"AA ECDSA {curve.name} {algorithm.name}"


def verify_rsa(modulus: int, exponent: int, challenge: bytes, signature: bytes) -> str:
    """Check ISO 9796-2 scheme 1 with partial recovery; return the hash's name. Raises NotGenuine."""
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus:
        raise NotGenuine("Active Authentication: a signature of a wrong length")
    recovered = pow(number, exponent, modulus)
    if recovered & 0x0F != 0x0C:  # the signer took the smaller of two (ISO/IEC 9796-2:2010, B.6)
        recovered = modulus - recovered
    return check_representative(recovered.to_bytes(size, "big"), challenge)


def check_representative(recovered: bytes, challenge: bytes) -> str:
    """Check 6A ‖ M1 ‖ H(M1 ‖ challenge) ‖ trailer; return the hash's name. Raises NotGenuine."""
    name, trailer = _trailer(recovered)
    hash_size = hashlib.new(name, usedforsecurity=False).digest_size
    covered = recovered[1 : -trailer - hash_size]
    digest = hashlib.new(name, covered + challenge, usedforsecurity=False).digest()
    given = recovered[-trailer - hash_size : -trailer]
    if recovered[0] != PARTIAL_RECOVERY or not covered or not hmac.compare_digest(digest, given):
        raise NotGenuine("Active Authentication: the chip does not hold the private key of DG15")
    return name.upper()


def verify_ecdsa(
    curve: Curve, point: bytes, algorithm: hashes.HashAlgorithm, challenge: bytes, signature: bytes
) -> None:
    """Check r ‖ s, each as long as the curve's order. Raises NotGenuine."""
    half = (curve.order.bit_length() + 7) // 8
    if len(signature) != 2 * half:
        raise NotGenuine("Active Authentication: a signature of a wrong length")
    numbers = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    key = ec.EllipticCurvePublicKey.from_encoded_point(curve.openssl, point)
    try:
        key.verify(encode_dss_signature(*numbers), challenge, ec.ECDSA(algorithm))
    except InvalidSignature as exc:
        raise NotGenuine("Active Authentication: the chip does not hold the private key of DG15") from exc


def _internal_authenticate(channel: Processor, challenge: bytes, size: int, timeout_s: float) -> bytes:
    """The signature; an extended answer is asked for only where a short one cannot hold it."""
    extended = size > protected_payload(SHORT_NE)
    command = CommandApdu(
        Ins.INTERNAL_AUTHENTICATE, data=challenge, ne=size if extended else SHORT_NE, extended=extended
    )
    return demand(channel, command, "INTERNAL AUTHENTICATE", timeout_s)


def _trailer(recovered: bytes) -> tuple[str, int]:
    """The hash that the trailer names, and the trailer's length."""
    if recovered[-1] == TRAILER_SHA1:
        return "sha1", 1
    name = TRAILER_HASHES.get(recovered[-2]) if recovered[-1] == TRAILER_NAMED else None
    if name is None:
        raise NotGenuine("Active Authentication: a signature without a known trailer")
    return name, 2


def _plain_hash(infos: Sequence[SecurityInfo]) -> hashes.HashAlgorithm:
    named = [info.signature_algorithm for info in infos if isinstance(info, ActiveAuthenticationInfo)]
    if len(named) != 1 or named[0] not in PLAIN_HASHES:
        raise UnknownAlgorithm(f"Active Authentication: DG14 names {', '.join(named) or 'no algorithm'}")
    return PLAIN_HASHES[named[0]]


def _rsa_key(key: bytes) -> tuple[int, int] | None:
    """Modulus and exponent of a SubjectPublicKeyInfo, None when it is no RSA key."""
    outer = tlv.parse(key)
    parts = tlv.parse(outer[0].value) if [each.tag for each in outer] == [SEQUENCE] else []
    if [part.tag for part in parts] != [SEQUENCE, BIT_STRING]:
        raise MalformedData("public key: not the objects it is made of")
    algorithm = tlv.parse(parts[0].value)
    if not algorithm or algorithm[0].tag != OBJECT_IDENTIFIER or decode_oid(algorithm[0].value) != ID_RSA:
        return None
    return _rsa_numbers(parts[1].value)


def _rsa_numbers(bits: bytes) -> tuple[int, int]:
    sequence = tlv.parse(bits[1:]) if bits[:1] == b"\0" else []
    numbers = tlv.parse(sequence[0].value) if [each.tag for each in sequence] == [SEQUENCE] else []
    if [number.tag for number in numbers] != [INTEGER, INTEGER]:
        raise MalformedData("RSA public key: modulus and exponent")
    modulus, exponent = (int.from_bytes(number.value, "big", signed=True) for number in numbers)
    if modulus.bit_length() not in RSA_BITS or modulus < 0 or not modulus & 1:
        raise UnknownAlgorithm(f"RSA modulus of {modulus.bit_length()} bits")
    if not 3 <= exponent < 1 << LARGEST_EXPONENT_BITS or not exponent & 1:
        raise UnknownAlgorithm("RSA public exponent that nobody uses")
    return modulus, exponent
