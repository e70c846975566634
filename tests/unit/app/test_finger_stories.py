"""FINGERS: the wrong finger, another person's hand, an officer's; and who decides then."""

from __future__ import annotations

from dataclasses import replace

from support import office
from support.kiosk import Story, story

from drivers.virtual.skin import Finger, impression
from firmware.box.officers import write_officers
from firmware.records.format.finger_image import Compression, FingerRecord
from firmware.sim.officer import PINS, staff
from firmware.sim.people import Citizen
from statemachine.session import FINGERS
from statemachine.states import S
from ui_fb import screens as ui


def offers(s: Story, position: str, person: Citizen | None = None, touch: int = 40) -> None:
    """Lay a finger down, whatever the screen asks for; lifted first, as the kiosk wants it."""
    s.station.sensor.lift()
    s.comes(lambda: isinstance(s.screen, ui.Fingers))
    assert s.station.sensor.asked(20.0)
    owner = person or s.person
    s.station.sensor.place(impression(Finger(owner.seed, position), touch))


def begun_again(s: Story) -> bool:
    return s.kiosk.flow.session.doubts == 1 and s.state is S.FINGERS


def test_a_finger_given_twice_is_begun_again_and_the_second_time_an_officer_comes() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 8)
        offers(s, FINGERS[0])
        s.comes(lambda: begun_again(s))
        assert s.screen.hint == "other_finger"
        assert s.fingers_left == 8
        offers(s, FINGERS[0], touch=41)
        s.comes(S.HELP)
        assert s.screen.reason == "finger_twice"
        assert "retry" not in [target.action for target in s.screen.targets((800, 480))]
        told = [row["detail"] for row in s.rows("SELECT detail FROM audit WHERE act = 'finger_twice'")]
        assert sum(f'"finger":"{FINGERS[2]}","like":"{FINGERS[0]}"' in detail for detail in told) == 2
        part = s.ask(lambda journal: journal.draft(s.record_id).parts.get(f"finger/{FINGERS[2]}"))
        assert part is None, "nothing of it is in the record"


def test_the_right_finger_after_the_hint_is_taken() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 9)
        offers(s, FINGERS[0])
        s.comes(lambda: begun_again(s))
        s.until(lambda: s.fingers_left == 8)
        assert s.kiosk.flow.session.doubts == 0


def test_left_for_right_is_seen_though_the_left_was_not_taken_yet() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 9)
        offers(s, "left_index")
        s.comes(lambda: begun_again(s))
        assert "finger_swapped" in s.acts()


def test_another_persons_finger_is_unlike_the_registrys() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 9)
        offers(s, "right_index", office.NEXT)
        s.comes(lambda: begun_again(s))
        assert "finger_stranger" in s.acts()


def test_an_officer_sees_what_it_is_like_and_may_take_it_all_the_same() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 9)
        for touch in (40, 41):
            offers(s, FINGERS[0], touch=touch)
            s.comes(lambda touch=touch: s.kiosk.flow.session.doubts == touch - 39)  # type: ignore[misc]
        s.comes(S.HELP)
        s.officer()
        assert (s.screen.doubt, s.screen.like) == ("finger_twice", FINGERS[0])
        assert s.screen.similarity >= 40
        s.touch("act:accept")
        s.comes(lambda: s.fingers_left == 8)
        assert "finger_accepted" in s.acts()


def test_an_officers_own_finger_is_not_taken_for_a_citizens_and_kept_nowhere() -> None:
    with story(at="FINGERS", started=False) as s:
        known = [
            replace(each, number=office.NEXT.number if each.badge == office.OFFICER else "")
            for each in staff()
        ]
        write_officers(s.box / "identity" / "officers.json", known)
        s.start()
        s.until(lambda: s.fingers_left == 10 and s.state is S.FINGERS)
        s.touch("help")
        s.comes(S.HELP)
        s.officer()
        s.comes(lambda: s.kiosk.desk.shift.knows(office.OFFICER, office.TODAY))
        assert s.station.sensor.rests(20.0), (
            "the job that was stopped is over, and asks for no finger any more"
        )
        s.touch("act:done")
        s.comes(S.FINGERS)
        s.badge(None)
        offers(s, "right_index", office.NEXT)
        s.comes(lambda: begun_again(s))
        assert "finger_officer" in s.acts()
        detail = [row["detail"] for row in s.rows("SELECT detail FROM audit WHERE act = 'finger_officer'")]
        assert f'"like":"{office.OFFICER}"' in detail[0]
        assert PINS[office.OFFICER] not in detail[0]


def test_after_a_power_cut_the_fingers_taken_before_are_still_compared() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 8)
        s.restart()
        s.comes(S.FINGERS)
        offers(s, FINGERS[0])
        s.comes(lambda: begun_again(s))
        assert "finger_twice" in s.acts()


def test_a_kept_finger_has_an_image_record_and_its_minutiae() -> None:
    with story(at="FINGERS") as s:
        s.until(lambda: s.fingers_left == 9)
        part = s.ask(lambda journal: journal.draft(s.record_id).parts[f"finger/{FINGERS[0]}"])
        kept = FingerRecord.from_bytes(s.ask(lambda journal: journal.blob(s.record_id, part["image"])))
        assert (kept.position, kept.ppi, kept.compression) == (FINGERS[0], 500, Compression.WSQ)
        assert kept.score == part["score"]
        assert 5_000 < len(kept.picture) < 20_000
        minutiae = s.ask(lambda journal: journal.blob(s.record_id, part["template"]))
        assert minutiae.startswith(b"FMR\x00030\x00")
