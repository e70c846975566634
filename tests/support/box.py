"""A box's journal in a test folder, with a clock that only the test moves and a citizen who answers all."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from firmware.records.format.receipt import Receipt, ReceiptKind, SignedReceipt, sign
from firmware.records.format.schema import FINGERS
from firmware.records.journal import Journal
from firmware.records.keys import BoxKeys
from firmware.records.outbox import SealedFile
from support import record

IMAGE = b"the frozen card image"
SOD = b"\x77\x03SOD"
REPORT: dict[str, Any] = {
    "card_serial": "STOCK-0001",
    "dialect": "lds-plain",
    "data_groups": {"1": "11" * 32, "2": "22" * 32},
    "read_back": True,
    "passive_authentication": True,
    "locked": True,
}
OFFICERS = ("O-1", "O-2")


class Clock:
    """Stands still until `pass_time`."""

    def __init__(self, now: datetime = record.NOW) -> None:
        self.at = now

    def __call__(self) -> datetime:
        return self.at

    def pass_time(self, **amount: float) -> None:
        self.at += timedelta(**amount)


def box_keys() -> BoxKeys:
    keys = record.keys()
    return BoxKeys(
        signer=keys.box,
        box_ca=keys.box_ca,
        receipt_certificate=keys.receipt,
        centre_recipients=(str(keys.centre.to_public()),),
        identity=keys.station,
        recovery_recipient=str(keys.recovery.to_public()),
        simulated=True,
    )


def open_journal(folder: Path, clock: Clock | None = None) -> Journal:
    return Journal(folder / "data", box_keys(), clock or Clock())


def begin(journal: Journal) -> str:
    return journal.begin("first_issue", "7/2024", record.assignment())


def parts() -> list[tuple[str, Any, dict[str, bytes]]]:
    """Everything a first issue needs, in the procedure's order: (part, value, blobs)."""
    files, whole = record.files(), record.manifest()
    fingers = [
        (f"finger/{name}", record.finger(name), {(f := f"fingers/{name}.png"): files[f]}) for name in FINGERS
    ]
    portrait = {"portrait.jp2": files["portrait.jp2"]}
    sections = [(name, whole[name], {}) for name in ("subject", "proof", "consent", "eid_request")]
    return [*sections, *fingers, ("portrait", whole["portrait"], portrait)]


def filled(journal: Journal) -> str:
    """A DRAFT with all parts."""
    record_id = begin(journal)
    for part, value, blobs in parts():
        journal.accept(record_id, part, value, blobs)
    return record_id


def frozen(journal: Journal) -> str:
    record_id = filled(journal)
    journal.freeze(record_id, IMAGE)
    return record_id


def issuing(journal: Journal, record_id: str, number: int = 1, sod: bytes = SOD) -> None:
    journal.keep_sod(record_id, number, sod)
    journal.issuing(record_id, number, sha256(sod).digest())


def completed(journal: Journal) -> str:
    record_id = frozen(journal)
    issuing(journal, record_id)
    journal.complete(record_id, 1, REPORT)
    return record_id


def sealed(journal: Journal) -> SealedFile:
    record_id = completed(journal)
    journal.seal(record_id)
    waiting = [file for file in outbox(journal) if file.record_id == record_id]
    return waiting[0]


def outbox(journal: Journal) -> list[SealedFile]:
    """All unsent files, in the order in which they are sent."""
    files: list[SealedFile] = []
    while (file := journal.next_sealed([one.sequence for one in files])) is not None:
        files.append(file)
    return files


def receipt_for(file: SealedFile, head: str, **changes: Any) -> SignedReceipt:
    """What the centre answers for a sealed file."""
    fields = {
        "kind": ReceiptKind.ACCEPTED,
        "record_digest": file.record_digest,
        "sealed_digest": file.sealed_digest,
        "position": 1,
        "box": record.BOX,
        "sequence": file.sequence,
        "audit_head": head,
        "at": record.NOW,
    }
    return sign(Receipt(**{**fields, **changes}), record.keys().receipt_key)
