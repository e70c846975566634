"""Which signatures are believed, and whether one holds (Doc 9303-12, 4.4; the allow-list is ours)."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from firmware.document.errors import Check, NotAuthenticError

HASHES: MappingProxyType[str, Callable[[], hashes.HashAlgorithm]] = MappingProxyType(
    {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
)
CURVES = frozenset(
    {
        "secp256r1", "secp384r1", "secp521r1",
        "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
    }
)  # fmt: skip
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192


def digest(algorithm: str, data: bytes) -> bytes:
    """The hash of `data`. Raises NotAuthenticError(ALGORITHM) if it is not on the list."""
    state = hashes.Hash(_hash(algorithm))
    state.update(data)
    return state.finalize()


def verify(
    key: object, algorithm: bytes, signature: bytes, signed: bytes, digest_name: str | None = None
) -> None:
    """Return if `signature` over `signed` holds under `key`.

    `algorithm` is the AlgorithmIdentifier as DER; `digest_name` is the hash named beside it (a CMS
    signer's digest algorithm), which it must not contradict. Raises NotAuthenticError(ALGORITHM) for
    what is not on the list, (SIGNATURE) for what does not hold.
    """
    check_key(key)
    try:
        named = algos.SignedDigestAlgorithm.load(algorithm, strict=True)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(_hash(_of(named, "ecdsa", digest_name))))
        elif isinstance(key, rsa.RSAPublicKey):
            pad, hash_name = _rsa_padding(named, digest_name)
            key.verify(signature, signed, pad, _hash(hash_name))
    except InvalidSignature as exc:
        raise NotAuthenticError(Check.SIGNATURE, "does not hold") from exc
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm) as exc:
        raise NotAuthenticError(Check.ALGORITHM, str(exc)) from exc


def check_key(key: object) -> None:
    """Raise NotAuthenticError(ALGORITHM) unless the key's kind, curve or size is on the list."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in CURVES:
            raise NotAuthenticError(Check.ALGORITHM, f"curve {key.curve.name}")
    elif isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise NotAuthenticError(Check.ALGORITHM, f"RSA of {key.key_size} bits")
    else:
        raise NotAuthenticError(Check.ALGORITHM, f"a key of kind {type(key).__name__}")


def _of(named: Any, family: str, beside: str | None) -> str:
    """The hash of a signature algorithm of this family, once it agrees with the one beside it."""
    if named.signature_algo != family:
        raise NotAuthenticError(Check.ALGORITHM, str(named["algorithm"].native))
    if beside and named["algorithm"].native == "rsassa_pkcs1v15":
        return beside  # rsaEncryption alone names no hash (RFC 3370, 3.2)
    own = str(named.hash_algo)
    if beside and own != beside:
        raise NotAuthenticError(Check.ALGORITHM, f"{own} beside {beside}")
    return own


def _rsa_padding(named: Any, beside: str | None) -> tuple[padding.AsymmetricPadding, str]:
    if named.signature_algo != "rsassa_pss":
        return padding.PKCS1v15(), _of(named, "rsassa_pkcs1v15", beside)
    own = _of(named, "rsassa_pss", beside)
    mask = named["parameters"]["mask_gen_algorithm"]
    if mask["algorithm"].native != "mgf1" or mask["parameters"]["algorithm"].native != own:
        raise NotAuthenticError(Check.ALGORITHM, "PSS with a mask of another hash")
    salt = named["parameters"]["salt_length"].native
    return padding.PSS(padding.MGF1(_hash(own)), salt), own


def _hash(name: str) -> hashes.HashAlgorithm:
    if name not in HASHES:
        raise NotAuthenticError(Check.ALGORITHM, f"hash {name}")
    return HASHES[name]()
