"""Where NFIQ 2 is installed and fails, a box in production is out of order; nothing is silently estimated."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import box, misbehaving_scorer, office
from support.kiosk import Story, story
from support.papers import BoxIdentity

from config.schema import Config, Station
from drivers.api import FingerImage
from drivers.errors import DeviceGone
from drivers.virtual.skin import Finger, impression
from firmware.app.desk import Desk
from firmware.box.clock import BoxClock
from firmware.quality.nbis.client import FingerScorer, ScorerLost
from firmware.quality.nbis.runtime import Runtime
from statemachine.session import FINGERS
from statemachine.states import Device, S
from ui_fb import screens as ui

WELL = [sys.executable, "-I", str(misbehaving_scorer.__file__), "says nothing"]
BROKEN = [
    ["/nowhere/python"],
    *([*WELL[:3], manner] for manner in ("does not load", "dies at start")),
]


class MortalScorer:
    """NFIQ 2 that can be lost, and come back."""

    def __init__(self, reason: str | None) -> None:
        self._real = office.scorer()
        self.reason = reason
        self.asked = 0

    def unavailable(self) -> str | None:
        self.asked += 1
        return self.reason

    def nfiq2(self, image: FingerImage) -> int:
        if self.reason is not None:
            raise ScorerLost(self.reason)
        return self._real.nfiq2(image)

    def template(self, image: FingerImage) -> bytes:
        return self._real.template(image)

    def compare(self, a: bytes, b: bytes) -> int:
        return self._real.compare(a, b)

    def close(self) -> None:
        """It has no child of its own."""


def desk(profile: str, command: list[str]) -> Desk:
    config, identity = Config(), BoxIdentity()
    config = replace(config, station=replace(Station(), profile=profile))
    clock = BoxClock(box.Clock(), time.monotonic, kept=True)
    anything: Any = None
    made = Desk(config, identity, anything, anything, anything, time.monotonic, clock)  # type: ignore[arg-type]
    made.scorer = FingerScorer(Runtime(Path(), command))
    return made


@pytest.mark.parametrize("command", BROKEN)
def test_in_production_a_scorer_that_does_not_load_is_the_finger_devices_fault(command: list[str]) -> None:
    box_of_production = desk("production", command)
    for _ in range(2):
        with pytest.raises(DeviceGone, match="finger: load NFIQ 2"):
            box_of_production.load_scorer()
    assert box_of_production.scorer is not None, "never estimated, however often it fails"


@pytest.mark.parametrize("command", BROKEN)
def test_a_virtual_station_whose_scorer_does_not_load_estimates_and_says_so_in_the_log(
    command: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    station = desk("virtual", command)
    station.load_scorer()
    assert station.scorer is None
    assert [each for each in caplog.messages if each.startswith("NFIQ 2 is lost: ")]


@pytest.mark.parametrize("profile", ["production", "virtual"])
def test_a_scorer_that_loads_stays_in_every_profile(profile: str) -> None:
    station = desk(profile, WELL)
    station.load_scorer()
    assert isinstance(station.scorer, FingerScorer)
    station.close()


def production(s: Story, monkeypatch: pytest.MonkeyPatch, reason: str | None) -> MortalScorer:
    monkeypatch.setattr(Desk, "may_estimate", property(lambda _: False))
    scorer = MortalScorer(reason)
    s.kiosk.desk.scorer = scorer  # type: ignore[assignment]
    return scorer


def test_without_its_scorer_a_box_of_production_greets_nobody_until_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story(started=False) as s:
        scorer = production(s, monkeypatch, "load: the child ended")
        s.start()
        s.comes(S.OUT_OF_ORDER)
        s.comes(lambda: scorer.asked >= 3)
        assert s.screens.count("OutOfOrder") == 1, "it does not greet between two tries"
        assert s.kiosk.flow.session.lost == {Device.FINGER}
        scorer.reason = None
        s.comes(S.ATTRACT)


def test_a_scorer_lost_in_a_visit_costs_one_touch_and_then_the_officer_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story(at="FINGERS") as s:
        scorer = production(s, monkeypatch, None)
        s.comes(lambda: isinstance(s.screen, ui.Fingers))
        s.station.sensor.lift()
        assert s.station.sensor.asked(20.0)
        scorer.reason = "score: the child ended"
        s.station.sensor.place(impression(Finger(s.person.seed, FINGERS[0]), 1))
        s.comes(S.HELP)
        assert s.kiosk.flow.session.reason == "lost_finger"
        part = s.ask(lambda journal: journal.draft(s.record_id).parts[f"finger/{FINGERS[0]}"])
        assert [each["score"] for each in part["attempts"]] == [None]
        assert not part["scorer"]["estimate"]
        scorer.reason = None
        s.comes(lambda: Device.FINGER not in s.kiosk.flow.session.lost)
        s.touch("retry")
        s.until(lambda: s.fingers_left == 9)
