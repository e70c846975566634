"""The power is cut between what was kept and the step that was noted: nothing is asked for in vain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.kiosk import Story, story

from firmware.records.journal import Journal
from statemachine.states import S


def cut_before_the_step_is_noted(s: Story, step: S) -> None:
    s.ask(lambda journal: journal.step(s.record_id, step))
    s.restart()


def flag_portrait(journal: Journal, record_id: str) -> None:
    part = journal.draft(record_id).parts["portrait"]
    blobs = {part["image"]: journal.blob(record_id, part["image"])}
    journal.accept(record_id, "portrait", {**part, "flags": ["sharpness"]}, blobs)


@pytest.mark.parametrize("state", [S.REVIEW, S.CONSENT, S.FINGERS, S.PORTRAIT, S.CONFIRM, S.PLACE_CARD])
def test_a_box_restarts_at_its_step(state: S) -> None:
    with story(at=str(state)) as s:
        assert s.kiosk.visit.subject


def test_the_last_finger_was_kept() -> None:
    with story(at="PORTRAIT") as s:
        cut_before_the_step_is_noted(s, S.FINGERS)
        s.comes(S.PORTRAIT)


def test_a_good_portrait_was_kept() -> None:
    with story(at="CONFIRM") as s:
        cut_before_the_step_is_noted(s, S.PORTRAIT)
        s.comes(S.CONFIRM)


def test_a_flagged_portrait_that_nobody_approved_is_taken_again() -> None:
    with story(at="CONFIRM") as s:
        s.ask(lambda journal: flag_portrait(journal, s.record_id))
        cut_before_the_step_is_noted(s, S.PORTRAIT)
        s.comes(S.PORTRAIT)
        s.until(S.CONFIRM)


def test_a_restart_on_the_receipt_shows_it_again() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        s.restart()
        s.until(S.ATTRACT)
        s.comes(lambda: s.record == "PURGED")


def test_after_a_long_while_the_person_proves_again_before_anything_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story(at="CONFIRM") as s:
        monkeypatch.setattr("firmware.app.jobs.records.SAME_PERSON", timedelta(0))
        s.screens.clear()
        s.restart()
        s.comes(S.PROVE)
        assert s.screens == ["Attract", "Prove"]
        s.until(S.CONFIRM)
