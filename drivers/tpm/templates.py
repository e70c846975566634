"""What objects of this house look like in a TPM (TPM 2.0 Library, part 2), and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.tpm.errors import TpmRefused, Why

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from drivers.tpm.blob import Blob

_PERSISTENT_FIRST, _VARIABLE_FIRST = 0x81000000, 0x200  # PT_VAR: part 2, 6.13
_MOST_LISTED = 64
PERMANENT = 0x200  # TPM_PT_PERMANENT
LOCKOUT_AUTH_SET = 1 << 2  # TPMA_PERMANENT, part 2, 8.6


def storage_root() -> tuple[Any, Any]:
    """Arguments of CreatePrimary: the ECC P-256 storage key of TCG's provisioning guidance, no auth."""
    from tpm2_pytss import TPM2B_PUBLIC, TPM2B_SENSITIVE_CREATE
    from tpm2_pytss import TPMA_OBJECT as A

    attributes = _inside() | A.SENSITIVEDATAORIGIN | A.NODA | A.RESTRICTED | A.DECRYPT
    return TPM2B_SENSITIVE_CREATE(), TPM2B_PUBLIC.parse("ecc256:aes128cfb", objectAttributes=attributes)


def signing_key() -> Any:
    from tpm2_pytss import TPM2B_PUBLIC
    from tpm2_pytss import TPMA_OBJECT as A

    attributes = _inside() | A.SENSITIVEDATAORIGIN | A.NODA | A.SIGN_ENCRYPT
    return TPM2B_PUBLIC.parse("ecc256:ecdsa-sha256", objectAttributes=attributes)


def sealed(guarded: bool) -> Any:
    from tpm2_pytss import TPM2B_PUBLIC
    from tpm2_pytss import TPMA_OBJECT as A

    attributes = _inside() if guarded else _inside() | A.NODA
    return TPM2B_PUBLIC.parse("keyedhash", objectAttributes=attributes)


def _inside() -> Any:
    """It never leaves this TPM, and is used by whoever knows its auth value."""
    from tpm2_pytss import TPMA_OBJECT as A

    return A.FIXEDTPM | A.FIXEDPARENT | A.USERWITHAUTH


def sensitive(auth: bytes, data: bytes) -> Any:
    from tpm2_pytss import TPM2B_AUTH, TPM2B_SENSITIVE_CREATE, TPM2B_SENSITIVE_DATA, TPMS_SENSITIVE_CREATE

    inner = TPMS_SENSITIVE_CREATE(userAuth=TPM2B_AUTH(auth), data=TPM2B_SENSITIVE_DATA(data))
    return TPM2B_SENSITIVE_CREATE(inner)


def parsed(blob: Blob) -> tuple[Any, Any]:
    """(TPM2B_PRIVATE, TPM2B_PUBLIC) of an object from a disk."""
    from tpm2_pytss import TPM2B_PRIVATE, TPM2B_PUBLIC

    private, used = TPM2B_PRIVATE.unmarshal(blob.private)
    public, read = TPM2B_PUBLIC.unmarshal(blob.public)
    if (used, read) != (len(blob.private), len(blob.public)):
        raise TpmRefused("read an object", Why.FOREIGN)
    return private, public


def public_key(public: bytes) -> ec.EllipticCurvePublicKey:
    """The P-256 key of a TPM2B_PUBLIC. Raises TpmRefused(FOREIGN) when it is another object."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from tpm2_pytss import TPM2_ALG, TPM2_ECC, TPM2B_PUBLIC, TSS2_Exception

    try:
        parsed = TPM2B_PUBLIC.unmarshal(public)[0]  # owns what is read below
    except TSS2_Exception as exc:
        raise TpmRefused("read a key", Why.FOREIGN) from exc
    area = parsed.publicArea
    if area.type != TPM2_ALG.ECC or area.parameters.eccDetail.curveID != TPM2_ECC.NIST_P256:
        raise TpmRefused("read a key", Why.FOREIGN)
    x, y = (int.from_bytes(bytes(half), "big") for half in (area.unique.ecc.x, area.unique.ecc.y))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as exc:
        raise TpmRefused("read a key", Why.FOREIGN) from exc


def to_be_signed(digest: bytes) -> tuple[Any, Any, Any]:
    """Arguments of Sign: the digest was made outside, which an unrestricted key allows."""
    from tpm2_pytss import (
        TPM2_ALG,
        TPM2_RH,
        TPM2_ST,
        TPM2B_DIGEST,
        TPMS_SCHEME_HASH,
        TPMT_SIG_SCHEME,
        TPMT_TK_HASHCHECK,
        TPMU_SIG_SCHEME,
    )

    details = TPMU_SIG_SCHEME(ecdsa=TPMS_SCHEME_HASH(hashAlg=TPM2_ALG.SHA256))
    scheme = TPMT_SIG_SCHEME(scheme=TPM2_ALG.ECDSA, details=details)
    return TPM2B_DIGEST(digest), scheme, TPMT_TK_HASHCHECK(tag=TPM2_ST.HASHCHECK, hierarchy=TPM2_RH.NULL)


def encrypting(root: Any) -> dict[str, Any]:
    """Arguments of StartAuthSession: salted to the storage root key, parameters encrypted."""
    from tpm2_pytss import ESYS_TR, TPM2_ALG, TPM2_SE, TPMT_SYM_DEF, TPMU_SYM_KEY_BITS, TPMU_SYM_MODE

    aes = TPMT_SYM_DEF(
        algorithm=TPM2_ALG.AES, keyBits=TPMU_SYM_KEY_BITS(aes=128), mode=TPMU_SYM_MODE(aes=TPM2_ALG.CFB)
    )
    return {
        "tpm_key": root,
        "bind": ESYS_TR.NONE,
        "session_type": TPM2_SE.HMAC,
        "symmetric": aes,
        "auth_hash": TPM2_ALG.SHA256,
    }


def session_attributes() -> Any:
    from tpm2_pytss import TPMA_SESSION

    return TPMA_SESSION.DECRYPT | TPMA_SESSION.ENCRYPT | TPMA_SESSION.CONTINUESESSION


def persistent(esapi: Any) -> set[int]:
    """The handles of what the TPM keeps."""
    from tpm2_pytss import TPM2_CAP

    _, answer = esapi.get_capability(TPM2_CAP.HANDLES, _PERSISTENT_FIRST, _MOST_LISTED)
    listed = answer.data.handles
    return {int(listed[index]) for index in range(listed.count)}


def variable_properties(esapi: Any) -> dict[int, int]:
    from tpm2_pytss import TPM2_CAP

    _, answer = esapi.get_capability(TPM2_CAP.TPM_PROPERTIES, _VARIABLE_FIRST, _MOST_LISTED)
    listed = answer.data.tpmProperties
    return {int(listed[index].property): int(listed[index].value) for index in range(listed.count)}
