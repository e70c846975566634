"""The plain applet takes both halves of an RSA key as long as the modulus, however short a number is."""

from __future__ import annotations

from math import gcd, lcm

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.chip import KEYS, Keys
from support.dialects import kit

from drivers.virtual.card import VirtualReader


def with_short_exponent() -> rsa.RSAPrivateKey:
    """RSA-1024 with a private exponent of 127 bytes or fewer, as one key in some hundred has."""
    own = rsa.generate_private_key(65537, 1024).private_numbers()  # noqa: S505  the applet's limit
    order = lcm(own.p - 1, own.q - 1)
    pairs = ((e, pow(e, -1, order)) for e in range(65537, 1 << 20, 2) if gcd(e, order) == 1)
    e, d = next((e, d) for e, d in pairs if d < 1 << 1016)
    halves = rsa.rsa_crt_dmp1(d, own.p), rsa.rsa_crt_dmq1(d, own.q)
    public = rsa.RSAPublicNumbers(e, own.p * own.q)
    return rsa.RSAPrivateNumbers(own.p, own.q, d, *halves, own.iqmp, public).private_key()


def test_a_private_exponent_shorter_than_the_modulus_is_taken_and_proven() -> None:
    key = with_short_exponent()
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    plain = kit("lds-plain")
    with VirtualReader() as reader:
        reader.put(plain.blank())
        dialect = plain.open(reader)
        dialect.identify(KEYS)
        dialect.put_keys(Keys(KEYS, aa=pkcs8))
        plain.finish(dialect)
        assert "active_authentication" in dialect.prove_locked(Keys(KEYS, aa=pkcs8))
