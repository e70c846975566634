"""Content that no card or record can carry, and a text for every reason that a job can give."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import office
from support.exploring import variants
from support.kiosk import story

from centre import ledger
from firmware.app.jobs import records
from firmware.document import face
from firmware.presenter import (
    HELP_BECAUSE,
    PAUSED_BECAUSE,
    PROBLEM_OF_GUARDIAN,
    PROBLEM_OF_NUMBER,
    PROBLEM_OF_QR,
    PROBLEM_OF_TICKET,
    WITHOUT_REASON,
)
from firmware.quality.qr import QrProblem
from firmware.records import tickets, waiting
from firmware.records.format import number
from statemachine import events as ev
from statemachine.flow import TABLE
from statemachine.session import Session
from statemachine.states import S
from ui_fb.screens.attend import REASONS as HELP_REASONS
from ui_fb.screens.identify import NUMBER_PROBLEMS, QR_PROBLEMS, TICKET_PROBLEMS
from ui_fb.screens.receipt import REASONS as PAUSED_REASONS
from ui_fb.words import words

ROOT = Path(records.__file__).parents[3]

# --- content ----------------------------------------------------------------------------------------------

NAMES = {"a letter of no alphabet of the card": "Nguyễn Văn ☃", "no letters": "…", "too long": "Nguyễn " * 40}


@pytest.mark.parametrize("what", NAMES)
def test_a_name_that_no_card_can_hold_is_for_the_officer_and_nothing_is_lost(what: str) -> None:
    with story(at="CONFIRM") as s:
        s.kiosk.visit = replace(s.kiosk.visit, subject={**s.kiosk.visit.subject, "full_name": NAMES[what]})
        s.touch("ok")
        s.comes(S.HELP)
        assert s.screen.reason in ("name_refused", "content_refused")
        assert "content_refused" in s.acts()
        assert s.record == "DRAFT"
        s.touch("back")
        s.comes(lambda: s.kiosk.flow.session.ticket)


def test_a_portrait_that_no_chip_can_hold_is_for_the_officer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "MAX_IMAGE", 1000)
    with story(at="CONFIRM") as s:
        s.touch("ok")
        s.comes(S.HELP)
        assert s.screen.reason == "portrait_refused"
        assert s.record == "DRAFT"


def test_a_record_that_breaks_the_schema_is_for_the_officer() -> None:
    with story(at="CONFIRM") as s:
        s.kiosk.visit = replace(s.kiosk.visit, subject={**s.kiosk.visit.subject, "birth_date": "1890-01-01"})
        s.touch("ok")
        s.comes(S.HELP)
        assert s.screen.reason == "content_refused"
        assert s.record == "DRAFT"


# --- every reason has a text --------------------------------------------------------------------------------

NUMBER_REASONS = {f"number_{reason}" for reason in number.WHY}
TICKET_REASONS = {"ticket_malformed", "ticket_unknown", "ticket_expired"}
CARD_REASONS = {"place_card", "hold_card_still", "card_foreign", "card_locked", "foreign"}
PERSON_REASONS = {"person_unknown", "registry_wrong", "card_differs"}


def test_the_reasons_of_tickets_are_these() -> None:
    found = {
        text for module in (tickets, waiting) for text in texts_given_to(module.__file__, "TicketRefused")
    }
    assert found == TICKET_REASONS


def test_every_reason_to_refuse_a_code_has_its_own_words() -> None:
    assert set(PROBLEM_OF_QR) == {str(problem) for problem in QrProblem} | NUMBER_REASONS | TICKET_REASONS
    assert set(PROBLEM_OF_NUMBER) == NUMBER_REASONS
    assert set(PROBLEM_OF_TICKET) == TICKET_REASONS
    assert set(PROBLEM_OF_QR.values()) == set(QR_PROBLEMS)
    assert {*PROBLEM_OF_NUMBER.values(), *PROBLEM_OF_GUARDIAN.values()} == set(NUMBER_PROBLEMS)
    assert set(PROBLEM_OF_TICKET.values()) == set(TICKET_PROBLEMS)


def test_every_reason_in_the_words_is_one_that_can_be_given() -> None:
    said = {key.partition(".")[2] for key in words("vi").texts if key.startswith("help_reason.")}
    assert said == set(HELP_REASONS) == set(HELP_BECAUSE.values())
    assert set(PAUSED_BECAUSE.values()) <= set(PAUSED_REASONS)


def texts_given_to(path: str | None, *names: str) -> Iterator[str]:
    """Every literal text that a call of one of `names` is given in a file."""
    assert path is not None
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _name(node.func) in names:
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            yield from (v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def given_by_jobs(*events: str) -> set[str]:
    files = [*(ROOT / "firmware" / "app").rglob("*.py")]
    return {text for file in files for text in texts_given_to(str(file), *events)}


EVENTS_WITH_A_REASON = ("PersonUnknown", "NotProven", "ChipBroken", "StepFailed")


def test_every_reason_that_a_job_gives_has_a_text() -> None:
    reasons = given_by_jobs(*EVENTS_WITH_A_REASON) | set(records.CONTENT.values())
    assert len(reasons) > 8, "the search finds what it looks for"
    assert reasons - set(HELP_BECAUSE) == set()


def test_every_reason_of_the_centre_that_means_more_than_no_has_a_text() -> None:
    refused = set(texts_given_to(ledger.__file__, "Refused"))
    assert {"already_issued", "open_elsewhere", "attempt_open", "attempt_void"} <= refused & set(HELP_BECAUSE)


def told_of(event: ev.Event) -> Iterator[ev.Event]:
    """The event with every reason that may come with it."""
    kinds: dict[type[ev.Event], tuple[str, set[str]]] = {
        ev.Unreadable: ("reason", set(PROBLEM_OF_QR)),
        ev.PersonUnknown: ("reason", PERSON_REASONS),
        ev.NotProven: ("reason", given_by_jobs("NotProven")),
        ev.CardSeen: ("kind", CARD_REASONS),
        ev.CardMoved: ("reason", CARD_REASONS - {"foreign"}),
        ev.StepFailed: ("reason", given_by_jobs("StepFailed") | set(records.CONTENT.values())),
        ev.SignerRefused: ("reason", {"already_issued", "sod_not_for_this_card"}),
    }
    name, values = kinds.get(type(event), ("", set()))
    yield from (replace(event, **{name: value}) for value in values) if name else iter((event,))


def test_the_officer_is_never_called_without_a_reason_that_the_screen_can_say() -> None:
    """Over every row of the table that leads to HELP, with every event that takes it."""
    without: set[Any] = set()
    for row in TABLE:
        if row.target is not S.HELP:
            continue
        for event in (told for each in variants() if type(each) is row.event for told in told_of(each)):
            session = Session(step=row.source)
            if row.guard is not None and not row.guard(session, event):
                continue
            noted = row.note(session, event) if row.note else session
            at_chip = isinstance(event, ev.SignerRefused)
            if noted.reason not in HELP_BECAUSE and noted.reason not in WITHOUT_REASON and not at_chip:
                without.add((row.source, type(event).__name__, noted.reason))
    assert without == set()


def test_what_the_badge_of_a_stranger_says_leads_nowhere() -> None:
    with story(at="REVIEW") as s:
        s.touch("help")
        s.comes(S.HELP)
        s.touch("officer")
        s.badge("XX-9999")
        s.loop.after(0.7, lambda: s.badge(None))
        s.loop.after(1.4, lambda: s.badge(office.OFFICER))
        s.comes(S.OFFICER)
        assert s.kiosk.visit.badge == office.OFFICER
