"""After a hundred citizens nothing of theirs is on the disk that a key does not protect."""

from __future__ import annotations

import base64
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import box, record
from support.centre import TestStation
from support.traces import Traces, dresses

from centre import registry as centre_registry
from centre.pki import Role
from firmware import crash
from firmware.records.errors import RecordsError
from firmware.records.format.receipt import SignedReceipt
from firmware.records.format.schema import FINGERS
from firmware.records.format.seal import open_sealed
from firmware.records.journal import Journal
from firmware.records.report import list_records
from firmware.records.states import RecordState
from firmware.run import log_to_stderr
from firmware.sim.people import citizen
from firmware.uplink.extract import Extract, keep

CITIZENS = 100
PICTURE_BYTES = 400
WORDS = ("number", "full_name", "residence", "father_name", "mother_name", "old_number")
KEYS = record.keys()


@dataclass(frozen=True)
class Person:
    """A made-up person with made-up pictures and templates."""

    fields: dict[str, str]
    files: dict[str, bytes]
    template: bytes

    @property
    def traces(self) -> list[str | bytes]:
        words = [self.fields[name] for name in WORDS]
        return [*words, *self.files.values(), self.template]


def person(seed: int) -> Person:
    rng = random.Random(seed)  # noqa: S311  the same people again
    names = [*(f"fingers/{finger}.png" for finger in FINGERS), "portrait.jp2"]
    files = {name: rng.randbytes(PICTURE_BYTES) for name in names}
    fields = citizen(50_000 + seed, record.NOW.date()).fields
    return Person({**fields, "residence": f"{fields['residence']} ({seed})"}, files, rng.randbytes(300))


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [person(seed) for seed in range(CITIZENS)]


@pytest.fixture(scope="module")
def traces(people: list[Person]) -> Traces:
    return Traces({str(n): each.traces for n, each in enumerate(people)})


def enrol(journal: Journal, who: Person) -> str:
    """A DRAFT with all of a person's parts, as the app keeps them: templates and registry's answer too."""
    record_id = box.begin(journal)
    answer = {"fields": who.fields, "number": who.fields["number"], "templates": {"r": who.template.hex()}}
    journal.accept(record_id, "work/registry", answer)
    for part, value, blobs in box.parts():
        stated = {name: record.stated(text) for name, text in who.fields.items()}
        theirs = {name: who.files[name] for name in blobs}
        journal.accept(record_id, part, stated if part == "subject" else value, theirs)
    journal.step(record_id, "CONFIRM")
    return record_id


def finish(journal: Journal, record_id: str, who: Person) -> None:
    journal.freeze(record_id, b"image of " + who.template)
    box.issuing(journal, record_id, sod=b"\x77" + who.template)
    journal.complete(record_id, 1, box.REPORT)
    journal.seal(record_id)


def deliver(journal: Journal, position: int) -> SignedReceipt:
    """The oldest record goes to the centre."""
    file = box.outbox(journal)[0]
    opened = open_sealed(file.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW)
    receipt = box.receipt_for(file, opened.manifest["audit_head"], position=position)
    journal.delivered(file.record_id, receipt)
    return receipt


def end(journal: Journal, n: int, who: Person) -> None:
    """Every way that a visit can end, one after the other."""
    record_id = enrol(journal, who)
    match n % 8:
        case 0 | 1 | 2:
            finish(journal, record_id, who)
        case 3:
            finish(journal, record_id, who)
            deliver(journal, n)
        case 4:
            journal.wait(record_id, "left", record.NOW + timedelta(days=30))
        case 5:
            journal.abandon(record_id, "left")
        case 6:
            journal.refuse(record_id, "refused", "O-1")
        case 7:
            journal.freeze(record_id, b"image of " + who.template)
            journal.wait(record_id, "signer_away", record.NOW + timedelta(days=30))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What the kiosk logs, as `kiosk run` sets it up, in a file."""
    path, before = tmp_path / "log", logging.root.handlers[:]
    with path.open("w") as file:
        monkeypatch.setattr("sys.stderr", file)
        log_to_stderr()
        yield path
    logging.root.handlers[:] = before


def troubles(who: Person) -> None:
    """What goes wrong around a person, in the words of libraries that know no discretion."""
    number, name = who.fields["number"], who.fields["full_name"]
    logging.getLogger("httpx").info("HTTP Request: GET https://centre/v1/registry/%s", number)
    try:
        try:
            raise ValueError(f"cannot encode {name}: {who.template.hex()}")
        except ValueError as exc:
            raise RecordsError(number) from exc
    except RecordsError as error:
        logging.getLogger("firmware.test").exception("a step failed")
        logging.getLogger("firmware.test").error("%s", crash.report(error))


def test_a_hundred_citizens_leave_nothing_that_can_be_read(
    tmp_path: Path, people: list[Person], traces: Traces, log: Path
) -> None:
    station = TestStation(tmp_path / "centre")
    enrolled = station.enrol()
    rows = [
        {**each.fields, "fingers": {"right_index": base64.b64encode(each.template).decode()}}
        for each in people
    ]
    extract = centre_registry.make_extract(rows, station.station.pki.credential(Role.EXTRACT), record.NOW)
    assert len(traces.in_bytes(extract)) == CITIZENS  # so they would be found
    data = tmp_path / "data"
    data.mkdir()
    certificate, key = enrolled.certificate("extract.pem"), enrolled.identity
    keep(extract, data / "registry.extract", certificate, record.NOW, key.to_public())
    looking = Extract(data / "registry.extract", certificate, record.NOW, key)
    with box.open_journal(tmp_path) as journal:
        for n, who in enumerate(people):
            assert looking.person(who.fields["number"], record.NOW) is not None
            end(journal, n, who)
            troubles(who)
        ends = {row.state for row in list_records(journal.shelf)}
        last = enrol(journal, people[0])
        assert journal.blob(last, "portrait.jp2") == people[0].files["portrait.jp2"]
        assert traces.under(data) == {}  # while somebody stands there
    assert {*RecordState} - ends == {RecordState.ISSUING, RecordState.COMPLETE, RecordState.ACKED}
    assert traces.under(data) == {}
    written = log.read_text()
    assert written.count("firmware.records.errors.RecordsError") == 2 * CITIZENS
    assert traces.in_bytes(written.encode()) == set()


def test_a_rebuilt_store_keeps_their_secrets_too(
    tmp_path: Path, people: list[Person], traces: Traces
) -> None:
    with box.open_journal(tmp_path) as journal:
        for n, who in enumerate(people[:8]):
            end(journal, n, who)
    with (tmp_path / "data" / "journal.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 8192)
    with box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is not None
    assert traces.under(tmp_path) == {}


@pytest.mark.parametrize("dress", range(12))
def test_a_person_who_was_left_lying_would_be_found(tmp_path: Path, people: list[Person], dress: int) -> None:
    """The search itself: each dress of each kind of thing is noticed in the midst of something else."""
    who = people[7]
    search = Traces({"7": who.traces})
    for theirs in (who.fields["number"], who.fields["full_name"], who.template):
        forms: list[bytes] = sorted(set(dresses(theirs)))
        (tmp_path / "left").write_bytes(b"before" + forms[dress % len(forms)] + b"after")
        assert search.under(tmp_path) == {"left": {"7"}}


def test_a_name_in_base64_is_found_wherever_it_begins(people: list[Person]) -> None:
    name = people[3].fields["full_name"]
    search: Any = Traces({"3": [name]})
    for before in range(6):
        assert search.in_bytes(base64.b64encode(bytes(before) + name.encode() + b"tail")) == {"3"}
