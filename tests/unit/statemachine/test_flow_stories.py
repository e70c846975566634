"""Visits told as lists of events."""

from __future__ import annotations

from statemachine import effects as fx
from statemachine import events as ev
from statemachine.machine import Flow
from statemachine.session import FINGERS, Aim, Outcome, Stage
from statemachine.states import Device, Held, Role, S

TO_REVIEW = (
    ev.Started(),
    ev.LanguageChosen("vi"),
    ev.WayChosen("qr"),
    ev.Identified("qr"),
    ev.PersonFound("registry", minor=False, can_prove=True),
    ev.Proven("finger"),
)
TO_PORTRAIT = (
    *TO_REVIEW,
    ev.Confirmed(),
    ev.Agreed(eid=False),
    *(ev.FingerKept(name) for name in FINGERS),
)
TO_CARD = (*TO_PORTRAIT, ev.PortraitKept(()), ev.Confirmed(), ev.RecordFrozen(issue=True))
TO_RECEIPT = (*TO_CARD, ev.CardSeen("blank"), ev.IssuingBegan(), ev.ChipWritten(), ev.ChipVerified())


def told(*events: ev.Event) -> tuple[Flow, list[fx.Effect]]:
    flow = Flow()
    effects = flow.begin()
    for event in events:
        effects += flow.feed(event)
    return flow, effects


def test_a_citizen_goes_from_greeting_to_receipt_and_home() -> None:
    flow, effects = told(*TO_RECEIPT, ev.ChipLocked(), ev.Sealed(), ev.Confirmed(), ev.TimedOut())
    assert flow.state is S.ATTRACT
    assert [effect.outcome for effect in effects if isinstance(effect, fx.EndVisit)] == [Outcome.COMPLETED]


def test_all_ten_fingers_are_asked_for_in_order() -> None:
    _, effects = told(*TO_PORTRAIT)
    assert tuple(effect.finger for effect in effects if isinstance(effect, fx.CaptureFinger)) == FINGERS


def test_a_finger_is_asked_for_as_often_as_the_rule_pack_says() -> None:
    agreed, _ = told(*TO_REVIEW, ev.Confirmed(), ev.Agreed(eid=False, attempts=5))
    resumed, _ = told(ev.Resumed(Held.DRAFT, S.FINGERS, FINGERS[4:], prove_again=False, attempts=5))
    for flow in (agreed, resumed):
        for _ in range(3):
            flow.feed(ev.FingerAgain(flow.session.fingers[0], "moisten"))
        assert flow.state is S.FINGERS
        assert (flow.session.tries, flow.session.attempts) == (3, 5)


def test_a_late_answer_never_moves_the_flow() -> None:
    flow, _ = told(ev.Started())
    before = flow.state, flow.entry
    late = ev.LanguageChosen("en", entry=flow.entry - 1)
    assert flow.feed(late) == [fx.Late(flow.entry, late)]
    assert (flow.state, flow.entry) == before


def test_each_entry_has_its_own_number() -> None:
    _, effects = told(*TO_CARD)
    entries = [effect.entry for effect in effects if isinstance(effect, fx.Enter)]
    assert len(set(entries)) == len(entries)


def test_a_lifted_card_is_asked_back_and_the_same_step_goes_on() -> None:
    flow, _ = told(*TO_RECEIPT, ev.CardMoved())
    assert flow.state is S.HOLD_STILL
    flow.feed(ev.CardSeen("ours"))
    assert flow.state is S.LOCK_CHIP


def test_another_blank_is_not_taken_for_a_card_that_may_be_live() -> None:
    flow, _ = told(*TO_RECEIPT, ev.CardMoved(), ev.CardSeen("blank"))
    assert (flow.state, flow.session.held) == (S.HOLD_STILL, Held.ISSUING)


def test_a_visit_cannot_be_refused_once_issuing() -> None:
    flow, _ = told(
        *TO_RECEIPT,
        ev.CardMoved(),
        ev.HelpPressed(),
        ev.BadgeRead(),
        ev.PinAccepted("NV-01", Role.OFFICER),
        ev.VisitRefused("not_eligible"),
    )
    assert (flow.state, flow.session.reason) == (S.ASSISTED, "issuing_goes_forward")


def test_a_voided_card_leads_to_a_new_blank() -> None:
    flow, _ = told(
        *TO_RECEIPT,
        ev.CardMoved(),
        ev.HelpPressed(),
        ev.BadgeRead(),
        ev.PinAccepted("NV-01", Role.OFFICER),
        ev.CardVoided(),
    )
    assert (flow.state, flow.session.at_stake) == (S.PLACE_CARD, False)
    flow.feed(ev.CardSeen("blank"))
    assert flow.state is S.WRITE_CHIP


def test_a_record_that_was_issuing_once_cannot_be_refused_after_its_card_was_voided() -> None:
    flow, _ = told(*TO_RECEIPT, ev.CardMoved(), ev.HelpPressed(), ev.BadgeRead())
    for event in (ev.PinAccepted("NV-01", Role.OFFICER), ev.CardVoided(), ev.HelpPressed(), ev.BadgeRead()):
        flow.feed(event)
    flow.feed(ev.PinAccepted("NV-01", Role.OFFICER))
    flow.feed(ev.VisitRefused("not_eligible"))
    assert (flow.state, flow.session.reason) == (S.ASSISTED, "issuing_goes_forward")


def test_a_card_finished_while_the_disk_was_away_ends_with_its_receipt() -> None:
    flow, _ = told(*TO_RECEIPT, ev.StoreFailed("disk_full"), ev.DeviceBack(Device.STORE))
    assert flow.state is S.PAUSED
    flow.feed(ev.ChipLocked())
    assert (flow.state, flow.session.held) == (S.RECEIPT, Held.COMPLETE)


def test_who_cannot_be_compared_is_the_officers_at_once() -> None:
    flow, _ = told(*TO_REVIEW[:5], ev.NotProven("no_template"))
    assert (flow.state, flow.session.reason) == (S.HELP, "no_template")


def test_without_a_line_the_record_waits_with_a_ticket() -> None:
    flow, effects = told(*TO_CARD, ev.CardSeen("blank"), ev.SignerAway(), ev.TicketMade(), ev.Confirmed())
    assert flow.state is S.ATTRACT
    assert [effect.outcome for effect in effects if isinstance(effect, fx.EndVisit)] == [Outcome.TICKET]


def test_a_dead_finger_sensor_calls_the_officer_and_coming_back_goes_on() -> None:
    flow, _ = told(*TO_REVIEW, ev.Confirmed(), ev.Agreed(eid=True), ev.DeviceLost(Device.FINGER))
    assert (flow.state, flow.session.reason) == (S.HELP, "lost_finger")
    flow.feed(ev.DeviceBack(Device.FINGER))
    flow.feed(ev.ReturnAsked())
    assert flow.state is S.FINGERS


def test_a_dead_camera_does_not_stop_the_fingers() -> None:
    flow, _ = told(*TO_REVIEW, ev.Confirmed(), ev.Agreed(eid=True), ev.DeviceLost(Device.CAMERA))
    assert flow.state is S.FINGERS


def test_no_visit_begins_on_a_box_without_its_reader() -> None:
    flow, _ = told(ev.DeviceLost(Device.CHIP), ev.Started())
    assert flow.state is S.OUT_OF_ORDER
    flow.feed(ev.DeviceBack(Device.CHIP))
    assert flow.state is S.ATTRACT


def test_a_disk_that_fails_keeps_the_visit_for_a_ticket() -> None:
    flow, _ = told(*TO_PORTRAIT, ev.StoreFailed("disk_full"))
    assert flow.state is S.OUT_OF_ORDER
    flow.feed(ev.DeviceBack(Device.STORE))
    assert flow.state is S.PAUSED


def test_who_says_nothing_is_asked_then_gets_a_ticket() -> None:
    flow, _ = told(*TO_PORTRAIT, ev.TimedOut())
    assert flow.state is S.STILL_THERE
    flow.feed(ev.TimedOut())
    assert flow.state is S.PAUSED


def test_who_is_still_there_goes_on_where_they_were() -> None:
    flow, _ = told(*TO_PORTRAIT, ev.TimedOut(), ev.StillHere())
    assert flow.state is S.PORTRAIT


def test_a_child_needs_a_guardian_whom_an_officer_has_seen() -> None:
    flow, _ = told(*TO_REVIEW[:4], ev.PersonFound("registry", minor=True, can_prove=True))
    assert (flow.state, flow.session.reason) == (S.HELP, "guardian_needed")
    flow.feed(ev.BadgeRead())
    flow.feed(ev.PinAccepted("NV-01", Role.OFFICER))
    flow.feed(ev.Attested())
    assert flow.state is S.ASSISTED
    flow.feed(ev.GuardianPresent())
    assert flow.state is S.PROVE


def test_three_wrong_fingers_need_an_officer_and_cannot_be_guessed_further() -> None:
    flow, _ = told(*TO_REVIEW[:5], *[ev.NotProven("finger_differs")] * 3)
    assert flow.state is S.HELP
    flow.feed(ev.ReturnAsked())
    assert flow.state is S.HELP


def test_a_resumed_record_goes_on_at_its_step_after_proof() -> None:
    resumed = ev.Resumed(Held.DRAFT, S.PORTRAIT, (), prove_again=True)
    flow, _ = told(
        ev.Started(), ev.LanguageChosen("vi"), ev.WayChosen("ticket"), resumed, ev.Proven("finger")
    )
    assert flow.state is S.PORTRAIT


def test_after_a_power_cut_the_box_is_back_in_the_same_step() -> None:
    flow, _ = told(ev.Resumed(Held.DRAFT, S.FINGERS, ("left_ring", "left_little"), prove_again=False))
    assert (flow.state, flow.session.fingers[0]) == (S.FINGERS, "left_ring")


BOOTED = (ev.StoreFailed("box_locked"), ev.BadgeRead())


def test_a_box_that_was_switched_on_asks_any_of_its_staff_to_open_it() -> None:
    flow, _ = told(*BOOTED)
    assert (flow.state, flow.session.aim) == (S.OFFICER, Aim.UNLOCK)
    flow.feed(ev.StoreFailed("box_locked"))
    flow.feed(ev.Unlocked("NV-01"))
    assert (flow.state, flow.session.reason) == (S.OFFICER, "unlocked")
    flow.feed(ev.DeviceBack(Device.STORE))
    assert (flow.state, flow.session.trouble) == (S.ATTRACT, "")


def test_a_box_that_opens_onto_a_broken_store_says_so() -> None:
    flow, _ = told(*BOOTED, ev.Unlocked("NV-01"), ev.StoreFailed("store_damaged"))
    assert (flow.state, flow.session.reason) == (S.OUT_OF_ORDER, "store_damaged")


def test_a_badge_that_is_locked_out_leaves_the_box_locked_and_says_why() -> None:
    flow, _ = told(*BOOTED, ev.PinRefused(3), ev.PinRefused(0))
    assert (flow.state, flow.session.reason, flow.session.trouble) == (
        S.OUT_OF_ORDER,
        "pin_locked",
        "box_locked",
    )
    flow.feed(ev.BadgeRead())
    assert (flow.state, flow.session.aim) == (S.OFFICER, Aim.UNLOCK)


HANDED_OVER = ev.DeviceLost(Device.PLACE, "box_handed_over")
SIGNED_IN = (ev.BadgeRead(), ev.PinAccepted("KT-01", Role.TECHNICIAN))


def test_a_box_that_was_handed_over_serves_nobody_and_a_technician_may_look() -> None:
    flow, _ = told(HANDED_OVER)
    assert (flow.state, flow.session.trouble) == (S.OUT_OF_ORDER, "box_handed_over")
    for event in SIGNED_IN:
        flow.feed(event)
    assert flow.state is S.TECHNICIAN
    flow.feed(ev.BackPressed())
    assert (flow.state, flow.session.trouble) == (S.OUT_OF_ORDER, "box_handed_over")
    flow.feed(ev.DeviceBack(Device.PLACE))
    assert flow.state is S.ATTRACT


AT_SWAP = (ev.DeviceLost(Device.CAMERA), *SIGNED_IN)
TAKEN = (ev.TakeOverPressed(), ev.StickFound(code=True), ev.Confirmed(), ev.CodeRead(), ev.BlanksCounted())


def stages(effects: list[fx.Effect]) -> list[str]:
    return [type(e).__name__ for e in effects if isinstance(e, fx.AwaitStick | fx.ReadCode | fx.MoveBox)]


def test_taking_a_place_scans_the_code_and_counts_the_blanks_before_anything_moves() -> None:
    flow, effects = told(*AT_SWAP, *TAKEN, ev.SwapDone())
    assert stages(effects) == ["AwaitStick", "ReadCode", "MoveBox"]
    assert (flow.state, flow.session.stage) == (S.SWAP, Stage.DONE)


def test_a_handed_over_box_asks_for_a_stick_and_one_confirmation() -> None:
    flow, effects = told(
        *AT_SWAP, ev.HandOverPressed(), ev.StickFound(code=False), ev.Confirmed(), HANDED_OVER
    )
    assert stages(effects) == ["AwaitStick", "MoveBox"]
    for event in (ev.SwapDone(), ev.Confirmed()):
        flow.feed(event)
    assert flow.state is S.OUT_OF_ORDER


def test_a_stick_pulled_half_way_goes_on_without_asking_anything_twice() -> None:
    flow, _ = told(*AT_SWAP, *TAKEN, ev.SwapRefused("stick_gone"), ev.Confirmed(), ev.StickFound(code=True))
    flow.feed(ev.Confirmed())
    assert flow.session.stage is Stage.GO


def test_a_wrong_recovery_code_is_asked_for_again_and_nothing_else() -> None:
    flow, _ = told(*AT_SWAP, *TAKEN, ev.SwapRefused("recovery_code_wrong"))
    assert (flow.session.stage, flow.session.reason) == (Stage.CODE, "recovery_code_wrong")
    flow.feed(ev.CodeRead())
    assert flow.session.stage is Stage.GO


def test_a_place_without_drafts_needs_no_code() -> None:
    flow, _ = told(*AT_SWAP, ev.TakeOverPressed(), ev.StickFound(code=False), ev.Confirmed())
    assert flow.session.stage is Stage.BLANKS


def test_a_visit_that_is_held_gets_its_ticket_before_a_swap() -> None:
    lost = (ev.StoreFailed("store_busy"), ev.DeviceLost(Device.CHIP), ev.DeviceBack(Device.STORE))
    flow, _ = told(*TO_RECEIPT, *lost, *SIGNED_IN, ev.HandOverPressed())
    assert (flow.state, flow.session.held) == (S.PAUSED, Held.ISSUING)


def test_nothing_private_outlives_a_visit() -> None:
    flow, _ = told(*TO_REVIEW, ev.DeviceLost(Device.PANEL), ev.TimedOut(), ev.TimedOut(), ev.TicketMade())
    flow.feed(ev.Confirmed())
    assert flow.session == type(flow.session)(lost=frozenset({Device.PANEL}))
