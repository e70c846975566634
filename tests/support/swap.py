"""Two boxes of one pool in real folders, the centre's orders key, and the station's recovery identity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from firmware.box.adopt import Wanted, adopt
from firmware.box.export import Exported, export
from firmware.box.identity import Identity
from firmware.box.stick import SwapRefused
from firmware.box.warrants import Papers
from firmware.records.adoption import Adopted
from firmware.records.format.receipt import Receipt, ReceiptKind, SignedReceipt, sign
from firmware.records.format.warrants import SPARE, TRAINING, UNIT, Assignment, Replaces
from firmware.records.journal import Journal
from firmware.records.outbox import SealedFile
from support import box as one_box
from support import record

CODE = "123456789012"
OFFICER = "O-1"
POOL = "province-1"
Certified = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


@dataclass(frozen=True)
class Centre:
    """What every box of these tests believes in."""

    box_ca: Certified
    orders: Certified
    receipts: Certified
    recipient: pyrage.x25519.Identity
    recovery: pyrage.x25519.Identity

    def receipt(self, box: str, file: SealedFile, head: str) -> SignedReceipt:
        fields = (ReceiptKind.ACCEPTED, file.record_digest, file.sealed_digest, 1, box, file.sequence)
        return sign(Receipt(*fields, head, record.NOW), self.receipts[1])


def centre(name: str = "centre") -> Centre:
    """The same keys for the whole run."""
    return _centre(name)


@cache
def _centre(name: str) -> Centre:
    identity = pyrage.x25519.Identity.generate
    made = (record.issue(f"{name} box CA", ca=True), record.issue(f"{name} orders"))
    return Centre(*made, record.issue(f"{name} receipts"), identity(), identity())


@cache
def _certified(name: str, box: str) -> Certified:
    return record.issue(box, centre(name).box_ca)


def locked_recovery(name: str = "centre") -> bytes:
    """As `age -p` makes it."""
    return _locked(name)


@cache
def _locked(name: str) -> bytes:
    return pyrage.passphrase.encrypt(f"# made up\n{centre(name).recovery}\n".encode(), CODE)


def quick_recovery(path: Path, code: str) -> pyrage.x25519.Identity:
    """In place of `adopt.open_recovery`, which takes a second: the same answer for `locked_recovery`."""
    if code != CODE:
        raise SwapRefused("recovery_code_wrong")
    data = path.read_bytes()
    return next(centre(name).recovery for name in ("centre", "other") if locked_recovery(name) == data)


@dataclass
class SwapBox:
    """One box's data folder. `clock` stands still until the test moves it."""

    data: Path
    name: str
    clock: one_box.Clock
    under: str = "centre"

    @property
    def identity(self) -> Identity:
        return Identity(self.data / "identity")

    @property
    def papers(self) -> Papers:
        return Papers(self.identity, production=False)

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        with Journal(self.data / "records", self.identity.keys(simulated=True), self.clock) as journal:
            yield journal

    def take(self, **changes: Any) -> bytes:
        """An assignment of the centre, taken in; its signed bytes."""
        body = self.assignment(**changes)
        with self.journal() as journal:
            self.papers.take(journal, body)
        return body

    def assignment(self, **changes: Any) -> bytes:
        fields: dict[str, Any] = {
            "serial": 1, "box": self.name, "epoch": 1, "role": UNIT, "pool": POOL, "home_unit": "unit-7",
            "capture_unit": "unit-9", "team": "team-3", "station": "", "profile": TRAINING,
            "replaces": None, "at": record.NOW,
        }  # fmt: skip
        return Assignment(**{**fields, **changes}).signed(centre(self.under).orders[1]).to_json()

    def export(self, stick: Path, **more: Any) -> Exported:
        with self.journal() as journal:
            return export(journal, self.papers, stick, OFFICER, **more)

    def adopt(self, source: Path, **more: Any) -> Adopted:
        with self.journal() as journal:
            return adopt(journal, self.papers, Wanted(source, **{"officer": OFFICER, "code": CODE, **more}))


def make_box(folder: Path, name: str, under: str = "centre") -> SwapBox:
    """A box enrolled under one centre, without an assignment."""
    certificate, key = _certified(under, name)
    it, identity = centre(under), folder / name / "identity"
    identity.mkdir(parents=True)
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (identity / "box.key.pem").write_bytes(key.private_bytes(*plain))
    (identity / "recipients.txt").write_text(f"{it.recipient.to_public()}\n")
    (identity / "recovery.txt").write_text(f"{it.recovery.to_public()}\n")
    anchors = {"box-ca": it.box_ca[0], "orders": it.orders[0], "receipt": it.receipts[0]}
    for file, one in {"box.crt": certificate, **anchors}.items():
        (identity / f"{file}.pem").write_bytes(one.public_bytes(Encoding.PEM))
    about = {"box": name, "epoch": 1, "development": True}
    (identity / "identity.json").write_text(json.dumps(about))
    return SwapBox(folder / name, name, one_box.Clock(), under)


def unit(folder: Path, name: str = "BOX-01", under: str = "centre") -> SwapBox:
    made = make_box(folder, name, under)
    made.take()
    return made


def spare(folder: Path, name: str = "BOX-99", under: str = "centre", **changes: Any) -> SwapBox:
    made = make_box(folder, name, under)
    made.take(**{"role": SPARE, "home_unit": "", "capture_unit": "", "team": "", **changes})
    return made


def order(taker: SwapBox, old: str, **changes: Any) -> bytes:
    """Take the place of `old`, epoch 1."""
    return taker.assignment(**{"serial": 2, "epoch": 2, "replaces": Replaces(old, 1), **changes})


# --- records of any box --------------------------------------------------------------------------------


def begin(journal: Journal, epoch: int = 1) -> str:
    return journal.begin("first_issue", "7/2024", {**record.assignment(_box(journal)), "epoch": epoch})


def filled(journal: Journal) -> str:
    record_id = begin(journal)
    for part, value, blobs in one_box.parts():
        journal.accept(record_id, part, value, blobs)
    return record_id


def frozen(journal: Journal) -> str:
    record_id = filled(journal)
    journal.freeze(record_id, one_box.IMAGE)
    return record_id


def completed(journal: Journal) -> str:
    record_id = frozen(journal)
    one_box.issuing(journal, record_id)
    journal.complete(record_id, 1, one_box.REPORT)
    return record_id


def sealed(journal: Journal) -> SealedFile:
    record_id = completed(journal)
    journal.seal(record_id)
    return next(file for file in one_box.outbox(journal) if file.record_id == record_id)


def waiting(journal: Journal, record_id: str, days: int = 30) -> str:
    from datetime import timedelta

    return journal.wait(record_id, "interrupted", journal.now() + timedelta(days=days))


def _box(journal: Journal) -> str:
    return journal.shelf.box
