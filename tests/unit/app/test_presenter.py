"""Every place that the flow can reach has a screen, and every button on it does something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product

import pytest
from support.exploring import explore

from firmware.app.visit import Sheet, Visit
from firmware.presenter import Form, View, acts, present
from firmware.touch import meaning
from statemachine import events as ev
from statemachine.machine import Flow
from statemachine.session import Session
from statemachine.states import S
from ui_fb import screens as ui
from ui_fb.screen import Screen

SIZE = (800, 480)
SUBJECT = {
    "full_name": "Nguyễn Thị Hoa",
    "birth_date": "2004-05-06",
    "sex": "F",
    "nationality": "Việt Nam",
    "residence": "Số 1, xã Mẫu Một, tỉnh Mẫu",
}
VISIT = Visit(
    record_id="r", number="001304000017", subject=SUBJECT, badge="NV-0001", officer_name="Cán bộ ảo",
    sheet=Sheet(facts=(("box", "BOX-17"), ("epoch", "3")), stated=182, tickets=("1234 5678",) * 6),
    wrong=frozenset({"residence"}), ticket="1234 5678", ticket_until="01/01/2027", receipt="ABCD-EFGH",
)  # fmt: skip
HINTS = (
    "press_more", "press_less", "moisten", "dry", "centre", "up", "down", "hold_still", "clean_glass",
    "other_finger",
)  # fmt: skip
REASONS = (
    None,
    *"""asked left officer again foreign card_foreign card_locked card_gone pin_wrong role_refused four_eyes
    number_length number_place number_year number_sex too_long ticket_unknown ticket_expired ticket_malformed
    registry_away person_unknown no_template guardian_needed field_wrong finger_failed finger_differs
    portrait_flagged portrait_failed lost_finger signer_away no_issue clock disk_full store_failed
    name_refused step_failed glass_not_empty""".split(),  # noqa: SIM905  a table
    *"""box_locked box_handed_over pin_locked badge_unknown recovery_code_wrong stick_foreign""".split(),  # noqa: SIM905
    "a reason that nobody has put into words",
)
STAGES: dict[S, tuple[Form, ...]] = {
    S.CONSENT: (Form(stage="eid"),),
    S.HELP: (Form(stage="badge"),),
    S.REVIEW: (Form(page=2), Form(page=99)),
    S.FINGERS: (Form(lift=True), Form(hint="press_more", score=31)),
    S.PORTRAIT: (Form(hint="closer"), Form(good=99)),
    S.IDENTIFY: (Form(digits="12345678"), Form(digits="001304000017")),
    S.OFFICER: (Form(digits="123456"),),
    S.TECHNICIAN: (
        Form(rows=(ui.Check("chip", "ok", "ok", "pass"),) * 11, page=3), Form(stage="acts"),
        Form(stage="codes"),
    ),
    S.SWAP: (
        Form(stage="reading"), Form(stage="type"), Form(digits="123456789012", stage="type"),
        Form(digits="182"),
    ),
    S.ASSISTED: (
        Form(stage="finger"), Form(stage="except", picked="right_thumb"), Form(stage="sure", picked="void"),
        Form(stage="sure", picked="refuse"), Form(stage="second"), Form(stage="second_pin"),
        Form(stage="second_pin", digits="123456"),
    ),
}  # fmt: skip
STATUS = {
    "unsent": 1, "oldest_h": 0.5, "blanks_left": 10, "void_cards": 0, "disk_free_gb": 5.0,
    "temperature_c": None, "clock": "10:00", "last_contact": "–",
}  # fmt: skip


@cache
def reachable() -> frozenset[tuple[S, Session]]:
    return frozenset(edge.after for edge in explore())


def views() -> Iterator[View]:
    for state, session in sorted(reachable(), key=repr):
        for form in (Form(), *STAGES.get(state, ())):
            yield View(state, session, VISIT, form, True, STATUS)


@cache
def distinct() -> dict[Screen, View]:
    """Every different screen of the walk, with a view that shows it."""
    return {present(view): view for view in views()}


def test_every_reachable_place_has_a_screen_that_can_be_drawn() -> None:
    assert {view.state for view in distinct().values()} == set(S)
    for screen in distinct():
        screen.render(SIZE)


def test_every_reason_has_a_screen_that_can_be_drawn_in_every_state() -> None:
    sessions = dict(sorted(reachable(), key=repr))
    del sessions[S.FINGERS]  # a reason there is a finger's hint: below
    screens = {
        present(View(state, replace(session, reason=reason), VISIT, Form(), False, STATUS))
        for (state, session), reason in product(sessions.items(), REASONS)
    }
    for screen in screens:
        screen.render(SIZE)


@pytest.mark.parametrize("hint", [*HINTS, "no_finger", "blank"])
def test_every_hint_and_problem_of_a_finger_has_words(hint: str) -> None:
    session = Session(step=S.FINGERS, reason=hint, fingers=("left_little",), tries=1)
    present(View(S.FINGERS, session, VISIT, Form(), False, STATUS)).render(SIZE)
    present(View(S.PROVE, Session(step=S.PROVE), VISIT, Form(hint=hint), False, STATUS)).render(SIZE)


@pytest.mark.parametrize(("attempts", "tries", "shown"), [(5, 3, 4), (2, 1, 2), (1, 0, 1), (3, 4, 3)])
def test_the_screen_counts_attempts_as_the_rule_pack_does(attempts: int, tries: int, shown: int) -> None:
    session = Session(step=S.FINGERS, fingers=("left_little",), tries=tries, attempts=attempts)
    screen = present(View(S.FINGERS, session, VISIT, Form(), False, STATUS))
    assert isinstance(screen, ui.Fingers)
    assert (screen.attempt, screen.attempts) == (shown, attempts)


def test_every_way_to_say_who_one_is_has_its_screen() -> None:
    for way, reason in product(("qr", "number", "ticket"), REASONS):
        session = Session(way=way, reason=reason)
        present(View(S.IDENTIFY, session, VISIT, Form(), False, STATUS)).render(SIZE)


def dead(view: View, action: str) -> bool:
    """Nothing is meant; but for a digit that has no place left, or ok before the digits are there."""
    if action.startswith("digit:") or (
        action == "ok" and {"entered", "digits"} & set(type(present(view)).__dataclass_fields__)
    ):
        return False
    meant = meaning(view, action)
    if not isinstance(meant, ev.Event):
        return meant is None
    flow = Flow()
    flow.state, flow.session = view.state, view.session
    return not flow.feed(meant) and flow.session == view.session


def test_every_button_does_something() -> None:
    buttons = (
        (view, target.action) for screen, view in distinct().items() for target in screen.targets(SIZE)
    )
    nothing = {(view.state, view.form.stage, action) for view, action in buttons if dead(view, action)}
    assert nothing == set()


def test_no_action_of_any_screen_crashes_anywhere() -> None:
    """A touch may come late: the screen that it was meant for is gone."""
    kinds = {type(screen) for screen in distinct()}
    examples = (example for kind in sorted(kinds, key=repr) for example in kind.examples().values())
    actions = {target.action for example in examples for target in example.targets(SIZE)}
    for view, action in product(distinct().values(), sorted(actions)):
        meaning(view, action)


def test_what_the_officer_is_offered_fits_the_screen() -> None:
    for view in distinct().values():
        if view.state is S.ASSISTED and not view.form.stage:
            buttons = {target.action for target in present(view).targets(SIZE)}
            assert {f"act:{act}" for act in acts(view)} <= buttons


def test_a_person_who_gave_no_field_can_still_be_shown_what_is_known() -> None:
    bare = replace(VISIT, subject={})
    view = View(S.REVIEW, Session(step=S.REVIEW), bare, Form(), True, STATUS)
    present(view).render(SIZE)
