"""`kiosk run` on virtual devices, for timing its start: `python -m benchmarks.box_kiosk SITE [BADGE PIN]`.

It says on standard output which screen it shows, a line each. Its person touches the greeting as soon as it
is there; with BADGE and PIN also opens a box that was just switched on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware.cli import app

if TYPE_CHECKING:
    from firmware.app.kiosk import Kiosk
    from firmware.sim.station import VirtualStation


HAND_S = 1.0
"""Before the badge lies on the reader; not counted by whoever measures."""


def main() -> None:
    from firmware import run
    from ui_fb.display import MemoryDisplay

    site, badge, pin = (*sys.argv[1:], "", "")[:3]
    built: Callable[..., Kiosk] = run.kiosk_of
    run.open_display = lambda config, terminal: MemoryDisplay((800, 480))  # noqa: ARG005

    def kiosk_of(config: Any, openers: Any, display: Any, loop: Any) -> Kiosk:  # noqa: ARG001
        from firmware.sim.station import VirtualStation

        station = VirtualStation(wait=lambda _: None)
        kiosk = built(config, station.openers(), display, loop)
        kiosk._watch = _Person(station, badge, pin)
        return kiosk

    run.kiosk_of = kiosk_of
    run._touch = lambda config, display: _no_panel  # type: ignore[assignment, return-value]  # noqa: ARG005
    sys.argv = ["kiosk", "run", "--config", str(Path(site))]
    app()


class _Person:
    """Sees each screen once, and touches what there is to touch."""

    def __init__(self, station: VirtualStation, badge: str, pin: str) -> None:
        self._station, self._badge, self._pin = station, badge, pin
        self._seen = ""

    def __call__(self, kiosk: Kiosk) -> None:
        from drivers.virtual.card.card import OfficerCard
        from firmware.app.kiosk import Act

        name = f"{kiosk.flow.state} {type(kiosk.face.last).__name__}"
        if name == self._seen:
            return
        self._seen = name
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        match name.split()[1]:
            case "Attract":
                kiosk.loop.post(Act("start"))
            case "StartBox" if self._badge:
                self._station.badge.lift()
                kiosk.loop.after(HAND_S, lambda: self._station.badge.put(OfficerCard(self._badge)))
            case _ if kiosk.flow.state == "OFFICER":
                for action in (*(f"digit:{digit}" for digit in self._pin), "ok"):
                    kiosk.loop.post(Act(action))


@contextmanager
def _no_panel() -> Iterator[Any]:
    """Nobody touches glass: the person's hand is in this process."""
    import threading

    class Glass:
        def __init__(self) -> None:
            self._gone = threading.Event()

        def listen(self, _heard: object, _stopped: object) -> None:
            self._gone.wait()

        def wake(self) -> None:
            self._gone.set()

    yield Glass()


if __name__ == "__main__":
    main()
