"""The courier's rounds on the loop: one at a time, and after every end another one, sooner or later."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drivers.errors import DeviceGone
from drivers.worker import Done, Failed, Job
from firmware.app import courier
from firmware.app.courier import DELIVER, Delivered
from firmware.app.housekeeping import LAST_RECEIPTS, House
from firmware.app.kiosk import Kiosk

MOST_S = 40.0


class Rounds:
    """A house whose courier only counts, and whose loop only notes when to act."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.later: list[tuple[float, Callable[[], None]]] = []
        monkeypatch.setattr(courier, "courier", lambda *_: SimpleNamespace(submit=self._submit))
        monkeypatch.setattr(
            "firmware.app.housekeeping.SystemRandom", lambda: SimpleNamespace(random=lambda: 1.0)
        )
        desk = SimpleNamespace(
            config=SimpleNamespace(centre=SimpleNamespace(retry_most_s=MOST_S)),
            store=SimpleNamespace(submit=lambda *_: None),
            now=lambda: None,
        )
        loop = SimpleNamespace(post=None, after=lambda seconds, act: self.later.append((seconds, act)))
        self.kiosk = SimpleNamespace(desk=desk, loop=loop, receipts=0, last_receipts=(), status={})
        self.house = House(cast(Kiosk, self.kiosk))

    def _submit(self, _: Job[Any]) -> None:
        self.asked += 1

    def ends(self, failed: str = "", moved: bool = False, sent: tuple[str, ...] = ()) -> None:
        told = Delivered(sent, (), failed, moved)
        self.house.done(Done("courier", 0, DELIVER, told))

    @property
    def pause_s(self) -> float:
        return self.later[-1][0]


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Rounds:
    return Rounds(monkeypatch)


def test_one_round_at_a_time(rounds: Rounds) -> None:
    rounds.house.deliver()
    rounds.house.deliver()
    assert rounds.asked == 1
    rounds.ends()
    rounds.house.deliver()
    assert rounds.asked == 2


def test_a_round_that_failed_is_followed_by_another_ever_later(rounds: Rounds) -> None:
    pauses = []
    for _ in range(7):
        rounds.house.deliver()
        rounds.ends("no line")
        pauses.append(rounds.pause_s)
        rounds.later[-1][1]()
        rounds.ends("no line")
    assert pauses[0] == 2 and pauses[-1] == MOST_S
    assert pauses == sorted(pauses)


def test_rounds_that_fail_leave_one_next_try_however_many_they_were(rounds: Rounds) -> None:
    """A full or a resting store asks for rounds of its own."""
    for _ in range(5):
        rounds.house.deliver()
        rounds.ends("no line")
    assert (rounds.asked, len(rounds.later)) == (5, 5)
    for _, act in rounds.later[:]:
        act()
    assert rounds.asked == 6


def test_a_note_that_fails_is_not_noted(rounds: Rounds) -> None:
    noted = []
    rounds.kiosk.desk.store.submit = lambda _, job, __: noted.append(job)
    rounds.house.failed(Failed("store", 0, "aside", DeviceGone("store", "answer")))
    rounds.house.failed(Failed("store", 0, "note", DeviceGone("store", "answer")))
    assert noted == ["note"]


def test_what_moved_makes_the_next_try_a_near_one(rounds: Rounds) -> None:
    for moved, expected_s in ((False, 2), (False, 4), (False, 8), (True, 2)):
        rounds.house.deliver()
        rounds.ends("cut", moved)
        assert rounds.pause_s == expected_s


def test_a_courier_that_fails_itself_is_not_for_ever_sending(rounds: Rounds) -> None:
    rounds.house.deliver()
    rounds.house.failed(Failed("courier", 0, DELIVER, DeviceGone("courier", "open")))
    assert rounds.later, "another round is due"
    rounds.later[-1][1]()
    assert rounds.asked == 2


def test_a_box_that_runs_for_months_counts_its_receipts_and_keeps_the_last_ones(rounds: Rounds) -> None:
    for n in range(3):
        rounds.ends(sent=tuple(f"{n}-{each}" for each in range(70)))
    assert rounds.kiosk.receipts == 210
    assert len(rounds.kiosk.last_receipts) == LAST_RECEIPTS
    assert rounds.kiosk.last_receipts[-1] == "2-69"
