"""The life of a record on the box, from begin to purge."""

from __future__ import annotations

import json
from pathlib import Path

import pyrage
import pytest
from support import box, record

from firmware.records.errors import UnknownRecord, WrongState
from firmware.records.format.errors import ReceiptRefused, SchemaRefused
from firmware.records.format.receipt import ReceiptKind
from firmware.records.format.record_rules import FIRST
from firmware.records.format.seal import OpenedRecord, open_sealed
from firmware.records.journal import Journal
from firmware.records.outbox import SealedFile
from firmware.records.states import RecordState

S = RecordState
KEYS = record.keys()


@pytest.fixture
def clock() -> box.Clock:
    return box.Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: box.Clock):  # type: ignore[no-untyped-def]
    with box.open_journal(tmp_path, clock) as journal:
        yield journal


def opened(file: SealedFile) -> OpenedRecord:
    return open_sealed(file.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW)


def test_a_record_goes_from_begin_to_purge(journal: Journal) -> None:
    file = box.sealed(journal)
    got = opened(file)
    assert got.record_digest == file.record_digest
    assert got.manifest["record_id"] == file.record_id
    chip = got.manifest["chip"]
    assert (chip["card_serial"], chip["dialect"]) == ("STOCK-0001", "lds-plain")
    assert chip["data_groups"] == box.REPORT["data_groups"]
    assert json.loads(got.files["chip/report.json"]) == box.REPORT
    assert {f["image"] for f in got.manifest["fingers"]} <= set(got.files)
    journal.delivered(file.record_id, box.receipt_for(file, got.manifest["audit_head"]))
    assert journal.state(file.record_id) is S.PURGED
    assert not file.path.exists()
    assert journal.next_sealed() is None
    assert journal.receipt(file.record_id).receipt.kind is ReceiptKind.ACCEPTED  # type: ignore[union-attr]


def test_records_are_numbered_without_gap_and_chained(journal: Journal) -> None:
    journal.abandon(box.filled(journal), "left")
    files = [box.sealed(journal) for _ in range(3)]
    manifests = [opened(file).manifest for file in files]
    assert [m["sequence"] for m in manifests] == [1, 2, 3]
    assert [m["previous_digest"] for m in manifests] == [FIRST, *(f.record_digest for f in files[:2])]


def test_the_number_goes_on_after_everything_was_delivered(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        first = box.sealed(journal)
        journal.delivered(first.record_id, box.receipt_for(first, opened(first).manifest["audit_head"]))
        second = opened(box.sealed(journal)).manifest
    assert (second["sequence"], second["previous_digest"]) == (2, first.record_digest)


def test_nothing_is_sealed_before_it_is_complete(journal: Journal) -> None:
    record_id = box.frozen(journal)
    for _ in range(2):
        with pytest.raises(WrongState):
            journal.seal(record_id)
        box.issuing(journal, record_id)
    assert journal.state(record_id) is S.ISSUING


def test_an_issuing_record_only_goes_forward(journal: Journal, clock: box.Clock) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    for backwards in (
        lambda: journal.abandon(record_id, "left"),
        lambda: journal.refuse(record_id, "no"),
        lambda: journal.accept(record_id, "work/x", 1),
        lambda: journal.freeze(record_id, b"other"),
    ):
        with pytest.raises(WrongState):
            backwards()
    assert journal.state(record_id) is S.ISSUING


def test_the_draft_cannot_be_read_once_sealed(journal: Journal, tmp_path: Path) -> None:
    file = box.sealed(journal)
    assert not (tmp_path / "data" / "drafts" / file.record_id).exists()
    with pytest.raises(UnknownRecord):
        journal.blob(file.record_id, "portrait.jp2")
    assert journal.draft(file.record_id).parts == {}


def test_the_draft_can_be_read_with_the_recovery_key(journal: Journal, tmp_path: Path) -> None:
    record_id = box.begin(journal)
    wrapped = (tmp_path / "data" / "drafts" / record_id / "key.age").read_bytes()
    keys = [pyrage.decrypt(wrapped, [identity]) for identity in (KEYS.recovery, KEYS.station)]
    assert keys[0] == keys[1] and len(keys[0]) == 32
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(wrapped, [KEYS.centre])


def test_no_name_or_number_lies_in_clear(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        file = box.sealed(journal)
        journal.wait(box.frozen(journal), "signer", record.NOW.replace(year=2027))
        record_id = box.filled(journal)
        journal.accept(record_id, "work/lookup", {"number": record.NUMBER, "full_name": record.NAME})
        journal.step(record_id, "REVIEW")
        secrets = [record.NAME.encode(), record.NUMBER.encode(), b"2004-05-06", b"ridges of"]
        secrets += [word.encode() for word in record.NAME.split()]
        paths = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
        assert len(paths) > 30 and file.path in paths
        for path in paths:
            assert not any(secret in path.read_bytes() for secret in secrets), path.name


def test_every_file_is_for_the_kiosk_alone(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        box.filled(journal)
        for path in (tmp_path / "data").rglob("*"):
            if not path.name.endswith(("-wal", "-shm")):
                assert path.stat().st_mode & 0o077 == 0, path.name
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_a_part_is_replaced_whole(journal: Journal, tmp_path: Path) -> None:
    record_id = box.begin(journal)
    for data in (b"first", b"second"):
        journal.accept(record_id, "finger/right_index", record.finger("right_index"), {"fingers/a.png": data})
    journal.accept(
        record_id, "finger/right_index", record.excepted("right_index"), {"exceptions/a.jpg": b"x"}
    )
    draft = journal.draft(record_id)
    assert draft.parts["finger/right_index"]["image"] is None
    assert draft.blobs == ("exceptions/a.jpg",)
    folder = tmp_path / "data" / "drafts" / record_id
    assert len(list(folder.iterdir())) == 4  # key, beginning, part, blob


def test_a_malformed_part_is_refused_at_once(journal: Journal) -> None:
    record_id = box.begin(journal)
    with pytest.raises(SchemaRefused, match=r"portrait\.scores"):
        journal.accept(record_id, "portrait", {**record.portrait(), "scores": {}})
    with pytest.raises(SchemaRefused, match="another finger"):
        journal.accept(record_id, "finger/left_thumb", record.finger("right_thumb"))
    with pytest.raises(ValueError, match="not a file"):
        journal.accept(record_id, "work/x", 1, {"../../etc/passwd": b""})
    assert journal.draft(record_id).parts == {}


def test_freezing_names_everything_that_is_missing(journal: Journal) -> None:
    record_id = box.begin(journal)
    with pytest.raises(SchemaRefused) as refused:
        journal.freeze(record_id, box.IMAGE)
    missing = {problem.where for problem in refused.value.problems}
    assert {"subject", "proof", "consent", "portrait", "fingers", "eid_request"} <= missing
    assert journal.state(record_id) is S.DRAFT


@pytest.mark.parametrize("change", ["case", "pack", "box", "assignment"])
def test_a_record_that_could_never_be_valid_is_not_begun(journal: Journal, change: str) -> None:
    case, pack, assignment = "first_issue", "7/2024", record.assignment()
    if change == "case":
        case = "gift"
    if change == "pack":
        pack = "7/2021"
    if change == "box":
        assignment = record.assignment("BOX-99")
    if change == "assignment":
        del assignment["team"]
    with pytest.raises(SchemaRefused):
        journal.begin(case, pack, assignment)
    assert journal.open_record() is None


def test_only_one_record_is_at_the_kiosk(journal: Journal) -> None:
    record_id = box.begin(journal)
    with pytest.raises(WrongState):
        box.begin(journal)
    assert journal.open_record() == record_id


def test_a_box_that_issues_no_cards_completes_without(journal: Journal) -> None:
    record_id = box.filled(journal)
    journal.freeze(record_id, None)
    journal.complete_without_card(record_id)
    journal.seal(record_id)
    manifest = opened(box.outbox(journal)[0]).manifest
    assert manifest["issued_here"] is False and manifest["chip"] is None


def test_a_card_record_cannot_complete_without_its_card(journal: Journal) -> None:
    record_id = box.frozen(journal)
    with pytest.raises(WrongState):
        journal.complete_without_card(record_id)
    with pytest.raises(WrongState):
        journal.complete(record_id, 1, box.REPORT)


def test_all_ten_fingers_may_be_excepted(journal: Journal) -> None:
    record_id = box.begin(journal)
    for part, value, blobs in box.parts():
        if part.startswith("finger/"):
            value, blobs = record.excepted(part.removeprefix("finger/"), "amputated"), {}
        journal.accept(record_id, part, value, blobs)
    journal.freeze(record_id, box.IMAGE)
    box.issuing(journal, record_id)
    journal.complete(record_id, 1, box.REPORT)
    journal.seal(record_id)
    assert all(f["exception"] for f in opened(box.outbox(journal)[0]).manifest["fingers"])


@pytest.mark.parametrize("field", ["record_digest", "sealed_digest", "sequence", "audit_head", "box"])
def test_a_receipt_of_another_record_purges_nothing(journal: Journal, field: str) -> None:
    file = box.sealed(journal)
    head = opened(file).manifest["audit_head"]
    other = {"sequence": 9, "box": "BOX-02"}.get(field, "ef" * 32)
    with pytest.raises(ReceiptRefused, match=field):
        journal.delivered(file.record_id, box.receipt_for(file, head, **{field: other}))
    assert journal.state(file.record_id) is S.SEALED and file.path.exists()


def test_a_forged_receipt_purges_nothing(journal: Journal) -> None:
    file = box.sealed(journal)
    good = box.receipt_for(file, opened(file).manifest["audit_head"])
    with pytest.raises(ReceiptRefused):
        journal.delivered(file.record_id, good.to_json().replace(b"ACCEPTED", b"HELD"))
    assert file.path.exists()
    journal.delivered(file.record_id, good.to_json())
    journal.delivered(file.record_id, good.to_json())  # the answer was lost and came again
    assert journal.state(file.record_id) is S.PURGED


@pytest.mark.parametrize("kind", list(ReceiptKind))
def test_every_kind_of_receipt_lets_the_box_purge(journal: Journal, kind: ReceiptKind) -> None:
    file = box.sealed(journal)
    journal.delivered(file.record_id, box.receipt_for(file, opened(file).manifest["audit_head"], kind=kind))
    assert journal.state(file.record_id) is S.PURGED


def test_a_refused_record_stays_and_lets_the_next_one_pass(journal: Journal) -> None:
    first, second = box.sealed(journal), box.sealed(journal)
    journal.refused_by_centre(first.record_id, "schema")
    assert [f.sequence for f in box.outbox(journal)] == [second.sequence]
    assert journal.counts().outbox.refused == 1 and first.path.exists()
    assert journal.offer_again() == 1
    assert [f.sequence for f in box.outbox(journal)] == [1, 2]


def test_status_counts_what_is_here(journal: Journal, clock: box.Clock) -> None:
    journal.stock.load(50, ["O-1"])
    file = box.sealed(journal)
    clock.pass_time(minutes=5)
    box.sealed(journal)
    journal.wait(box.filled(journal), "signer", clock.at.replace(year=2027))
    box.completed(journal)
    counts = journal.counts()
    assert (counts.outbox.unsent, counts.waiting, counts.unsealed) == (2, 1, 1)
    assert counts.outbox.oldest_at == "2026-03-02T03:04:05.000000Z"
    assert counts.outbox.unsent_bytes == sum(f.bytes for f in box.outbox(journal)) > file.bytes
    assert journal.unsealed() == [journal.open_record()]


def test_the_clock_never_runs_behind_the_journal(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        box.begin(journal)
    with box.open_journal(tmp_path, box.Clock(record.NOW.replace(year=1970))) as journal:
        assert journal.now() == record.NOW


def test_a_clock_wrong_by_years_begins_no_record(tmp_path: Path) -> None:
    with (
        box.open_journal(tmp_path, box.Clock(record.NOW.replace(year=1999))) as journal,
        pytest.raises(SchemaRefused, match="not in force"),
    ):
        box.begin(journal)
