"""The card's side of SCP03 against published values, a real card's exchanges, and somebody else's host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st
from support.foreign_host import ForeignHost
from yubikit.core import BadResponseError
from yubikit.core.smartcard.scp import _derive

from drivers.virtual.card.scp03 import KeySet, SecurityDomain, Session, cmac, derive, diversified
from drivers.virtual.card.words import Command, Right, StatusWord, parse, respond

h = bytes.fromhex

AID = h("A0000002471001")
KDD = h("00112233445566778899")
KEYS = KeySet(*(bytes(range(first, first + 16)) for first in (0x00, 0x10, 0x20)))


# --- published values ---


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_the_mac_is_that_of_rfc_4493(size: int, expected: str) -> None:
    message = h(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    assert cmac(h("2b7e151628aed2a6abf7158809cf4f3c"), message[:size]) == h(expected)


def test_the_mac_under_a_long_key_is_that_of_sp_800_38b() -> None:
    key = h("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    assert cmac(key, h("6bc1bee22e409f96e93d7e117393172a")) == h("28a7023f452e8f82bd4bf28d8c37c35c")


@given(
    key=st.sampled_from([16, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
    constant=st.integers(0, 7),
    context=st.binary(min_size=5, max_size=24),
    size=st.sampled_from([8, 16, 24, 32]),
)
def test_derivation_is_sp_800_108_in_counter_mode(
    key: bytes, constant: int, context: bytes, size: int
) -> None:
    before = bytes(11) + bytes((constant, 0)) + (size * 8).to_bytes(2, "big")
    standard = KBKDFCMAC(
        algorithm=AES,
        mode=Mode.CounterMode,
        length=size,
        rlen=1,
        llen=None,
        location=CounterLocation.MiddleFixed,
        label=None,
        context=None,
        fixed=before + context,
        break_location=len(before),
    )
    assert derive(key, constant, context, size) == standard.derive(key)


@given(key=st.binary(min_size=16, max_size=16), constant=st.integers(0, 7), context=st.binary(max_size=24))
def test_derivation_is_yubikits(key: bytes, constant: int, context: bytes) -> None:
    assert derive(key, constant, context, 16) == _derive(key, constant, context, 0x80)
    assert derive(key, constant, context, 8) == _derive(key, constant, context, 0x40)


def test_each_card_and_each_purpose_has_a_key_of_its_own() -> None:
    one, other = diversified(KEYS.enc, KDD), diversified(KEYS.enc, KDD[::-1])
    assert len({*(one.enc, one.mac, one.dek), *(other.enc, other.mac, other.dek)}) == 6
    assert len(diversified(bytes(32), KDD).dek) == 32


@pytest.mark.parametrize("keys", [(16, 16, 32), (24, 24, 24), (0, 0, 0)])
def test_a_key_set_is_128_or_256_bits_throughout(keys: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="AES-128 or AES-256"):
        KeySet(*map(bytes, keys))


# --- somebody else's host ---


class Echo:
    """A card whose application answers with the data it got, or with P1 P2 where there is none."""

    def __init__(self, keys: KeySet = KEYS) -> None:
        self.domain = SecurityDomain(keys, KDD, AID)
        self.session: Session | None = None
        self.heard: list[Command] = []

    def transmit(self, apdu: bytes) -> bytes:
        try:
            return self._answer(parse(apdu))
        except StatusWord as refused:
            return respond(b"", refused.sw)

    def _answer(self, command: Command) -> bytes:
        session, self.session = self.session, None
        if command.ins == 0x50:
            return respond(self.domain.initialize_update(command))
        if command.ins == 0x82:
            self.session = self.domain.external_authenticate(command)
            return respond(b"")
        if session is None or not session.covers(command.cla):
            raise StatusWord(0x6982)
        inner = session.open(command)
        self.session = session
        self.heard.append(inner)
        return session.seal(inner.data, 0x9000 if inner.data else inner.p1p2)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def host(echo: Echo) -> ForeignHost:
    opened = ForeignHost(echo.transmit)
    opened.open(KEYS.enc, KEYS.mac, KEYS.dek)
    return opened


@given(sizes=st.lists(st.sampled_from([1, 15, 16, 17, 231, 239, 240, 255, 1000, 2900]), max_size=6))
def test_yubikit_and_the_card_understand_each_other_at_any_length(sizes: list[int]) -> None:
    echo = Echo()
    host = ForeignHost(echo.transmit)
    host.open(KEYS.enc, KEYS.mac, KEYS.dek)
    for size in sizes:
        data = (b"\x80\x00\x37" * size)[:size]
        assert host.send("80E28800", data) == data
        assert host.send("00A49000") == b""
    assert [(heard.cla, heard.ins) for heard in echo.heard] == [(0x80, 0xE2), (0x00, 0xA4)] * len(sizes)
    assert all(heard.right is Right.ISSUER for heard in echo.heard)


def test_a_refusal_comes_bare_and_the_session_goes_on(host: ForeignHost) -> None:
    assert host.refused("00A46A82") == 0x6A82
    assert host.wire.said[-1] == h("6A82")
    assert host.send("80E28800", b"after") == b"after"


def test_a_warning_is_protected(host: ForeignHost) -> None:
    assert host.refused("00B06282") == 0x6282
    assert len(host.wire.said[-1]) == 8 + 2


def test_a_host_with_another_key_learns_nothing(echo: Echo) -> None:
    host = ForeignHost(echo.transmit)
    with pytest.raises((BadResponseError, ValueError)):
        host.open(KEYS.enc, KEYS.enc, KEYS.dek)
    assert echo.session is None


# --- whatever is wrong ends the session ---


def spoil_mac(apdu: bytes) -> bytes:
    return apdu[:-1] + bytes((apdu[-1] ^ 1,))


def spoil_data(apdu: bytes) -> bytes:
    return apdu[:9] + bytes((apdu[9] ^ 1,)) + apdu[10:]


def other_instruction(apdu: bytes) -> bytes:
    return apdu[:1] + b"\xd6" + apdu[2:]


def other_class(apdu: bytes) -> bytes:
    return b"\x04" + apdu[1:]


def cut_to_nothing(apdu: bytes) -> bytes:
    return apdu[:4]


def without_channel(apdu: bytes) -> bytes:
    return b"\x80" + apdu[1:]


@pytest.mark.parametrize(
    "spoil", [spoil_mac, spoil_data, other_instruction, other_class, cut_to_nothing, without_channel]
)
def test_a_spoilt_command_ends_the_session(
    echo: Echo, host: ForeignHost, spoil: Callable[[bytes], bytes]
) -> None:
    true = host.wire.transmit
    host.wire.transmit = lambda apdu: true(spoil(apdu))
    assert host.refused("80E28800", b"data") == 0x6982
    host.wire.transmit = true
    assert host.refused("80E28800", b"data") == 0x6982
    assert echo.session is None
    assert echo.heard == []


def test_a_command_said_twice_ends_the_session(echo: Echo, host: ForeignHost) -> None:
    host.send("80E28800", b"once")
    assert echo.transmit(host.wire.said[-2]) == h("6982")
    assert echo.session is None


def offered(echo: Echo) -> bytes:
    return echo.transmit(h("8050300008") + bytes(8) + b"\0")


def cryptogram(echo: Echo, offer: bytes) -> bytes:
    """What the host that knows the keys would send: level 03."""
    context = bytes(8) + offer[13:21]
    s_mac = derive(KEYS.mac, 0x06, context, 16)
    head = h("8482030010") + derive(s_mac, 0x01, context, 8)
    return head + cmac(s_mac, bytes(16) + head)[:8]


def test_a_challenge_is_good_for_one_try(echo: Echo) -> None:
    good = cryptogram(echo, offered(echo))
    assert echo.transmit(good[:5] + bytes(8) + good[13:]) == h("6300")
    assert echo.transmit(good) == h("6985")
    assert echo.session is None


def test_a_wrong_mac_over_the_right_cryptogram_is_refused(echo: Echo) -> None:
    good = cryptogram(echo, offered(echo))
    assert echo.transmit(good[:-8] + bytes(8)) == h("6982")
    assert echo.session is None


def test_no_session_outlives_a_new_challenge(echo: Echo) -> None:
    assert echo.transmit(cryptogram(echo, offered(echo))) == h("9000")
    assert echo.session is not None
    offered(echo)
    assert echo.session is None


@pytest.mark.parametrize("level", [0x00, 0x02, 0x10, 0x11, 0x13, 0x23, 0x30, 0x83, 0xFF])
def test_other_levels_are_refused(echo: Echo, level: int) -> None:
    good = cryptogram(echo, offered(echo))
    assert echo.transmit(good[:2] + bytes((level,)) + good[3:]) == h("6A86")


def test_no_challenge_comes_twice_even_over_a_loss_of_power(echo: Echo) -> None:
    offers = [offered(echo), offered(echo)]
    echo.domain = SecurityDomain.restored(echo.domain.state(), AID)
    offers.append(offered(echo))
    assert [int.from_bytes(offer[-5:-2], "big") for offer in offers] == [1, 2, 3]
    assert len({offer[13:21] for offer in offers}) == 3


def test_a_used_up_counter_ends_the_key_sets_life() -> None:
    echo = Echo()
    echo.domain = SecurityDomain(KEYS, KDD, AID, counter=0xFFFFFF)
    assert offered(echo) == h("6985")


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("80503100080011223344556677", "6A88"),
        ("80503001080011223344556677", "6A86"),
        ("805030000700112233445566", "6700"),
    ],
)
def test_what_is_no_initialize_update_is_refused(echo: Echo, apdu: str, sw: str) -> None:
    assert echo.transmit(h(apdu)) == h(sw)


# --- secrets under the DEK, and how much fits ---


@pytest.mark.parametrize("value", [b"", bytes(15), bytes(16), bytes(33)])
def test_what_was_not_encrypted_under_the_dek_is_refused(echo: Echo, value: bytes) -> None:
    with pytest.raises(StatusWord, match="6A80"):
        echo.domain.reveal(value)


@pytest.mark.parametrize("room", [8, 23, 24, 39, 40, 256, 1000])
@pytest.mark.parametrize("level", [0x01, 0x03, 0x33])
def test_what_fits_fits_and_one_byte_more_does_not(level: int, room: int) -> None:
    session = Session(KEYS, bytes(8), bytes(8))
    session.level = level
    most = session.capacity(room)
    assert len(session.seal(bytes(most), 0x9000)) - 2 <= room
    assert len(session.seal(bytes(most + 1), 0x9000)) - 2 > room
