"""An officer comes: badge and PIN, and what may be done then."""

from __future__ import annotations

from support import office
from support.kiosk import Story, story

from firmware.sim.officer import PINS
from statemachine.states import Device, S


def called(s: Story) -> None:
    s.touch("help")
    s.comes(S.HELP)


def second(s: Story, badge: str) -> None:
    """The second pair of eyes: badge and PIN."""
    s.second_badge(badge)
    s.types(PINS[badge])


def test_badge_and_pin_open_the_officers_screen_and_the_way_back() -> None:
    with story(at="REVIEW") as s:
        called(s)
        s.officer()
        s.touch("act:done")
        s.comes(S.REVIEW)
        assert "pin_right" in s.acts()


def test_five_wrong_pins_lock_a_card_and_a_restart_does_not_unlock_it() -> None:
    with story(at="REVIEW") as s:
        called(s)
        s.badge(office.OFFICER)
        s.comes(S.OFFICER)
        for left in (4, 3, 2, 1):
            s.types("000000")
            s.comes(lambda left=left: s.screen.tries_left == left)  # type: ignore[misc]
            assert s.screen.problem == "wrong_pin"
        s.badge(None)
        s.types("000000")
        s.comes(S.HELP)
        s.restart()
        s.comes(S.REVIEW)
        called(s)
        s.badge(office.OFFICER)
        s.comes(S.OFFICER)
        assert s.screen.tries_left == 0
        assert [target.action for target in s.screen.targets((800, 480))] == ["back"]
        s.badge(None)
        s.touch("back")
        s.comes(S.HELP)
        s.officer(office.OTHER_OFFICER)


def test_a_technician_may_not_assist() -> None:
    with story(at="REVIEW") as s:
        called(s)
        s.badge(office.TECHNICIAN)
        s.comes(S.OFFICER)
        s.types(PINS[office.TECHNICIAN])
        s.comes(lambda: s.screen.problem == "not_allowed")
        assert s.state is S.OFFICER


def test_an_officer_attests_for_a_person_without_template() -> None:
    with story(office.WITHOUT_TEMPLATES) as s:
        s.until(S.HELP)
        s.officer()
        s.touch("act:attest")
        s.comes(S.REVIEW)
        assert "attested" in s.acts()
        proof = s.ask(lambda journal: journal.draft(s.record_id).parts["proof"])
        assert (proof["method"], proof["officer"]) == ("officer", office.OFFICER)


def test_somebody_the_registry_does_not_know_cannot_be_attested() -> None:
    with story(office.STRANGER) as s:
        s.until(S.HELP)
        s.officer()
        s.touch("act:attest")
        s.comes(lambda: s.kiosk.flow.session.reason == "not_here")
        assert s.state is S.ASSISTED
        s.touch("act:refuse", "yes")
        s.comes(S.FAREWELL)
        s.touch("done")
        s.comes(S.ATTRACT)
        assert s.record == "REFUSED"


def test_a_child_needs_a_guardian_whom_an_officer_has_seen() -> None:
    with story(office.CHILD) as s:
        s.until(S.HELP)
        assert s.kiosk.flow.session.reason == "guardian_needed"
        s.officer()
        assert "attest" not in s.screen.acts
        s.touch("act:guardian")
        s.types(office.ADULT.number)
        s.comes(S.PROVE)
        s.until(S.REVIEW)
        assert "guardian_seen" in s.acts()
        assert s.ask(lambda journal: journal.draft(s.record_id).case) == "replacement", "too young to renew"


def test_a_field_marked_wrong_goes_to_the_officer_and_is_noted_by_name() -> None:
    with story(at="REVIEW") as s:
        s.touch("wrong:full_name")
        s.comes(S.HELP)
        s.officer()
        s.touch("act:correct")
        s.comes(S.REVIEW)
        assert s.screen.rows[0].wrong
        s.until(S.CONSENT)
        noted = s.rows("SELECT detail FROM audit WHERE act = 'correction'")
        assert [row["detail"] for row in noted] == ['{"fields":["full_name"]}']


def test_one_officer_excepts_a_bandaged_finger_for_now() -> None:
    with story(at="FINGERS-1") as s:
        called(s)
        s.officer()
        s.touch("act:except", "finger:left_little", "except:bandaged")
        s.comes(S.PORTRAIT)
        exception = s.ask(lambda journal: journal.draft(s.record_id).parts["finger/left_little"]["exception"])
        assert (exception["reason"], exception["permanence"]) == ("bandaged", "temporary")
        assert exception["officers"] == [office.OFFICER]
        photo = s.ask(lambda journal: journal.blob(s.record_id, exception["photo"]))
        assert photo.startswith(b"\xff\xd8"), "a picture of the hand"
        s.restart()
        s.comes(S.PORTRAIT)
        s.until(S.CONFIRM)
        assert (s.screen.good, s.screen.excepted) == (9, 1), "a restart forgets no exception"


def test_without_a_camera_an_exception_is_written_without_its_picture() -> None:
    with story(at="FINGERS-1") as s:
        s.station.camera.unplug()
        s.comes(lambda: Device.CAMERA in s.kiosk.flow.session.lost)
        called(s)
        s.officer()
        s.touch("act:except", "finger:left_little", "except:worn")
        s.comes(lambda: s.fingers_left == 0)
        exception = s.ask(lambda journal: journal.draft(s.record_id).parts["finger/left_little"]["exception"])
        assert "photo" not in exception


def test_an_amputated_finger_needs_two_different_officers() -> None:
    with story(at="FINGERS-1") as s:
        called(s)
        s.officer()
        s.touch("act:except", "finger:left_little", "except:amputated")
        second(s, office.OFFICER)
        s.comes(lambda: s.kiosk.flow.session.reason == "four_eyes")
        assert s.state is S.ASSISTED
        assert s.fingers_left == 1
        s.touch("back", "act:except", "finger:left_little", "except:amputated")
        second(s, office.OTHER_OFFICER)
        s.comes(S.PORTRAIT)
        exception = s.ask(lambda journal: journal.draft(s.record_id).parts["finger/left_little"]["exception"])
        assert exception["permanence"] == "permanent"
        assert exception["officers"] == [office.OFFICER, office.OTHER_OFFICER]


def test_a_wrong_second_pin_does_nothing_and_may_be_typed_again() -> None:
    with story(at="FINGERS-1") as s:
        called(s)
        s.officer()
        s.touch("act:except", "finger:left_little", "except:amputated")
        s.second_badge(office.OTHER_OFFICER)
        s.types("999999")
        s.comes(lambda: s.kiosk.flow.session.reason == "pin_wrong")
        assert s.screen.tries_left == 4
        s.types(PINS[office.OTHER_OFFICER])
        s.comes(S.PORTRAIT)


def test_an_exception_for_another_finger_leaves_the_one_that_is_asked_for() -> None:
    with story(at="FINGERS") as s:
        called(s)
        s.officer()
        s.touch("act:except", "finger:left_little", "except:bandaged")
        s.comes(S.FINGERS)
        assert s.screen.now == "right_thumb"
        assert s.fingers_left == 9
        assert s.screen.marks[-1] == "excepted"


def test_a_finger_that_was_kept_is_not_excepted_afterwards() -> None:
    with story(at="FINGERS-1") as s:
        called(s)
        s.officer()
        s.touch("act:except", "finger:left_thumb", "except:bandaged")
        s.comes(lambda: s.kiosk.flow.session.reason == "finger_kept")
        assert s.kiosk.flow.session.fingers == ("left_little",)
        assert (
            s.ask(lambda journal: journal.draft(s.record_id).parts["finger/left_thumb"]["exception"]) is None
        )
