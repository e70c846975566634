"""A box's console: its journal, its officers, and a record whose card was torn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from centre.pki import Role
from centre.station import Station
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from firmware import cli, cli_shared, cli_torn
from firmware.box.identity import Identity
from firmware.box.officers import write_officers
from firmware.document.image import CardImage
from firmware.issue.ports import Order
from firmware.issue.signers import FileSigner
from firmware.issue.transaction import Transaction
from firmware.records.journal import Journal
from firmware.records.report import audit_rows, list_records
from firmware.records.states import RecordState
from firmware.sim.officer import PINS, staff
from support import box, record
from support.people import CAPTURED, jp2

FIRST, SECOND, TECHNICIAN = PINS
NOW = record.NOW
DAY_BEFORE = NOW - timedelta(days=1)


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> datetime:
        return NOW

    monkeypatch.setattr(cli_shared, "now", now)
    monkeypatch.setattr(cli_torn, "CARD_S", 0.02)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An enrolled box on its first morning."""
    station = Station(tmp_path / "centre")
    station.init(DAY_BEFORE)
    station.enrol_box(record.BOX, tmp_path / "box" / "identity", DAY_BEFORE)
    write_officers(tmp_path / "box" / "identity" / "officers.json", staff())
    return tmp_path / "box"


def journal_of(data: Path) -> closing[Journal]:
    keys = Identity(data / "identity").keys(simulated=True)
    return closing(Journal(data / "records", keys, lambda: NOW))


def torn(data: Path, apdus: int) -> tuple[str, str, VirtualCard]:
    """A record whose card was lifted after so many APDUs and that waits: its id, its ticket, its card."""
    identity, pki = Identity(data / "identity"), Station(data.parent / "centre").pki
    values = {name: each["value"] for name, each in record.subject().items()}
    subject = {**values, "expiry_date": "2029-05-06"}
    card, reader = blank_card(), VirtualReader()
    signer = FileSigner(
        pki.key_path(Role.DOCUMENT_SIGNER),
        pki.certificate_path(Role.DOCUMENT_SIGNER),
        lambda: NOW,
        lambda _: None,
        "virtual",
    )
    with journal_of(data) as journal, reader:
        record_id = box.filled(journal)
        journal.freeze(record_id, CardImage.of(subject, jp2(), CAPTURED).to_bytes())
        order = Order(values["number"], "first_issue", record.BOX, identity.epoch)
        transaction = Transaction(
            LdsPlain(reader), journal, signer, [identity.certificate("csca")],
            lambda _: order, lambda: NOW, lambda _: None,
        )  # fmt: skip
        reader.put(card)
        card.lift_after(apdus)
        with suppress(UserRetry):
            transaction.write(record_id)
            transaction.verify(record_id)
        ticket = journal.wait(record_id, "interrupted", NOW + timedelta(days=30))
    return record_id, ticket, card


def run(data: Path, *words: str, pins: tuple[str, ...] = ()) -> Result:
    typed = "".join(f"{pin}\n" for pin in pins)
    site = data.parent / "plain.toml"
    site.write_text('[chip]\ndialect = "lds-plain"\n')
    own = words[:2] == ("card", "resume") and "--config" not in words
    where = ["--data", str(data), *(("--config", str(site)) if own else ())]
    return CliRunner().invoke(cli.app, [*words, *where], input=typed)


def badges(*names: str) -> list[str]:
    return [word for name in names for word in ("--badge", name)]


def state(data: Path) -> RecordState:
    with journal_of(data) as journal:
        (row,) = list_records(journal.shelf)
        return row.state


def acts(data: Path) -> list[tuple[str, str]]:
    with journal_of(data) as journal:
        return [(row.actor, row.act) for row in audit_rows(journal.shelf)]


@pytest.fixture
def saved(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "card.json"


ISSUING = 44
"""APDUs after which EF.SOD is on its way."""
