"""A dozen hands that are not whole, all the way: exception, chip, lock, seal, upload, receipt."""

from __future__ import annotations

import pytest
from support import office
from support.kiosk import story

from firmware.app.jobs.fingers import except_finger
from statemachine.session import FINGERS
from statemachine.states import S

RIGHT, LEFT = FINGERS[:5], FINGERS[5:]
HANDS: dict[str, tuple[str, ...]] = {
    "no hands": FINGERS,
    "no right hand": RIGHT,
    "no left hand": LEFT,
    "thumbs only": (*RIGHT[1:], *LEFT[1:]),
    "no thumbs": (FINGERS[0], FINGERS[5]),
    "one finger left": FINGERS[:9],
    "the first one": FINGERS[:1],
    "the last one": FINGERS[9:],
    "both index fingers": (FINGERS[1], FINGERS[6]),
    "every other": FINGERS[::2],
    "the others": FINGERS[1::2],
    "both little fingers": (FINGERS[4], FINGERS[9]),
}


@pytest.mark.parametrize("hands", HANDS)
def test_a_card_is_issued_and_the_record_arrives(hands: str) -> None:
    absent = HANDS[hands]
    with story(at="FINGERS") as s:
        desk = s.kiosk.desk
        for finger in absent:
            officers = (office.OFFICER, office.OTHER_OFFICER)
            written = except_finger(desk, s.kiosk.visit, finger, "amputated", officers)
            s.kiosk.learn(desk.store.call(written), s.kiosk.flow.entry)
        s.until(S.FAREWELL)
        s.comes(lambda: s.record in ("ACKED", "PURGED"))
        (record,) = s.centre.records()
        excepted = {each["position"] for each in record.manifest["fingers"] if each["exception"]}
        assert excepted == set(absent)
        assert all(each["score"] is not None for each in record.manifest["fingers"] if not each["exception"])
        assert record.manifest["chip"]["locked"]
