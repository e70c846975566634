"""Lengths as a card may write them (ISO/IEC 7816-4:2020, 6.3): 81 before 00 to FF, 82 before 0000 to FFFF.

What is signed stays DER: `test_tlv`, `test_security_infos`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from support.pace_chip import PaceChip, Whole, card_access
from support.passports import bearer, look, passport

from drivers.chip import security_infos
from drivers.chip.access import Can, read_card_access
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu, Sw
from drivers.chip.errors import MalformedData, SecureMessagingError
from drivers.chip.pace import choose, open_pace
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import AesSuite, SecureMessaging, Suite, TripleDesSuite, pad
from drivers.virtual.card import VirtualReader
from firmware.document.lds import Fid
from firmware.issue.findings import Verdict

Form = Callable[[int], bytes]
FORMS: dict[str, Form] = {
    "shortest": lambda length: bytes([length]) if length < 128 else b"\x81" + bytes([length]),
    "81": lambda length: b"\x81" + bytes([length]),
    "82": lambda length: b"\x82" + length.to_bytes(2, "big"),
    "83": lambda length: b"\x83" + length.to_bytes(3, "big"),
}
SUITES = {"AES": AesSuite, "3DES": TripleDesSuite}
READ = CommandApdu(Ins.READ_BINARY, ne=0xDF)


@dataclass
class Card:
    """The other end of a channel; `forms` are those of the cryptogram's, status's and MAC's lengths."""

    suite: Suite
    forms: tuple[Form, Form, Form]
    data: bytes = b""
    ssc: int = 0
    spoil: Callable[[bytes], bytes] = bytes

    def send(self, _: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
        self.ssc += 2
        ssc = self.ssc.to_bytes(self.suite.ssc_size, "big")
        body = b""
        if self.data:
            value = b"\x01" + self.suite.encrypt(ssc, pad(self.data, self.suite.block))
            body = b"\x87" + self.forms[0](len(value)) + value
        body += b"\x99" + self.forms[1](2) + b"\x90\x00"
        mac = self.suite.mac(pad(ssc + body, self.suite.block))
        return ResponseApdu(self.spoil(body + b"\x8e" + self.forms[2](8) + mac), 0x9000)


def channel(suite: str, forms: tuple[str, str, str], data: bytes) -> tuple[SecureMessaging, Card]:
    keys = bytes(range(16)), bytes(range(16, 32))
    card = Card(SUITES[suite](*keys), tuple(FORMS[name] for name in forms), data)  # type: ignore[arg-type]
    host = SUITES[suite](*keys)
    return SecureMessaging(card, host, bytes(host.ssc_size)), card


def all_forms() -> Iterator[tuple[str, str, str]]:
    for name in FORMS:
        yield from ((name, "shortest", "shortest"), ("shortest", name, "shortest"), (name, name, name))
        yield ("shortest", "shortest", name)


@pytest.mark.parametrize("forms", list(all_forms()), ids="-".join)
@pytest.mark.parametrize("suite", SUITES)
def test_an_answer_under_secure_messaging_may_have_any_length_of_length(
    suite: str, forms: tuple[str, str, str]
) -> None:
    for data in (b"", b"\x10", bytes(range(200))):
        opened, _ = channel(suite, forms, data)
        for _ in range(2):
            assert opened.send(READ) == ResponseApdu(data, Sw.OK)


@pytest.mark.parametrize("forms", list(all_forms()), ids="-".join)
def test_the_mac_is_over_the_lengths_as_they_came(forms: tuple[str, str, str]) -> None:
    """Somebody between may not even write a length in another form."""
    shortest, longer = FORMS["shortest"](17), FORMS["82"](17)
    opened, card = channel("AES", forms, b"\x10")
    card.spoil = lambda answer: (
        answer.replace(b"\x87" + shortest, b"\x87" + longer, 1)
        if b"\x87" + shortest in answer
        else b"\x87" + shortest + answer[answer.index(b"\x01", 2) :]
    )
    with pytest.raises(SecureMessagingError):
        opened.send(READ)
    assert not opened.alive


NO_ANSWERS = {
    "a status of one byte": "99819001" + "8E8108" + "00" * 8,
    "a MAC of seven bytes": "9981029000" + "8E8107" + "00" * 7,
    "a MAC before the status": "8E8108" + "00" * 8 + "9981029000",
    "two statuses": "9981029000" + "9981029000" + "8E8108" + "00" * 8,
    "only a MAC": "8E8108" + "00" * 8,
    "an indefinite length": "8780010000" + "9981029000" + "8E8108" + "00" * 8,
    "a length beyond the end": "8782FFFF01" + "9981029000" + "8E8108" + "00" * 8,
    "nothing in the cryptogram": "878100" + "9981029000" + "8E8108" + "00" * 8,
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_in_any_form_ends_the_channel(name: str) -> None:
    opened, card = channel("AES", ("81", "81", "81"), b"")
    card.spoil = lambda _: bytes.fromhex(NO_ANSWERS[name])
    with pytest.raises(SecureMessagingError):
        opened.send(READ)
    assert not opened.alive


# --- PACE, and EF.CardAccess ---


def long_form(tag: int) -> Callable[[bytes], Whole]:
    """An answer 7C around the object `tag`, both lengths in three bytes."""

    def answer(value: bytes) -> Whole:
        inner = bytes([tag]) + FORMS["82"](len(value)) + value
        return Whole(b"\x7c" + FORMS["82"](len(inner)) + inner + b"\x90\x00")

    return answer


def test_pace_opens_a_chip_that_writes_long_lengths() -> None:
    chip = PaceChip(b"099999")
    chip.answers = {tag: long_form(tag) for tag in (0x80, 0x82, 0x84, 0x86)}
    pace = choose(security_infos.parse(chip.access))
    assert pace is not None
    assert open_pace(Plain(chip), Can("099999"), pace).alive


def free_file(content: bytes) -> Plain:
    return Plain(PaceChip(b"", access=content))


@pytest.mark.parametrize("form", FORMS)
def test_card_access_may_have_a_long_length_of_its_own(form: str) -> None:
    content = card_access((2, 13))
    assert read_card_access(free_file(b"\x31" + FORMS[form](len(content) - 2) + content[2:])) == content


def test_a_length_inside_card_access_stays_der() -> None:
    """Its elements are compared with those of DG14, which is signed."""
    inside = card_access((2, 13))[4:]
    content = b"\x31\x15\x30\x81\x12" + inside
    with pytest.raises(MalformedData):
        security_infos.parse(read_card_access(free_file(content)) or b"")


class LongHeader(VirtualReader):
    """A reader over a genuine card whose EF.CardAccess says its length in two bytes."""

    changed = 0

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        content = bearer().files[Fid.CARD_ACCESS]
        longer = b"\x31\x81" + content[1:]
        answer = super().transmit(apdu, timeout_s)
        if apdu[:2] != b"\x00\xb0" or answer[:-2] not in content or len(answer) < 4:
            return answer
        self.changed += 1
        at = 0 if apdu[2] & 0x80 else apdu[2] << 8 | apdu[3]
        return longer[at : at + (apdu[4] or 256)] + b"\x90\x00"


def test_a_card_whose_card_access_has_a_long_length_is_genuine() -> None:
    reader = LongHeader()
    reader.put(passport())
    found = look(reader=reader)
    assert reader.changed >= 2
    assert (found.verdict, found.protocol[:4]) == (Verdict.GENUINE, "PACE")
