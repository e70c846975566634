"""The virtual card is as strict as the real applet: each quirk of it, by its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.virtual.card import ATR, CardLifted, CardMute, OfficerCard, VirtualCard, blank_card

SELECT = "00A4040C07A0000002471001"
KEYS = "00DA00621D621B040930303130393939393904063930303130310406343030313031"
CREATE_DG1 = "00E00000066304000A0101"
SELECT_DG1 = "00A4020C020101"
LOCK = "00DADEAD00"
DIR_ENTRY = "61094F07A0000002471001"


def say(card: VirtualCard, *apdus: str) -> str:
    """The last answer to these commands, all before answered 9000."""
    *before, last = apdus
    for apdu in before:
        assert card.transmit(bytes.fromhex(apdu)) == b"\x90\x00", apdu
    return card.transmit(bytes.fromhex(last)).hex().upper()


@pytest.fixture
def card() -> VirtualCard:
    blank = blank_card()
    assert blank.power_on() == ATR
    return blank


@pytest.mark.parametrize(
    ("apdus", "answer"),
    [
        ((SELECT,), "9000"),
        (("00A4040007A0000002471001",), "9000"),
        (("00A4040007A000000247100100",), "9000"),
        (("00A4040C07A0000002471002",), "6A82"),
        (("0CA4040C07A0000002471001",), "6882"),
        ((SELECT, "00B0000001"), "6982"),  # reading wants BAC from the first day
        ((SELECT, "0084000008"), "6985"),  # no keys yet
        (
            (
                SELECT,
                "00820000",
            ),
            "6985",
        ),
        ((SELECT, SELECT_DG1), "6A82"),
        ((SELECT, "00D60000021234"), "6986"),
        ((SELECT, CREATE_DG1, SELECT_DG1, "00D60000021234"), "9000"),
        ((SELECT, CREATE_DG1, SELECT_DG1, "00D60009021234"), "6A84"),
        ((SELECT, CREATE_DG1, SELECT_DG1, "00D6000A011F"), "6B00"),
        ((SELECT, CREATE_DG1, SELECT_DG1, "00D600000000021234"), "6700"),  # extended
        ((SELECT, CREATE_DG1, "00E0000006630400090101"), "9000"),  # again, not larger
        ((SELECT, CREATE_DG1, "00E00000066304000B0101"), "6A84"),
        ((SELECT, "00E0000006630480000101"), "6A84"),  # over 15 bits
        ((SELECT, "00E0000006620400050101"), "6A80"),
        ((SELECT, "00E000000663047FFF0101", "00E000000663047FFF0102", "00E000000663047FFF0103"), "9000"),
        ((SELECT, KEYS), "9000"),
        ((SELECT, KEYS, KEYS), "9000"),
        ((SELECT, KEYS[:-2]), "6700"),
        ((SELECT, "00DA006203620101"), "6A80"),
        ((SELECT, "00DA007701AA"), "6A88"),
        ((SELECT, "00DA006085" + "6000048180" + "AB" * 128), "9000"),
        ((SELECT, "00DA006185" + "6000048180" + "CD" * 128), "9000"),
        ((SELECT, "00DA006005" + "6000048180"), "6A80"),
        ((SELECT, KEYS, "0084000008"), "challenge"),
        ((SELECT, KEYS, "0084000010"), "6700"),
        ((SELECT, "0CB000000D9701048E08000000000000000000"), "6882"),
        ((SELECT, "80A40000"), "6E00"),
        ((SELECT, "01B0000001"), "6881"),
        ((SELECT, "00FF0000"), "6D00"),
        ((SELECT, LOCK), "9000"),
        ((SELECT, LOCK, LOCK), "6985"),
        ((SELECT, LOCK, CREATE_DG1), "6985"),
        ((SELECT, LOCK, KEYS), "6985"),
        ((SELECT, CREATE_DG1, SELECT_DG1, LOCK, "00D60000021234"), "6985"),
        ((SELECT, LOCK, SELECT_DG1), "6982"),
        (("00A4000C023F00", "00A4020C022F00", "00B0000000"), DIR_ENTRY + "9000"),
        (("00A4020C022F00", "00B00001020000"), "6700"),
        (("00A40400",), "6A82"),
        (("00B00000",), "6700"),
        (("0084000008",), "6D00"),
        (("00",), "6700"),
    ],
)
def test_it_answers_as_the_real_one(card: VirtualCard, apdus: tuple[str, ...], answer: str) -> None:
    said = say(card, *apdus)
    if answer == "challenge":
        assert len(said) == 20
        assert said.endswith("9000")
    else:
        assert said == answer


def test_a_reset_forgets_the_session_and_keeps_the_files(card: VirtualCard) -> None:
    say(card, SELECT, CREATE_DG1, SELECT_DG1)
    card.power_on()
    assert say(card, SELECT, "00D60000021234") == "6986"
    assert say(card, SELECT_DG1) == "9000"


def test_a_challenge_is_good_for_one_try(card: VirtualCard) -> None:
    say(card, SELECT, KEYS, "0084000008")
    wrong = "0082000028" + "00" * 40 + "28"
    assert say(card, wrong) == "6300"
    assert say(card, wrong) == "6985"


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_any_bytes_get_status_bytes(apdus: list[bytes]) -> None:
    card = blank_card()
    card.power_on()
    card.transmit(bytes.fromhex(SELECT))
    for apdu in apdus:
        answer = card.transmit(apdu)
        assert answer[-2] >> 4 in (6, 9)


@given(body=st.binary(max_size=40), ins=st.sampled_from([0x82, 0x84, 0xA4, 0xB0, 0xD6, 0xDA, 0xE0]))
def test_any_data_gets_status_bytes(body: bytes, ins: int) -> None:
    card = blank_card()
    card.power_on()
    for apdu in (SELECT, KEYS):
        card.transmit(bytes.fromhex(apdu))
    for p2 in (0x00, 0x0C, 0x62):
        assert card.transmit(bytes((0, ins, 2 if ins == 0xA4 else 0, p2, len(body))) + body)[-2] >> 4


def test_before_acting_the_tear_leaves_no_trace_and_after_acting_it_does(card: VirtualCard) -> None:
    say(card, SELECT)
    card.tear(1, "before")
    say(card, CREATE_DG1)
    with pytest.raises(CardLifted):
        say(card, LOCK)
    card.power_on()
    card.tear(2, "after")
    assert say(card, SELECT, SELECT_DG1) == "9000"
    with pytest.raises(CardLifted):
        say(card, LOCK)
    card.power_on()
    assert say(card, SELECT, SELECT_DG1) == "6982"


def test_a_mute_card_stays_mute_over_a_reset(card: VirtualCard) -> None:
    card.mute_after(1)
    say(card, SELECT)
    for _ in range(2):
        with pytest.raises(CardMute):
            say(card, SELECT)
        card.power_on()
    card.unmute()
    assert say(card, SELECT) == "9000"


def test_what_is_saved_has_no_session(card: VirtualCard) -> None:
    say(card, SELECT, KEYS, CREATE_DG1, SELECT_DG1, "00D60000021234", LOCK)
    again = VirtualCard.from_bytes(card.to_bytes())
    assert again.to_bytes() == card.to_bytes()
    again.power_on()
    assert say(again, SELECT, SELECT_DG1) == "6982"
    badge = VirtualCard.from_bytes(OfficerCard("CB-7").to_bytes())
    badge.power_on()
    assert say(badge, "00A4040C07F04B494F534B01", "00B0810020") == b"CB-7\x62\x82".hex().upper()


@pytest.mark.parametrize(
    "saved",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"format":2}',
        b'{"format":1,"atr":"3B","applications":[{}]}',
    ],
)
def test_what_is_no_saved_card_is_a_value_error(saved: bytes) -> None:
    with pytest.raises(ValueError):
        VirtualCard.from_bytes(saved)
