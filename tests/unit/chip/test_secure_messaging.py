"""Hostile answers to a terminal, hostile commands to a card."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.chip import KEYS, MrzKeys

from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.bac import check_digit, mrz_information, open_bac
from drivers.chip.errors import AccessRefused, ConditionsNotSatisfied, SecureMessagingError
from drivers.chip.lds import AID, select_application, select_file
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging, pad, unpad
from drivers.virtual.card import VirtualCard, blank_card

PUT_KEYS = bytes.fromhex("00DA00621D621B") + b"".join(
    bytes([4, len(field)]) + field.encode() for field in (KEYS.document_number, KEYS.birth, KEYS.expiry)
)
CREATE_COM = bytes.fromhex("00E0000006630400AA011E")
READ = CommandApdu(Ins.READ_BINARY, ne=16)


class Tampered:
    """A link to a card whose answers (and commands) somebody changes."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card
        self.answer: Callable[[bytes], bytes] = lambda answer: answer
        self.command: Callable[[bytes], bytes] = lambda command: command

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        return self.answer(self._card.transmit(self.command(apdu)))


def card_with_keys(bare_errors: bool = False) -> VirtualCard:
    card = blank_card(bare_errors)
    card.power_on()
    assert card.transmit(b"\x00\xa4\x04\x0c\x07" + AID) == b"\x90\x00"
    assert card.transmit(PUT_KEYS) == b"\x90\x00"
    assert card.transmit(CREATE_COM) == b"\x90\x00"
    return card


@pytest.fixture
def link() -> Tampered:
    return Tampered(card_with_keys())


@pytest.fixture
def channel(link: Tampered) -> SecureMessaging:
    opened = open_bac(Plain(link), KEYS)
    select_file(opened, 0x011E)
    return opened


TAMPERING = {
    "a bit of the cryptogram": lambda a: a[:5] + bytes([a[5] ^ 1]) + a[6:],
    "a bit of the MAC": lambda a: a[:-3] + bytes([a[-3] ^ 1]) + a[-2:],
    "another status outside": lambda a: a[:-2] + b"\x62\x82",
    "another status inside": lambda a: a[:-16] + a[-16:-14] + b"\x62\x82" + a[-12:],
    "the data left out": lambda a: a[-16:],
    "the status left out": lambda a: a[:-16] + a[-12:],
    "the MAC left out": lambda a: a[:-12] + a[-2:],
    "an object more": lambda a: a[:-2] + b"\x99\x02\x90\x00" + a[-2:],
    "only 9000": lambda a: b"\x90\x00",
    "cut off": lambda a: a[:7] + a[-2:],
}


@pytest.mark.parametrize("how", TAMPERING)
def test_a_changed_answer_ends_the_channel(link: Tampered, channel: SecureMessaging, how: str) -> None:
    link.answer = TAMPERING[how]
    with pytest.raises(SecureMessagingError):
        channel.send(READ)
    link.answer = lambda answer: answer
    assert not channel.alive
    with pytest.raises(SecureMessagingError, match="ended"):
        channel.send(READ)


def test_an_old_answer_is_not_taken_again(link: Tampered, channel: SecureMessaging) -> None:
    heard: list[bytes] = []
    link.answer = lambda answer: heard.append(answer) or answer  # type: ignore[func-returns-value]
    assert channel.send(READ).sw == Sw.OK
    link.answer = lambda _: heard[0]
    with pytest.raises(SecureMessagingError):
        channel.send(READ)


@pytest.mark.parametrize(
    ("how", "sw"),
    [
        (lambda c: c[:-3] + bytes([c[-3] ^ 1]) + c[-2:], 0x6988),  # a bit of the MAC
        (lambda c: c[:2] + b"\x7f" + c[3:], 0x6988),  # another P1
        (lambda c: c[:4] + b"\x03" + c[5:8] + b"\0", 0x6987),  # no MAC at all
    ],
)
def test_the_card_ends_its_session_at_a_changed_command(
    link: Tampered, channel: SecureMessaging, how: Callable[[bytes], bytes], sw: int
) -> None:
    sent: list[bytes] = []
    link.command = lambda c: sent.append(c) or how(c)  # type: ignore[func-returns-value]
    assert channel.send(READ).sw == sw
    assert not channel.alive
    link.command = lambda c: c
    assert link.transmit(sent[0])[-2:] == b"\x68\x82"  # no session: secure messaging not supported


def test_a_plain_command_ends_the_cards_session(link: Tampered, channel: SecureMessaging) -> None:
    assert Plain(link).send(READ).sw == Sw.SECURITY_STATUS
    assert channel.send(READ).sw == Sw.SM_NOT_SUPPORTED


def test_a_refusal_under_the_channel_leaves_it_open(link: Tampered, channel: SecureMessaging) -> None:
    missing = CommandApdu(Ins.SELECT, 0x02, 0x0C, b"\x01\x01")
    assert channel.send(missing).sw == Sw.FILE_NOT_FOUND
    select_file(channel, 0x011E)
    assert channel.send(READ).data == bytes(16)


def test_a_bare_refusal_ends_the_channel() -> None:
    opened = open_bac(Plain(Tampered(card_with_keys(bare_errors=True))), KEYS)
    assert opened.send(CommandApdu(Ins.SELECT, 0x02, 0x0C, b"\x01\x01")).sw == Sw.FILE_NOT_FOUND
    assert not opened.alive


def test_other_keys_do_not_open(link: Tampered) -> None:
    with pytest.raises(AccessRefused, match="6300"):
        open_bac(Plain(link), MrzKeys("001077777", "900101", "400101"))


def test_a_card_without_keys_gives_no_challenge() -> None:
    card = blank_card()
    card.power_on()
    select_application(Plain(Tampered(card)))
    with pytest.raises(ConditionsNotSatisfied):
        open_bac(Plain(Tampered(card)), KEYS)


@pytest.mark.parametrize("at", [0, 31, 32, 39])
def test_a_card_that_cannot_prove_the_keys_is_not_believed(link: Tampered, at: int) -> None:
    def change(answer: bytes) -> bytes:
        return answer if len(answer) != 42 else answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]

    link.answer = change
    with pytest.raises(SecureMessagingError):
        open_bac(Plain(link), KEYS)


def test_check_digits_and_fields() -> None:
    assert check_digit("520727") == "3"  # Doc 9303-3, appendix A
    assert check_digit("AB2134<<<") == "5"
    assert mrz_information(MrzKeys("D23145890", "340712", "950712"))[:10] == "D231458907"
    with pytest.raises(ValueError):
        mrz_information(MrzKeys("d23145890", "340712", "950712"))
    with pytest.raises(ValueError):
        mrz_information(MrzKeys("D23145890", "1934-07-12", "950712"))


@pytest.mark.parametrize("size", range(18))
def test_padding_is_undone_and_nothing_else_is(size: int) -> None:
    data = b"\x80" * size
    assert unpad(pad(data, 8), 8) == data
    with pytest.raises(SecureMessagingError):
        unpad(data + bytes(8), 8)
