"""Active Authentication: the worked example of Doc 9303-11, appendix F, and signatures that are none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from drivers.chip.active_authentication import (
    authenticate_actively,
    check_representative,
    verify_ecdsa,
    verify_rsa,
)
from drivers.chip.apdu import CommandApdu, ResponseApdu
from drivers.chip.ec import CURVES, Curve
from drivers.chip.errors import CardError, CardRefused, MalformedData, NotGenuine, UnknownAlgorithm
from drivers.chip.security_infos import ActiveAuthenticationInfo, SecurityInfo

RND_IFD = bytes.fromhex("F173589974BF40C6")
M1 = bytes.fromhex(
    "9D2784A67F8E7C659973EA1AEA25D95B6C8F91E5002F369F0FBDCE8A3CEC1991B543F1696546C5524CF23A5303CD6C98"
    "599F40B79F377B5F3A1406B3B4D8F96784D23AA88DB7E1032A405E69325FA91A6E86F5C71AEA978264C4A207446DAD4E"
    "7292E2DCDA3024B47DA8"
)
DIGEST = bytes.fromhex("C063AA1E6D22FBD976AB0FE73D94D2D9C6D88127")
REPRESENTATIVE = b"\x6a" + M1 + DIGEST + b"\xbc"


class Chip:
    """Answers INTERNAL AUTHENTICATE with whatever `sign` makes of the challenge."""

    def __init__(self, sign: Callable[[bytes], bytes], sw: int = 0x9000) -> None:
        self._sign, self._sw = sign, sw
        self.command: CommandApdu | None = None

    def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
        self.command = command
        return ResponseApdu(self._sign(command.data), self._sw)


@cache
def rsa_key(bits: int = 1024) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(curve: Curve) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve.openssl)


def spki(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def signed(representative: bytes, key: rsa.RSAPrivateKey, smaller: bool = False) -> bytes:
    """The private operation; `smaller`: the lesser of the signature and its complement."""
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    value = pow(int.from_bytes(representative, "big"), numbers.d, modulus)
    value = min(value, modulus - value) if smaller else value
    return value.to_bytes(len(representative), "big")


def representative(challenge: bytes, name: str, trailer: bytes, size: int) -> bytes:
    digest_size = hashlib.new(name).digest_size
    m1 = hashlib.shake_128(name.encode()).digest(size - 1 - digest_size - len(trailer))
    return b"\x6a" + m1 + hashlib.new(name, m1 + challenge).digest() + trailer


def test_the_standards_example_is_whole() -> None:
    """Appendix F gives no key: the representative is checked, then carried by a key of this run."""
    assert hashlib.sha1(M1 + RND_IFD, usedforsecurity=False).digest() == DIGEST
    assert len(REPRESENTATIVE) == 128
    assert check_representative(REPRESENTATIVE, RND_IFD) == "SHA1"
    chip = Chip(lambda _: signed(REPRESENTATIVE, rsa_key()))
    name = authenticate_actively(chip, spki(rsa_key()), random=lambda _: RND_IFD)
    assert name == "AA RSA-1024 ISO 9796-2 SHA1"
    assert chip.command is not None
    assert chip.command.to_bytes().hex().upper() == "0088000008F173589974BF40C600"


HASHES = (
    ("sha1", b"\xbc"),
    ("sha1", b"\x33\xcc"),
    ("sha224", b"\x38\xcc"),
    ("sha256", b"\x34\xcc"),
    ("sha384", b"\x36\xcc"),
    ("sha512", b"\x35\xcc"),
)


@pytest.mark.parametrize(("name", "trailer"), HASHES)
@pytest.mark.parametrize("bits", [1024, 2048])
@pytest.mark.parametrize("smaller", [False, True])
def test_each_hash_and_form_is_verified(name: str, trailer: bytes, bits: int, smaller: bool) -> None:
    key = rsa_key(bits)
    chip = Chip(lambda rnd: signed(representative(rnd, name, trailer, bits // 8), key, smaller))
    assert authenticate_actively(chip, spki(key)).endswith(name.upper())
    assert chip.command is not None
    assert chip.command.extended == (bits > 1784)


def flip(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def forged(name: str, trailer: bytes, challenge: bytes) -> bytes:
    return signed(representative(challenge, name, trailer, 128), rsa_key())


def with_header(rnd: bytes) -> bytes:
    return signed(b"\x4a" + representative(rnd, "sha256", b"\x34\xcc", 128)[1:], rsa_key())


FORGED: dict[str, Callable[[bytes], bytes]] = {
    "for another challenge": lambda rnd: forged("sha256", b"\x34\xcc", flip(rnd, 0)),
    "another header": with_header,
    "an unknown trailer": lambda rnd: forged("sha256", b"\x99\xcc", rnd),
    "the wrong hash named": lambda rnd: forged("sha256", b"\x35\xcc", rnd),
    "of zero": lambda _: bytes(128),
    "of one": lambda _: bytes(127) + b"\1",
    "as large as it gets": lambda _: b"\xff" * 128,
    "cut off": lambda rnd: forged("sha1", b"\xbc", rnd)[:-1],
    "longer": lambda rnd: b"\0" + forged("sha1", b"\xbc", rnd),
    "nothing": lambda _: b"",
    "echo": lambda rnd: rnd * 16,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_rsa_signature_is_not_genuine(name: str) -> None:
    with pytest.raises(NotGenuine):
        authenticate_actively(Chip(FORGED[name]), spki(rsa_key()))


@given(st.binary(min_size=128, max_size=128))
def test_any_bytes_are_a_wrong_signature_and_nothing_worse(signature: bytes) -> None:
    numbers = rsa_key().public_key().public_numbers()
    with pytest.raises(NotGenuine):
        verify_rsa(numbers.n, numbers.e, RND_IFD, signature)


@given(st.binary(min_size=4, max_size=140))
def test_any_representative_is_wrong_and_nothing_worse(recovered: bytes) -> None:
    with pytest.raises(NotGenuine):
        check_representative(recovered, RND_IFD)


# --- ECDSA ---

ALGORITHMS = ((2, hashes.SHA224()), (3, hashes.SHA256()), (4, hashes.SHA384()), (5, hashes.SHA512()))


def plain_signature(curve: Curve, algorithm: hashes.HashAlgorithm) -> Callable[[bytes], bytes]:
    def sign(challenge: bytes) -> bytes:
        pair = decode_dss_signature(ec_key(curve).sign(challenge, ec.ECDSA(algorithm)))
        return b"".join(number.to_bytes(curve.size, "big") for number in pair)

    return sign


def info(arc: int) -> list[SecurityInfo]:
    return [ActiveAuthenticationInfo(f"0.4.0.127.0.7.1.1.4.1.{arc}")]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
@pytest.mark.parametrize(("arc", "algorithm"), ALGORITHMS)
def test_each_curve_and_hash_is_verified(curve: Curve, arc: int, algorithm: hashes.HashAlgorithm) -> None:
    chip = Chip(plain_signature(curve, algorithm))
    assert curve.name in authenticate_actively(chip, spki(ec_key(curve)), info(arc))
    other = plain_signature(curve, hashes.SHA3_256())
    with pytest.raises(NotGenuine):
        authenticate_actively(Chip(other), spki(ec_key(curve)), info(arc))


def test_a_signature_has_one_form_only() -> None:
    """The same numbers with zeros between or before them are not what the standard lets a chip send."""
    sign = plain_signature(CURVES[0], hashes.SHA256())
    for change in (lambda s: s[:32] + b"\0" + s[32:], lambda s: b"\0" + s[:32] + b"\0" + s[32:]):
        with pytest.raises(NotGenuine, match="length"):
            authenticate_actively(Chip(lambda rnd: change(sign(rnd))), spki(ec_key(CURVES[0])), info(3))  # noqa: B023


@given(st.binary(max_size=80))
def test_any_bytes_are_no_ecdsa_signature(signature: bytes) -> None:
    curve = CURVES[0]
    point = ec_key(curve).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with pytest.raises(NotGenuine):
        verify_ecdsa(curve, point, hashes.SHA256(), RND_IFD, signature)


@pytest.mark.parametrize("infos", [[], info(1), info(6), info(3) + info(4)])
def test_ecdsa_without_a_known_hash_is_not_guessed(infos: list[SecurityInfo]) -> None:
    with pytest.raises(UnknownAlgorithm):
        authenticate_actively(Chip(lambda _: b""), spki(ec_key(CURVES[0])), infos)


# --- keys ---


SMALL = bytes.fromhex("305C300D06092A864886F70D0101010500034B003048024100") + b"\xab" * 64 + b"\2\3\1\0\1"
KEYS: dict[str, tuple[bytes, type[CardError]]] = {
    "nothing": (b"", MalformedData),
    "no key": (b"\x30\x00", MalformedData),
    "an indefinite length": (b"\x30\x80" + spki(rsa_key())[4:], MalformedData),
    "more behind it": (spki(rsa_key()) + b"\0", MalformedData),
    "half a key": (spki(rsa_key())[:60], MalformedData),
    "512 bits": (SMALL, UnknownAlgorithm),
    "Ed25519": (bytes.fromhex("302A300506032B6570032100") + bytes(32), CardError),
    "a curve nobody has": (
        ec.generate_private_key(ec.SECP256K1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        UnknownAlgorithm,
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_is_none_is_refused_before_anything_is_believed(name: str) -> None:
    key, error = KEYS[name]
    with pytest.raises(error):
        authenticate_actively(Chip(lambda _: b""), key, info(3))


def test_a_chip_that_refuses_says_so() -> None:
    with pytest.raises(CardRefused, match="INTERNAL AUTHENTICATE"):
        authenticate_actively(Chip(lambda _: b"", sw=0x6D00), spki(rsa_key()))
