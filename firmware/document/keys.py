"""Public keys as chips and certificates hold them: curves named or written out (Doc 9303-12, 4.4.3).

The standard wants elliptic curves with all their parameters; `cryptography` reads that for the NIST
curves only, so `ecdsa` finds out which curve it is.
"""

from __future__ import annotations

from types import MappingProxyType

import ecdsa
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from firmware.document.errors import KeyFormatError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_CURVES: MappingProxyType[str, ec.EllipticCurve] = MappingProxyType(
    {
        "NIST256p": ec.SECP256R1(),
        "NIST384p": ec.SECP384R1(),
        "NIST521p": ec.SECP521R1(),
        "BRAINPOOLP256r1": ec.BrainpoolP256R1(),
        "BRAINPOOLP384r1": ec.BrainpoolP384R1(),
        "BRAINPOOLP512r1": ec.BrainpoolP512R1(),
    }
)
"""By the names of `ecdsa`."""
_NAMES = MappingProxyType({curve.name: name for name, curve in _CURVES.items()})
MAX_SPKI = 2048


def load_public(spki: bytes) -> PublicKey:
    """The key of a SubjectPublicKeyInfo in DER. Raises KeyFormatError if not RSA or on a known curve."""
    if len(spki) > MAX_SPKI:
        raise KeyFormatError(f"a public key of {len(spki)} bytes")
    try:
        key = load_der_public_key(spki)
    except UnsupportedAlgorithm:
        return _of_written_out_curve(spki)
    except (ValueError, TypeError) as exc:
        raise KeyFormatError(str(exc)) from exc
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise KeyFormatError(f"a key of kind {type(key).__name__}")
    return key


def load_private(pkcs8: bytes) -> PrivateKey:
    """The key of an unencrypted PKCS#8 in DER, which was made here. Raises KeyFormatError.

    That an RSA key's numbers are primes was settled then: to ask again takes a Pi a tenth of a second.
    """
    try:
        key = load_der_private_key(pkcs8, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise KeyFormatError("not a private key in PKCS#8") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise KeyFormatError(f"a key of kind {type(key).__name__}")
    return key


def encode_private(key: PrivateKey) -> bytes:
    """PKCS#8 in DER, not encrypted."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def encode_public(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo in DER: a curve with all parameters and cofactor, the point uncompressed."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if key.curve.name not in _NAMES:
        raise KeyFormatError(f"curve {key.curve.name}")
    curve = getattr(ecdsa, _NAMES[key.curve.name])
    return bytes(ecdsa.VerifyingKey.from_string(point, curve=curve).to_der("uncompressed", "explicit"))


def _of_written_out_curve(spki: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = ecdsa.VerifyingKey.from_der(spki, valid_curve_encodings=("explicit",))
        curve = _CURVES[key.curve.name]
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, key.to_string("uncompressed"))
    except (ecdsa.errors.MalformedPointError, ecdsa.der.UnexpectedDER, ValueError, TypeError) as exc:
        raise KeyFormatError(str(exc)) from exc
    except (KeyError, ecdsa.curves.UnknownCurveError, AssertionError, IndexError) as exc:
        raise KeyFormatError("a curve that is none of the known ones") from exc
