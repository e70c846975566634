"""A kiosk as its own process on virtual devices: `python -m support.kiosk_process DATA [bug | wedged]`.

Once it is ready the lamps burn and the tray is held, and systemd is told so. At its end it prints what its
panel's outputs were left at.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from config.load import load
from drivers.panel.gpio import OUTPUTS
from drivers.virtual.panel import PINS, VirtualPanel
from drivers.worker import Job
from firmware import crash, run
from firmware.app.kiosk import Kiosk
from firmware.loop import Loop
from firmware.sim.station import VirtualStation
from firmware.supervise import Notify, Supervisor, beat_s, systemd
from ui_fb.display import MemoryDisplay

SECRET = "Nguyễn Thị Hoa 001304000017"
LIT = "STATUS=lit, tray held"


class WatchedPanel(VirtualPanel):
    """Keeps what its pins were left at when it closed."""

    left_at: tuple[float, ...] = ()

    def __exit__(self, *error: Any) -> None:
        pins = [self._mock.pin(PINS[name]) for name in OUTPUTS]
        super().__exit__(*error)
        self.left_at = tuple(float(pin.state) for pin in pins)


def work(kiosk: Kiosk, panel: WatchedPanel, notify: Notify, what: str) -> None:
    """Light up, hold the tray, say so; then do what the test asked for."""

    def light(device: Any, _: Any) -> None:
        device.lamps(1.0, 1.0)
        device.tray(locked=True)
        if panel.light() == (1.0, 1.0) and panel.tray_locked:
            notify(LIT)

    def bug(*_: Any) -> None:
        raise ValueError(SECRET)

    assert kiosk.workers.panel is not None
    kiosk.workers.panel.submit(Job(0, "light", light))
    if what == "bug":
        kiosk.workers.finger.submit(Job(0, "bug", bug))
    if what == "wedged":
        kiosk.workers.camera.submit(Job(0, "wedged", lambda *_: threading.Event().wait()))


def main(data: str, what: str = "") -> int:
    crash.guard()
    run.log_to_stderr()
    config = load()
    config = replace(config, station=replace(config.station, data=data))
    station = VirtualStation(wait=lambda _: None)
    station.panel = panel = WatchedPanel()
    with systemd() as notify:

        def told(notice: str) -> None:
            notify(notice)
            if notice == "READY=1":
                work(kiosk, panel, notify, what)

        kiosk = run.kiosk_of(config, station.openers(), MemoryDisplay((800, 480)), Loop())
        code = Supervisor(kiosk, told, beat_s()).run()
    print(json.dumps({"outputs": panel.left_at, "data": sorted(p.name for p in Path(data).iterdir())}))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
