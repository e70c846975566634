"""A worker's promise: what is asked for is answered, a fault reopens the device, a bug is said loudly."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, TypeVar

import pytest

from drivers.errors import DeviceFault, DeviceGone, DeviceTimeout, UserRetry
from drivers.worker import Answer, Broken, Done, Down, Failed, Job, Stop, Up, Worker

A = TypeVar("A", bound=Answer)
ANSWER_S = 10.0


class Bench:
    """A worker over a device that opens and fails as it is told, and what it has posted."""

    def __init__(self, probe: Callable[[str], None] | None = None) -> None:
        self.inbox: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.refuses = 0
        self.open = 0
        self.worker: Worker[str] = Worker("finger", self._opened, self.inbox.put, probe)

    @contextmanager
    def _opened(self) -> Iterator[str]:
        if self.refuses:
            self.refuses -= 1
            raise DeviceGone("finger", "open")
        self.open += 1
        try:
            yield "device"
        finally:
            self.open -= 1

    def ask(self, call: Callable[[str, Stop], Any], *expects: type[Exception]) -> Stop:
        job: Job[str] = Job(7, "job", call, expects)
        self.worker.submit(job)
        return job.stop

    def expect(self, *kinds: type[Answer]) -> None:
        for kind in kinds:
            self.next(kind)

    def next(self, kind: type[A]) -> A:
        answer = self.inbox.get(timeout=ANSWER_S)
        assert isinstance(answer, kind), answer
        return answer


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    bench.worker.start()
    bench.next(Up)
    yield bench
    bench.worker.close()
    assert not bench.open, "a closed worker leaves no device open"


class Rests:
    """Stands for threading.Timer: each rest is over at once, and noted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float, done: Callable[..., None], args: tuple[Any, ...]) -> Rests:
        self.seconds.append(seconds)
        self._done: Callable[[], None] = partial(done, *args)
        return self

    def start(self) -> None:
        self._done()

    def cancel(self) -> None: ...


def _raise(error: Exception) -> Callable[[str, Stop], Any]:
    def call(_: str, __: Stop) -> Any:
        raise error

    return call


def _give(value: int, _: str, __: Stop) -> int:
    return value


def test_jobs_run_in_the_order_they_were_asked_for(bench: Bench) -> None:
    for number in range(5):
        bench.ask(partial(_give, number))
    assert [bench.next(Done).value for _ in range(5)] == list(range(5))


def test_an_answer_carries_the_entry_that_asked(bench: Bench) -> None:
    bench.ask(lambda device, _: device)
    assert bench.next(Done) == Done("finger", 7, "job", "device")


def test_what_people_mend_closes_nothing(bench: Bench) -> None:
    bench.ask(_raise(UserRetry("no_finger")))
    assert isinstance(bench.next(Failed).error, UserRetry)
    bench.ask(lambda *_: "still open")
    assert bench.next(Done).value == "still open"


def test_an_expected_error_closes_nothing(bench: Bench) -> None:
    bench.ask(_raise(LookupError()), LookupError)
    assert isinstance(bench.next(Failed).error, LookupError)
    bench.ask(lambda *_: "still open")
    bench.next(Done)


def test_a_fault_of_the_device_closes_and_reopens_it(bench: Bench) -> None:
    bench.ask(_raise(DeviceTimeout("finger", "frame")))
    assert isinstance(bench.next(Failed).error, DeviceTimeout)
    assert bench.next(Down).fault.doing == "frame"
    assert bench.open == 0
    bench.next(Up)
    assert bench.open == 1


def test_a_fault_with_words_of_its_own_stays_what_it_is(bench: Bench) -> None:
    class Particular(DeviceFault):
        def __init__(self) -> None:
            super().__init__("finger", "something particular")

    fault = Particular()
    bench.ask(_raise(fault))
    assert bench.next(Failed).error is fault
    assert bench.next(Down).fault is fault


def test_a_job_for_a_resting_device_fails_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.worker.BACKOFF_S", (60.0, 60.0))
    bench.ask(_raise(DeviceGone("finger", "frame")))
    bench.expect(Failed, Down)
    bench.ask(lambda *_: "never")
    assert isinstance(bench.next(Failed).error, DeviceGone)


def test_the_rest_doubles_up_to_its_longest_and_begins_small_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rests = Rests()
    monkeypatch.setattr("drivers.worker.threading.Timer", rests)
    bench = Bench()
    bench.refuses = 8
    bench.worker.start()
    for _ in range(8):
        bench.next(Down)
    bench.next(Up)
    assert rests.seconds == [0.5, 1, 2, 4, 8, 16, 20, 20]
    bench.ask(lambda *_: "well")
    bench.expect(Done)
    bench.ask(_raise(DeviceGone("finger", "frame")))
    bench.expect(Failed, Down, Up)
    bench.worker.close()
    assert rests.seconds[8:] == [0.5]


def test_a_device_that_opens_and_fails_at_once_is_not_hammered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening is no proof of health: only a job that went well is."""
    rests = Rests()
    monkeypatch.setattr("drivers.worker.threading.Timer", rests)
    bench = Bench()
    bench.worker.start()
    bench.next(Up)
    for _ in range(3):
        bench.ask(_raise(DeviceGone("finger", "frame")))
        bench.expect(Failed, Down, Up)
    bench.worker.close()
    assert rests.seconds == [0.5, 1, 2]


def test_a_running_job_hears_that_it_is_no_longer_wanted(bench: Bench) -> None:
    running = threading.Event()

    def work(_: str, stop: Stop) -> bool:
        running.set()
        return stop.wait(ANSWER_S)

    bench.ask(work)
    assert running.wait(ANSWER_S)
    bench.worker.stop_work()
    assert bench.next(Done).value is True


def test_a_queued_job_that_is_no_longer_wanted_never_runs(bench: Bench) -> None:
    busy, go_on = threading.Event(), threading.Event()
    ran: list[str] = []

    def work(*_: Any) -> None:
        busy.set()
        go_on.wait(ANSWER_S)

    bench.ask(work)
    assert busy.wait(ANSWER_S)
    bench.ask(lambda *_: ran.append("stopped"))
    bench.worker.stop_work()
    bench.ask(lambda *_: ran.append("asked for later"))
    go_on.set()
    bench.expect(Done, Done)
    assert ran == ["asked for later"]


def test_a_bug_is_broken_and_closes_the_device(bench: Bench) -> None:
    bench.ask(_raise(ZeroDivisionError()))
    assert isinstance(bench.next(Broken).error, ZeroDivisionError)
    bench.worker.close()
    assert bench.open == 0


def test_a_bug_while_opening_is_broken_too() -> None:
    def opens() -> AbstractContextManager[str]:
        raise KeyError("identity")

    inbox: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    worker: Worker[str] = Worker("finger", opens, inbox.put)
    worker.start()
    assert isinstance(inbox.get(timeout=ANSWER_S), Broken)
    worker.close()


def test_an_idle_device_is_probed_and_its_fault_is_found_without_anybody_asking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.worker.PROBE_S", 0.01)

    def probe(_: str) -> None:
        raise DeviceGone("finger", "idle")

    bench = Bench(probe)
    bench.worker.start()
    bench.next(Up)
    assert bench.next(Down).fault.doing == "idle"
    bench.worker.close()


def test_closing_while_the_device_rests_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.worker.BACKOFF_S", (60.0, 60.0))
    bench = Bench()
    bench.refuses = 1
    bench.worker.start()
    bench.next(Down)
    bench.worker.close(ANSWER_S)
    assert bench.inbox.empty()


def test_a_rest_that_was_over_before_does_not_cut_the_next_one_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late wake-up of an earlier rest must not end a later one."""
    timers: list[Callable[[], None]] = []

    class Held:
        def __init__(self, _s: float, done: Callable[..., None], args: tuple[Any, ...]) -> None:
            timers.append(lambda: done(*args))

        def start(self) -> None: ...
        def cancel(self) -> None: ...

    monkeypatch.setattr("drivers.worker.threading.Timer", Held)
    bench = Bench()
    bench.refuses = 2
    bench.worker.start()
    bench.next(Down)
    bench.worker.stop_work()
    timers[0]()
    bench.next(Down)
    bench.ask(lambda *_: "too early")
    assert isinstance(bench.next(Failed).error, DeviceGone)
    timers[1]()
    bench.next(Up)
    bench.worker.close()


# --- a driver that hangs ---------------------------------------------------------------------------------


class Hanging:
    """A worker with a clock of its own, whose driver hangs until it is let go."""

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.now = 0.0
        self.hangs, self.let_go = threading.Event(), threading.Event()
        self.worker: Worker[str] = Worker("chip", self._opened, self.inbox.put, clock=lambda: self.now)
        self.opening_hangs = False

    @contextmanager
    def _opened(self) -> Iterator[str]:
        if self.opening_hangs:
            self.hang()
        yield "device"

    def hang(self, *_: Any) -> str:
        self.hangs.set()
        assert self.let_go.wait(ANSWER_S)
        return "done"

    def next(self) -> Answer:
        return self.inbox.get(timeout=ANSWER_S)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    hanging = Hanging()
    yield hanging
    hanging.let_go.set()
    hanging.worker.close()


def test_a_driver_that_hangs_is_written_off_and_up_again_when_it_comes_back(hanging: Hanging) -> None:
    worker = hanging.worker
    worker.start()
    assert isinstance(hanging.next(), Up)
    worker.submit(Job(7, "write", hanging.hang))
    assert hanging.hangs.wait(ANSWER_S)
    hanging.now = 100.0
    assert worker.silent_s == 100.0
    worker.write_off()
    worker.write_off()
    down = hanging.next()
    assert isinstance(down, Down) and isinstance(down.fault, DeviceTimeout)
    worker.submit(Job(8, "ask", lambda *_: None))
    refused = hanging.next()
    assert isinstance(refused, Failed) and refused.entry == 8, "nobody waits behind it"
    hanging.let_go.set()
    late, up = hanging.next(), hanging.next()
    assert isinstance(late, Done) and late.entry == 7
    assert isinstance(up, Up)
    worker.submit(Job(9, "ask", lambda *_: None))
    served = hanging.next()
    assert isinstance(served, Done) and served.entry == 9


def test_a_worker_without_probe_that_is_written_off_while_it_waits_for_work_is_up_at_once(
    hanging: Hanging,
) -> None:
    """The driver came back between the look at it and the judgement."""
    hanging.worker.start()
    assert isinstance(hanging.next(), Up)
    hanging.worker.write_off()
    assert [type(hanging.next()) for _ in range(2)] == [Down, Up]
    hanging.worker.submit(Job(8, "ask", lambda *_: None))
    assert isinstance(hanging.next(), Done)


def test_an_opening_that_hangs_is_written_off_too(hanging: Hanging) -> None:
    hanging.opening_hangs = True
    hanging.worker.start()
    assert hanging.hangs.wait(ANSWER_S)
    hanging.now = 50.0
    assert hanging.worker.silent_s == 50.0
    hanging.worker.write_off()
    assert isinstance(hanging.next(), Down)
    hanging.let_go.set()
    assert isinstance(hanging.next(), Up)


def test_a_worker_that_waits_for_work_is_not_silent_and_a_look_at_stop_is_a_sign_of_life(
    hanging: Hanging,
) -> None:
    looked, go_on = threading.Event(), threading.Event()

    def looks(_: str, stop: Stop) -> None:
        assert go_on.wait(ANSWER_S)
        assert not stop
        looked.set()
        hanging.hang()

    worker = hanging.worker
    worker.start()
    assert isinstance(hanging.next(), Up)
    worker.submit(Job(7, "wait", looks))
    hanging.now = 100.0
    go_on.set()
    assert looked.wait(ANSWER_S)
    hanging.now = 130.0
    assert worker.silent_s == 30.0
    hanging.let_go.set()
    assert isinstance(hanging.next(), Done)
    worker.submit(Job(8, "ask", lambda *_: None))
    assert isinstance(hanging.next(), Done)
    hanging.now = 500.0
    tries = (hanging.let_go.wait(ANSWER_S) for _ in range(100_000))
    assert any(worker.silent_s == 0.0 for _ in tries), "it has gone back to wait for work"
