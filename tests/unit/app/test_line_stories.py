"""The line to the centre comes and goes; what was done is neither lost nor done twice."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from support import office
from support.kiosk import PATIENCE_S, Story, story

from drivers.errors import DeviceGone
from firmware.app import courier, store
from firmware.app.housekeeping import ROOM_S
from firmware.records.errors import DiskFull
from firmware.records.journal import Journal
from statemachine.states import Device, S
from ui_fb import screens as ui


def delivered(s: Story) -> None:
    s.comes(lambda: len(s.kiosk.last_receipts) == 1)
    assert s.record == "PURGED"
    assert s.centre.counts()["records"] == {"ACCEPTED": 1}


def test_without_a_line_the_signed_extract_answers() -> None:
    with story() as s:
        s.comes(lambda: (s.box / "registry.extract").exists())
        s.centre.stop()
        s.until(S.PROVE)
        s.until(S.REVIEW)
        assert s.kiosk.visit.subject["full_name"] == office.ADULT.fields["full_name"]


def test_without_line_and_extract_the_officer_is_called_and_a_ticket_is_made() -> None:
    with story(started=False) as s:
        s.centre.stop()
        s.start()
        s.until(S.HELP)
        assert s.kiosk.flow.session.reason == "registry_away"
        s.touch("back")
        s.comes(S.PAUSED)
        s.comes(lambda: s.kiosk.flow.session.ticket)


def test_the_look_up_can_be_tried_again_once_the_line_is_back() -> None:
    with story(started=False) as s:
        s.centre.stop()
        s.start()
        s.until(S.HELP)
        s.centre.start()
        s.officer()
        s.touch("act:done")
        s.until(S.REVIEW)
        assert len(s.rows("SELECT * FROM record")) == 1


def test_a_centre_that_cannot_sign_makes_a_ticket_and_the_record_goes_on_later() -> None:
    with story(at="PLACE_CARD") as s:
        s.centre.stop()
        s.until(S.PAUSED)
        assert s.screen.reason == "signer"
        s.comes(lambda: s.kiosk.flow.session.ticket)
        ticket = s.screen.ticket.replace(" ", "")
        assert s.record == "FROZEN"
        assert office.sod_on(s.citizen.card.to_bytes()) == b""
        s.station.chip.lift()
        s.touch("ok")
        s.comes(S.ATTRACT)
        s.centre.start()
        s.begins()
        s.touch("by:ticket")
        s.types(ticket)
        s.until(S.FAREWELL)
        delivered(s)


def test_a_record_is_delivered_when_the_centre_is_back() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        s.centre.stop()
        s.until(S.FAREWELL)
        s.until(S.ATTRACT)
        assert s.record == "SEALED"
        s.comes(lambda: s.kiosk.status.get("unsent") == 1)
        s.centre.start()
        s.skip(s.kiosk.desk.config.centre.retry_most_s)
        delivered(s)


def test_a_record_sealed_before_a_power_cut_is_delivered_after_it() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        s.centre.stop()
        s.comes(lambda: s.screen.code != "…")
        s.restart()
        s.centre.start()
        s.skip(s.kiosk.desk.config.centre.retry_most_s)
        delivered(s)


def test_a_late_answer_of_the_registry_does_not_touch_the_next_visit() -> None:
    with story() as s:
        s.until(S.IDENTIFY)
        s.centre.falls_silent()
        s.until(S.LOOKUP)
        s.skip(31)
        s.comes(S.HELP)
        s.touch("back")
        s.comes(S.ATTRACT)
        s.comes_in(office.NEXT)
        s.until(ui.ScanQr)
        s.centre.answers()
        s.until(S.REVIEW)
        assert s.kiosk.visit.subject["full_name"] == office.NEXT.fields["full_name"]
        states = [row["state"] for row in s.rows("SELECT state FROM record")]
        assert states.count("DRAFT") == 1


def test_what_was_kept_late_is_kept_and_the_visit_stays_where_it_is() -> None:
    """Help is pressed while the consent is on its way to the disk."""
    with story(at="CONSENT") as s:
        s.touch("consent:yes", "eid:yes", "help")
        assert s.state is S.HELP
        s.comes(lambda: "late_answer" in s.acts())
        assert s.state is S.HELP
        assert s.ask(lambda journal: journal.draft(s.record_id).parts["consent"]["given"])


# --- the store fails while the courier asks it -----------------------------------------------------------


@pytest.mark.parametrize("error", [DiskFull("note what was given up"), DeviceGone("store", "answer")])
def test_a_store_that_fails_at_the_end_of_a_round_does_not_end_the_rounds(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, to_give_up = threading.Event(), Journal.to_give_up

    def fails_once(journal: Journal) -> list[tuple[str, tuple[int, ...]]]:
        if asked.is_set():
            return to_give_up(journal)
        asked.set()
        raise error

    monkeypatch.setattr(Journal, "to_give_up", fails_once)
    with story() as s:
        s.comes(asked.is_set)  # in the first round, before anybody has come
        s.until(S.RECEIPT)
        delivered(s)


def test_papers_that_find_no_room_are_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched, fetch = [], courier.fetch

    def no_room_once(*args: Any) -> None:
        fetched.append(len(fetched))
        if len(fetched) == 1:
            raise DiskFull("keep a paper of the centre")
        fetch(*args)

    monkeypatch.setattr(courier, "fetch", no_room_once)
    with story() as s:
        s.comes(S.OUT_OF_ORDER)
        s.skip(max(ROOM_S, s.kiosk.desk.config.centre.retry_most_s) + 1)
        s.comes(S.ATTRACT)
        s.comes(lambda: len(fetched) > 1)


def test_a_store_that_was_only_slow_is_asked_until_it_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never fell, so it does not say that it is up again."""
    with story(at="CONFIRM") as s:
        s.until(S.PLACE_CARD)
        goes_on = threading.Event()
        monkeypatch.setattr(store, "CALL_S", 0.2)
        s.kiosk.desk.store.submit(0, "slow", lambda _: goes_on.wait(PATIENCE_S))
        s.station.chip.put(s.citizen.card)
        s.comes(S.OUT_OF_ORDER)
        monkeypatch.undo()
        goes_on.set()
        s.skip(ROOM_S + 1)
        s.comes(lambda: Device.STORE not in s.kiosk.flow.session.lost)
        s.comes(lambda: s.kiosk.flow.session.ticket)
        assert s.state is S.PAUSED
