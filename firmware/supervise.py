"""Life and death of the kiosk's process: systemd's notices, the watchdog, signals, the order of the end.

The watchdog is fed by the loop and the store only: the loop asks the store for nothing, and on its answer
the dog gets its food. A wedged device is written off at a beat (`Workers.write_off_hung`) and never restarts
the kiosk.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.errors import DeviceFault
from drivers.worker import Done, Down, Failed, Up
from firmware.crash import EX_SOFTWARE, report

if TYPE_CHECKING:
    from firmware.app.kiosk import Kiosk

log = logging.getLogger(__name__)

Notify = Callable[[str], None]
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # SIGHUP: the terminal was taken away
UNWATCHED_BEAT_S = 10.0
NOTICE_S = 0.3
"""The socket holds ten notices that nobody has read: the next waits so long, not for ever."""
BEAT = "beat"


@dataclass(frozen=True, slots=True)
class Beat:
    """Time to prove that the loop and the store live."""


@dataclass(frozen=True, slots=True)
class End:
    """Somebody wants the process to end in order."""


@contextmanager
def systemd() -> Iterator[Notify]:
    """What sends notices to systemd; without one (NOTIFY_SOCKET), or to one that does not read, nowhere."""
    if "NOTIFY_SOCKET" not in os.environ:
        yield lambda _: None
        return
    from sdnotify import SystemdNotifier

    notifier = SystemdNotifier()
    if notifier.socket:
        notifier.socket.settimeout(NOTICE_S)
    with closing(notifier.socket) if notifier.socket else nullcontext():
        yield lambda notice: notifier.notify(notice.encode("ascii", "replace").decode())  # it sends Latin-1


def beat_s(environ: Mapping[str, str] = os.environ) -> float:
    """Seconds between two beats: a third of the watchdog's time if it watches us, sd_watchdog_enabled(3)."""
    me = str(os.getpid())
    given_us = environ.get("WATCHDOG_USEC", "") if environ.get("WATCHDOG_PID", me) == me else ""
    return int(given_us) / 3e6 if given_us.isdigit() and int(given_us) else UNWATCHED_BEAT_S


@contextmanager
def signals(stop: Callable[[], None]) -> Iterator[None]:
    """A signal calls `stop`, which posts one more message: what is being handled is finished first."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """Runs `kiosk` from its start to its end. Every message of the loop passes through `handle`."""

    def __init__(self, kiosk: Kiosk, notify: Notify, every_s: float) -> None:
        self._kiosk, self._notify, self._every_s = kiosk, notify, every_s
        self._asked = False
        self._ready = False
        self._told = ""
        self._faults: dict[str, DeviceFault] = {}

    def run(self) -> int:
        """Return the process's exit code: 0 after an orderly end, EX_SOFTWARE after a bug."""
        with signals(self.stop):
            try:
                self._kiosk.start()
                self._beat()
                self._kiosk.loop.run(self.handle)
            except Exception as bug:  # noqa: BLE001  the last place: report it, make the box safe, end
                log.critical("a bug ends the kiosk\n%s", report(bug))
                return EX_SOFTWARE
            finally:
                self._end()
        return 0

    def handle(self, message: Any) -> None:
        match message:
            case Beat():
                self._beat()
            case End():
                self._kiosk.loop.end()
            case Done(worker="store", job="beat") | Failed(worker="store", job="beat"):
                self._answered()
            case _:
                self._log(message)
                self._kiosk.handle(message)
        self._tell()

    # --- the watchdog ------------------------------------------------------------------------------

    def _beat(self) -> None:
        """Ask the store for nothing; a store that still owes the last answer is not asked again."""
        self._kiosk.workers.write_off_hung()
        if not self._asked:
            self._asked = True
            self._kiosk.desk.store.submit(0, BEAT, lambda _: None)
        self._kiosk.loop.after(self._every_s, Beat())

    def _answered(self) -> None:
        """The store's thread lives; whether its disk does is the flow's business, not the dog's."""
        self._asked = False
        self._notify("WATCHDOG=1" if self._ready else "READY=1")
        self._ready = True

    def _tell(self) -> None:
        """`systemctl status` shows the state, what is lost and why, nothing of the visit."""
        flow = self._kiosk.flow
        lost = ", ".join(map(self._why, sorted(flow.session.lost)))
        told = f"{flow.state}; lost: {lost}" if lost else str(flow.state)
        if told != self._told:
            self._told = told
            self._notify(f"STATUS={told}")

    def _why(self, name: str) -> str:
        return f"{name} ({self._faults[name].doing})" if name in self._faults else name

    def _log(self, message: Any) -> None:
        """A device that comes or goes is a line in the journal; the same fault again is not."""
        match message:
            case Up(worker=name):
                log.info("%s is up", name)
                self._faults.pop(name, None)
            case Down(worker=name, fault=fault) if str(self._faults.get(name)) != str(fault):
                log.warning("%s", fault)
                self._faults[name] = fault

    # --- the end -----------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask for an orderly end; callable from any thread and from a signal handler."""
        self._kiosk.loop.post(End())

    def _end(self) -> None:
        """The panel first, whose closing makes its outputs safe; then the rest, whatever fails on the way."""
        self._notify("STOPPING=1")
        with ExitStack() as ending:
            ending.callback(self._kiosk.close)
            panel = self._kiosk.workers.panel
            if panel is not None:
                panel.close()
