"""PACE against a chip of the tests' own: every curve, cipher and password; every answer changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from support.channels import open_channel
from support.chip import KEYS, OTHER_KEYS
from support.pace_chip import PaceChip, Whole, card_access

from drivers.chip.access import Can, Password
from drivers.chip.apdu import CommandApdu
from drivers.chip.bac import mrz_information
from drivers.chip.ec import CURVES, P_256
from drivers.chip.ephemeral import EphemeralKey
from drivers.chip.errors import (
    AccessRefused,
    AccessUnsupported,
    CardError,
    CardRefused,
    FileNotFound,
    MalformedData,
    SecureMessagingError,
)
from drivers.chip.pace import choose, open_pace
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import OtherInfo, PaceInfo, parse

MRZ_SECRET = hashlib.sha1(mrz_information(KEYS).encode(), usedforsecurity=False).digest()
CAN = Can("099999")


def opened(chip: PaceChip, password: Password = KEYS) -> SecureMessaging:
    pace = choose(parse(chip.access))
    assert pace is not None
    return open_pace(Plain(chip), password, pace)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
@pytest.mark.parametrize("cipher", [1, 2, 3, 4])
def test_each_curve_and_cipher_opens(curve: object, cipher: int) -> None:
    number = curve.parameter_id  # type: ignore[attr-defined]
    chip = PaceChip(MRZ_SECRET, cipher, number)
    channel = opened(chip)
    assert chip.opened
    assert channel.alive
    assert curve.name in channel.protocol  # type: ignore[attr-defined]


def test_the_can_opens_and_is_never_shown() -> None:
    chip = PaceChip(b"099999", 4)
    channel = opened(chip, CAN)
    assert chip.opened
    assert channel.protocol.endswith("AES-CBC-CMAC-256 brainpoolP256r1 CAN")
    assert chip.templates[0].endswith(bytes.fromhex("830102"))
    assert "099999" not in repr(CAN)
    for wrong in ("09999", "0999999", "09999A", ""):
        with pytest.raises(ValueError):
            Can(wrong)


@pytest.mark.parametrize("password", [OTHER_KEYS, Can("000000")])
def test_another_password_is_refused_and_opens_nothing(password: Password) -> None:
    chip = PaceChip(MRZ_SECRET)
    with pytest.raises(AccessRefused, match="6300"):
        opened(chip, password)
    assert not chip.opened


OFF_THE_CURVE = b"\x04" + bytes(31) + b"\x01" + bytes(31) + b"\x01"
ON_ANOTHER = b"\x04" + bytes(P_256.encode(P_256.generator)[1:])
LONG = Whole(b"\x7c\x82\x40\x00\x80\x82\x3f\xfc" + bytes(0x3FFC) + b"\x90\x00")

HOSTILE: tuple[tuple[str, int, Callable[[bytes], bytes], type[CardError]], ...] = (
    ("no nonce", 0x80, lambda _: b"", MalformedData),
    ("half a nonce", 0x80, lambda v: v[:8], MalformedData),
    ("a nonce that is not whole blocks", 0x80, lambda v: v + b"\0", MalformedData),
    ("an oversized nonce", 0x80, lambda v: v * 3, MalformedData),
    ("a nonce of 16 kB", 0x80, lambda _: LONG, MalformedData),
    ("a nonce and more", 0x80, lambda v: Whole(b"\x7c\x14\x80\x10" + v + b"\x81\x00\x90\x00"), MalformedData),
    ("another object", 0x80, lambda v: Whole(b"\x7c\x12\x82\x10" + v + b"\x90\x00"), MalformedData),
    ("no template", 0x80, lambda v: Whole(b"\x80\x10" + v + b"\x90\x00"), MalformedData),
    ("an indefinite length", 0x80, lambda v: Whole(b"\x7c\x80\x80\x10" + v + b"\0\0\x90\x00"), MalformedData),
    ("only 9000", 0x80, lambda _: Whole(b"\x90\x00"), MalformedData),
    ("a refusal", 0x80, lambda _: Whole(b"\x6a\x80"), CardRefused),
    ("another nonce", 0x80, lambda v: bytes([v[0] ^ 1]) + v[1:], AccessRefused),
    *(
        (f"{name}, {step:X}", step, change, MalformedData)
        for step in (0x82, 0x84)
        for name, change in (
            ("infinity", lambda _: b"\0"),
            ("an empty point", lambda _: b""),
            ("the origin", lambda v: b"\x04" + bytes(len(v) - 1)),
            ("off the curve", lambda _: OFF_THE_CURVE),
            ("on another curve", lambda _: ON_ANOTHER),
            ("a bit of it", lambda v: v[:-1] + bytes([v[-1] ^ 1])),
            ("compressed", lambda v: b"\x02" + v[1:33]),
            ("hybrid", lambda v: bytes([6 + (v[-1] & 1)]) + v[1:]),
            ("cut off", lambda v: v[:-1]),
            ("too long", lambda v: v + b"\0"),
            ("over the field", lambda v: b"\x04" + b"\xff" * 64),
        )
    ),
    ("a wrong token", 0x86, lambda v: bytes([v[0] ^ 1]) + v[1:], SecureMessagingError),
    ("a short token", 0x86, lambda v: v[:7], SecureMessagingError),
    ("a long token", 0x86, lambda v: v + b"\0", SecureMessagingError),
    ("no token", 0x86, lambda _: b"", SecureMessagingError),
    ("no answer to the token", 0x86, lambda _: Whole(b"\x90\x00"), MalformedData),
)  # fmt: skip


@pytest.mark.parametrize(("step", "change", "error"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_a_hostile_answer_ends_it(
    step: int, change: Callable[[bytes], bytes], error: type[CardError]
) -> None:
    chip = PaceChip(MRZ_SECRET)
    chip.answers[step] = change
    with pytest.raises(error):
        opened(chip)
    assert chip.apdus <= 6


@pytest.mark.parametrize("step", [0x82, 0x84])
def test_our_own_key_sent_back_is_not_taken(step: int) -> None:
    class Mirror(PaceChip):
        def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
            self.answers[step] = lambda _: apdu[9:-1]
            return super().transmit(apdu, timeout_s)

    with pytest.raises(SecureMessagingError, match="our own"):
        opened(Mirror(MRZ_SECRET))


def test_a_token_may_come_with_the_names_of_authorities() -> None:
    chip = PaceChip(MRZ_SECRET)
    chip.answers[0x86] = lambda v: Whole(b"\x7c\x14\x86\x08" + v + b"\x87\x02AB\x88\x04ABCD\x90\x00")
    assert opened(chip).alive


def test_a_mapping_to_infinity_generates_nothing() -> None:
    """H = -s·G: a card that knew our key would choose its own so that the mapped generator vanishes."""
    s, ours = 0x3F00C4D39D153F2B2A214A078D899B22, 11
    key = EphemeralKey(P_256, lambda size: ours.to_bytes(size, "big"))
    vanishing = -s * pow(ours, -1, P_256.order) % P_256.order
    with pytest.raises(MalformedData, match="infinity"):
        key.map_generator(s, P_256.generator * vanishing)


def test_the_strongest_known_way_is_chosen_and_named_where_there_are_several() -> None:
    chip = PaceChip(MRZ_SECRET, 4, 16, card_access((2, 12), (4, 16), (4, 13), (1, 12)))
    assert opened(chip).protocol == "PACE ECDH-GM AES-CBC-CMAC-256 brainpoolP384r1 MRZ"
    assert chip.templates == [bytes.fromhex("800A04007F00070202040204830101840110")]


UNKNOWN = {
    "integrated mapping": card_access((2, 13)).replace(b"\x04\x02\x02\x02", b"\x04\x04\x02\x02"),
    "version 1": card_access((2, 13)).replace(b"\x02\x01\x02\x02", b"\x02\x01\x01\x02"),
    "a curve of 521 bits": card_access((2, 18)),
    "a cipher to come": card_access((9, 13)),
    "nothing": b"\x31\x00",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_ways_that_are_not_known_are_not_tried(name: str) -> None:
    infos = parse(UNKNOWN[name])
    assert choose(infos) is None
    assert all(isinstance(info, PaceInfo | OtherInfo) for info in infos)
    chip = PaceChip(b"099999", access=UNKNOWN[name])
    with pytest.raises(AccessUnsupported):
        open_channel(Plain(chip), CAN)
    with pytest.raises(FileNotFound):  # BAC was tried instead: the chip has no application
        open_channel(Plain(chip), KEYS)
    assert not chip.templates


def test_a_password_the_card_does_not_have_is_refused_and_tries_left_are_no_refusal() -> None:
    chip = PaceChip(MRZ_SECRET)
    chip.templates_answer = b"\x63\xc2"
    assert opened(chip).alive
    chip.templates_answer = b"\x6a\x88"
    with pytest.raises(AccessRefused):
        opened(chip, CAN)
    chip.templates_answer = b"\x6a\x80"
    with pytest.raises(CardRefused):
        opened(chip)


def test_a_card_that_offers_pace_is_never_opened_with_less() -> None:
    chip = PaceChip(MRZ_SECRET)
    chip.templates_answer = b"\x6d\x00"
    with pytest.raises(CardRefused, match="MSE"):
        open_channel(Plain(chip), KEYS)


def test_the_protocol_named_in_a_channel_cannot_carry_commands_after_it_ended() -> None:
    chip = PaceChip(MRZ_SECRET)
    channel = opened(chip)
    assert channel.send(CommandApdu(0xB0, ne=1)).sw == 0x6A82  # bare: the chip of the tests has no channel
    with pytest.raises(SecureMessagingError, match="ended"):
        channel.send(CommandApdu(0xB0, ne=1))
