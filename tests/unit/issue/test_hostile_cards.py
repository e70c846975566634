"""Hostile cards under a whole inspection: an end in time, in bounded memory, and nothing is ever believed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import passports
from support.fuzz import NASTY, bent, costly
from support.hostile import Link
from support.passports import bearer, passport
from support.signer import csca, document_signer, ef_sod, signer_info, state

from drivers.api import Deadline
from drivers.chip.access import Can
from drivers.errors import DriverError, UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader
from drivers.virtual.card.chip import Traits
from firmware.document import der
from firmware.document.errors import Check
from firmware.document.lds import Fid
from firmware.issue.findings import Outcome, Verdict
from firmware.issue.inspect import Inspection, Seen

OK = b"\x90\0"
MOST_BYTES = 8 << 20


class Behind(VirtualCard):
    """A card that answers as it likes."""

    def __init__(self, answer: Callable[[bytes], bytes], most: int = 30_000) -> None:
        super().__init__({})
        self.link = Link(answer, most=most)

    def transmit(self, apdu: bytes) -> bytes:
        return self.link.transmit(apdu)


class Between(VirtualReader):
    """A reader over a genuine card through which somebody changes what is said."""

    def __init__(self, card: VirtualCard, change: Callable[[int, bytes, bytes], bytes]) -> None:
        super().__init__()
        self.put(card)
        self._change = change
        self.said = 0

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        answer = super().transmit(apdu, timeout_s)
        self.said += 1
        return self._change(self.said - 1, apdu, answer)


def look(card: VirtualCard | None = None, **about: Any) -> Inspection:
    """Inspect it; in bounded memory, however that ends."""
    bearer()
    tracemalloc.start()
    try:
        return passports.look(card, **about)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MOST_BYTES, f"{peak} bytes at the peak"


def not_believed(found: Inspection) -> None:
    assert found.verdict is not Verdict.GENUINE
    assert not found.good


# --- cards that are nothing but answers ---


ENDLESS = {
    "61xx without data": b"\x61\x00",
    "61xx with data": bytes(256) + b"\x61\x00",
    "6Cxx": b"\x6c\x01",
    "9000 and nothing": OK,
    "9000 and zeros": bytes(64) + OK,
    "9000 and an object": bytes.fromhex("7508") + bytes(8) + OK,
    "no diagnosis": b"\x6f\x00",
    "not yet": b"\x69\x85",
    "no right": b"\x69\x82",
    "no status": b"\x12\x34",
    "a status from nowhere": b"\x9f\xff",
    "one byte": b"\x90",
    "nothing": b"",
    "too much": bytes(70_000),
    "an endless tag": b"\x1f" + b"\xff" * 200 + OK,
    "SecurityInfos without end": bytes.fromhex("31827FFF") + bytes(200) + OK,
}


@pytest.mark.parametrize("password", ["mrz", "can"])
@pytest.mark.parametrize("what", ENDLESS)
def test_a_card_with_one_answer_for_all_is_left_soon(what: str, password: str) -> None:
    card = Behind(lambda _: ENDLESS[what], most=2000)
    found = look(card, password=Can("123456") if password == "can" else None)
    not_believed(found)
    assert not {Fid.DG1, Fid.DG2, Fid.SOD} & found.contents.keys()


def test_an_echo_opens_nothing() -> None:
    not_believed(look(Behind(lambda apdu: apdu[:256] + OK, most=2000)))


@costly
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=20))
def test_babble_opens_nothing(answers: list[bytes]) -> None:
    turns = iter(range(10**6))
    not_believed(look(Behind(lambda _: answers[next(turns) % len(answers)], most=5000)))


@pytest.mark.parametrize("after", [0, 1, 2, 5, 9, 20, 40])
def test_a_card_that_falls_silent_is_broken(after: int) -> None:
    card = passport()
    card.mute_after(after)
    found = look(card)
    assert found.verdict is Verdict.BROKEN
    assert "transmit" in found.why


def test_a_card_that_is_never_done_is_left_at_the_deadline() -> None:
    now = [0.0]

    def slow(_: int, apdu: bytes, answer: bytes) -> bytes:
        now[0] += 0.45  # just within what one APDU may take
        return answer

    reader = Between(passport(), slow)
    found = look(reader=reader, deadline=Deadline(20.0, lambda: now[0]))
    assert found.verdict is Verdict.BROKEN
    assert "not done" in found.why
    assert now[0] < 21


# --- somebody between the card and the reader ---


def flips(at: int, bit: int) -> Callable[[int, bytes, bytes], bytes]:
    def change(which: int, _: bytes, answer: bytes) -> bytes:
        if which != at or not answer:
            return answer
        where = bit // 8 % len(answer)
        return answer[:where] + bytes([answer[where] ^ 1 << bit % 8]) + answer[where + 1 :]

    return change


@costly
@given(st.integers(0, 90), st.integers(0, 4000))
def test_one_bit_changed_on_the_way_is_never_believed_with_it(at: int, bit: int) -> None:
    """Either it ends what the terminal does, or what was read is what the card holds."""
    found = _looked(Between(passport(), flips(at, bit)))
    if found is not None and found.verdict is Verdict.GENUINE:
        for fid, content in found.contents.items():
            assert content == bearer().files[fid]


@costly
@given(st.integers(0, 90), st.integers(0, 90))
def test_an_answer_said_again_is_never_believed(first: int, again: int) -> None:
    heard: dict[int, bytes] = {}

    def replay(which: int, _: bytes, answer: bytes) -> bytes:
        heard[which] = answer
        return heard[first] if which == again and first in heard else answer

    found = _looked(Between(passport(), replay))
    if found is not None and found.verdict is Verdict.GENUINE:
        assert {fid: found.contents[fid] for fid in found.contents} == {
            fid: bearer().files[fid] for fid in found.contents
        }


def _looked(reader: VirtualReader) -> Inspection | None:
    """None when it was left to the person or the reader, as an error of their kind."""
    try:
        return look(reader=reader)
    except (UserRetry, DriverError):
        return None


# --- cards that have the keys, and lie in their files ---


GROUPS = (Fid.DG1, Fid.DG2, Fid.DG13, Fid.DG14, Fid.DG15, Fid.COM, Fid.SOD, Fid.CARD_ACCESS)


@pytest.mark.parametrize("fid", GROUPS, ids=lambda fid: fid.name)
@pytest.mark.parametrize("start", NASTY, ids=lambda start: start.hex())
def test_a_file_that_begins_with_anything_nasty_is_never_believed(fid: Fid, start: bytes) -> None:
    tag = bearer().files[fid][:1]
    for content in (start + bytes(200), tag + start + bytes(200), start):
        not_believed(look(passport({fid: content})))


@costly
@given(st.sampled_from(GROUPS), st.data())
def test_a_bent_file_is_never_believed(fid: Fid, data: st.DataObject) -> None:
    content = bearer().files[fid]
    other = data.draw(bent((content,)))
    if not other.startswith(content):
        found = look(passport({fid: other}))
        same = found.contents.get(fid) == content
        assert same or found.verdict is not Verdict.GENUINE or fid in (Fid.COM, Fid.SOD), found


def nested(levels: int) -> bytes:
    content = b"\x05\x00"
    for _ in range(levels):
        content = der.tlv(0x30, content)
    return content


@pytest.mark.parametrize("levels", [17, 400, 5000])
@pytest.mark.parametrize("fid", [Fid.SOD, Fid.DG14, Fid.DG15, Fid.DG13])
def test_deep_nesting_is_refused_and_not_followed(fid: Fid, levels: int) -> None:
    content = der.tlv(bearer().files[fid][0], nested(levels))
    found = look(passport({fid: content}))
    assert found.verdict in (Verdict.FORGED, Verdict.TORN)


@pytest.mark.parametrize("claims", ["77847FFFFFFF", "7783FFFFFF", "7782FFFF", "7780"])
def test_a_giant_is_not_read(claims: str) -> None:
    found = look(passport({Fid.SOD: bytes.fromhex(claims) + bytes(3000)}))
    not_believed(found)
    assert next(each for each in found.files if each.fid == Fid.SOD).seen is Seen.DAMAGED


def two_signers(signed: dict[str, Any]) -> None:
    content = bytes(signed["encap_content_info"]["content"].contents)
    signed["signer_infos"].append(signer_info(content, document_signer(csca("Another"))))


def many_certificates(signed: dict[str, Any]) -> None:
    signed["certificates"] = signed["certificates"] * 5


def no_certificate(signed: dict[str, Any]) -> None:
    signed["certificates"] = []


@pytest.mark.parametrize(
    ("bend", "check"),
    [(two_signers, Check.ONE_SIGNER), (many_certificates, Check.DS), (no_certificate, Check.DS)],
)
def test_a_signature_of_many_or_of_nobody_is_forged(
    bend: Callable[[dict[str, Any]], None], check: Check
) -> None:
    sod = ef_sod(bearer().image.data_group_hashes(), bend=bend)
    found = look(passport({Fid.SOD: sod}))
    assert found.verdict is Verdict.FORGED
    assert found.outcome(check) is Outcome.FAILED
    assert found.outcome(Check.SIGNATURE) is not Outcome.HELD


def test_a_signer_outside_the_trust_store_makes_nothing_genuine() -> None:
    stranger = document_signer(csca("Not of this store"))
    found = look(passport({Fid.SOD: ef_sod(bearer().image.data_group_hashes(), stranger)}))
    assert found.verdict is Verdict.UNTRUSTED
    named_alike = document_signer(csca(state()[0].certificate.subject.rfc4514_string()))
    found = look(passport({Fid.SOD: ef_sod(bearer().image.data_group_hashes(), named_alike)}))
    not_believed(found)


# --- lengths that no card has ---


@pytest.mark.parametrize("extended", [0, 300, 65535])
def test_answers_longer_than_what_was_asked_for_are_refused(extended: int) -> None:
    def longer(_: int, apdu: bytes, answer: bytes) -> bytes:
        return answer[:-2] * 3 + answer[-2:]

    not_believed(look(reader=Between(passport(traits=Traits(extended=extended)), longer)))


def test_answers_cut_short_are_refused() -> None:
    not_believed(look(reader=Between(passport(), lambda n, apdu, answer: answer[len(answer) // 2 :])))
