"""Devices and the disk fail in the middle of a visit; nobody is sent home empty-handed."""

from __future__ import annotations

import pytest
from support import office
from support.kiosk import story

from drivers.errors import DeviceGone
from drivers.worker import Down, Up
from firmware.records.errors import DiskFull, StoreError
from firmware.records.journal import Journal
from statemachine.states import Device, S


def test_a_pulled_sensor_calls_the_officer_and_the_visit_goes_on_when_it_is_back() -> None:
    with story(at="FINGERS-1") as s:
        s.station.sensor.unplug()
        s.comes(S.HELP)
        assert s.kiosk.flow.session.reason == "lost_finger"
        s.station.sensor.plug()
        s.comes(lambda: Device.FINGER not in s.kiosk.flow.session.lost)
        s.touch("retry")
        s.comes(S.FINGERS)
        s.until(S.PORTRAIT)


def test_a_pulled_camera_calls_the_officer() -> None:
    with story(at="PORTRAIT") as s:
        s.station.camera.unplug()
        s.comes(S.HELP)
        s.station.camera.plug()
        s.comes(lambda: Device.CAMERA not in s.kiosk.flow.session.lost)
        s.touch("retry")
        s.until(S.CONFIRM)


def test_a_camera_that_is_covered_calls_the_officer_and_nobody_is_held_for_gone() -> None:
    with story(at="PORTRAIT") as s:
        s.station.camera.cover(True)
        s.comes(lambda: s.screen.hint == "camera_dark")
        s.skip(s.kiosk.desk.config.camera.wait_s)
        s.comes(S.HELP)
        assert (s.screen.reason, s.screen.retry) == ("portrait_failed", True)
        s.station.camera.cover(False)
        s.touch("retry")
        s.until(S.CONFIRM)


def test_without_a_sensor_no_visit_is_begun_and_with_it_again_the_box_greets() -> None:
    with story() as s:
        s.touch("start")
        s.comes(S.LANGUAGE)
        s.touch("back")
        s.comes(S.ATTRACT)
        s.station.sensor.unplug()
        s.comes(S.OUT_OF_ORDER)
        assert s.screen.device == "fingerprint"
        s.station.sensor.plug()
        s.comes(S.ATTRACT)


def test_a_box_whose_touch_screen_is_lost_says_so_instead_of_greeting() -> None:
    with story() as s:
        s.loop.post(Down("touch", DeviceGone("touch", "unplugged")))
        s.comes(S.OUT_OF_ORDER)
        assert (s.screen.device, s.screen.error) == ("touch", "E-111")
        s.loop.post(Up("touch", None))
        s.comes(S.ATTRACT)


def test_a_lost_panel_stops_nothing() -> None:
    with story(at="PORTRAIT", panel=True) as s:
        s.station.panel.unplug()
        s.touch("help")  # which buzzes: a panel is noticed where it is used
        s.comes(lambda: Device.PANEL in s.kiosk.flow.session.lost)
        s.touch("retry")
        s.until(S.CONFIRM)


def test_a_pulled_staff_reader_is_its_own_loss() -> None:
    with story(at="REVIEW") as s:
        s.touch("help")
        s.comes(S.HELP)
        s.staff_reader.unplug()
        s.comes(lambda: Device.BADGE in s.kiosk.flow.session.lost)
        assert Device.CHIP not in s.kiosk.flow.session.lost
        s.staff_reader.plug()
        s.comes(lambda: Device.BADGE not in s.kiosk.flow.session.lost)
        s.officer()


def test_a_full_disk_accepts_nothing_and_the_visit_waits_under_a_ticket_once_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story(at="CONSENT") as s:

        def full(*_: object, **__: object) -> None:
            raise DiskFull("write")

        with monkeypatch.context() as world:
            world.setattr(Journal, "accept", full)
            world.setattr(Journal, "prove_room", full)
            s.touch("consent:yes", "eid:yes")
            s.comes(S.OUT_OF_ORDER)
            assert s.kiosk.flow.session.reason == "disk_full"
            s.skip(11)
        s.skip(11)
        s.comes(S.PAUSED)
        s.comes(lambda: s.kiosk.flow.session.ticket)
        assert s.record == "DRAFT"


def test_a_journal_that_fails_is_opened_again_and_the_visit_waits_under_a_ticket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story(at="CONSENT") as s:

        def fails(*_: object, **__: object) -> None:
            raise StoreError("write")

        with monkeypatch.context() as world:
            world.setattr(Journal, "accept", fails)
            s.touch("consent:yes", "eid:yes")
            s.comes(S.OUT_OF_ORDER)
        s.comes(S.PAUSED)
        s.comes(lambda: s.kiosk.flow.session.ticket)


def test_what_no_card_can_carry_goes_to_the_officer(monkeypatch: pytest.MonkeyPatch) -> None:
    with story(at="CONFIRM") as s:
        from firmware.document.errors import MrzError
        from firmware.document.image import CardImage

        def refuses(*_: object) -> None:
            raise MrzError("name", "nothing of it can be written")

        monkeypatch.setattr(CardImage, "of", refuses)
        s.touch("ok")
        s.comes(S.HELP)
        assert s.kiosk.flow.session.reason == "name_refused"
        assert s.record == "DRAFT"


def test_a_touch_before_the_journal_is_read_waits_for_it() -> None:
    """Somebody touches the greeting while the box still finds out that it was serving another."""
    with story(at="REVIEW", started=False) as s:
        s.start()
        s.touch("start")
        s.comes(S.REVIEW)
        assert s.kiosk.visit.subject["full_name"] == office.ADULT.fields["full_name"]
