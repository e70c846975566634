"""Whatever a card says of itself, or answers within a protocol, ends as it should (long: `make fuzz`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from support.channels import open_channel
from support.chip import KEYS, made_up
from support.fuzz import bent, fuzzed, on_bent
from support.hostile import Link
from support.issued import Issue, issued_card, private_key, public_key, security_infos
from support.pace_chip import card_access

from drivers.chip import ec as curves
from drivers.chip import security_infos as infos
from drivers.chip.access import Can
from drivers.chip.active_authentication import authenticate_actively, check_representative, verify_rsa
from drivers.chip.badge import read_badge
from drivers.chip.blocks import CardType, card_type, historical_bytes
from drivers.chip.chip_authentication import chip_key
from drivers.chip.errors import CardError, NotGenuine
from drivers.chip.processor import Plain
from drivers.chip.transcript import Recorder, Sort
from drivers.errors import DriverError
from drivers.virtual.card import OfficerCard, VirtualCard, VirtualReader

DG14 = security_infos(Issue())
ACCESS = card_access((2, 12), (4, 13), (2, 15))
P256 = public_key(private_key(ec.SECP256R1, "aa"))
RSA = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 (the plain applet's)
RSA_SPKI = RSA.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
ATRS = tuple(
    map(bytes.fromhex, ("3B80800101", "3B85800180739421E0A2", "3B8F8001804F0CA000000306030001000000006A"))
)


@on_bent(DG14, ACCESS)
def test_security_infos_parse_or_are_refused_and_keep_every_element(data: bytes) -> None:
    with suppress(CardError):
        parsed = infos.parse(data)
        assert infos.parse(infos.encode(parsed)) == tuple(
            sorted(parsed, key=lambda e: infos.encode((e,))[2:])
        )


@on_bent(DG14, ACCESS)
def test_a_key_for_chip_authentication_is_on_its_curve_or_none(data: bytes) -> None:
    with suppress(CardError):
        key = chip_key(infos.parse(data))
        if key is not None:
            key.curve.decode(key.point)


@on_bent(P256, RSA_SPKI)
def test_a_public_key_is_one_or_is_refused(data: bytes) -> None:
    with suppress(CardError):
        curve, point = curves.public_key(data)
        curve.decode(point)


@on_bent(P256, RSA_SPKI)
def test_no_made_up_signature_passes_active_authentication(data: bytes) -> None:
    link = Link(lambda _: made_up(128) + b"\x90\0", most=2)
    with pytest.raises(CardError):
        authenticate_actively(Plain(link), data, infos.parse(DG14))


@fuzzed
@given(st.binary(min_size=128, max_size=128), st.binary(min_size=8, max_size=8))
def test_no_made_up_number_is_an_rsa_signature(signature: bytes, challenge: bytes) -> None:
    numbers = RSA.public_numbers()
    with pytest.raises(NotGenuine):
        verify_rsa(numbers.n, numbers.e, challenge, signature)


@fuzzed
@given(st.integers(2, 128), st.data())
def test_no_made_up_message_representative_passes(size: int, data: st.DataObject) -> None:
    with pytest.raises(NotGenuine):
        check_representative(data.draw(st.binary(min_size=size, max_size=size)), bytes(8))


@on_bent(*ATRS)
def test_any_atr_has_historical_bytes_or_none(data: bytes) -> None:
    assert historical_bytes(data) in data


@on_bent(bytes.fromhex("43011E460443102A4E4703739421E07F660802020FA002020FA0"))
def test_any_ef_atr_info_says_something_sensible_or_nothing(data: bytes) -> None:
    told = card_type(Plain(Link(lambda apdu: (b"" if apdu[1] == 0xA4 else data[:256]) + b"\x90\0")))
    assert isinstance(told, CardType)
    assert 1 <= told.largest_read <= 65535
    assert 1 <= told.largest_write <= 65535


# --- protocols, with answers that are almost right ---


PROVEN_BY = (0x82, 0x84, 0x86)  # EXTERNAL AUTHENTICATE, GET CHALLENGE, GENERAL AUTHENTICATE


def drawn(size: int) -> bytes:
    """Below every curve's order."""
    return b"\x10" + made_up(size - 1, "drawn")


def recorded(card: VirtualCard, use: Callable[[Recorder], object]) -> list[tuple[bytes, bytes]]:
    """Commands and answers, in turn."""
    reader = VirtualReader()
    reader.put(card)
    with Recorder(reader, drawn) as recorder:
        recorder.connect()
        use(recorder)
    said = [each.data for each in recorder.events if each.sort in (Sort.COMMAND, Sort.ANSWER)]
    return list(zip(said[::2], said[1::2], strict=True))


@cache
def opened(name: str) -> list[tuple[bytes, bytes]]:
    card = issued_card(Issue(pace=())) if name == "BAC" else issued_card()
    return recorded(card, lambda reader: open_channel(Plain(reader), PASSWORDS[name], random=reader.random))


PASSWORDS: dict[str, Any] = {"PACE": KEYS, "PACE with CAN": Can("099999"), "BAC": KEYS}


class Almost:
    """A `ChipLink` that says what was recorded, one answer changed, and then refuses everything."""

    def __init__(self, said: list[tuple[bytes, bytes]], at: int, answer: bytes) -> None:
        answers = [given for _, given in said]
        self._left = iter([*answers[:at], answer, *answers[at + 1 :]])

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        return next(self._left, b"\x69\x85")

    def connect(self, timeout_s: float = 5.0) -> bytes:
        return ATRS[0]

    def disconnect(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize("name", PASSWORDS)
@fuzzed
@given(data=st.data())
def test_a_channel_never_opens_over_a_changed_proof(name: str, data: st.DataObject) -> None:
    said = opened(name)
    at = data.draw(st.integers(0, len(said) - 1))
    command, answer = said[at]
    changed = data.draw(bent((answer,)) | st.binary(max_size=60))
    if changed == answer:
        return
    try:
        open_channel(Plain(Almost(said, at, changed)), PASSWORDS[name], random=drawn)
    except DriverError:
        return
    assert command[1] not in PROVEN_BY, (at, changed.hex())


def test_the_transcripts_themselves_open() -> None:
    for name, password in PASSWORDS.items():
        said = opened(name)
        assert open_channel(Plain(Almost(said, 0, said[0][1])), password, random=drawn).alive
        assert any(command[1] in PROVEN_BY for command, _ in said)


@fuzzed
@given(data=st.data())
def test_a_badge_is_a_number_or_nothing(data: st.DataObject) -> None:
    said = recorded(OfficerCard("CB-0042"), read_badge)
    at = data.draw(st.integers(0, len(said) - 1))
    changed = data.draw(bent((said[at][1],)) | st.binary(max_size=60))
    with suppress(DriverError):
        number = read_badge(Almost(said, at, changed))  # type: ignore[arg-type]
        assert number.isascii()
        assert 1 <= len(number) <= 32
