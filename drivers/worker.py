"""One thread per device: jobs in; Up, Down, Done and Failed out. The supervisor of a device lives here.

The thread opens the device, runs one job after the other and closes it. A `DeviceFault` closes the
device, which is opened again after a back-off of 0.5 s that doubles up to 20 s until a job or a probe goes
well; while it rests every job fails at once with `DeviceGone`. What is neither a `UserRetry`, a
`DeviceFault` nor an error that the caller declared is a bug: it is posted as `Broken`, and whoever reads the
inbox must end the process.

A thread cannot be ended from outside. A worker whose driver hangs is written off by whoever looks after it
(`silent_s`, `write_off`): its device is down until the driver comes back.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from drivers.errors import DeviceFault, DeviceGone, DeviceTimeout, UserRetry

D = TypeVar("D")

BACKOFF_S = (0.5, 20.0)
PROBE_S = 2.0
HUNG = "come back: its driver hangs"


@dataclass(frozen=True, slots=True)
class Answer:
    worker: str


@dataclass(frozen=True, slots=True)
class Up(Answer):
    """The device is open; `device` may be asked for its info, nothing else, by other threads."""

    device: Any


@dataclass(frozen=True, slots=True)
class Down(Answer):
    fault: DeviceFault


@dataclass(frozen=True, slots=True)
class Done(Answer):
    """The job asked under `entry` ended with `value`."""

    entry: int
    job: str
    value: Any


@dataclass(frozen=True, slots=True)
class Failed(Answer):
    """The job ended with an error that people or the supervisor can mend, or one its caller expects."""

    entry: int
    job: str
    error: Exception


@dataclass(frozen=True, slots=True)
class Broken(Answer):
    """A bug: the process must end."""

    error: Exception


class Stop:
    """Tells a running job that its answer is no longer wanted; jobs look at it between two short waits.

    Each look is a sign that the job's thread lives: `heard` is called.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self.heard: Callable[[], None] = lambda: None

    def set(self) -> None:
        self._event.set()

    def __bool__(self) -> bool:
        self.heard()
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; True as soon as the job is to stop."""
        self.heard()
        return self._event.wait(seconds)


@dataclass(frozen=True, slots=True)
class Job(Generic[D]):
    """`call(device, stop)` runs on the worker's thread; `expects` are the errors its caller handles."""

    entry: int
    name: str
    call: Callable[[D, Stop], Any]
    expects: tuple[type[Exception], ...] = ()
    stop: Stop = field(default_factory=Stop)


class Worker(Generic[D]):
    """Runs jobs on a device that it opens, probes when idle, and opens again after a fault."""

    def __init__(
        self,
        name: str,
        opens: Callable[[], AbstractContextManager[D]],
        post: Callable[[Answer], None],
        probe: Callable[[D], None] | None = None,
        device: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`device` is what the driver calls itself in its faults, where that is not `name` (two readers)."""
        self.name = name
        self._device = device or name
        self._opens, self._post, self._probe = opens, post, probe
        self._jobs: queue.SimpleQueue[Job[D] | None] = queue.SimpleQueue()
        self._closing = Stop()
        self._pause_s = BACKOFF_S[0]
        self._wanted: set[Stop] = set()
        self._lock = threading.Lock()
        self._telling = threading.Lock()  # whether it is up is told in the order in which it became so
        self._clock = clock
        self._heard_at: float | None = None  # None: it waits for work
        self._written_off = False
        self._thread = threading.Thread(target=self._run, name=f"worker-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job[D]) -> None:
        job.stop.heard = self._hear
        with self._lock:
            if not self._written_off:
                self._wanted.add(job.stop)
                self._jobs.put(job)
                return
        self._post(Failed(self.name, job.entry, job.name, DeviceGone(self.name, HUNG)))

    # --- a driver that hangs ---

    @property
    def silent_s(self) -> float:
        """For how long a call into the driver has given no sign of life; 0 while it waits for work."""
        heard_at = self._heard_at
        return 0.0 if heard_at is None else self._clock() - heard_at

    def write_off(self) -> None:
        """The driver hangs: its device is down, and jobs fail at once, until it comes back."""
        with self._lock:
            if self._written_off:
                return
        with self._telling:
            with self._lock:
                self._written_off = True
            self._post(Down(self.name, DeviceTimeout(self.name, HUNG)))
        self.wake()  # one that came back at this very moment

    def _hear(self) -> None:
        self._heard_at = self._clock()

    def _next(self, timeout_s: float | None = None) -> Job[D] | None:
        """What to do next. Raises queue.Empty."""
        self._heard_at = None
        try:
            return self._jobs.get(timeout=timeout_s)
        finally:
            self._hear()

    def _is_up(self, device: D) -> None:
        with self._telling:
            with self._lock:
                self._written_off = False
            self._post(Up(self.name, device))

    def stop_work(self) -> None:
        """What runs now and what was asked for before now is no longer wanted."""
        with self._lock:
            for stop in self._wanted:
                stop.set()

    def wake(self) -> None:
        """A device that rests after a fault is opened now: what it lacked is there."""
        self._jobs.put(None)

    def end(self) -> None:
        """Ask the job to stop, the device to be closed and the thread to end; `close` waits for it."""
        self._closing.set()
        self.stop_work()
        self._jobs.put(None)

    def close(self, timeout_s: float = 5.0) -> None:
        """Let the running job end, close the device, end the thread."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        self._hear()
        try:
            while not self._closing:
                try:
                    with self._opens() as device:
                        self._is_up(device)
                        self._serve(device)
                except DeviceFault as raised:
                    fault = self._own(raised)
                    self._post(Down(self.name, fault))
                    self._refuse_until(self._pause_s, fault)
                    self._pause_s = min(2 * self._pause_s, BACKOFF_S[1])
        except Exception as bug:  # noqa: BLE001  reported, and the process ends: see `Broken`
            self._post(Broken(self.name, bug))

    def _serve(self, device: D) -> None:
        """Run jobs until the end or a fault (raised on)."""
        while not self._closing:
            if self._written_off:
                self._is_up(device)
            try:
                job = self._next(PROBE_S if self._probe else None)
            except queue.Empty:
                if self._probe:
                    self._probe(device)
                    self._pause_s = BACKOFF_S[0]
                continue
            if job is not None and not self._closing:
                self._perform(device, job)

    def _perform(self, device: D, job: Job[D]) -> None:
        """Run a job, unless it was stopped before its turn came."""
        try:
            if job.stop:
                return
            self._post(Done(self.name, job.entry, job.name, job.call(device, job.stop)))
            self._pause_s = BACKOFF_S[0]
        except Exception as raised:
            error = self._own(raised) if isinstance(raised, DeviceFault) else raised
            expected = isinstance(error, (UserRetry, DeviceFault, *job.expects))
            if expected:
                self._post(Failed(self.name, job.entry, job.name, error))
            if not expected or (isinstance(error, DeviceFault) and error.device == self.name):
                raise
        finally:
            self._forget(job)

    def _own(self, fault: DeviceFault) -> DeviceFault:
        """A fault of this worker's device, under this worker's name; any other as it is."""
        if fault.device != self._device or fault.device == self.name:
            return fault
        return type(fault)(self.name, fault.doing)

    def _forget(self, job: Job[D]) -> None:
        with self._lock:
            self._wanted.discard(job.stop)

    def _refuse_until(self, pause_s: float, fault: DeviceFault) -> None:
        """Fail what is asked for while the device rests."""
        rest = threading.Timer(pause_s, self._jobs.put, (None,))
        rest.daemon = True
        rest.start()
        while (job := self._next()) is not None and not self._closing:
            self._forget(job)
            gone = DeviceGone(self.name, fault.doing)
            self._post(Failed(self.name, job.entry, job.name, gone))
        rest.cancel()
