"""The world around a virtual station, for whoever looks and acts through a page: any thread may call.

Nobody here knows the flow: as a citizen does, the world sees the screen and nothing behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from firmware.sim.hands import NOTHING, SKINS, Hands
from firmware.sim.people import Citizen
from firmware.sim.station import VirtualStation
from ui_fb import screens as ui
from ui_fb.geometry import Size, Target
from ui_fb.screen import Screen


class UnknownAct(ValueError):
    """There is no such verb, or the verb has no such object."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the screen shows: its name, the finger it asks for ("": none) or asks to lift, what to touch."""

    screen: str = ""
    asks: str = ""
    lift: bool = False
    targets: tuple[Target, ...] = ()


class World:
    """Acts by name, one at a time, and what lies, sits and shines there now."""

    def __init__(self, station: VirtualStation, people: Sequence[Citizen], badges: Sequence[str]) -> None:
        self.people = people
        self._station = station
        self._acting, self._changed = threading.Lock(), threading.Condition()
        self._version, self._open = 0, True
        self._sight = Sight()
        self._hands = Hands(station, people, badges, lambda: self._sight.asks, self._tell)

    @property
    def verbs(self) -> Mapping[str, Sequence[str]]:
        """Every verb with its objects."""
        return {verb: tuple(acts) for verb, acts in self._hands.verbs.items()}

    def do(self, verb: str, what: str, skin: str = "good") -> None:
        """Move the world: `do("finger", "asked", "dry")`. Raises UnknownAct, or hands.NotNow."""
        act = self._hands.verbs.get(verb, {}).get(what)
        if act is None or skin not in SKINS:
            raise UnknownAct(f"{verb} {what}")
        with self._acting:
            act(skin) if verb == "finger" else act()

    def sees(self, screen: Screen, size: Size) -> None:
        """Look at a new picture; called on the loop's thread."""
        asks, lift = "", False
        match screen:
            case ui.Prove():
                asks, lift = screen.finger, screen.lift
            case ui.Fingers():
                asks, lift = screen.now, screen.lift
        self._sight = Sight(type(screen).__name__, asks, lift, screen.targets(size))
        self._tell()

    def wait_change(self, since: int, timeout_s: float) -> None:
        """Return once there is more to see than at `since`, at once when closed, else after the time-out."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != since or not self._open, timeout_s)

    def close(self) -> None:
        self._open = False
        self._tell()

    def state(self) -> dict[str, Any]:
        """All that can be seen from outside the box, as JSON."""
        version, held, sight = self._version, self._hands.held, self._sight
        return {
            "version": version,
            "screen": sight.screen,
            "asks": sight.asks,
            "lift": sight.lift and held.finger is not None,
            "targets": [_target(target) for target in sight.targets],
            "person": str(held.person),
            "finger": held.finger and asdict(held.finger),
            "qr": held.qr,
            "card": held.card if self._station.chip.holds_card else NOTHING,
            "blank": held.blank,
            "has_record_card": self._hands.has_record_card,
            "badge": held.badge,
            "lux": str(held.lux),
            "unplugged": sorted(held.unplugged),
            **self._seats(),
            **self._panel(),
        }

    def _seats(self) -> dict[str, Any]:
        seats = self._station.camera.sitter.seats
        return {"seated": len(seats), "eyes_closed": bool(seats) and seats[-1].pose.closed > 0}

    def _panel(self) -> dict[str, Any]:
        panel = self._station.panel
        return {
            "lamps": [round(lamp, 2) for lamp in panel.light()],
            "tray_locked": panel.tray_locked,
            "buzzing": panel.buzzing,
        }

    def _tell(self) -> None:
        with self._changed:
            self._version += 1
            self._changed.notify_all()


def _target(target: Target) -> dict[str, Any]:
    rect = target.rect
    return {"action": target.action, "rect": [rect.x, rect.y, rect.w, rect.h]}
