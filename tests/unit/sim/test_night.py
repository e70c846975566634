"""The portrait at night: the sitter does wrong what the demo is to show, one thing after the other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from drivers.virtual.camera import VirtualCamera
from drivers.virtual.panel import VirtualPanel
from firmware.sim.night import WRONG, NightWatch
from statemachine.states import S


class Evening:
    """A station and the kiosk's screen, as far as the watch looks at them."""

    def __init__(self) -> None:
        self.station: Any = SimpleNamespace(camera=VirtualCamera(), panel=VirtualPanel())
        self.said: list[str] = []
        self.watch = NightWatch(self.station, self.said.append)

    def shows(self, hint: str, state: S = S.PORTRAIT) -> None:
        kiosk: Any = SimpleNamespace(
            flow=SimpleNamespace(state=state), form=SimpleNamespace(hint=hint, good=0)
        )
        self.watch.sees(kiosk)


def test_each_way_to_sit_wrong_is_given_up_when_it_was_told() -> None:
    evening = Evening()
    sitter = evening.station.camera.sitter
    sitter.sit(3)
    evening.shows("")
    for hint, how in WRONG:
        seat = sitter.seats[0]
        name, value = next(iter(how.items()))
        assert value in (getattr(seat, name, None), getattr(seat.pose, name, None), seat.pose.closed), hint
        evening.shows("more_light")
        assert sitter.seats[0] == seat
        evening.shows(hint)
    assert sitter.seats[0].pose.mouth_open == 0.0
    assert len([line for line in evening.said if "close_mouth" in line]) == 1


def test_before_anybody_sits_nothing_moves_and_the_next_citizen_begins_anew() -> None:
    evening = Evening()
    evening.shows("no_face")
    assert evening.station.camera.sitter.seats == ()
    evening.station.camera.sitter.sit(3)
    evening.shows("")
    evening.shows("closer")
    evening.shows("", S.CONFIRM)
    evening.shows("")
    assert evening.station.camera.sitter.seats[0].distance == WRONG[0][1]["distance"]
