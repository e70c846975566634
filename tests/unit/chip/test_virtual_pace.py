"""PACE on the card: the standard's worked example, byte for byte; then strictness; then the terminal."""

from __future__ import annotations

import pytest
from support.channels import open_channel
from support.chip import FILES, KEYS, OTHER_KEYS, MrzKeys
from support.operational_card import CAN, SELECT, Air, card_access, chip_of, operational_card, pace_info

from drivers.chip.access import Can
from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.errors import AccessRefused, AccessUnsupported
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging
from drivers.virtual.card import VirtualCard

# Doc 9303-11, appendix G.1: what the terminal says, what the chip draws, what it answers
HOLDER = MrzKeys("T22000129", "640812", "101031")
DRAWN = [
    "3F00C4D39D153F2B2A214A078D899B22",
    "498FF49756F2DC1587840041839A85982BE7761D14715FB091EFA7BCE9058560",
    "107CF58696EF6155053340FD633392BA81909DF7B9706F226F32086C7AFF974A",
]
SET_AT = "0022C1A40F800A04007F00070202040202830101"
GET_NONCE = "10860000027C0000"
MAP = (
    "10860000457C438141047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E"
    "544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D00"
)
AGREE = (
    "10860000457C438341042DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C"
    "3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB3646200"
)
CONFIRM = "008600000C7C0A8508C2B0BD78D94BA86600"
EXAMPLE = (
    (SET_AT, "9000"),
    (GET_NONCE, "7C12801095A3A016522EE98D01E76CB6B98B42C39000"),
    (
        MAP,
        "7C43824104824FBA91C9CBE26BEF53A0EBE7342A3BF178CEA9F45DE0B70AA601651FBA3F57"
        "30D8C879AAA9C9F73991E61B58F4D52EB87A0A0C709A49DC63719363CCD13C549000",
    ),
    (
        AGREE,
        "7C438441049E880F842905B8B3181F7AF7CAA9F0EFB743847F44A306D2D28C1D9EC65DF6DB"
        "7764B22277A2EDDC3C265A9F018F9CB852E111B768B326904B59A0193776F0949000",
    ),
    (CONFIRM, "7C0A86083ABB9674BCE93C089000"),
)
MAP_WITH_OFF_CURVE = MAP[:-4] + "0000"


def drawing(*values: str) -> VirtualCard:
    """The example's document, which draws these random numbers."""
    left = [bytes.fromhex(value) for value in values]

    def draw(size: int) -> bytes:
        value = left.pop(0)
        assert len(value) == size
        return value

    return operational_card(keys=HOLDER, random=draw)


def say(card: VirtualCard, apdu: str) -> str:
    return card.transmit(bytes.fromhex(apdu)).hex().upper()


def after(card: VirtualCard, *apdus: str) -> str:
    *before, last = apdus
    for apdu in before:
        assert say(card, apdu)[-4:] == "9000", apdu
    return say(card, last)


def test_the_chip_does_the_standards_example_byte_for_byte() -> None:
    card = drawing(*DRAWN)
    for command, answer in EXAMPLE:
        assert say(card, command) == answer
    channel = chip_of(card).chip.channel
    assert channel is not None
    assert channel.covers(0x0C)


STRICT = {
    "no password named": (("0022C1A40C800A04007F00070202040202",), "6A80"),
    "a protocol it has not": (("0022C1A40F800A04007F00070202040204830101",), "6A80"),
    "integrated mapping": (("0022C1A40F800A04007F00070202040402830101",), "6A80"),
    "another curve": (("0022C1A412800A04007F0007020204020283010184010C",), "6A80"),
    "the curve it has": (("0022C1A412800A04007F0007020204020283010184010D",), "9000"),
    "a PIN": (("0022C1A40F800A04007F00070202040202830103",), "6A88"),
    "the same object twice": (("0022C1A412800A04007F00070202040202830101830101",), "6A80"),
    "an object nobody knows": (("0022C1A412800A04007F00070202040202830101850101",), "6A80"),
    "another template": (("002281A40F800A04007F00070202040202830101",), "6A86"),
    "a step before the first": ((GET_NONCE,), "6985"),
    "the mapping before the nonce": ((SET_AT, MAP), "6A80"),
    "the nonce twice": ((SET_AT, GET_NONCE, GET_NONCE), "6A80"),
    "the agreement before the mapping": ((SET_AT, GET_NONCE, AGREE), "6A80"),
    "the token before the agreement": ((SET_AT, GET_NONCE, MAP, CONFIRM), "6985"),
    "a first step that is no link": ((SET_AT, "00" + GET_NONCE[2:]), "6985"),
    "a last step that is a link": ((SET_AT, GET_NONCE, MAP, AGREE, "10" + CONFIRM[2:]), "6985"),
    "no Le": ((SET_AT, GET_NONCE[:-2]), "6700"),
    "a step with parameters": ((SET_AT, "1086000101" + GET_NONCE[10:]), "6700"),
    "another command between": ((SET_AT, GET_NONCE, "00B09C0001", MAP), "6985"),
    "the application selected between": ((SET_AT, GET_NONCE, SELECT.hex(), "10860000027C0000"), "6E00"),
    "a point off the curve": ((SET_AT, GET_NONCE, MAP_WITH_OFF_CURVE), "6A80"),
    "a point cut short": ((SET_AT, GET_NONCE, "10860000067C048102040100"), "6A80"),
    "no point at all": ((SET_AT, GET_NONCE, "10860000047C02810000"), "6A80"),
    "a long length in a short form": ((SET_AT, "10860000037C810000"), "6A80"),
    "a wrong token": ((SET_AT, GET_NONCE, MAP, AGREE, CONFIRM[:-4] + "6700"), "6300"),
}


@pytest.mark.parametrize("what", STRICT)
def test_any_other_word_is_refused_and_the_protocol_starts_anew(what: str) -> None:
    apdus, answer = STRICT[what]
    card = drawing(*DRAWN, *DRAWN)
    assert after(card, *apdus) == answer
    if answer != "9000":
        assert say(card, CONFIRM) in ("6985", "6982")
        assert chip_of(card).chip.channel is None


def test_inside_the_application_there_is_no_pace() -> None:
    card = drawing(*DRAWN)
    card.transmit(SELECT)
    assert say(card, SET_AT) == "6982"


def test_without_card_access_or_can_there_is_nothing_to_choose() -> None:
    assert say(operational_card(access=None), SET_AT) == "6A80"
    assert say(operational_card(can=None), SET_AT[:-2] + "02") == "6A88"


def test_where_one_protocol_has_two_curves_the_terminal_must_say_which() -> None:
    card = operational_card(access=card_access(pace_info(2, 12), pace_info(2, 13)))
    assert say(card, SET_AT) == "6A80"
    assert say(card, "0022C1A412800A04007F0007020204020283010184010C") == "9000"


# --- and now the terminal, written by others from the same standard ---


@pytest.mark.parametrize("parameter", [12, 13, 15, 16])
@pytest.mark.parametrize("cipher", [1, 2, 3, 4])
def test_the_terminal_and_the_chip_meet(cipher: int, parameter: int) -> None:
    card = operational_card(access=card_access(pace_info(cipher, parameter)))
    channel = open_channel(Plain(Air(card)), KEYS)
    assert channel.protocol.startswith("PACE")
    assert read(channel, 0x0101) == FILES[0x0101]


def test_the_can_opens_as_the_mrz_does() -> None:
    channel = open_channel(Plain(Air(operational_card())), Can(CAN))
    assert read(channel, 0x011E) == FILES[0x011E]


@pytest.mark.parametrize("password", [OTHER_KEYS, Can("000000")])
def test_a_wrong_password_does_not_open(password: MrzKeys | Can) -> None:
    card = operational_card()
    with pytest.raises(AccessRefused):
        open_channel(Plain(Air(card)), password)
    assert chip_of(card).chip.channel is None


def test_a_card_without_pace_opens_with_bac_and_with_no_can() -> None:
    card = operational_card(access=None)
    channel = open_channel(Plain(Air(card)), KEYS)
    assert channel.protocol == "BAC"
    assert read(channel, 0x011E) == FILES[0x011E]
    card.power_on()
    with pytest.raises(AccessUnsupported):
        open_channel(Plain(Air(card)), Can(CAN))


def test_the_channel_ends_with_a_plain_command() -> None:
    air = Air(operational_card())
    channel = open_channel(Plain(air), KEYS)
    air.transmit(bytes.fromhex("00B0800001"))
    assert channel.send(CommandApdu(Ins.READ_BINARY, ne=1)).sw == 0x6882
    assert chip_of(air.card).chip.channel is None


def test_a_command_said_again_ends_the_channel() -> None:
    air = Air(operational_card())
    channel = open_channel(Plain(air), KEYS)
    read(channel, 0x011E)
    assert air.transmit(air.said[-1][0]) == b"\x69\x88"
    assert chip_of(air.card).chip.channel is None


def read(channel: SecureMessaging, fid: int) -> bytes:
    select = CommandApdu(Ins.SELECT, 0x02, 0x0C, fid.to_bytes(2, "big"))
    assert channel.send(select).sw == Sw.OK
    return channel.send(CommandApdu(Ins.READ_BINARY, ne=256)).data
