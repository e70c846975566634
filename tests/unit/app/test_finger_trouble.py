"""FINGERS: bad input and a scorer that fails each have their own message and cost one touch at most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.fingers import sleeve, two_fingers
from support.kiosk import Story, story

from centre import db, registry
from centre.station import Station
from drivers.api import Pixels
from drivers.virtual.skin import Finger, impression
from firmware.quality.nbis.client import ScoreFailed, ScorerLost
from firmware.sim.people import registry_row
from statemachine.session import FINGERS
from statemachine.states import Device, S
from ui_fb import screens as ui

SHAPE = (290, 384)
RANDOM = np.random.default_rng(5)
NO_FINGER: dict[str, tuple[Pixels, str]] = {
    "black": (np.zeros(SHAPE, np.uint8), "covered"),
    "noise": (RANDOM.integers(0, 256, SHAPE).astype(np.uint8), "no_ridges"),
    "a glass that reports a finger and shows none": (np.full(SHAPE, 252, np.uint8), "blank"),
    "a sleeve": (sleeve(), "no_ridges"),
    "two fingers": (two_fingers(), "one_finger"),
}


def lays(s: Story, pixels: Pixels) -> None:
    s.station.sensor.lift()
    s.comes(lambda: isinstance(s.screen, ui.Fingers))
    assert s.station.sensor.asked(20.0)
    s.station.sensor.place(pixels)


def attempts(s: Story) -> list[Any]:
    part = s.ask(lambda journal: journal.draft(s.record_id).parts.get(f"finger/{FINGERS[0]}"))
    return list(part["attempts"]) if part else []


@pytest.mark.parametrize("what", NO_FINGER)
def test_what_is_no_finger_is_said_and_uses_no_attempt_up(what: str) -> None:
    pixels, message = NO_FINGER[what]
    with story(at="FINGERS") as s:
        lays(s, pixels)
        s.comes(lambda: s.kiosk.flow.session.reason == message)
        assert s.state is S.FINGERS
        assert attempts(s) == []
        s.until(lambda: s.fingers_left == 9)


@pytest.mark.parametrize("error", [ScoreFailed("no finger"), ScorerLost("score: no answer in time")])
def test_a_scorer_that_refuses_hangs_or_dies_costs_one_attempt(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with story(at="FINGERS") as s:

        def fails(_image: object) -> int:
            raise error

        with monkeypatch.context() as world:
            world.setattr(s.kiosk.desk.scorer, "nfiq2", fails)
            lays(s, impression(Finger(s.person.seed, FINGERS[0]), 1, dry=0.05))
            s.comes(lambda: s.kiosk.flow.session.reason == "not_scored")
        assert [each["score"] for each in attempts(s)] == [None], "255, never 0 and never a pass"
        s.until(lambda: s.fingers_left == 9)


def never_empty(s: Story, step: S) -> None:
    """Something lies there, or the sensor reports nothing any more: it is not that nobody came."""
    s.comes(lambda: s.state is step and bool(s.screen.lift))
    s.skip(s.kiosk.desk.config.finger.wait_s + 1)
    s.comes(S.HELP)
    assert (s.screen.reason, s.screen.retry) == ("glass_not_empty", True)


def test_a_glass_that_is_never_empty_at_the_proof_calls_the_officer_who_wipes_it() -> None:
    with story() as s:
        s.station.sensor.place(sleeve())
        s.until(S.PROVE)
        never_empty(s, S.PROVE)
        assert s.kiosk.flow.session.tries == 0
        s.station.sensor.lift()
        s.touch("retry")
        s.until(S.REVIEW)


def test_a_glass_that_is_never_empty_between_two_fingers_calls_the_officer_who_wipes_it() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 9)
        s.station.sensor.place(sleeve())  # where the glass was empty already: it is refused first
        never_empty(s, S.FINGERS)
        s.station.sensor.lift()
        s.touch("retry")
        s.until(lambda: s.fingers_left == 8)


def test_a_sensor_whose_signals_are_dead_calls_the_officer_who_plugs_it_in_again() -> None:
    """Its registers answer, so no fault is found: that the glass never is empty is all there is to see."""
    with story(at="FINGERS", started=False) as s:
        s.station.sensor.hush()
        s.start()
        s.until(S.FINGERS)
        never_empty(s, S.FINGERS)
        s.station.sensor.unplug()
        s.comes(lambda: Device.FINGER in s.kiosk.flow.session.lost)
        s.station.sensor.plug()
        s.comes(lambda: Device.FINGER not in s.kiosk.flow.session.lost)
        s.touch("retry")
        s.until(lambda: s.fingers_left == 9)


def test_an_empty_glass_that_nobody_touches_asks_whether_somebody_is_there() -> None:
    with story(at="FINGERS") as s:
        assert s.station.sensor.asked(20.0)
        s.skip(s.kiosk.desk.config.finger.wait_s + 1)
        s.comes(S.STILL_THERE)


def test_a_truncated_frame_is_the_devices_fault_and_the_visit_goes_on() -> None:
    with story(at="FINGERS") as s:
        s.station.sensor.cut_next_frame(5000)
        lays(s, impression(Finger(s.person.seed, FINGERS[0]), 1))
        s.comes(S.HELP)
        assert s.kiosk.flow.session.reason == "lost_finger"
        assert attempts(s) == []


def test_a_frame_of_another_size_is_the_devices_fault_and_the_visit_goes_on() -> None:
    """What a sensor of another model would send is cut off where this one's frame ends, and then is none."""
    with story(at="FINGERS") as s:
        s.station.sensor.cut_next_frame(64 + 128 * 256)
        lays(s, impression(Finger(s.person.seed, FINGERS[0]), 1))
        s.comes(S.HELP)
        assert s.kiosk.flow.session.reason == "lost_finger"
        assert attempts(s) == []


def test_a_damaged_template_of_the_registry_proves_nobody_and_costs_one_touch() -> None:
    """An officer attests instead; nothing is matched against bytes that are no template."""
    with story() as s:
        damaged = registry_row(s.person, lambda *_: b"\x00FMR damaged")
        with Station(s.centre.folder).opened() as engine, db.writing(engine) as connection:
            registry.store(connection, [registry.check_person(damaged, "story")])
        s.until(S.HELP)
        assert s.kiosk.flow.session.reason == "no_template"
        assert s.kiosk.flow.session.proven is None
