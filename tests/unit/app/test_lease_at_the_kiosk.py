"""A box without the right to issue enrols: its citizens go home with a ticket, and no blank is begun."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from support import box, record
from support.papers import ASSIGNMENT, LEASE, BoxIdentity, signed

from config.catalogue import code_of
from config.schema import Config, Signer
from drivers.errors import DeviceFault
from drivers.worker import Stop
from firmware.app.desk import Desk
from firmware.app.jobs import box as jobs_box
from firmware.app.jobs import chip
from firmware.app.signer import why_not
from firmware.app.visit import Visit
from firmware.box.clock import BoxClock
from firmware.box.lease import LeaseRefused, Standing
from firmware.box.no_lease import NO_LEASE
from firmware.doctor import team_status
from firmware.presenter import Form, View, present
from firmware.presenter.visit import PAUSED_BECAUSE
from firmware.records.journal import Journal
from statemachine import events as ev
from statemachine.machine import Flow
from statemachine.session import FINGERS, Session
from statemachine.states import S
from ui_fb.screens import Status
from ui_fb.theme import PX_PER_MM, Theme

SIGNER, _ = record.issue("A document signer")
SIGNER_SHA256 = sha256(SIGNER.public_bytes(Encoding.DER)).hexdigest()
GIVEN = replace(LEASE, signer_sha256=SIGNER_SHA256, cases=("renewal",))
TO_CONFIRM = (
    ev.Started(),
    ev.LanguageChosen("vi"),
    ev.WayChosen("qr"),
    ev.Identified("qr"),
    ev.PersonFound("registry", minor=False, can_prove=True),
    ev.Proven("finger"),
    ev.Confirmed(),
    ev.Agreed(eid=False),
    *(ev.FingerKept(name) for name in FINGERS),
    ev.PortraitKept(()),
    ev.Confirmed(),
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as opened:
        yield opened


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "ds.pem").write_bytes(SIGNER.public_bytes(Encoding.PEM))
    config = replace(Config(), signer=Signer("pkcs11", str(tmp_path / "ds.pem"), "ds"))
    identity: Any = BoxIdentity()
    anything: Any = None
    clock = BoxClock(box.Clock(), time.monotonic, kept=True)
    return Desk(config, identity, anything, anything, anything, time.monotonic, clock)


def begun(desk: Desk, journal: Journal, case: str) -> str:
    return journal.begin(case, "7/2024", desk.assignment(journal))


def test_a_lease_for_this_case_lets_the_box_issue(desk: Desk, journal: Journal) -> None:
    desk.papers.take(journal, signed(ASSIGNMENT))
    desk.papers.take(journal, signed(GIVEN))
    assert why_not(desk, journal, begun(desk, journal, "renewal")) == ""


@pytest.mark.parametrize(
    ("given", "case", "reason"),
    [
        ((), "renewal", "no_assignment"),
        ((ASSIGNMENT,), "renewal", "lease_none"),
        ((ASSIGNMENT, GIVEN), "first_issue", "lease_not_for_case"),
        ((ASSIGNMENT, replace(GIVEN, until=record.NOW)), "renewal", "lease_ended"),
        ((ASSIGNMENT, LEASE), "renewal", "lease_other_token"),
    ],
)
def test_without_a_right_no_card_is_asked_for(
    desk: Desk, journal: Journal, given: tuple[Any, ...], case: str, reason: str
) -> None:
    for paper in given:
        desk.papers.take(journal, signed(paper))
    assert why_not(desk, journal, begun(desk, journal, case)) == reason
    flow = told(*TO_CONFIRM, ev.RecordFrozen(False, reason))
    assert (flow.state, flow.session.reason) == (S.PAUSED, reason)


def test_while_the_centre_answers_no_lease_is_needed(desk: Desk, journal: Journal) -> None:
    record_id = begun(desk, journal, "first_issue")
    assert why_not(desk, journal, record_id) == "no_assignment"
    desk.reached = True
    assert why_not(desk, journal, record_id) == ""


def test_a_signers_certificate_that_is_gone_is_no_crash(desk: Desk, journal: Journal) -> None:
    desk.papers.take(journal, signed(ASSIGNMENT))
    Path(desk.config.signer.certificate).unlink()
    assert why_not(desk, journal, begun(desk, journal, "renewal")) == "signer_away"
    assert desk.leases.standing(journal).reason == "signer_away"


def test_a_lease_that_ends_over_a_card_ends_in_a_ticket(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise LeaseRefused("lease_ended")

    monkeypatch.setattr(chip, "STEPS", {"write": (refused, ev.ChipWritten)})
    monkeypatch.setattr(chip, "_transaction", lambda *_: nullcontext())
    work = chip.issue(desk, Visit(record_id="0" * 32), 1, "write", lambda: None)
    reader: Any = None
    event = work(reader, Stop()).event
    assert event == ev.SignerAway("lease_ended")
    flow = told(*TO_CONFIRM, ev.RecordFrozen(True), ev.CardSeen("blank"), ev.SignerAway("lease_ended"))
    assert (flow.state, flow.session.reason) == (S.PAUSED, "lease_ended")


def test_the_ticket_says_why_for_each_reason() -> None:
    assert {PAUSED_BECAUSE[reason] for reason in NO_LEASE} == {"lease"}
    assert not issubclass(LeaseRefused, DeviceFault)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("reason", [*NO_LEASE, "clock", "signer_away"])
def test_the_teams_screen_says_why_there_is_no_right_to_issue(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, journal: Journal, reason: str, language: str
) -> None:
    monkeypatch.setattr(desk.leases, "standing", lambda _: Standing(reason))
    status = {**team_status(desk.config, journal, None), **jobs_box.standing(desk, journal)}
    view = View(S.STATUS, Session(language=language), Visit(), Form(), False, status)
    screen = cast(Status, present(view))
    assert code_of(reason) in screen.no_lease
    for size in PX_PER_MM:
        screen.targets(size, Theme(strict=True))  # raises TextDoesNotFit


def test_a_box_that_asks_the_centre_alone_needs_no_lease(desk: Desk, journal: Journal) -> None:
    desk.config = replace(desk.config, signer=Signer("centre", desk.config.signer.certificate))
    assert desk.leases.standing(journal).reason == "no_assignment"
    assert jobs_box.standing(desk, journal)["no_lease"] == ""


def told(*events: ev.Event) -> Flow:
    flow = Flow()
    flow.begin()
    for event in events:
        flow.feed(event)
    return flow
