"""The power goes, or the stick is pulled, at any step of a swap: run again, and it is the same swap."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import box as one_box
from support import swap
from support.torture import TORTURE

from firmware.box import retire
from firmware.box.stick import SwapRefused
from firmware.records import disk
from firmware.records.database import Database
from firmware.records.errors import HandedOver
from firmware.records.handover import ADOPTED, GIVEN

pytestmark = pytest.mark.usefixtures("quick")
ALIVE = 10_000


class PowerCut(BaseException):
    """Nothing in the product may catch this and go on."""


class Mains:
    """Cuts the power before or right after the `left`th durable step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.after = ALIVE, False
        steps = ((os, "fsync"), (Path, "rename"), (Path, "unlink"), (Path, "rmdir"), (Database, "_commit"))
        for owner, name in steps:
            monkeypatch.setattr(owner, name, self._wired(getattr(owner, name)))

    def _wired(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0 or (self.left == 0 and not self.after):
                raise PowerCut
            done = step(*args, **named)
            if self.left == 0:
                raise PowerCut
            return done

        return run

    def cut(self, at: int, after: bool, act: Callable[[], object]) -> bool:
        """Whether `act` came to its end before its `at`th step."""
        self.left, self.after = at, after
        try:
            act()
        except PowerCut:
            return False
        finally:
            self.left = ALIVE
        return True


@pytest.fixture
def mains(monkeypatch: pytest.MonkeyPatch) -> Mains:
    return Mains(monkeypatch)


def every_cut(mains: Mains, root: Path, act: Callable[[Path], object], check: Callable[[Path], None]) -> int:
    """Cut `act` on a fresh copy of `root`, and `check` what is left; how many cuts.

    Before every third step and after every third other one; under torture before and after each.
    """
    cuts = 0
    for after in (False, True):
        for step in range(1 + (after and not TORTURE), 1000, 1 if TORTURE else 3):
            folder = root.parent / f"cut-{step}-{after}"
            shutil.copytree(root, folder)
            done = mains.cut(step, after, lambda folder=folder: act(folder))  # type: ignore[misc]
            check(folder)
            shutil.rmtree(folder)
            if done:
                break
            cuts += 1
    return cuts


def world(tmp_path: Path) -> Path:
    """Two boxes and a stick in one folder: a sealed record, a draft that waits, one at the kiosk."""
    root = tmp_path / "world"
    (root / "stick").mkdir(parents=True)
    (root / "stick" / "recovery-identity.age").write_bytes(swap.locked_recovery())
    old = swap.unit(root)
    swap.spare(root)
    with old.journal() as journal:
        journal.stock.load(9, ["O-1"])
        swap.sealed(journal)
        swap.waiting(journal, swap.begin(journal))
        one_box.issuing(journal, swap.frozen(journal))
    return root


def at(root: Path, name: str) -> swap.SwapBox:
    return swap.SwapBox(root / name, name, one_box.Clock())


def test_an_export_that_was_cut_goes_on_to_the_same_handover(tmp_path: Path, mains: Mains) -> None:
    def export(root: Path) -> object:
        return at(root, "BOX-01").export(root / "stick")

    def check(root: Path) -> None:
        old = at(root, "BOX-01")
        with old.journal() as journal:
            papers = journal.handovers.papers(GIVEN)
        usable = list((root / "stick").glob("idkiosk-swap/*/handover.json"))
        assert papers or not usable, "no stick can be used before the epoch is closed"
        old.clock.pass_time(hours=1)
        done = old.export(root / "stick")
        assert (done.records, done.drafts) == (1, 2)
        if papers:
            assert (done.folder / "handover.json").read_bytes() == papers[0].body
        assert len(at(root, "BOX-99").adopt(root / "stick", blanks=8).drafts) == 2

    assert every_cut(mains, world(tmp_path), export, check) > 40


def test_an_adoption_that_was_cut_is_wholly_there_or_not_at_all(tmp_path: Path, mains: Mains) -> None:
    root = world(tmp_path)
    at(root, "BOX-01").export(root / "stick")

    def adopt(root: Path) -> object:
        return at(root, "BOX-99").adopt(root / "stick", blanks=8)

    def check(root: Path) -> None:
        new = at(root, "BOX-99")
        with new.journal() as journal:
            assert journal.rebuilt is None and journal.audit.verify() == []
            taken = len(journal.handovers.papers(ADOPTED))
            found = (journal.carried.counts().unsent, journal.counts().waiting, journal.blanks().left)
            assert found == ((1, 2, 8) if taken else (0, 0, 0))
        answer = new.adopt(root / "stick", blanks=8)
        assert (answer.again, answer.records, len(answer.drafts), answer.lost) == (bool(taken), 1, 2, ())
        with new.journal() as journal:
            assert (journal.carried.counts().unsent, journal.counts().waiting) == (1, 2)
            assert journal.blanks().taken_in == 8
            for draft in answer.drafts:
                assert journal.resume(draft.ticket) == draft.record_id
                journal.wait(draft.record_id, "x", journal.now())

    assert every_cut(mains, root, adopt, check) > 25


def test_whole_files_are_not_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = world(tmp_path)
    old = at(root, "BOX-01")
    pulled_after(monkeypatch, root / "stick", 5, errno.EIO)
    with pytest.raises(SwapRefused) as refused:
        old.export(root / "stick")
    assert refused.value.reason == "stick_failed"
    monkeypatch.undo()
    there = {path: path.stat().st_mtime_ns for path in (root / "stick").rglob("*") if path.is_file()}
    assert len(there) == 6
    old.export(root / "stick")
    assert all(path.stat().st_mtime_ns == before for path, before in there.items())


@pytest.mark.parametrize(("code", "reason"), [(errno.ENOSPC, "stick_full"), (errno.ENODEV, "stick_failed")])
def test_a_stick_pulled_half_way_is_of_no_use_and_the_old_box_stays_closed(
    code: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = world(tmp_path)
    old, new = at(root, "BOX-01"), at(root, "BOX-99")
    with monkeypatch.context() as context:
        pulled_after(context, root / "stick", 3, code)
        with pytest.raises(SwapRefused) as refused:
            old.export(root / "stick")
    assert refused.value.reason == reason
    with old.journal() as journal, pytest.raises(HandedOver):
        swap.begin(journal)
    monkeypatch.setattr("firmware.box.adopt.open_recovery", swap.quick_recovery)
    with pytest.raises(SwapRefused) as refused:
        new.adopt(root / "stick")
    assert refused.value.reason == "stick_incomplete"
    old.export(root / "stick")
    assert new.adopt(root / "stick").lost == ()


def test_a_retirement_that_was_cut_is_finished_by_running_it_again(tmp_path: Path, mains: Mains) -> None:
    root = world(tmp_path)
    at(root, "BOX-01").export(root / "stick")

    def act(root: Path) -> None:
        old = at(root, "BOX-01")
        proof = retire.begun(old.data)
        if proof is None:
            with old.journal() as journal:
                proof = retire.sign(journal, old.papers, "O-1")
        retire.erase(old.data, old.identity, proof, root / "proof.json")

    def check(root: Path) -> None:
        act(root)
        data = root / "BOX-01"
        assert [path.name for path in data.iterdir()] == ["retirement.json"]
        assert (data / "retirement.json").read_bytes() == (root / "proof.json").read_bytes()

    assert every_cut(mains, root, act, check) > 10


def pulled_after(monkeypatch: pytest.MonkeyPatch, stick: Path, files: int, code: int) -> None:
    """The stick is gone, or full, once so many files were written to it."""
    write, written = disk.write, 0

    def writing(path: Path, content: bytes) -> None:
        nonlocal written
        if path.is_relative_to(stick):
            if written >= files:
                with disk.translated("write a file"):
                    raise OSError(code, os.strerror(code))
            written += 1
        write(path, content)

    monkeypatch.setattr(disk, "write", writing)
