"""systemd hears what is true: the loop and the store feed the watchdog, nothing else does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.systemd import NotifySocket, notify_socket

from drivers.errors import DeviceGone
from drivers.worker import Broken, Down, Job, Up, Worker
from firmware.app.kiosk import CrashError
from firmware.app.store import Store
from firmware.crash import EX_SOFTWARE, report
from firmware.loop import Loop
from firmware.records.errors import StoreError
from firmware.supervise import UNWATCHED_BEAT_S, Beat, Notify, Supervisor, beat_s, systemd
from statemachine.states import S


class SlowClock:
    """Stands still: only what the test posts happens."""

    def __call__(self) -> float:
        return 0.0


class SmallKiosk:
    """As much of a kiosk as the supervisor touches: a real loop, a real store worker, a flow's state."""

    def __init__(self, loop: Loop, opens: Callable[[], Any], panel: Worker[Any] | None = None) -> None:
        self.loop = loop
        self.store = Store(opens, loop.post)
        self.desk = SimpleNamespace(store=self.store)
        self.flow = SimpleNamespace(state=S.ATTRACT, session=SimpleNamespace(lost=frozenset()))
        self.looked_after = 0
        self.workers = SimpleNamespace(panel=panel, write_off_hung=self._look_after)
        self.handled: list[Any] = []
        self.closed = False

    def start(self) -> None:
        self.store.worker.start()
        if self.workers.panel is not None:
            self.workers.panel.start()

    def handle(self, message: Any) -> None:
        self.handled.append(message)
        if isinstance(message, Broken):
            raise CrashError(message.worker) from message.error
        if callable(message):
            message()

    def close(self) -> None:
        self.store.worker.close()

    def _look_after(self) -> None:
        self.looked_after += 1
        self.closed = True


@contextmanager
def journal() -> Iterator[str]:
    yield "a journal"


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotifySocket]:
    with notify_socket(tmp_path) as opened:
        monkeypatch.setenv("NOTIFY_SOCKET", str(opened.path))
        yield opened


@pytest.fixture
def notify(told: NotifySocket) -> Iterator[Notify]:
    with systemd() as sends:
        yield sends


@pytest.fixture
def box() -> Iterator[SmallKiosk]:
    kiosk = SmallKiosk(Loop(SlowClock()), journal)
    yield kiosk
    kiosk.store.worker.close()


def turns(supervisor: Supervisor, loop: Loop, until: Callable[[Any], bool]) -> None:
    """Run the loop until a message for which `until` holds was handled."""

    def handle(message: Any) -> None:
        supervisor.handle(message)
        if until(message):
            loop.end()

    loop.run(handle)


def is_beat_answer(message: Any) -> bool:
    return getattr(message, "job", "") == "beat"


def test_ready_is_said_when_the_store_has_answered_and_not_before(
    box: SmallKiosk, told: NotifySocket, notify: Notify
) -> None:
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    supervisor.handle(Beat())
    assert "READY=1" not in told.waiting()
    box.start()
    turns(supervisor, box.loop, is_beat_answer)
    assert told.waiting() == ["READY=1"]


def test_each_later_answer_feeds_the_watchdog(box: SmallKiosk, told: NotifySocket, notify: Notify) -> None:
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    box.start()
    for _ in range(3):
        supervisor.handle(Beat())
        turns(supervisor, box.loop, is_beat_answer)
    assert [notice for notice in told.waiting() if "STATUS" not in notice] == [
        "READY=1",
        "WATCHDOG=1",
        "WATCHDOG=1",
    ]
    assert box.looked_after == 3, "and each beat looks for drivers that hang"


def test_a_hanging_store_gets_no_food_and_no_queue_until_it_answers(
    box: SmallKiosk, told: NotifySocket, notify: Notify
) -> None:
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    box.start()
    supervisor.handle(Beat())
    turns(supervisor, box.loop, is_beat_answer)
    told.waiting()

    hanging, released = threading.Event(), threading.Event()

    def hang(_: Any) -> None:
        hanging.set()
        released.wait()

    box.store.submit(0, "hang", hang)
    assert hanging.wait(10)
    for _ in range(5):
        supervisor.handle(Beat())
    assert told.waiting() == []
    released.set()
    turns(supervisor, box.loop, is_beat_answer)
    assert told.waiting() == ["WATCHDOG=1"]
    box.store.submit(0, "after", lambda _: None)
    turns(supervisor, box.loop, lambda message: getattr(message, "job", "") == "after")
    assert told.waiting() == []


def test_a_wedged_device_does_not_starve_the_watchdog(told: NotifySocket, notify: Notify) -> None:
    released = threading.Event()

    @contextmanager
    def panel() -> Iterator[str]:
        yield "panel"

    loop = Loop(SlowClock())
    worker: Worker[Any] = Worker("panel", panel, loop.post)
    box = SmallKiosk(loop, journal, worker)
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    box.start()
    worker.submit(Job(0, "wedged", lambda device, stop: released.wait()))
    try:
        for _ in range(2):
            supervisor.handle(Beat())
            turns(supervisor, box.loop, is_beat_answer)
        assert "WATCHDOG=1" in told.waiting()
    finally:
        released.set()
        worker.close()
        box.store.worker.close()


def test_a_store_without_its_disk_is_alive_and_the_kiosk_not_restarted(
    told: NotifySocket, notify: Notify
) -> None:
    def broken_disk() -> Any:
        raise StoreError("open")

    box = SmallKiosk(Loop(SlowClock()), broken_disk)
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    box.start()
    supervisor.handle(Beat())
    turns(supervisor, box.loop, is_beat_answer)
    assert "READY=1" in told.waiting()
    box.store.worker.close()


def test_the_status_names_the_state_and_what_is_lost_once(
    box: SmallKiosk, told: NotifySocket, notify: Notify
) -> None:
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    box.start()
    supervisor.handle(object())
    supervisor.handle(object())
    box.flow = SimpleNamespace(state=S.FINGERS, session=SimpleNamespace(lost=frozenset({"finger", "camera"})))
    supervisor.handle(object())
    assert told.waiting() == ["STATUS=ATTRACT", "STATUS=FINGERS; lost: camera, finger"]


def test_the_status_says_what_a_lost_device_failed_to_do_until_it_is_back(
    box: SmallKiosk, told: NotifySocket, notify: Notify
) -> None:
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    box.start()
    box.flow = SimpleNamespace(state=S.OUT_OF_ORDER, session=SimpleNamespace(lost={"finger", "clock"}))
    supervisor.handle(Down("finger", DeviceGone("finger", "load NFIQ 2")))
    box.flow = SimpleNamespace(state=S.ATTRACT, session=SimpleNamespace(lost=frozenset()))
    supervisor.handle(Up("finger", None))
    assert told.waiting() == ["STATUS=OUT_OF_ORDER; lost: clock, finger (load NFIQ 2)", "STATUS=ATTRACT"]


def test_a_device_that_goes_is_logged_once_until_it_is_back(
    box: SmallKiosk, notify: Notify, caplog: pytest.LogCaptureFixture
) -> None:
    box.start()
    supervisor = Supervisor(box, notify, 1.0)  # type: ignore[arg-type]
    gone, back = Down("camera", DeviceGone("camera", "open")), Up("camera", None)
    with caplog.at_level("INFO"):
        for message in (gone, gone, back, gone):
            supervisor.handle(message)
    assert [record.getMessage() for record in caplog.records] == [
        "camera: open",
        "camera is up",
        "camera: open",
    ]
    assert box.handled == [gone, gone, back, gone]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_kiosk_in_order(
    box: SmallKiosk, told: NotifySocket, notify: Notify, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    box.loop.post(lambda: os.kill(os.getpid(), number))
    assert Supervisor(box, notify, 1.0).run() == 0  # type: ignore[arg-type]
    assert box.closed
    assert told.waiting()[-1] == "STOPPING=1"
    assert signal.getsignal(number) == before


def test_a_bug_in_a_worker_ends_the_process_with_the_panel_safe_before_anything_else(
    notify: Notify, caplog: pytest.LogCaptureFixture
) -> None:
    order = []

    @contextmanager
    def panel() -> Iterator[str]:
        yield "panel"
        order.append("panel safe")

    loop = Loop(SlowClock())
    box = SmallKiosk(loop, journal, Worker("panel", panel, loop.post))
    box.close = lambda: (order.append("closed"), box.store.worker.close())  # type: ignore[method-assign]
    loop.post(Broken("finger", ValueError("Nguyễn Thị Hoa, 001304000017")))
    assert Supervisor(box, notify, 1.0).run() == EX_SOFTWARE  # type: ignore[arg-type]
    assert order == ["panel safe", "closed"]
    assert "ValueError" in caplog.text
    assert "Hoa" not in caplog.text
    assert "001304000017" not in caplog.text


def test_without_systemd_notices_go_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with systemd() as sends:
        sends("READY=1")


def test_a_systemd_that_does_not_read_holds_nothing_up(told: NotifySocket, notify: Notify) -> None:
    room = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    for number in range(room + 4):
        notify(f"STATUS={number}")
    assert told.waiting()[: room + 1] == [f"STATUS={number}" for number in range(room + 1)]


def test_a_notice_in_any_script_arrives(told: NotifySocket, notify: Notify) -> None:
    notify("STATUS=Đang chờ")
    assert told.waiting() == ["STATUS=?ang ch?"]


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 10.0),
        ({"WATCHDOG_USEC": "300000", "WATCHDOG_PID": str(os.getpid())}, 0.1),
        ({"WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"}, UNWATCHED_BEAT_S),
        ({"WATCHDOG_USEC": "0"}, UNWATCHED_BEAT_S),
        ({"WATCHDOG_USEC": "soon"}, UNWATCHED_BEAT_S),
        ({}, UNWATCHED_BEAT_S),
    ],
)
def test_the_beat_is_a_third_of_what_systemd_waits(environ: dict[str, str], seconds: float) -> None:
    assert beat_s(environ) == pytest.approx(seconds)


def test_a_report_names_lines_and_kinds_and_no_value() -> None:
    secret = "001304000017"

    def look_up(number: str) -> None:
        raise KeyError(number)

    try:
        try:
            look_up(secret)
        except KeyError as exc:
            raise RuntimeError(f"no {secret}") from exc
    except RuntimeError as error:
        text = report(error)
    assert "KeyError" in text
    assert "look_up" in text
    assert "test_supervise.py" in text
    assert secret not in text
