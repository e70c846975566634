"""What a spare does not take, and why: strangers, forgeries, replays, other pools, broken sticks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import swap

from firmware.box import adopt as adopting
from firmware.box.stick import SwapRefused
from firmware.box.warrants import Papers
from firmware.records import disk
from firmware.records.errors import HandedOver, StoreError
from firmware.records.format.warrants import PRODUCTION, SPARE

Spoil = Callable[[Path], object]
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def old(tmp_path: Path, stick: Path) -> swap.SwapBox:
    """A box of two sealed records and one waiting draft, handed over to the stick."""
    made = swap.unit(tmp_path)
    with made.journal() as journal:
        swap.sealed(journal)
        swap.sealed(journal)
        swap.waiting(journal, swap.filled(journal))
    made.export(stick)
    return made


@pytest.fixture
def folder(stick: Path) -> Path:
    return stick / "idkiosk-swap" / "BOX-01-1"


def refusal(box: swap.SwapBox, source: Path, **more: Any) -> str:
    """The reason; and nothing was taken."""
    with pytest.raises(SwapRefused) as refused:
        box.adopt(source, **more)
    with box.journal() as journal:
        assert journal.handovers.papers() == []
        assert journal.carried.counts().unsent == 0
        assert journal.counts().waiting == 0
    return refused.value.reason


def test_a_stick_of_another_authority_is_a_strangers(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    new = swap.spare(there, under="other")
    (stick / "recovery-identity.age").write_bytes(swap.locked_recovery("other"))
    assert refusal(new, stick) == "stick_foreign"


def test_an_empty_stick_holds_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refusal(swap.spare(tmp_path), tmp_path / "empty") == "stick_foreign"


def test_no_stick_is_said(tmp_path: Path) -> None:
    assert refusal(swap.spare(tmp_path), tmp_path / "nowhere") == "stick_missing"


def _forge(folder: Path) -> None:
    """Another last number, under the old signature."""
    whole = json.loads((folder / "handover.json").read_bytes())
    whole["handover"]["closed_at"] = 99
    (folder / "handover.json").write_text(json.dumps(whole, sort_keys=True, separators=(",", ":")))


def _spoil(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))


SPOILT: dict[str, tuple[Spoil, str]] = {
    "forged": (_forge, "stick_foreign"),
    "cut short": (lambda f: (f / "handover.json").write_bytes(b'{"handover":'), "stick_damaged"),
    "not written yet": (lambda f: (f / "handover.json").unlink(), "stick_incomplete"),
    "a sealed file changed": (lambda f: _spoil(next(f.glob("outbox/*.age"))), "stick_damaged"),
    "a sidecar changed": (lambda f: _spoil(next(f.glob("outbox/*.head.json"))), "stick_damaged"),
    "a sealed file gone": (lambda f: next(f.glob("outbox/*.age")).unlink(), "stick_incomplete"),
    "a draft gone": (lambda f: shutil.rmtree(next(f.glob("drafts/*"))), "stick_incomplete"),
    "the assignment gone": (lambda f: (f / "assignment.json").unlink(), "stick_incomplete"),
    "the assignment changed": (lambda f: _spoil(f / "assignment.json"), "stick_damaged"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_stick_that_is_not_what_the_old_box_wrote(
    how: str, old: swap.SwapBox, stick: Path, folder: Path, tmp_path: Path
) -> None:
    spoil, reason = SPOILT[how]
    spoil(folder)
    assert refusal(swap.spare(tmp_path), stick) == reason


def test_what_is_whole_can_be_taken_all_the_same_and_the_rest_later(
    old: swap.SwapBox, stick: Path, folder: Path, tmp_path: Path
) -> None:
    new = swap.spare(tmp_path)
    broken = next(folder.glob("outbox/*.age"))
    whole = broken.read_bytes()
    _spoil(broken)
    first = new.adopt(stick, rest=True)
    assert first.records == 1 and any("sealed record" in line for line in first.lost)
    broken.write_bytes(whole)
    second = new.adopt(stick)
    assert (second.records, second.lost) == (2, ())
    with new.journal() as journal:
        assert journal.carried.counts().unsent == 2
        assert len(journal.handovers.papers()) == 1


def test_a_stick_that_is_pulled_while_it_is_read_is_said_and_goes_on_where_it_stopped(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    new, away = swap.spare(tmp_path), tmp_path / "away"
    seen: list[tuple[int, int]] = []

    def pulled(done: int, of: int) -> None:
        seen.append((done, of))
        if done == 1:
            stick.rename(away)

    assert refusal(new, stick, progress=pulled) == "stick_failed"
    assert seen == [(0, 2), (1, 2)], "each file feeds the watchdog"
    away.rename(stick)
    assert new.adopt(stick).records == 2


def test_a_stick_is_read_once_and_what_was_written_is_read_back(
    old: swap.SwapBox, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, read = swap.spare(tmp_path), Path.read_bytes
    sealed: list[str] = []

    def noted(path: Path) -> bytes:
        if path.suffix == ".age" and path.parent.name == "outbox":
            sealed.append(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    new.adopt(stick)
    assert len(sealed) == len(set(sealed)) == 2
    monkeypatch.setattr(disk, "read_back", lambda _: b"what a bad storage card kept")
    with pytest.raises(StoreError, match="read a file back"):
        swap.spare(tmp_path, "BOX-98").adopt(stick)


def test_a_damaged_draft_is_lost_by_its_ticket_and_kept_aside(
    old: swap.SwapBox, stick: Path, folder: Path, tmp_path: Path
) -> None:
    new = swap.spare(tmp_path)
    entry = next(path for path in folder.glob("drafts/*/00003.*"))
    _spoil(entry)
    answer = new.adopt(stick)
    assert answer.drafts == ()
    (line,) = answer.lost
    with old.journal() as journal:
        ticket = journal.draft(entry.parent.name).ticket
    assert f"ticket {ticket}" in line
    assert (new.data / "records" / "drafts" / f"{entry.parent.name}.lost" / "key.age").exists()


def test_a_draft_without_one_of_its_files_is_lost_not_half(
    old: swap.SwapBox, stick: Path, folder: Path, tmp_path: Path
) -> None:
    next(folder.glob("drafts/*/00003.*")).unlink()
    answer = swap.spare(tmp_path).adopt(stick)
    assert answer.drafts == () and len(answer.lost) == 1


def test_a_stick_of_another_pool(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    assert refusal(swap.spare(tmp_path, pool="province-2"), stick) == "stick_other_pool"


def test_a_unit_box_takes_nobodys_place(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    assert refusal(swap.unit(tmp_path, "BOX-02"), stick) == "not_a_spare"


def test_a_box_without_papers_is_no_spare(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    assert refusal(swap.make_box(tmp_path, "BOX-98"), stick) == "no_assignment"


def test_the_old_box_does_not_adopt_itself(old: swap.SwapBox, stick: Path) -> None:
    with pytest.raises(SwapRefused) as refused:
        old.adopt(stick)
    assert refused.value.reason == "stick_own"


def test_a_hand_over_for_one_spare_is_for_that_one_alone(tmp_path: Path, stick: Path) -> None:
    made = swap.unit(tmp_path)
    made.export(stick, to="BOX-98")
    assert refusal(swap.spare(tmp_path), stick) == "stick_for_another"
    with pytest.raises(SwapRefused, match="given_to_another"):
        made.export(stick, to="BOX-99")


def test_an_older_stick_after_a_newer_one(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    new, later = swap.spare(tmp_path), tmp_path / "later"
    later.mkdir()
    old.take(serial=2, epoch=2)
    old.export(later)
    new.adopt(later)
    new.take(serial=2, epoch=2, role=SPARE)
    with pytest.raises(SwapRefused) as refused:
        new.adopt(stick)
    assert refused.value.reason == "stick_stale"


def test_a_spare_takes_one_place(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    new, other, second = swap.spare(tmp_path), swap.unit(tmp_path, "BOX-03"), tmp_path / "second"
    second.mkdir()
    other.export(second)
    new.adopt(second)
    with pytest.raises(SwapRefused) as refused:
        new.adopt(stick)
    assert refused.value.reason == "spare_taken"


def test_two_hand_overs_on_one_stick_are_told_apart_by_a_person(
    old: swap.SwapBox, stick: Path, folder: Path, tmp_path: Path
) -> None:
    swap.unit(tmp_path, "BOX-03").export(stick)
    new = swap.spare(tmp_path)
    assert refusal(new, stick) == "stick_ambiguous"
    assert new.adopt(folder).box == "BOX-01"


def test_a_box_that_was_handed_over_takes_nobodys_place(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    new, other = swap.spare(tmp_path), tmp_path / "other"
    other.mkdir()
    new.export(other)
    with pytest.raises(HandedOver):
        new.adopt(stick)


def test_a_training_stick_never_reaches_a_box_in_production(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    new = swap.make_box(tmp_path, "BOX-97")
    papers = Papers(new.identity, production=True)
    with new.journal() as journal:
        papers.take(journal, new.assignment(role=SPARE, profile=PRODUCTION))
        with pytest.raises(SwapRefused, match="stick_other_profile"):
            adopting.adopt(journal, papers, adopting.Wanted(stick, "O-1", code=swap.CODE))


def test_a_stick_without_the_recovery_file(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    (stick / "recovery-identity.age").unlink()
    assert refusal(swap.spare(tmp_path), stick) == "recovery_missing"


def test_the_recovery_file_of_another_station(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    (stick / "recovery-identity.age").write_bytes(swap.locked_recovery("other"))
    assert refusal(swap.spare(tmp_path), stick) == "recovery_of_another_station"


def test_a_stick_without_drafts_needs_no_code(tmp_path: Path, stick: Path) -> None:
    made = swap.unit(tmp_path)
    with made.journal() as journal:
        swap.sealed(journal)
    made.export(stick)
    (stick / "recovery-identity.age").unlink()
    assert swap.spare(tmp_path).adopt(stick, code="").records == 1


def test_a_carried_receipt_for_another_box_purges_nothing(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    from firmware.records.format.errors import ReceiptRefused

    new = swap.spare(tmp_path)
    new.adopt(stick)
    with new.journal() as journal:
        file = journal.carried.next()
        assert file is not None
        head = json.loads(next(file.sealed.path.parent.glob("00000001-*.head.json")).read_text())["head"]
        wrong = swap.centre().receipt("BOX-99", file.sealed, head["audit_head"])
        with pytest.raises(ReceiptRefused):
            journal.carried.delivered(file.sealed.record_digest, wrong)
        assert file.sealed.path.exists()
