"""The loop: messages and timers in order, the newest frame wins, nothing is handled twice."""

from __future__ import annotations

from typing import Any

from firmware.loop import Arrived, Loop, Mailbox


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def run(loop: Loop, count: int, moved: Any = None) -> list[Any]:
    """Handle `count` messages."""
    seen: list[Any] = []

    def handle(message: Any) -> None:
        seen.append(message)
        if moved is not None:
            moved(message)
        if len(seen) == count:
            loop.end()

    loop.run(handle)
    return seen


def test_messages_come_in_the_order_they_were_posted() -> None:
    loop = Loop(Clock())
    for number in range(4):
        loop.post(number)
    assert run(loop, 4) == [0, 1, 2, 3]


def test_timers_fire_by_their_time_and_equal_ones_in_the_order_they_were_set() -> None:
    clock = Clock()
    loop = Loop(clock)
    for seconds, name in ((3.0, "late"), (1.0, "first"), (1.0, "second"), (2.0, "middle")):
        loop.after(seconds, name)
    clock.now_s = 10.0
    assert run(loop, 4) == ["first", "second", "middle", "late"]


def test_a_timer_that_is_not_due_waits_while_messages_are_handled() -> None:
    clock = Clock()
    loop = Loop(clock)
    loop.after(5.0, "timer")
    loop.post("message")

    def time_passes(_: Any) -> None:
        clock.now_s += 6.0

    assert run(loop, 2, time_passes) == ["message", "timer"]


def test_a_due_timer_comes_before_a_flood_of_messages() -> None:
    """Frames may arrive without end: a count-down must go on."""
    clock = Clock()
    loop = Loop(clock)
    loop.after(1.0, "timer")
    for _ in range(100):
        loop.post("frame")
    clock.now_s = 2.0
    assert run(loop, 1) == ["timer"]


def test_an_end_that_was_asked_for_lets_the_loop_run_again() -> None:
    loop = Loop(Clock())
    loop.post("first")
    assert run(loop, 1) == ["first"]
    loop.post("second")
    assert run(loop, 1) == ["second"]


def test_the_newest_frame_wins_and_many_frames_make_one_message() -> None:
    posted: list[Any] = []
    box = Mailbox(posted.append)
    for number in range(1, 6):
        box.put(number)
    assert posted == [Arrived(box)]
    assert box.take() == 5
    assert box.take() is None
    box.put(6)
    assert posted == [Arrived(box), Arrived(box)]
    assert box.take() == 6
