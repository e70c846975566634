"""What screens are made from, and how a field is read aloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from firmware.app.visit import Seen, Visit
from statemachine.session import FINGERS, Session
from statemachine.states import S
from ui_fb import screens as ui

REVIEWED = (
    "full_name", "number", "birth_date", "sex", "nationality", "ethnicity", "religion", "place_of_origin",
    "residence", "identifying_marks", "father_name", "mother_name", "spouse_name", "old_number",
)  # fmt: skip
DATES = ("birth_date", "issue_date", "expiry_date")
SEXES = {"vi": {"M": "Nam", "F": "Nữ"}, "en": {"M": "Male", "F": "Female"}}


@dataclass(frozen=True, slots=True)
class Form:
    """What a screen holds that the flow need not know; empty again at each entry of a state.

    `stage` is a sub-screen (eid; badge; second; finger, except, sure; acts, codes; reading, type), `picked`
    what was chosen on it.
    """

    digits: str = ""
    page: int = 1
    stage: str = ""
    picked: str = ""
    hint: str = ""
    good: int = 0
    score: int | None = None
    estimate: bool = True
    lift: bool = False
    fraction: float = 0.0
    seconds_left: int = 0
    rows: tuple[ui.Check, ...] = ()
    done: int = 0
    of: int = 0

    def seen(self, seen: Seen) -> Form:
        """The same form with what a frame, or progress, tells; a score and a fraction stay until the next."""
        return replace(
            self,
            hint=seen.hint,
            good=seen.good,
            lift=seen.lift,
            fraction=self.fraction if seen.fraction is None else seen.fraction,
            score=self.score if seen.score is None else seen.score,
            estimate=seen.estimate,
            done=seen.done,
            of=seen.of,
        )


@dataclass(frozen=True, slots=True)
class View:
    """All that a screen is made from; `status` are the fields of the team's screen."""

    state: S
    session: Session
    visit: Visit
    form: Form
    simulated: bool
    status: Mapping[str, Any]


def review_pages(view: View) -> tuple[tuple[ui.FieldRow, ...], ...]:
    """The fields to check, as a person reads them, in pages."""
    fields = {**view.visit.subject, "number": view.visit.number}
    rows = [
        ui.FieldRow(key, readable(key, fields[key], view.session.language), key in view.visit.wrong)
        for key in REVIEWED
        if fields.get(key)
    ]
    return ui.pages_of(rows)


def readable(key: str, value: str, language: str) -> str:
    """A field as it is read aloud: dates day first, the sex in words, the number in groups of three."""
    if key in DATES:
        return date.fromisoformat(value).strftime("%d/%m/%Y")
    if key == "sex":
        return SEXES.get(language, SEXES["vi"]).get(value, value)
    if key == "number":
        return " ".join(value[n : n + 3] for n in range(0, len(value), 3))
    return value


def finger_marks(view: View) -> tuple[str, ...]:
    """todo, now, done or excepted for each of the ten fingers."""
    now = view.session.fingers[0] if view.session.fingers else ""

    def mark(finger: str) -> str:
        if finger in view.visit.fingers_excepted:
            return "excepted"
        if finger == now and view.state is S.FINGERS:
            return "now"
        return "todo" if finger in view.session.fingers else "done"

    return tuple(mark(finger) for finger in FINGERS)
