"""A clock that is wrong by years: the box enrols but does not issue, and the journal never runs backwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from support import office
from support.bad_centre import certificate_of
from support.kiosk import Story, story

from config.catalogue import code_of
from firmware.app.housekeeping import CLOCK_S
from firmware.box.clock import LEEWAY, BoxClock, has_rtc
from statemachine.states import Device, S
from ui_fb import screens as ui

Read = Callable[[], datetime]
BEFORE_EVERY_LAW = datetime(2019, 3, 1, tzinfo=UTC)
LONG_AFTER = datetime(2090, 3, 1, tzinfo=UTC)


def shows(s: Story, moment: datetime) -> None:
    """From now on the machine's clock shows `moment`, and goes on from there."""
    began = datetime.now(UTC)
    s.kiosk.desk.time.read = lambda: moment + (datetime.now(UTC) - began)


def test_before_the_first_rule_pack_nothing_is_begun() -> None:
    with story(started=False) as s:
        shows(s, BEFORE_EVERY_LAW)
        s.start()
        s.comes(S.OUT_OF_ORDER)
        s.comes(lambda: Device.STORE not in s.kiosk.flow.session.lost)
        assert (s.screen.device, s.screen.error) == ("clock", code_of("lost_clock"))
        assert s.rows("SELECT * FROM record") == []
        shows(s, datetime.now(UTC))
        s.skip(CLOCK_S + 1)
        s.comes(S.ATTRACT)
        s.until(S.REVIEW)


WRONG = {"years behind": BEFORE_EVERY_LAW, "years ahead": LONG_AFTER}


@pytest.mark.parametrize("what", WRONG)
def test_a_clock_that_goes_wrong_in_a_visit_enrols_and_does_not_issue(what: str) -> None:
    with story(at="CONSENT") as s:
        shows(s, WRONG[what])
        s.until(S.PAUSED)
        assert s.screen.reason == "clock"
        s.comes(lambda: s.kiosk.flow.session.ticket)
        assert s.record == "FROZEN"
        assert s.centre.counts()["grants"]["issued"] == 0
        never_backwards(s)


@pytest.mark.parametrize("what", WRONG)
def test_a_box_that_starts_with_a_wrong_clock_goes_on_where_it_was_and_does_not_issue(what: str) -> None:
    with story(at="CONFIRM", started=False) as s:
        shows(s, WRONG[what])
        s.start()
        s.until(S.CONFIRM)
        s.touch("ok")
        s.comes(S.PAUSED)
        assert s.screen.reason == "clock"
        assert s.record == "FROZEN"
        never_backwards(s)


def test_once_the_clock_is_right_again_the_ticket_leads_to_the_card() -> None:
    with story(at="CONFIRM") as s:
        shows(s, BEFORE_EVERY_LAW)
        s.touch("ok")
        s.comes(lambda: s.kiosk.flow.session.ticket)
        ticket = s.screen.ticket.replace(" ", "")
        resumes(s, ticket)
        s.until(S.PAUSED)
        assert s.screen.reason == "clock", "not with a ticket either"
        s.comes(lambda: s.kiosk.flow.session.ticket)
        shows(s, datetime.now(UTC))
        resumes(s, ticket)
        s.until(S.RECEIPT)
        never_backwards(s)


def resumes(s: Story, ticket: str) -> None:
    s.touch("ok")
    s.comes(S.ATTRACT)
    s.comes_in(office.ADULT)
    s.until(ui.Identify)
    s.touch("by:ticket")
    s.types(ticket)
    s.comes(S.PROVE)


def never_backwards(s: Story) -> None:
    for table in ("audit", "step"):
        stamps = [row["at"] for row in s.rows(f"SELECT at FROM {table} ORDER BY n")]  # noqa: S608
        assert stamps and stamps == sorted(stamps)


# --- why a clock is trusted --------------------------------------------------------------------------------

DAY = timedelta(days=1)
Deed = Callable[[BoxClock, datetime], None]
TRUST: dict[str, tuple[bool, Deed, timedelta, str | None]] = {
    "a clock that was kept": (True, lambda clock, now: None, 0 * DAY, None),
    "a clock that nobody has set": (False, lambda clock, now: None, 0 * DAY, "clock_not_set"),
    "the centre agrees": (False, lambda clock, now: clock.centre_says(now + LEEWAY / 2), 0 * DAY, None),
    "the centre differs": (True, lambda clock, now: clock.centre_says(now + DAY), 0 * DAY, "clock_differs"),
    "behind the journal": (True, lambda clock, now: clock.journal_says(now + DAY), 0 * DAY, "clock_behind"),
    "a moment behind": (True, lambda clock, now: clock.journal_says(now + LEEWAY / 2), 0 * DAY, None),
    "before the certificate": (True, lambda *_: None, -4000 * DAY, "clock_outside_certificate"),
    "after the certificate": (True, lambda *_: None, 4000 * DAY, "clock_outside_certificate"),
}


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    with story(started=False) as s:
        s.start()
        return certificate_of(s)


@pytest.mark.parametrize("what", TRUST)
def test_a_card_is_issued_only_by_a_clock_that_is_trusted_for_a_reason(
    what: str, certificate: x509.Certificate
) -> None:
    kept, deed, apart, why = TRUST[what]
    now = certificate.not_valid_before_utc + DAY + apart
    clock = BoxClock(lambda: now, lambda: 0.0, kept=kept)
    deed(clock, now)
    assert clock.distrust(certificate) == why


def test_a_clock_that_was_set_right_is_trusted_again(certificate: x509.Certificate) -> None:
    true = certificate.not_valid_before_utc + DAY
    shown, seconds = [true + DAY], [0.0]
    clock = BoxClock(lambda: shown[0], lambda: seconds[0], kept=False)
    clock.centre_says(true)
    assert clock.distrust(certificate) == "clock_differs"
    shown[0], seconds[0] = true + timedelta(hours=1), 3600.0
    assert clock.distrust(certificate) is None


def test_the_clock_stands_still_rather_than_run_backwards() -> None:
    moments = iter([3, 1, 2, 5])
    clock = BoxClock(lambda: datetime(2026, 1, next(moments), tzinfo=UTC), kept=True)
    assert [clock.now().day for _ in range(4)] == [3, 3, 3, 5]


def test_a_machine_without_a_clock_of_its_own_has_no_rtc(tmp_path: Path) -> None:
    assert not has_rtc(tmp_path / "rtc")
    (tmp_path / "rtc" / "rtc0").mkdir(parents=True)
    assert has_rtc(tmp_path / "rtc")
