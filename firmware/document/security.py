"""What a chip says of its own protocols and keys: DG14, DG15 and EF.CardAccess.

Doc 9303-10, 3.11, 4.7.14 and 4.7.15; Doc 9303-11, 9.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from drivers.chip import security_infos
from drivers.chip.errors import MalformedData
from drivers.chip.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfo,
)
from firmware.document import der
from firmware.document.errors import DataGroupError, KeyFormatError, NotDerError
from firmware.document.keys import PublicKey, load_public
from firmware.document.lds import DG_TAGS

PACE_ECDH_GM_AES_128 = f"{security_infos.ID_PACE}.2.2"
CA_ECDH_AES_128 = f"{security_infos.ID_CA}.2.2"
ECDSA_PLAIN_SHA256 = "0.4.0.127.0.7.1.1.4.1.3"  # TR-03111, 5.2.1.1
NIST_P256 = 12  # standardised domain parameters, Doc 9303-11, table 4

PACE = PaceInfo(PACE_ECDH_GM_AES_128, 2, NIST_P256)
ACTIVE_AUTHENTICATION_ECDSA = ActiveAuthenticationInfo(ECDSA_PLAIN_SHA256)


def chip_authentication(spki: bytes) -> tuple[SecurityInfo, SecurityInfo]:
    """The two infos of Chip Authentication v1 under this public key (ECDH, AES-128)."""
    key = ChipAuthenticationPublicKeyInfo(security_infos.ID_PK_ECDH, spki)
    return ChipAuthenticationInfo(CA_ECDH_AES_128, 1), key


def encode_card_access(infos: Iterable[SecurityInfo]) -> bytes:
    """EF.CardAccess: a SET OF SecurityInfo in DER."""
    return security_infos.encode(list(infos))


def decode_card_access(content: bytes) -> tuple[SecurityInfo, ...]:
    """The infos of EF.CardAccess. Raises DataGroupError."""
    return _infos("EF.CardAccess", content)


def encode_dg14(infos: Iterable[SecurityInfo]) -> bytes:
    """DG14: what EF.CardAccess says, and what concerns the chip's keys."""
    return der.tlv(DG_TAGS[14], security_infos.encode(list(infos)))


def decode_dg14(content: bytes) -> tuple[SecurityInfo, ...]:
    """The infos of DG14. Raises DataGroupError."""
    try:
        body = der.one(content, DG_TAGS[14]).value
    except NotDerError as exc:
        raise DataGroupError("DG14", str(exc)) from exc
    return _infos("DG14", body)


def encode_dg15(spki: bytes) -> bytes:
    """DG15 around the SubjectPublicKeyInfo of Active Authentication. Raises DataGroupError if it is none."""
    content = der.tlv(DG_TAGS[15], spki)
    decode_dg15(content)
    return content


def decode_dg15(content: bytes) -> PublicKey:
    """The public key of Active Authentication. Raises DataGroupError."""
    try:
        body = der.one(content, DG_TAGS[15]).value
        der.check_strict(body)
        return load_public(body)
    except (NotDerError, KeyFormatError) as exc:
        raise DataGroupError("DG15", str(exc)) from exc


def check_copy(card_access: bytes | None, dg14: bytes | None) -> None:
    """EF.CardAccess is not signed: DG14 must hold all that it says, and no other PACE (9303-11, 9.2.11).

    Without the second a chip in the middle could hide the PACE that the true one has. None is a file
    that is not there. Raises DataGroupError.
    """
    outside = set(decode_card_access(card_access)) if card_access is not None else set()
    inside = set(decode_dg14(dg14)) if dg14 is not None else set()
    if not outside <= inside:
        raise DataGroupError("EF.CardAccess", "says what its copy in DG14 does not")
    if not {info for info in inside if isinstance(info, PaceInfo)} <= outside:
        raise DataGroupError("EF.CardAccess", "lacks the PACE that DG14 knows")


def chip_keys(dg14: bytes) -> tuple[bytes, ...]:
    """The public keys of Chip Authentication (SubjectPublicKeyInfo), each usable and with its protocol.

    Raises DataGroupError for a protocol without its key, a key that cannot be used, two of one identifier.
    """
    infos = decode_dg14(dg14)
    keys = [info for info in infos if isinstance(info, ChipAuthenticationPublicKeyInfo)]
    identifiers = [key.key_id for key in keys]
    if len(set(identifiers)) != len(identifiers):
        raise DataGroupError("DG14", "two chip keys of one identifier")
    for info in infos:
        if isinstance(info, ChipAuthenticationInfo) and not _named(info.key_id, identifiers):
            raise DataGroupError("DG14", "chip authentication without its key")
    for key in keys:
        _check_usable(key)
    return tuple(key.public_key for key in keys)


def with_chip_key(dg14: bytes, spki: bytes) -> bytes:
    """The same DG14 with another public key of Chip Authentication. Raises DataGroupError."""
    infos = decode_dg14(dg14)
    return encode_dg14(
        replace(info, public_key=spki) if isinstance(info, ChipAuthenticationPublicKeyInfo) else info
        for info in infos
    )


def _named(key_id: int | None, identifiers: list[int | None]) -> bool:
    return key_id in identifiers or (key_id is None and len(identifiers) == 1)


def _check_usable(key: ChipAuthenticationPublicKeyInfo) -> None:
    if key.protocol != security_infos.ID_PK_ECDH:
        return  # a finite field: kept, not used here
    try:
        load_public(key.public_key)
    except KeyFormatError as exc:
        raise DataGroupError("DG14", f"a chip key that cannot be used: {exc}") from exc


def _infos(name: str, content: bytes) -> tuple[SecurityInfo, ...]:
    """Strict DER but for the order of the SET, which cards do not keep."""
    try:
        infos = security_infos.parse(content)
    except MalformedData as exc:
        raise DataGroupError(name, str(exc)) from exc
    if not infos:
        raise DataGroupError(name, "no protocol at all")
    return infos
