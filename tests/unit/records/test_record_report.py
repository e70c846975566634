"""`kiosk records`: what is on the box, said without anything personal, beside a running kiosk too."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support import box, record

from firmware.records import report, tickets
from firmware.records.database import ReadOnlyDatabase
from firmware.records.errors import StoreDamaged, StoreError, StoreMissing, TicketRefused, UnknownRecord
from firmware.records.format.receipt import ReceiptKind
from firmware.records.format.seal import open_sealed
from firmware.records.inspection import Finding
from firmware.records.journal import Journal
from firmware.records.shelf import Shelf, beside
from firmware.records.states import RecordState

S = RecordState
KEYS = record.keys()
PERSONAL = (record.NUMBER, record.NAME, "2004-05-06", "Nguyễn", "phường")


@pytest.fixture
def clock() -> box.Clock:
    return box.Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: box.Clock) -> Iterator[Journal]:
    with box.open_journal(tmp_path, clock) as journal:
        yield journal


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "data"


def bad(shelf: Shelf) -> dict[str, tuple[str, ...]]:
    return {finding.subject: finding.problems for finding in report.verify(shelf) if not finding.good}


def one_of_each(journal: Journal, clock: box.Clock) -> dict[str, str]:
    """Records in every state a box can hold, by a name."""
    made = {}
    gone, unsent = box.sealed(journal), box.sealed(journal)
    head = open_sealed(gone.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW).manifest["audit_head"]
    journal.delivered(gone.record_id, box.receipt_for(gone, head, kind=ReceiptKind.HELD))
    made["purged"], made["sealed"] = gone.record_id, unsent.record_id
    made["abandoned"] = box.begin(journal)
    journal.abandon(made["abandoned"], "left")
    made["frozen"] = box.frozen(journal)
    journal.wait(made["frozen"], "signer_away", clock.at + timedelta(days=30))
    made["issuing"] = box.frozen(journal)
    box.issuing(journal, made["issuing"])
    journal.wait(made["issuing"], "left", clock.at + timedelta(days=30))
    made["draft"] = box.begin(journal)
    journal.step(made["draft"], "FINGERS")
    return made


def test_every_record_is_listed_with_its_state(journal: Journal, clock: box.Clock) -> None:
    made = one_of_each(journal, clock)
    rows = {row.record_id: row for row in report.list_records(journal.shelf)}
    states = {name: rows[record_id].state for name, record_id in made.items()}
    assert states == {name: S(name.upper()) for name in made}
    sealed, purged = rows[made["sealed"]].sealed, rows[made["purged"]].sealed
    assert sealed is not None and purged is not None
    assert (sealed.sequence, sealed.answer, purged.sequence, purged.answer) == (2, None, 1, "HELD")
    assert rows[made["frozen"]].waiting == "signer_away" and rows[made["frozen"]].until
    assert rows[made["issuing"]].waiting == "left" and rows[made["issuing"]].until is None
    assert [row.record_id for row in rows.values() if row.at_kiosk] == [made["draft"]]
    assert rows[made["abandoned"]].ended == "left"


def test_nothing_personal_is_reported(journal: Journal, clock: box.Clock, tmp_path: Path) -> None:
    made = one_of_each(journal, clock)
    shelf = journal.shelf
    box_says = [
        report.list_records(shelf),
        report.verify(shelf),
        report.export(shelf, tmp_path / "stick"),
        [report.explain(shelf, record_id) for record_id in made.values()],
        report.audit_rows(shelf),
        report.check_audit(shelf),
    ]
    assert not [word for word in PERSONAL if word in repr(box_says)]


def test_a_ticket_is_explained(journal: Journal, clock: box.Clock) -> None:
    record_id = box.begin(journal)
    for part, value, blobs in box.parts()[:6]:
        journal.accept(record_id, part, value, blobs)
    journal.step(record_id, "FINGERS")
    ticket = journal.wait(record_id, "left", clock.at + timedelta(days=30))
    told = report.explain(journal.shelf, ticket.replace(" ", "-"))
    assert (told.record.record_id, told.next, told.attempts) == (record_id, "citizen", ())
    assert told.missing == (*(f"finger/{name}" for name in record.FINGERS[2:]), "portrait")
    assert [name for name, _ in told.steps] == ["FINGERS"]
    assert told.laws[0] == "Law 26/2023/QH15"
    assert told.form == "CC01 Phiếu thu nhận thông tin căn cước (Circular 17/2024/TT-BCA)"


def test_a_torn_card_is_explained_without_its_serial(journal: Journal, clock: box.Clock) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    journal.lost(record_id, 1, box.OFFICERS)
    box.issuing(journal, record_id, 2, b"second SOD")
    journal.stage(record_id, 2, "SOD apdus=7 card=STOCK-0001")
    told = report.explain(journal.shelf, journal.wait(record_id, "left", clock.at))
    assert (told.next, told.missing) == ("card", ())
    assert [(one.number, one.stage, one.outcome) for one in told.attempts] == [
        (1, "", "void"), (2, "SOD", "issuing"),
    ]  # fmt: skip


def test_of_a_sealed_record_only_the_head_is_told(journal: Journal) -> None:
    record_id = box.frozen(journal)
    journal.step(record_id, "WRITE_CHIP")
    box.issuing(journal, record_id)
    journal.complete(record_id, 1, box.REPORT)
    assert report.explain(journal.shelf, record_id).next == "seal"
    journal.seal(record_id)
    told = report.explain(journal.shelf, record_id)
    assert (told.next, told.steps, told.attempts, told.missing, told.record.step) == (
        "deliver", (), (), (), None,
    )  # fmt: skip
    journal.refused_by_centre(record_id, "schema")
    told = report.explain(journal.shelf, record_id)
    assert told.next == "incident" and told.record.sealed is not None
    assert told.record.sealed.refused == "schema"


def test_a_ticket_that_is_none_is_said_to_be_none(journal: Journal) -> None:
    for key, reason in (("1234", "ticket_malformed"), (tickets.new(), "ticket_unknown")):
        with pytest.raises(TicketRefused) as refused:
            report.explain(journal.shelf, key)
        assert refused.value.reason == reason
    with pytest.raises(UnknownRecord):
        report.explain(journal.shelf, "0" * 32)


# --- verify ----------------------------------------------------------------------------------------


def test_a_whole_store_verifies(journal: Journal, clock: box.Clock) -> None:
    made = one_of_each(journal, clock)
    findings = report.verify(journal.shelf)
    assert all(finding.good for finding in findings)
    drafts = [f"draft {made[name]}" for name in ("frozen", "issuing", "draft")]
    assert [finding.subject for finding in findings] == ["database", "chain", "record 2", *drafts]


def test_a_changed_sealed_file_is_found(journal: Journal) -> None:
    file = box.sealed(journal)
    data = bytearray(file.path.read_bytes())
    data[100] ^= 1
    file.path.write_bytes(data)
    assert bad(journal.shelf) == {"record 1": ("read a sealed record: the file is not what was sealed",)}
    file.path.unlink()
    assert bad(journal.shelf) == {"record 1": ("read a sealed record: the file is missing",)}


def test_a_changed_sidecar_is_found(journal: Journal) -> None:
    file = box.sealed(journal)
    (head,) = file.path.parent.glob("*.head.json")
    head.write_bytes(head.read_bytes().replace(b"first_issue", b"replacement"))
    assert list(bad(journal.shelf)) == ["record 1"]
    head.unlink()
    assert list(bad(journal.shelf)) == ["record 1"]


def test_a_changed_missing_or_keyless_draft_is_found(journal: Journal, store: Path) -> None:
    record_id = box.filled(journal)
    folder = store / "drafts" / record_id
    entry = sorted(folder.glob("0*"))[3]
    whole = entry.read_bytes()
    entry.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert bad(journal.shelf) == {
        f"draft {record_id}": (f"{entry.name[:5]}: read a draft: a file is not what was written",)
    }
    entry.unlink()
    (folder / "key.age").unlink()
    assert bad(journal.shelf) == {
        f"draft {record_id}": ("its key is missing", f"{entry.name[:5]}: read a draft: a file is missing")
    }


def test_a_draft_that_outlived_its_record_is_found(journal: Journal, store: Path) -> None:
    record_id = box.begin(journal)
    shutil.copytree(store / "drafts" / record_id, store / "kept")
    journal.abandon(record_id, "left")
    shutil.move(store / "kept", store / "drafts" / record_id)
    shutil.copytree(store / "drafts" / record_id, store / "drafts" / ("ab" * 16))
    found = bad(journal.shelf)
    assert "not destroyed" in found[f"draft {record_id}"][0]
    assert "no record" in found[f"draft {'ab' * 16}"][0]


def test_a_broken_chain_is_found(journal: Journal) -> None:
    for _ in range(3):
        box.sealed(journal)
    with journal._db.transaction() as connection:
        connection.execute("DELETE FROM sealed WHERE sequence = 2")
    assert bad(journal.shelf)["chain"] == ("there is no record between 1 and 3",)
    with journal._db.transaction() as connection:
        connection.execute("UPDATE sealed SET sequence = 2 WHERE sequence = 3")
    assert bad(journal.shelf)["chain"] == ("record 2 does not follow the one before it",)
    with journal._db.transaction() as connection:
        connection.execute("DELETE FROM sealed WHERE sequence = 1")
    assert bad(journal.shelf)["chain"] == ("record 2 is the oldest here, and not the first",)


def test_a_rebuilt_store_says_what_was_kept_aside(tmp_path: Path, store: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        box.sealed(journal)
        (head,) = (store / "outbox").glob("*.head.json")
    head.write_bytes(b"{}")
    (store / "journal.db").write_bytes(b"no database" * 500)
    with box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is not None
        assert (
            list(bad(journal.shelf).values())
            == [("could not be read when the database was rebuilt; kept aside",)] * 2
        )


def test_a_refused_record_is_a_finding(journal: Journal) -> None:
    file = box.sealed(journal)
    journal.refused_by_centre(file.record_id, "schema")
    assert bad(journal.shelf) == {"record 1": ("the centre refused it: schema",)}


# --- export ----------------------------------------------------------------------------------------


def test_unsent_records_are_copied_whole_and_stay(journal: Journal, clock: box.Clock, tmp_path: Path) -> None:
    one_of_each(journal, clock)
    stick = tmp_path / "stick"
    (copied,) = report.export(journal.shelf, stick)
    (file,) = box.outbox(journal)
    assert (copied.sequence, copied.problem) == (2, None)
    data = (stick / copied.file).read_bytes()
    assert data == file.path.read_bytes() and len(data) == copied.size_bytes
    assert open_sealed(data, [KEYS.centre], KEYS.box_ca, record.NOW).record_digest == file.record_digest
    assert sorted(path.name for path in stick.iterdir()) == [copied.file, copied.file[:-4] + ".head.json"]
    assert report.export(journal.shelf, stick) == [copied]  # again does no harm


def test_a_damaged_record_is_not_exported_and_the_others_are(journal: Journal, tmp_path: Path) -> None:
    first, second = box.sealed(journal), box.sealed(journal)
    first.path.write_bytes(b"damaged")
    one, two = report.export(journal.shelf, tmp_path / "stick")
    assert one.problem is not None and "store_damaged" in one.problem
    assert (two.sequence, two.problem) == (second.sequence, None)
    assert not (tmp_path / "stick" / first.path.name).exists()


def test_a_stick_that_is_no_folder_is_an_error(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        report.export(journal.shelf, tmp_path / "file" / "stick")


# --- audit -----------------------------------------------------------------------------------------


def test_the_audit_log_is_listed_and_whole(journal: Journal) -> None:
    box.sealed(journal)
    rows = report.audit_rows(journal.shelf)
    assert [row.act for row in rows] == ["created", "begin", "freeze", "issuing", "complete", "seal"]
    checked = report.check_audit(journal.shelf)
    assert (checked.rows, checked.checkpoints, checked.problems) == (6, 1, ())
    assert checked.head == journal.audit.head()
    assert report.audit_rows(journal.shelf, after=5) == rows[5:]


def test_a_changed_audit_row_is_found(journal: Journal) -> None:
    box.sealed(journal)
    with journal._db.transaction() as connection:
        connection.execute("UPDATE audit SET actor = 'O-9' WHERE n = 3")
    assert [(problem.n, problem.what) for problem in report.check_audit(journal.shelf).problems] == [
        (3, "was changed")
    ]


# --- beside a running kiosk ------------------------------------------------------------------------


def test_a_report_is_read_beside_the_kiosk_and_sees_what_is_committed(journal: Journal, store: Path) -> None:
    first = box.begin(journal)
    with beside(store, KEYS.box.certificate) as shelf:
        assert [row.record_id for row in report.list_records(shelf)] == [first]
        journal.abandon(first, "left")
        second = box.sealed(journal).record_id
        assert {row.record_id for row in report.list_records(shelf)} == {first, second}
        assert bad(shelf) == {} and report.check_audit(shelf).problems == ()
    assert journal.audit.verify() == []


def test_a_report_is_read_when_no_kiosk_runs(tmp_path: Path, store: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        record_id = box.sealed(journal).record_id
    before = (store / "journal.db").read_bytes()
    with beside(store, KEYS.box.certificate) as shelf:
        assert [row.record_id for row in report.list_records(shelf)] == [record_id]
    assert (store / "journal.db").read_bytes() == before
    with box.open_journal(tmp_path) as journal:
        assert journal.state(record_id) is S.SEALED


def test_a_report_is_read_after_a_crash(journal: Journal, store: Path, tmp_path: Path) -> None:
    """The write-ahead log is there, its index is not."""
    record_id = box.begin(journal)
    crashed = tmp_path / "crashed"
    shutil.copytree(store, crashed, ignore=lambda _, names: [n for n in names if n.endswith("-shm")])
    assert (crashed / "journal.db-wal").stat().st_size > 0
    with beside(crashed, KEYS.box.certificate) as shelf:
        assert [row.record_id for row in report.list_records(shelf)] == [record_id]
        assert bad(shelf) == {}


def test_a_report_cannot_write(journal: Journal, store: Path) -> None:
    with beside(store, KEYS.box.certificate) as shelf, pytest.raises(StoreError):  # noqa: SIM117
        with shelf.db.reading() as connection:
            connection.execute("DELETE FROM audit")
    assert journal.audit.verify() == []


def test_a_folder_without_a_journal_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="folder of records"), beside(tmp_path, KEYS.box.certificate):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_or_a_newer_journal_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(StoreDamaged):
        ReadOnlyDatabase(path)
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="version 99"):
        ReadOnlyDatabase(path)


def test_a_finding_without_problems_is_good() -> None:
    assert Finding("chain", ()).good and not Finding("chain", ("x",)).good
