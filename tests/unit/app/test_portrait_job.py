"""What the flow hears when no portrait could be taken: nobody was there, or an officer must come."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from config.schema import Config
from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.jobs.capture import take_portrait
from firmware.app.visit import Visit
from firmware.quality import portrait_capture
from statemachine import events as ev

DESK: Any = SimpleNamespace(config=Config(), clock=lambda: 0.0, lamps=None, gate=None, show=lambda seen: None)


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        ("no_face", ev.NobodyThere()),
        ("camera_dark", ev.StepFailed("portrait_failed")),
        ("centre_face", ev.StepFailed("portrait_failed")),
        ("farther", ev.StepFailed("portrait_failed")),
    ],
)
def test_only_who_was_not_there_is_gone_all_others_get_an_officer(
    monkeypatch: pytest.MonkeyPatch, reason: str, event: ev.Event
) -> None:
    def none_taken(*_: object) -> None:
        raise UserRetry(reason)

    monkeypatch.setattr(portrait_capture, "take_portrait", none_taken)
    camera: Any = None
    learned = take_portrait(DESK, Visit(), 1)(camera, Stop())
    assert learned is not None
    assert learned.event == event
