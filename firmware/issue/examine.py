"""Passive authentication as a report: every check that can still be made after another one failed.

`firmware.document.passive` decides whether a chip is believed; this says why, with the same checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from asn1crypto import algos
from cryptography import x509

from firmware.document import passive
from firmware.document.errors import Check, DocumentError
from firmware.document.lds import DG_NUMBERS, decode_com
from firmware.document.sod import Sod, parse
from firmware.issue.findings import Outcome, Sheet

IN_SOD = (Check.SOD, Check.ONE_SIGNER, Check.CONTENT_TYPE)
BY_SIGNER = (Check.DS, Check.KEY_USAGE, Check.CHAIN, Check.VALIDITY, Check.SIGNATURE)


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed, as the document signer's certificate and EF.SOD say it; see the findings for what holds."""

    document_signer: str = ""
    ds_serial: int = 0
    issuer: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    hash_algorithm: str = ""
    signature_algorithm: str = ""
    signed_at: datetime | None = None
    data_groups: tuple[int, ...] = ()
    authority_known: bool = False
    """Whether the trust store has an authority of the issuer's name."""


NOBODY = Signed()


def examine(
    sod: bytes,
    files: Mapping[int, bytes],
    trust: Sequence[x509.Certificate],
    at: datetime,
    guarded: frozenset[int],
    sheet: Sheet,
) -> Signed:
    """Note each check of passive authentication in `sheet`.

    `files` are those that were read, by FID, without EF.SOD; `guarded` the FIDs that the chip refused to
    show, so that their hashes cannot be compared.
    """
    parsed = sheet.ask(Check.SOD, lambda: parse(sod))
    if parsed is None:
        sheet.all_not_made(Check, "EF.SOD cannot be read")
        return NOBODY
    for check in IN_SOD:
        sheet.held(check)
    sheet.ask(Check.MESSAGE_DIGEST, lambda: passive.check_content(parsed))
    signed = _signer(parsed, trust, at, sheet)
    _contents(parsed, files, guarded, sheet)
    if sheet.outcome(Check.SIGNATURE) is Outcome.HELD:
        sheet.held(Check.ALGORITHM)
    sheet.not_made(Check.ALGORITHM, "no signature was verified")
    return signed


def _signer(sod: Sod, trust: Sequence[x509.Certificate], at: datetime, sheet: Sheet) -> Signed:
    ds = sheet.ask(Check.DS, lambda: passive.document_signer(sod))
    if ds is None:
        sheet.all_not_made(BY_SIGNER, "there is no document signer's certificate to check with")
        return _signed(sod)
    sheet.held(Check.KEY_USAGE)
    csca = sheet.ask(Check.CHAIN, lambda: passive.csca_of(ds, trust))
    sheet.ask(Check.VALIDITY, lambda: passive.check_valid(ds, csca or ds, at))
    sheet.ask(Check.SIGNATURE, lambda: passive.check_signature(sod, ds))
    known = any(each.subject == ds.issuer for each in trust)
    return replace(
        _signed(sod),
        document_signer=ds.subject.rfc4514_string(),
        ds_serial=ds.serial_number,
        issuer=ds.issuer.rfc4514_string(),
        valid_from=ds.not_valid_before_utc,
        valid_to=ds.not_valid_after_utc,
        authority_known=known,
    )


def _signed(sod: Sod) -> Signed:
    named: Any = algos.SignedDigestAlgorithm.load(sod.signature_algorithm)
    return Signed(
        hash_algorithm=sod.hash_algorithm,
        signature_algorithm=str(named["algorithm"].native),
        signed_at=sod.signed_at,
        data_groups=tuple(sorted(sod.hashes)),
    )


def _contents(sod: Sod, files: Mapping[int, bytes], guarded: frozenset[int], sheet: Sheet) -> None:
    """Hashes of what was read, and what the files that nobody signs say."""
    sheet.ask(Check.HASHES, partial(passive.check_hashes, sod, files, guarded))
    for check, made in passive.ONLY_WHERE_THERE.items():
        sheet.ask_whether(check, partial(made, sod, files, guarded))


def listed_groups(com: bytes | None) -> set[int]:
    """The data groups that EF.COM lists; none where it is not there or cannot be read as one."""
    try:
        return {DG_NUMBERS[tag] for tag in decode_com(com).tags} if com else set()
    except DocumentError:
        return set()


def signed_groups(sod: bytes | None) -> set[int]:
    """The data groups that EF.SOD lists, believed or not."""
    try:
        return set(parse(sod).hashes) if sod else set()
    except DocumentError:
        return set()
