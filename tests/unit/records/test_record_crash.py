"""A power cut at any moment: what was accepted is there, and no record is between two states.

Every durable step of the box (fsync, rename, unlink, COMMIT) is a place where the power may go. Each test
runs a procedure again and again, cutting one step later each time, and reopens the folder as a restart would.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import box, record

from firmware.records.database import Database
from firmware.records.errors import WrongState
from firmware.records.format.seal import open_sealed
from firmware.records.journal import Journal
from firmware.records.states import RecordState

S = RecordState
KEYS = record.keys()
ALIVE = 10_000


class PowerCut(BaseException):
    """Nothing in the product may catch this and go on."""


class Mains:
    """Counts durable steps and cuts the power before (or right after) one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = ALIVE
        self.after = False
        for owner, name in ((os, "fsync"), (Path, "rename"), (Path, "unlink"), (Database, "_commit")):
            monkeypatch.setattr(owner, name, self._wired(getattr(owner, name)))

    def _wired(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0 or (self.left == 0 and not self.after):
                raise PowerCut
            done = step(*args, **kwargs)
            if self.left == 0:
                raise PowerCut
            return done

        return run

    @contextmanager
    def cut_at(self, step: int, after: bool) -> Iterator[None]:
        """Run the block; the power goes at its `step`th durable step, from 1."""
        self.left, self.after = step, after
        try:
            yield
        finally:
            self.left = ALIVE


@pytest.fixture
def mains(monkeypatch: pytest.MonkeyPatch) -> Mains:
    return Mains(monkeypatch)


Act = Callable[[Journal, str], object]
Check = Callable[[Journal, str, bool], None]


def cut_everywhere(
    tmp_path: Path, mains: Mains, prepare: Callable[[Journal], str], act: Act, check: Check
) -> int:
    """Cut `act` before and after every durable step; `check(journal, record, said)` after each restart.

    `said` is True when the call had returned. Return how many cuts were made.
    """
    cuts = 0
    before = tmp_path / "before"
    before.mkdir()
    with box.open_journal(before) as journal:
        record_id = prepare(journal)
    for after in (False, True):
        for step in range(1, 200):
            folder = tmp_path / f"{step}-{after}"
            shutil.copytree(before, folder)
            said = False
            try:
                with box.open_journal(folder) as journal, mains.cut_at(step, after):
                    act(journal, record_id)
                    said = True
            except PowerCut:
                cuts += 1
            with box.open_journal(folder) as restarted:
                assert restarted.rebuilt is None
                assert restarted.audit.verify() == []
                check(restarted, record_id, said)
            if said:
                break
        else:
            pytest.fail("the procedure never came to its end")
    return cuts


def test_what_was_accepted_survives_any_cut(tmp_path: Path, mains: Mains) -> None:
    old, new = record.finger("right_index"), record.finger("right_index", 90)

    def prepare(journal: Journal) -> str:
        record_id = box.begin(journal)
        journal.accept(record_id, "finger/right_index", old, {"fingers/right_index.png": b"old"})
        return record_id

    def act(journal: Journal, record_id: str) -> None:
        journal.accept(record_id, "finger/right_index", new, {"fingers/right_index.png": b"new"})

    def check(journal: Journal, record_id: str, said: bool) -> None:
        part = journal.draft(record_id).parts["finger/right_index"]
        image = journal.blob(record_id, "fingers/right_index.png")
        assert (part, image) in ([(new, b"new")] if said else [(old, b"old"), (new, b"new")])
        assert journal.open_record() == record_id

    assert cut_everywhere(tmp_path, mains, prepare, act, check) >= 10


def test_a_cut_while_beginning_leaves_a_record_or_nothing(tmp_path: Path, mains: Mains) -> None:
    begun: list[str] = []

    def check(journal: Journal, _: str, said: bool) -> None:
        record_id = journal.open_record()
        assert not said or record_id is not None
        if record_id is None:
            assert journal._vault.records() == []
            record_id = box.begin(journal)
        journal.accept(record_id, "work/x", 1)
        begun.append(record_id)

    def act(journal: Journal, _: str) -> str:
        return box.begin(journal)

    assert cut_everywhere(tmp_path, mains, lambda _: "", act, check) >= 8
    assert begun


def test_a_cut_while_freezing_keeps_the_step(tmp_path: Path, mains: Mains) -> None:
    def prepare(journal: Journal) -> str:
        record_id = box.filled(journal)
        journal.step(record_id, "CONFIRM")
        return record_id

    def check(journal: Journal, record_id: str, said: bool) -> None:
        draft = journal.draft(record_id)
        assert draft.step == "CONFIRM" and len(draft.parts) == 15
        assert draft.state in ((S.FROZEN,) if said else (S.DRAFT, S.FROZEN))
        if draft.state is S.DRAFT:
            journal.freeze(record_id, box.IMAGE)
        assert journal.attempt(record_id).image == box.IMAGE

    cut_everywhere(tmp_path, mains, prepare, lambda j, r: j.freeze(r, box.IMAGE), check)


def test_a_card_is_never_live_without_its_record(tmp_path: Path, mains: Mains) -> None:
    """The SOD goes to the card only after `issuing` returned: then a restart must say ISSUING."""

    def check(journal: Journal, record_id: str, said: bool) -> None:
        attempt = journal.attempt(record_id)
        assert attempt.issuing == (journal.state(record_id) is S.ISSUING)
        if said:
            assert attempt.issuing and attempt.sod == box.SOD
        box.issuing(journal, record_id)
        with pytest.raises(WrongState):
            journal.abandon(record_id, "left")
        assert journal.blanks().live == 1

    cut_everywhere(tmp_path, mains, box.frozen, box.issuing, check)


def test_a_cut_while_completing_can_be_repeated(tmp_path: Path, mains: Mains) -> None:
    def prepare(journal: Journal) -> str:
        record_id = box.frozen(journal)
        box.issuing(journal, record_id)
        return record_id

    def check(journal: Journal, record_id: str, said: bool) -> None:
        assert journal.state(record_id) in ((S.COMPLETE,) if said else (S.ISSUING, S.COMPLETE))
        journal.complete(record_id, 1, box.REPORT)
        assert journal.unsealed() == [record_id]

    def act(journal: Journal, record_id: str) -> None:
        journal.complete(record_id, 1, box.REPORT)

    cut_everywhere(tmp_path, mains, prepare, act, check)


def test_a_cut_while_a_card_is_voided(tmp_path: Path, mains: Mains) -> None:
    def prepare(journal: Journal) -> str:
        record_id = box.frozen(journal)
        box.issuing(journal, record_id)
        return record_id

    def check(journal: Journal, record_id: str, said: bool) -> None:
        number = journal.attempt(record_id).number
        assert number in ((2,) if said else (1, 2))
        assert len(journal.void_cards(record_id)) == number - 1
        blanks = journal.blanks()
        assert (blanks.live, blanks.void) == ((0, 1) if number == 2 else (1, 0))

    cut_everywhere(tmp_path, mains, prepare, lambda j, r: j.lost(r, 1, box.OFFICERS), check)


def test_a_cut_while_sealing_neither_loses_nor_doubles(tmp_path: Path, mains: Mains) -> None:
    def check(journal: Journal, record_id: str, said: bool) -> None:
        state = journal.state(record_id)
        assert state in ((S.SEALED,) if said else (S.COMPLETE, S.SEALED))
        if state is S.COMPLETE:
            assert box.outbox(journal) == []
            assert journal.unsealed() == [record_id]
            journal.audit.append("O-1", "looked")  # so that the next manifest is another one
            journal.seal(record_id)
        (file,) = box.outbox(journal)
        got = open_sealed(file.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW)
        assert got.manifest["sequence"] == 1
        folder = file.path.parent
        assert len(list(folder.iterdir())) == 2  # the file and its sidecar, no stray
        assert not (folder.parent / "drafts" / record_id).exists()

    cuts = cut_everywhere(tmp_path, mains, box.completed, lambda j, r: j.seal(r), check)
    assert cuts >= 20


def test_a_cut_while_purging_is_finished_at_the_restart(tmp_path: Path, mains: Mains) -> None:
    heads: dict[str, str] = {}

    def prepare(journal: Journal) -> str:
        file = box.sealed(journal)
        opened = open_sealed(file.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW)
        heads[file.record_id] = opened.manifest["audit_head"]
        return file.record_id

    def deliver(journal: Journal, record_id: str) -> None:
        (file,) = box.outbox(journal)
        journal.delivered(record_id, box.receipt_for(file, heads[record_id]))

    def check(journal: Journal, record_id: str, said: bool) -> None:
        if journal.state(record_id) is S.SEALED:
            assert not said
            assert journal._outbox.read(record_id)
            deliver(journal, record_id)
        assert journal.state(record_id) is S.PURGED
        assert not list((journal._outbox._folder).glob("*.age"))
        assert box.sealed(journal).sequence == 2

    cut_everywhere(tmp_path, mains, prepare, deliver, check)


def test_a_cut_while_abandoning_ends_with_nothing_readable(tmp_path: Path, mains: Mains) -> None:
    def check(journal: Journal, record_id: str, said: bool) -> None:
        if journal.state(record_id) is S.DRAFT:
            assert not said
            assert len(journal.draft(record_id).parts) == 15
            journal.abandon(record_id, "left")
        assert journal.state(record_id) is S.ABANDONED
        assert journal._vault.records() == []
        assert journal.open_record() is None

    cut_everywhere(tmp_path, mains, box.filled, lambda j, r: j.abandon(r, "left"), check)


def test_a_cut_while_putting_aside_keeps_record_and_ticket_together(tmp_path: Path, mains: Mains) -> None:
    until = record.NOW.replace(year=2027)

    def check(journal: Journal, record_id: str, said: bool) -> None:
        draft = journal.draft(record_id)
        assert (draft.ticket is None) == (draft.waiting is None)
        if draft.ticket is None:
            assert not said and journal.open_record() == record_id
        else:
            assert journal.resume(draft.ticket) == record_id

    cut_everywhere(tmp_path, mains, box.begin, lambda j, r: j.wait(r, "signer", until), check)
