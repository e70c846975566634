"""The old box does not run any more: its storage card, or the centre's order alone; and swap after swap."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support import box as one_box
from support import record, swap

from firmware.box import adopt as adopting
from firmware.box.stick import SwapRefused
from firmware.records.format.swap import Adoption
from firmware.records.handover import ADOPTED
from firmware.records.states import RecordState

S = RecordState
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def recovery(tmp_path: Path) -> Path:
    path = tmp_path / "recovery-identity.age"
    path.write_bytes(swap.locked_recovery())
    return path


@pytest.fixture
def old(tmp_path: Path) -> swap.SwapBox:
    """Delivered one, sealed two, one waits, one was at the kiosk with its card begun: then it died."""
    made = swap.unit(tmp_path)
    with made.journal() as journal:
        journal.stock.load(20, ["O-1"])
        first = swap.sealed(journal)
        head = one_box_head(made, first.record_digest)
        journal.delivered(first.record_id, swap.centre().receipt("BOX-01", first, head))
        swap.sealed(journal)
        swap.sealed(journal)
        swap.waiting(journal, swap.filled(journal))
        one_box.issuing(journal, swap.frozen(journal))
    return made


def one_box_head(made: swap.SwapBox, digest: str) -> str:
    (path,) = (made.data / "records" / "outbox").glob(f"*{digest}.head.json")
    head: str = json.loads(path.read_text())["head"]["audit_head"]
    return head


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_storage_card_says_how_far_the_box_came(old: swap.SwapBox, recovery: Path, tmp_path: Path) -> None:
    new, before = swap.spare(tmp_path), everything(old.data)
    answer = new.adopt(old.data, recovery=recovery, blanks=16)
    assert everything(old.data) == before, "nothing is written to the old card"
    assert (answer.known_by, answer.closed_at, answer.records, answer.lost) == ("disk", 3, 2, ())
    assert (answer.blanks_stated, len(answer.drafts)) == (16, 2)
    with new.journal() as journal:
        now = next(draft for draft in answer.drafts if draft.now)
        assert journal.resume(now.ticket) == now.record_id
        assert journal.attempt(now.record_id).sod == one_box.SOD
        (paper,) = journal.handovers.unreported()
        made = Adoption.read(paper.body, swap.centre().box_ca[0], record.NOW)
        assert (made.known_by, made.evidence, made.closed_at) == ("disk", "", 3)


def test_a_card_lies_below_what_the_technician_names(
    old: swap.SwapBox, recovery: Path, tmp_path: Path
) -> None:
    (tmp_path / "card" / "var" / "lib").mkdir(parents=True)
    shutil.copytree(old.data, tmp_path / "card" / "var" / "lib" / "idkiosk")
    assert swap.spare(tmp_path).adopt(tmp_path / "card", recovery=recovery).box == "BOX-01"


def test_a_card_whose_journal_is_gone_still_gives_its_files(
    old: swap.SwapBox, recovery: Path, tmp_path: Path
) -> None:
    new = swap.make_box(
        tmp_path, "BOX-99"
    )  # nobody knows the old one's assignment now: a desk without papers
    for path in (old.data / "records").glob("journal.db*"):
        path.write_bytes(b"\xff" * 100)
    answer = new.adopt(old.data, recovery=recovery)
    assert (answer.closed_at, answer.records, len(answer.drafts)) == (3, 2, 2)
    assert answer.blanks_stated is None and any("journal" in line for line in answer.lost)


def test_a_handover_in_the_old_journal_counts_though_its_stick_is_lost(
    old: swap.SwapBox, recovery: Path, tmp_path: Path
) -> None:
    lost_stick = tmp_path / "lost"
    lost_stick.mkdir()
    body = (old.export(lost_stick).folder / "handover.json").read_bytes()
    new = swap.spare(tmp_path)
    answer = new.adopt(old.data, recovery=recovery)
    assert (answer.known_by, answer.records, len(answer.drafts)) == ("handover", 2, 2)
    with new.journal() as journal:
        (paper,) = journal.handovers.papers(ADOPTED)
        assert paper.evidence == body


def test_a_seal_that_was_cut_off_is_a_draft_or_a_record_never_both(recovery: Path, tmp_path: Path) -> None:
    old = swap.unit(tmp_path)
    with old.journal() as journal:
        swap.sealed(journal)
        record_id = swap.completed(journal)
        drafts = tmp_path / "drafts-before"
        shutil.copytree(old.data / "records" / "drafts", drafts)
        database = tmp_path / "journal-before.db"
        journal._db._connection.execute("VACUUM INTO ?", (str(database),))
        journal.seal(record_id)
    shutil.rmtree(old.data / "records" / "drafts")
    shutil.copytree(drafts, old.data / "records" / "drafts")
    for path in (old.data / "records").glob("journal.db*"):
        path.unlink()
    shutil.copy(database, old.data / "records" / "journal.db")

    whole = swap.spare(tmp_path).adopt(old.data, recovery=recovery)
    assert (whole.closed_at, whole.records, whole.drafts) == (2, 2, ())

    next((old.data / "records" / "outbox").glob("00000002-*.age")).unlink()
    torn = swap.spare(tmp_path, "BOX-98").adopt(old.data, recovery=recovery)
    assert (torn.closed_at, torn.records) == (1, 1)
    assert [draft.state for draft in torn.drafts] == [S.COMPLETE]


def test_a_card_of_a_stranger(old: swap.SwapBox, recovery: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(SwapRefused) as refused:
        swap.spare(there, under="other").adopt(old.data, recovery=recovery)
    assert refused.value.reason == "stick_foreign"


# --- the centre's order --------------------------------------------------------------------------------


def test_an_order_is_enough_to_begin(tmp_path: Path) -> None:
    new = swap.spare(tmp_path)
    paper = tmp_path / "order.json"
    paper.write_bytes(swap.order(new, "BOX-01"))
    answer = new.adopt(paper)
    assert (answer.known_by, answer.box, answer.closed_at, answer.records) == ("order", "BOX-01", None, 0)
    with new.journal() as journal:
        place = adopting.place(journal, new.papers)
        assert place is not None and place.capture_unit == "unit-9"
        assert new.papers.epoch(journal) == 2
    assert new.adopt(paper).again


def test_an_order_lies_on_a_stick_too(tmp_path: Path, stick: Path) -> None:
    new = swap.spare(tmp_path)
    (stick / "assignment-2.json").write_bytes(swap.order(new, "BOX-01"))
    assert new.adopt(stick).known_by == "order"


@pytest.mark.parametrize(
    ("changes", "reason"), [({"box": "BOX-98"}, "paper_of_another_box"), ({"epoch": 0}, "paper_epoch_back")]
)
def test_an_order_for_another_or_of_yesterday(
    changes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    new = swap.spare(tmp_path)
    paper = tmp_path / "order.json"
    paper.write_bytes(swap.order(new, "BOX-01", **changes))
    with pytest.raises(SwapRefused) as refused:
        new.adopt(paper)
    assert refused.value.reason == reason


def test_a_forged_order(tmp_path: Path) -> None:
    new = swap.spare(tmp_path)
    paper = tmp_path / "order.json"
    paper.write_bytes(swap.order(new, "BOX-01").replace(b"BOX-01", b"BOX-02"))
    with pytest.raises(SwapRefused) as refused:
        new.adopt(paper)
    assert refused.value.reason == "paper_forged"


def test_a_card_that_turns_up_after_the_order_completes_the_adoption(
    old: swap.SwapBox, recovery: Path, tmp_path: Path
) -> None:
    new = swap.spare(tmp_path)
    paper = tmp_path / "order.json"
    paper.write_bytes(swap.order(new, "BOX-01"))
    new.adopt(paper)
    with new.journal() as journal:
        journal.handovers.reported(journal.handovers.unreported()[0])
    answer = new.adopt(old.data, recovery=recovery)
    assert (answer.known_by, answer.closed_at, answer.records, len(answer.drafts)) == ("disk", 3, 2, 2)
    with new.journal() as journal:
        assert len(journal.handovers.papers(ADOPTED)) == 1
        assert len(journal.handovers.unreported()) == 1, "the centre hears what is known now"
    with pytest.raises(SwapRefused) as refused:
        new.adopt(paper)
    assert refused.value.reason == "already_adopted"


# --- swap after swap -----------------------------------------------------------------------------------


def test_the_spare_fails_too_and_nothing_of_either_box_is_lost(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    first, second, stick_2 = swap.spare(tmp_path), swap.spare(tmp_path, "BOX-98"), tmp_path / "stick-2"
    stick_2.mkdir()
    (stick_2 / "recovery-identity.age").write_bytes(swap.locked_recovery())
    old.export(stick)
    first.adopt(stick)
    with first.journal() as journal:
        swap.sealed(journal)
    out = first.export(stick_2)
    assert (out.records, out.carried, out.drafts) == (1, 2, 2)
    answer = second.adopt(stick_2)
    assert (answer.box, answer.records, len(answer.drafts), answer.lost) == ("BOX-99", 1, 2, ())
    with second.journal() as journal:
        assert journal.carried.counts().unsent == 3
        assert {file.box for file in journal.carried.unsent()} == {"BOX-01", "BOX-99"}
        told = [(paper.box, paper.epoch) for paper in journal.handovers.unreported()]
        assert told == [("BOX-99", 1), ("BOX-01", 1)]
        found = journal.draft(answer.drafts[0].record_id)
        assert found.assignment["box"] == "BOX-98"
        assert found.assignment["began_on"] == {"box": "BOX-01", "epoch": 1}
        place = adopting.place(journal, second.papers)
        assert place is not None and (place.box, place.capture_unit) == ("BOX-01", "unit-9")


def test_a_draft_comes_back_to_the_box_that_gave_it_away(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    first, back = swap.spare(tmp_path), tmp_path / "back"
    back.mkdir()
    (back / "recovery-identity.age").write_bytes(swap.locked_recovery())
    old.export(stick)
    first.adopt(stick)
    first.export(back)
    old.take(serial=2, epoch=2, role="spare")
    answer = old.adopt(back)
    assert len(answer.drafts) == 2
    with old.journal() as journal:
        assert journal.counts().waiting == 2
        assert journal.resume(answer.drafts[0].ticket) == answer.drafts[0].record_id


def test_the_damaged_database_of_a_spare_is_rebuilt_with_its_adopted_drafts(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    old.export(stick)
    new = swap.spare(tmp_path)
    answer = new.adopt(stick)
    (new.data / "records" / "journal.db").write_bytes(b"\xff" * 4096)
    with new.journal() as journal:
        assert journal.rebuilt is not None
        now = next(draft for draft in answer.drafts if draft.now)
        assert journal.resume(now.ticket) == now.record_id
        assert journal.draft(now.record_id).assignment["box"] == "BOX-99"


def test_a_journal_that_sqlite_left_with_a_log_is_read_with_it(
    old: swap.SwapBox, recovery: Path, tmp_path: Path
) -> None:
    """The old box lost its power: what it committed last stands in the log alone."""
    card = tmp_path / "card"
    with old.journal() as journal:
        journal.stock.load(7, ["O-1"])
        shutil.copytree(old.data, card)
    assert (card / "records" / "journal.db-wal").stat().st_size > 0
    answer = swap.spare(tmp_path).adopt(card, recovery=recovery)
    assert answer.blanks_stated == 16 + 7
