"""A box fails, a spare takes its place: nothing captured is lost, and the old box issues nothing more."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from support import box as one_box
from support import record, swap

from firmware.records.errors import HandedOver
from firmware.records.format.swap import Adoption, Handover
from firmware.records.handover import ADOPTED, GIVEN
from firmware.records.states import RecordState

S = RecordState
pytestmark = pytest.mark.usefixtures("quick")


def a_day(old: swap.SwapBox) -> dict[str, str]:
    """Two sealed records, and a draft in each state that can wait; record ids by what they are."""
    with old.journal() as journal:
        journal.stock.load(50, ["O-1"])
        sealed = [swap.sealed(journal).record_id for _ in range(2)]
        waits = swap.filled(journal)
        ticket = swap.waiting(journal, waits)
        torn = swap.frozen(journal)
        one_box.issuing(journal, torn)
        torn_ticket = swap.waiting(journal, torn)
        open_one = swap.frozen(journal)
        journal.step(open_one, "WRITE_CHIP")
    return {
        "sealed": " ".join(sealed), "waits": waits, "ticket": ticket, "torn": torn,
        "torn_ticket": torn_ticket, "open": open_one,
    }  # fmt: skip


def test_a_spare_goes_on_where_the_old_box_stopped(tmp_path: Path, stick: Path) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    day = a_day(old)
    out = old.export(stick)
    assert (out.records, out.drafts, out.closed_at, out.blanks_left) == (2, 3, 2, 47)
    answer = new.adopt(stick, blanks=46)
    assert (answer.box, answer.epoch, answer.closed_at, answer.known_by) == ("BOX-01", 1, 2, "handover")
    assert (answer.records, answer.lost, answer.again) == (2, (), False)
    assert (answer.blanks_stated, answer.blanks_counted) == (47, 46)
    with new.journal() as journal:
        assert journal.audit.verify() == []
        assert journal.blanks().left == 46
        assert journal.carried.counts().unsent == 2
        now = next(draft for draft in answer.drafts if draft.now)
        assert now.record_id == day["open"]
        assert journal.resume(now.ticket) == day["open"]
        found = journal.draft(day["open"])
        assert (found.state, found.step) == (S.FROZEN, "WRITE_CHIP")
        assert found.assignment["box"] == "BOX-99"
        assert found.assignment["began_on"] == {"box": "BOX-01", "epoch": 1}
        assert journal.attempt(day["open"]).image == one_box.IMAGE
        one_box.issuing(journal, day["open"])
        journal.complete(day["open"], 1, one_box.REPORT)
        journal.seal(day["open"])
        assert journal.resume(day["torn_ticket"]) == day["torn"]
        attempt = journal.attempt(day["torn"])
        assert (attempt.issuing, attempt.sod) == (True, one_box.SOD)
        journal.complete(day["torn"], 1, one_box.REPORT)
        journal.seal(day["torn"])
        assert journal.resume(day["ticket"]) == day["waits"]
        assert journal.blanks().left == 45, "the torn card was the old box's blank"


def test_the_adoption_is_signed_and_waits_to_be_reported(tmp_path: Path, stick: Path) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    a_day(old)
    old.export(stick)
    new.adopt(stick, blanks=3)
    with new.journal() as journal:
        (paper,) = journal.handovers.unreported()
        made = Adoption.read(paper.body, swap.centre().box_ca[0], record.NOW)
        assert (made.by, made.by_epoch, made.box, made.epoch, made.closed_at) == ("BOX-99", 1, "BOX-01", 1, 2)
        assert paper.evidence is not None and made.evidence == sha256(paper.evidence).hexdigest()
        assert Handover.read(paper.evidence, swap.centre().box_ca[0], record.NOW).closed_at == 2
        journal.handovers.reported(paper)
        assert journal.handovers.unreported() == []


def test_from_the_handover_on_the_old_box_begins_and_resumes_and_seals_nothing(
    tmp_path: Path, stick: Path
) -> None:
    old = swap.unit(tmp_path)
    day = a_day(old)
    old.export(stick)
    with old.journal() as journal:
        assert journal.handovers.closed(1) and not journal.handovers.closed(2)
        assert journal.open_record() is None
        with pytest.raises(HandedOver):
            swap.begin(journal)
        with pytest.raises(HandedOver):
            journal.resume(day["ticket"])
        with pytest.raises(HandedOver):
            journal.accept(day["waits"], "work/x", 1)
        with pytest.raises(HandedOver):
            journal.complete(day["torn"], 1, one_box.REPORT)
        with pytest.raises(HandedOver):
            journal.seal(day["open"])
        old.clock.pass_time(days=400)
        assert journal.expire() == []
        assert journal.to_give_up() == []


def test_what_the_old_box_sealed_it_may_still_deliver(tmp_path: Path, stick: Path) -> None:
    old = swap.unit(tmp_path)
    a_day(old)
    old.export(stick)
    with old.journal() as journal:
        file = journal.next_sealed()
        assert file is not None
        head = _head(old, file.record_digest)
        journal.delivered(file.record_id, swap.centre().receipt("BOX-01", file, head))
        assert journal.counts().outbox.unsent == 1


def test_a_new_assignment_revives_the_old_box_without_what_it_gave_away(tmp_path: Path, stick: Path) -> None:
    old = swap.unit(tmp_path)
    day = a_day(old)
    old.export(stick)
    old.take(serial=2, epoch=2)
    with old.journal() as journal:
        record_id = swap.begin(journal, epoch=2)
        journal.abandon(record_id, "left")
        with pytest.raises(HandedOver):
            journal.resume(day["ticket"])


def test_a_second_export_is_the_same_handover_and_copies_nothing(tmp_path: Path, stick: Path) -> None:
    old = swap.unit(tmp_path)
    a_day(old)
    first = old.export(stick)
    body = (first.folder / "handover.json").read_bytes()
    old.clock.pass_time(hours=5)
    second = old.export(stick)
    assert second.copied == 0
    assert (second.folder / "handover.json").read_bytes() == body
    with old.journal() as journal:
        assert journal.blanks().left == 0, "the blanks went with the box's word, once"
        assert len(journal.handovers.papers(GIVEN)) == 1


def test_another_stick_later_holds_receipts_of_what_was_delivered_meanwhile(
    tmp_path: Path, stick: Path
) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    a_day(old)
    old.export(stick)
    with old.journal() as journal:
        file = journal.next_sealed()
        assert file is not None
        head = _head(old, file.record_digest)
        journal.delivered(file.record_id, swap.centre().receipt("BOX-01", file, head))
    other = tmp_path / "other"
    other.mkdir()
    assert old.export(other).delivered == 1
    answer = new.adopt(other, recovery=stick / "recovery-identity.age")
    assert (answer.records, answer.lost) == (1, ())


def test_adopting_twice_is_one_adoption_with_the_same_answer(tmp_path: Path, stick: Path) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    a_day(old)
    old.export(stick)
    first = new.adopt(stick, blanks=46)
    again = new.adopt(stick, blanks=46)
    assert again.again and {d.record_id: d.ticket for d in again.drafts} == {
        d.record_id: d.ticket for d in first.drafts
    }
    assert (again.records, again.lost) == (first.records, first.lost)
    with new.journal() as journal:
        assert len(journal.handovers.papers(ADOPTED)) == 1
        assert journal.blanks().taken_in == 46


def test_a_carried_record_goes_when_the_receipt_names_the_old_box(tmp_path: Path, stick: Path) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    a_day(old)
    old.export(stick)
    new.adopt(stick)
    with new.journal() as journal:
        assert journal.next_sealed() is None
        file = journal.carried.next()
        assert file is not None and file.box == "BOX-01" and file.sealed.path.exists()
        head = _head(old, file.sealed.record_digest)
        journal.carried.delivered(
            file.sealed.record_digest, swap.centre().receipt("BOX-01", file.sealed, head)
        )
        assert not file.sealed.path.exists()
        assert journal.carried.counts().unsent == 1
        other = journal.carried.next()
        assert other is not None and other.sealed.sequence == 2


def test_the_cards_left_by_an_old_box_are_no_blanks_of_the_spare(tmp_path: Path, stick: Path) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    with old.journal() as journal:
        journal.stock.load(5, ["O-1"])
        torn = swap.frozen(journal)
        one_box.issuing(journal, torn)
        swap.waiting(journal, torn)
        assert journal.blanks().left == 4
    old.export(stick)
    new.adopt(stick, blanks=4)
    with new.journal() as journal:
        assert (journal.blanks().live, journal.blanks().left) == (0, 4)
    with old.journal() as journal:
        assert (journal.blanks().out, journal.blanks().live, journal.blanks().left) == (4, 1, 0)


def test_a_box_whose_database_is_lost_remembers_that_it_was_handed_over(tmp_path: Path, stick: Path) -> None:
    old = swap.unit(tmp_path)
    day = a_day(old)
    first = old.export(stick)
    body = (first.folder / "handover.json").read_bytes()
    (old.data / "records" / "journal.db").write_bytes(b"\xff" * 4096)
    with old.journal() as journal:
        assert journal.rebuilt is not None
        with pytest.raises(HandedOver):
            swap.begin(journal)
        with pytest.raises(HandedOver):
            journal.resume(day["ticket"])
        assert journal.handovers.papers(GIVEN)[0].body == body


def test_a_spare_whose_database_is_lost_still_delivers_what_it_carries(tmp_path: Path, stick: Path) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    a_day(old)
    old.export(stick)
    new.adopt(stick)
    (new.data / "records" / "journal.db").write_bytes(b"\xff" * 4096)
    with new.journal() as journal:
        assert journal.rebuilt is not None
        assert journal.carried.counts().unsent == 2
        assert [paper.box for paper in journal.handovers.unreported()] == ["BOX-01"]


def _head(old: swap.SwapBox, digest: str) -> str:
    (path,) = (old.data / "records" / "outbox").glob(f"*{digest}.head.json")
    head: str = json.loads(path.read_text())["head"]["audit_head"]
    return head
