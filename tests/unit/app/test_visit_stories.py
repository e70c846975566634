"""A citizen's visit, told by its screens, and what the box and the centre hold afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from support import office
from support.kiosk import story

from firmware.records.format.rules import VIETNAM
from statemachine.states import S

WHOLE_VISIT = [
    "Attract", "Language", "Identify", "ScanQr", "LookUp", "Prove", "Review", "Consent", "EidRequest",
    "Fingers", "Portrait", "Confirm", "PlaceCard", "WriteChip", "VerifyChip", "LockChip", "Receipt",
    "Farewell", "Attract",
]  # fmt: skip


def test_a_whole_visit_leaves_one_live_card_and_one_accepted_record() -> None:
    with story(panel=True) as s:
        s.until(S.FAREWELL)
        s.until(S.ATTRACT)
        s.comes(lambda: len(s.kiosk.last_receipts) == 1)
        assert s.screens == WHOLE_VISIT
        assert s.record == "PURGED"
        assert s.centre.counts()["records"] == {"ACCEPTED": 1}
        assert s.centre.counts()["grants"] == {"open": 0, "void": 0, "issued": 1}
        (opened,) = s.centre.records()
        assert opened.manifest["record_id"] == s.record_id
        assert opened.manifest["proof"]["method"] == "finger"
        assert len(opened.manifest["fingers"]) == 10
        assert s.kiosk.visit.record_id is None, "nothing of the person stays in memory"


def test_the_next_visit_begins_empty() -> None:
    with story() as s:
        s.until(S.REVIEW)
        first = s.record_id
        s.touch("help")
        s.comes(S.HELP)
        s.touch("back")
        s.comes(S.PAUSED)
        s.comes(lambda: s.kiosk.flow.session.ticket)
        s.touch("ok")
        s.comes(S.ATTRACT)
        s.comes_in(office.NEXT)
        s.until(S.REVIEW)
        assert s.record_id != first
        assert s.kiosk.visit.subject["full_name"] == office.NEXT.fields["full_name"]
        assert s.kiosk.visit.ticket == ""


def test_consent_declined_ends_the_visit_and_destroys_what_was_kept() -> None:
    with story(at="CONSENT") as s:
        s.touch("consent:no")
        s.comes(S.FAREWELL)
        s.touch("done")
        s.comes(S.ATTRACT)
        assert s.record == "REFUSED"
        assert not (s.box / "records" / "drafts" / s.record_id).exists()
        assert s.centre.counts()["records"] == {}


def test_a_citizen_who_says_nothing_is_asked_and_then_gets_a_ticket() -> None:
    with story(at="REVIEW") as s:
        s.skip(121)
        s.comes(S.STILL_THERE)
        assert s.screen.seconds_left == 20
        s.comes(lambda: s.screen.seconds_left == 19)
        s.touch("here")
        s.comes(S.REVIEW)
        s.skip(121)
        s.comes(S.STILL_THERE)
        s.skip(21)
        s.comes(S.PAUSED)
        s.comes(lambda: s.kiosk.flow.session.ticket)
        assert s.screen.ticket == s.kiosk.visit.ticket != ""
        s.skip(61)
        s.comes(S.ATTRACT)
        assert s.record == "DRAFT"
        assert s.rows("SELECT waiting_reason FROM record")[0]["waiting_reason"] == "left"


def test_a_touch_starts_the_time_anew() -> None:
    with story(at="REVIEW") as s:
        s.skip(100)
        s.touch("ok")
        s.skip(100)
        s.comes(lambda: s.loop.clock() > 0)
        assert s.state is S.REVIEW


def test_somebody_who_only_looked_leaves_nothing() -> None:
    with story() as s:
        s.until(S.IDENTIFY)
        s.skip(91)
        s.comes(S.STILL_THERE)
        s.skip(21)
        s.comes(S.ATTRACT)
        assert s.rows("SELECT * FROM record") == []


def test_where_cards_are_made_elsewhere_the_record_is_complete_and_the_day_of_the_card_is_told() -> None:
    with story(at="CONFIRM") as s:
        elsewhere = replace(s.kiosk.desk.config.chip, issues_here=False)
        s.kiosk.desk.config = replace(s.kiosk.desk.config, chip=elsewhere)
        s.touch("ok")
        s.comes(S.RECEIPT)
        day, month, year = map(int, s.screen.card_due.split("/"))
        assert date(year, month, day) > datetime.now(VIETNAM).date()
        assert "card_due" in s.screen.done
        assert "card_live" not in s.screen.done
        s.comes(lambda: s.kiosk.flow.session.sealed)
        s.touch("ok")
        s.comes(lambda: s.record == "PURGED")
        (opened,) = s.centre.records()
        assert (opened.manifest["issued_here"], opened.manifest["chip"]) == (False, None)
        assert s.centre.counts()["grants"] == {"open": 0, "void": 0, "issued": 0}
