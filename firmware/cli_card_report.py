"""An inspection as people and programs read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import typer

from firmware.cli_card_words import CHECKS, HELP, OUTCOMES, SEEN, VERDICTS, both
from firmware.document import der
from firmware.document.data_groups import decode_dg2, decode_dg13
from firmware.document.errors import DataGroupError, DocumentError
from firmware.document.lds import DG_TAGS, Fid
from firmware.issue.findings import Outcome
from firmware.issue.inspect import Inspection, Seen

REFUSED = "refused: "  # said already
_MRZ = 0x5F1F
_ZONE_LINES = {90: 30, 72: 36, 88: 44}  # length of the zone: of a line (Doc 9303-4 to -6)


def say(found: Inspection, as_json: bool, show: bool) -> None:
    """Print it; personal data only with `show`."""
    if as_json:
        typer.echo(json.dumps(_row(found, show), ensure_ascii=False))
        return
    for line in lines(found, show):
        typer.echo(line)


def lines(found: Inspection, show: bool = False) -> Iterator[str]:
    """The whole text, line by line."""
    yield both(VERDICTS[found.verdict])
    if found.why:
        yield f"  {found.why}"
    if found.verdict in HELP:
        yield f"  → {both(HELP[found.verdict])}"
    yield from _chip(found)
    yield from _files(found)
    yield from _checks(found)
    yield from _signer(found)
    if show:
        yield from _person(found)


def _chip(found: Inspection) -> Iterator[str]:
    yield ""
    yield f"Giao thức · protocol   {found.protocol or '-'}"
    yield f"ATR                    {found.atr or '-'}"
    yield f"CPLC                   {found.cplc or 'không có · none'}"


def _files(found: Inspection) -> Iterator[str]:
    if found.files:
        yield ""
        yield "Tệp · files"
    for file in found.files:
        size = f"{file.size} B" if file.size is not None else ""
        note = f": {file.detail.removeprefix(REFUSED)}" if file.detail else ""
        yield f"  {file.name:<14} {size:>8}  {both(SEEN[file.seen])}{note}"


def _checks(found: Inspection) -> Iterator[str]:
    if found.findings:
        yield ""
        yield "Kiểm tra · checks"
    for each in found.findings:
        detail = f": {each.detail}" if each.detail else ""
        yield f"  {both(OUTCOMES[each.outcome]):<22} {CHECKS[each.check]} · {each.check}{detail}"


def _signer(found: Inspection) -> Iterator[str]:
    signed = found.signed
    if not signed.hash_algorithm:
        return
    yield ""
    yield "Người ký · signer"
    yield f"  DS         {signed.document_signer or '-'}  (số · serial {signed.ds_serial:X})"
    yield f"  CSCA       {signed.issuer or '-'}"
    if signed.valid_from and signed.valid_to:
        yield f"  hiệu lực · valid  {signed.valid_from:%Y-%m-%d} … {signed.valid_to:%Y-%m-%d}"
    yield f"  thuật toán · algorithms  {signed.signature_algorithm}, {signed.hash_algorithm}"


def _person(found: Inspection) -> Iterator[str]:
    yield ""
    yield "Dữ liệu cá nhân · PERSONAL DATA"
    person = person_of(found)
    for line in person.get("mrz", ()):
        yield f"  {line}"
    for name, value in person.get("dg13", {}).items():
        yield f"  {name:<20} {value}"
    if "portrait" in person:
        yield f"  {'portrait':<20} {person['portrait']}"


def person_of(found: Inspection) -> dict[str, Any]:
    """What the files say of the person, as far as they can be decoded here."""
    person: dict[str, Any] = {}
    for fid, name, decode in (
        (Fid.DG1, "mrz", _zone),
        (Fid.DG13, "dg13", lambda content: dict(decode_dg13(content).subject)),
        (Fid.DG2, "portrait", _portrait),
    ):
        try:
            if fid in found.contents:
                person[name] = decode(found.contents[fid])
        except DocumentError:
            continue  # another state's: what it means is not known here
    return person


def _zone(content: bytes) -> list[str]:
    """The lines of any state's MRZ. Raises DocumentError."""
    text = der.one(der.one(content, DG_TAGS[1]).value, _MRZ).value.decode("ascii", "replace")
    if len(text) not in _ZONE_LINES:
        raise DataGroupError("DG1", f"a zone of {len(text)} characters")
    width = _ZONE_LINES[len(text)]
    return [text[at : at + width] for at in range(0, len(text), width)]


def _portrait(content: bytes) -> str:
    portrait = decode_dg2(content)
    return f"JPEG 2000, {portrait.width_px} × {portrait.height_px}, {len(portrait.image)} B"


def _row(found: Inspection, show: bool) -> dict[str, Any]:
    signed = found.signed
    row: dict[str, Any] = {
        "verdict": found.verdict,
        "why": found.why,
        "protocol": found.protocol or None,
        "atr": found.atr or None,
        "cplc": found.cplc or None,
        "files": [
            {"name": file.name, "fid": f"{file.fid:04X}", "bytes": file.size, "outcome": file.seen}
            | ({"detail": file.detail} if file.detail or file.seen is not Seen.READ else {})
            for file in found.files
        ],
        "checks": [
            {"check": each.check, "outcome": each.outcome, "detail": each.detail} for each in found.findings
        ],
        "failed": [each.check for each in found.findings if each.outcome is Outcome.FAILED],
        "signer": {
            "document_signer": signed.document_signer or None,
            "serial": f"{signed.ds_serial:X}" if signed.document_signer else None,
            "csca": signed.issuer or None,
            "valid_from": signed.valid_from.isoformat() if signed.valid_from else None,
            "valid_to": signed.valid_to.isoformat() if signed.valid_to else None,
            "signature_algorithm": signed.signature_algorithm or None,
            "hash_algorithm": signed.hash_algorithm or None,
            "signed_at": signed.signed_at.isoformat() if signed.signed_at else None,
        },
    }
    return row | ({"person": person_of(found)} if show else {})
