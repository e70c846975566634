"""The round to the second medium, record by record: whoever asks the store meanwhile is served in between."""

from __future__ import annotations

import pytest
from support.kiosk import Story, story

from drivers.worker import Done
from firmware.app import courier as mail
from firmware.records.second_medium import Copies


class Round:
    """Copies that take `left` calls; in each somebody else asks the store for something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        self.done: list[str] = []
        self.left = left
        self.story: Story | None = None
        monkeypatch.setattr(Copies, "copy_next", lambda _: self._copies())

    def _copies(self) -> bool:
        assert self.story is not None
        self.done.append("copy")
        self.story.kiosk.desk.store.submit(0, "asked", lambda _: self.done.append("visit"))
        self.left -= 1
        return self.left > 0


def test_a_visits_job_is_served_between_two_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = Round(monkeypatch, left=4)
    with story(started=False) as s:
        copies.story = s
        s.start()
        s.comes(lambda: copies.left == 0)
        s.ask(lambda _: None)
    assert copies.done[:8] == ["copy", "visit"] * 4


def test_a_second_delivery_begins_no_second_round_beside_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = Round(monkeypatch, left=8)
    with story(started=False) as s:
        copies.story = s
        s.start()
        s.comes(lambda: copies.left <= 6)
        for _ in range(3):
            s.kiosk.house.done(Done("courier", 0, mail.DELIVER, mail.Delivered((), (), "", moved=False)))
        s.comes(lambda: copies.left == 0)
        s.ask(lambda _: None)
    assert copies.done[:16] == ["copy", "visit"] * 8


def test_the_teams_screen_is_told_when_a_round_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = Round(monkeypatch, left=3)
    with story(started=False) as s:
        copies.story = s
        monkeypatch.setattr(Copies, "missing", lambda _: copies.left)
        s.start()
        s.comes(lambda: copies.left == 0)
        s.comes(lambda: s.kiosk.status.get("incident") == "")
