"""A device that dies in a visit and stays dead: the citizen goes home with a ticket, and the record waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.kiosk import Story, story

from statemachine.states import S

Blow = Callable[[Story], None]


def without_sensor(s: Story) -> None:
    s.station.sensor.unplug()


def without_camera(s: Story) -> None:
    s.station.camera.unplug()


def without_reader(s: Story) -> None:
    s.station.chip.reader.unplug()  # type: ignore[union-attr]


def without_badge_reader(s: Story) -> None:
    s.station.badge.reader.unplug()  # type: ignore[union-attr]


def waits(s: Story) -> bool:
    """Whether the journal holds the record for whoever brings its ticket."""
    (row,) = s.rows("SELECT ticket, waiting_until FROM record WHERE id = ?", s.record_id)
    return bool(row["ticket"] and row["waiting_until"])


BLOWS: dict[str, tuple[str, Blow]] = {
    "the sensor at the fingers": ("FINGERS", without_sensor),
    "the camera at the portrait": ("PORTRAIT", without_camera),
    "the reader at the card": ("PLACE_CARD", without_reader),
}


@pytest.mark.parametrize("what", BLOWS)
def test_an_officer_gives_a_ticket_and_the_record_waits(what: str) -> None:
    scene, blow = BLOWS[what]
    with story(at=scene) as s:
        before = s.record
        blow(s)
        s.comes(S.HELP)
        s.officer()
        s.touch("act:pause")
        s.comes(S.PAUSED)
        s.badge(None)
        s.comes(lambda: s.state is S.PAUSED and s.kiosk.flow.session.ticket)
        assert s.record == before
        assert s.kiosk.visit.ticket and waits(s)


@pytest.mark.parametrize("what", BLOWS)
def test_without_an_officer_time_makes_the_ticket(what: str) -> None:
    scene, blow = BLOWS[what]
    with story(at=scene) as s:
        without_badge_reader(s)
        blow(s)
        s.comes(S.HELP)
        s.skip(301)
        s.comes(lambda: s.state is S.PAUSED and s.kiosk.flow.session.ticket)
        s.skip(61)
        s.comes(S.OUT_OF_ORDER)
        assert s.record in ("DRAFT", "FROZEN")
        assert waits(s)
