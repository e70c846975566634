"""What the demo proves from outside the kiosk: the record as the centre opens it, and the card itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage
from cryptography import x509

from drivers.virtual.card.card import VirtualCard
from firmware.box.identity import Identity
from firmware.document.mrz import access_keys, td1
from firmware.quality.best import FingerRules
from firmware.records.format.receipt import Receipt
from firmware.records.format.rules import packs
from firmware.records.format.seal import OpenedRecord, open_sealed
from firmware.records.report import AuditRow, audit_rows, receipt_of
from firmware.records.shelf import beside
from firmware.sim.guard import NotAccepted, Passport, read_card


class NotShown(Exception):
    """Something that the demo must show is not so; the text says what."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finished citizen: the manifest and receipt that the centre has, and what a guard reads."""

    manifest: Mapping[str, Any]
    receipt: Receipt
    passport: Passport
    sealed_bytes: int
    thresholds: Mapping[str, int]
    states: tuple[tuple[str, str, str], ...]
    report: Mapping[str, Any] = field(default_factory=dict)
    """What the box says of the chip that it made."""
    look_again: str = ""
    """The command that inspects the finished card, which lies beside the centre."""


def gather(box: Path, centre: Path, record_id: str, card: VirtualCard) -> Evidence:
    """Collect and cross-check the evidence for one record, from the folders of box and centre.

    The kiosk may be running, or gone. Raises NotShown.
    """
    identity = Identity(box / "identity")
    with beside(box / "records", identity.certificate("box.crt")) as shelf:
        signed = receipt_of(shelf, record_id)
        rows = [row for row in audit_rows(shelf) if row.record_id == record_id]
    if signed is None:
        raise NotShown(f"no receipt came for record {record_id}")
    receipt = signed.verify(identity.certificate("receipt"))
    sealed = _sealed_file(centre, receipt.sealed_digest)
    opened = _opened(centre, sealed.read_bytes())
    subject = {name: field["value"] for name, field in opened.manifest["subject"].items()}
    csca = identity.folder / "csca.pem"
    passport = _passport(card, subject, csca)
    saved = _saved(card, centre.parent / "cards" / f"{record_id}.json")
    _check(opened, receipt, passport)
    size = sealed.stat().st_size
    return Evidence(
        opened.manifest,
        receipt,
        passport,
        size,
        FingerRules.of(packs()[opened.manifest["rule_pack"]]).least,
        _states(rows, opened, receipt, size),
        _report(opened),
        _look_again(saved, subject, csca),
    )


def _passport(card: VirtualCard, subject: Mapping[str, str], csca: Path) -> Passport:
    try:
        return read_card(card, access_keys(td1(subject)), csca)
    except NotAccepted as exc:
        raise NotShown(f"a border guard does not accept the card: {exc}") from exc


def _saved(card: VirtualCard, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(card.to_bytes())
    return path


def _look_again(saved: Path, subject: Mapping[str, str], csca: Path) -> str:
    """The MRZ's fields on a command line: these people are made up."""
    keys = access_keys(td1(subject))
    fields = f"--document-number {keys.document_number} --birth {keys.birth} --expiry {keys.expiry}"
    return f"kiosk card inspect --virtual {saved} --trust {csca} {fields}"


def _report(opened: OpenedRecord) -> Mapping[str, Any]:
    report: dict[str, Any] = json.loads(opened.files[opened.manifest["chip"]["report"]])
    return report


def _sealed_file(centre: Path, digest: str) -> Path:
    found = next((centre / "records").rglob(f"*{digest}*"), None)
    if found is None:
        raise NotShown(f"the centre has no sealed file {digest[:12]}…")
    return found


def _opened(centre: Path, data: bytes) -> OpenedRecord:
    """Open a sealed record with the development centre's own keys."""
    secret = (centre / "pki" / "recipients-identity.txt").read_text().split()[-1]
    authority = x509.load_pem_x509_certificate((centre / "pki" / "box-ca.crt.pem").read_bytes())
    return open_sealed(data, [pyrage.x25519.Identity.from_str(secret)], authority, datetime.now(UTC))


def _check(opened: OpenedRecord, receipt: Receipt, passport: Passport) -> None:
    manifest = opened.manifest
    portrait = opened.files[manifest["portrait"]["image"]]
    facts = {
        "the receipt is for another record": receipt.record_digest == opened.record_digest,
        "the audit head did not come back in the receipt": receipt.audit_head == manifest["audit_head"],
        "the card's portrait is not the record's": passport.portrait == portrait,
        "the chip was not locked": manifest["chip"]["locked"],
        "the box and the guard opened the chip differently": _report(opened)["protocol"] == passport.protocol,
        "a file was withheld that the issuer did not read": set(passport.withheld)
        <= set(_report(opened)["read_by_issuer"]),
        "the record does not say that it is simulated": manifest["simulated"],
        "not all ten fingers are there": len(manifest["fingers"]) == 10,
    }
    for wrong, holds in facts.items():
        if not holds:
            raise NotShown(wrong)


def _states(
    rows: list[AuditRow], opened: OpenedRecord, receipt: Receipt, size: int
) -> tuple[tuple[str, str, str], ...]:
    """State, moment and a note, by the box's own audit log."""
    manifest = opened.manifest
    content = sum(file["bytes"] for file in manifest["files"].values())
    notes = {
        "begin": ("DRAFT", f"case {manifest['case']}, rule pack {manifest['rule_pack']}"),
        "freeze": ("FROZEN", f"{len(manifest['files'])} files, {content} B"),
        "issuing": ("ISSUING", f"attempt {manifest['chip']['attempt']}, before the first byte of EF.SOD"),
        "complete": ("COMPLETE", "the lock is proven"),
        "seal": ("SEALED", f"number {manifest['sequence']} of this box, {size} B, age to the centre"),
        "receipt": ("ACKED, PURGED", f"ledger position {receipt.position}"),
    }
    return tuple((notes[row.act][0], row.at[11:23], notes[row.act][1]) for row in rows if row.act in notes)
