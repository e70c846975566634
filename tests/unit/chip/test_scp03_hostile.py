"""Cards that are not what they say: the host of SCP03 ends in a typed error at the first wrong byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.scp03_peer import COUNTER, LONG_KEYS, Peer, channel

from drivers.chip.apdu import CommandApdu
from drivers.chip.errors import CardRefused, SecureMessagingError
from drivers.chip.scp03 import KeysRefused, Level


def test_a_card_with_other_keys_gets_no_authentication() -> None:
    peer = Peer()
    peer.keys = LONG_KEYS
    with pytest.raises(KeysRefused):
        channel(peer)
    assert len(peer.said) == 1


def test_a_challenge_that_is_not_of_the_counter_is_a_replay() -> None:
    peer = Peer(challenge=b"replayed")
    with pytest.raises(KeysRefused, match="challenge"):
        channel(peer)
    assert len(peer.said) == 1


def test_a_random_challenge_needs_no_counter() -> None:
    assert channel(Peer(option=0x60, counter=b"", challenge=b"whatever")).alive


@pytest.mark.parametrize(
    ("option", "counter", "level"),
    [
        (0x71, COUNTER, Level.C_MAC),  # S16
        (0x10, COUNTER, Level.R_ENCRYPTION),  # no R-MAC
        (0x30, COUNTER, Level.R_ENCRYPTION),  # no R-ENCRYPTION
        (0x60, COUNTER, Level.C_MAC),  # a counter that i denies
        (0x70, b"", Level.C_MAC),  # no counter where i promises one
    ],
)
def test_an_offer_that_contradicts_itself_or_the_level_is_refused(
    option: int, counter: bytes, level: Level
) -> None:
    with pytest.raises(SecureMessagingError):
        channel(Peer(option=option, counter=counter, challenge=b"whatever"), level)


@pytest.mark.parametrize("answer", ["9000", "00" * 28 + "9000", "00" * 29 + "9000", "00" * 33 + "9000"])
def test_an_offer_of_another_form_is_refused(answer: str) -> None:
    with pytest.raises(SecureMessagingError):
        channel(Peer(spoil=lambda _: bytes.fromhex(answer)))


def test_another_key_version_than_asked_for_is_refused() -> None:
    with pytest.raises(SecureMessagingError, match="version"):
        channel(Peer(kvn=0x31))
    assert channel(Peer(kvn=0x31), kvn=0).alive


def test_a_card_that_takes_no_host_is_refused_with_its_status() -> None:
    peer = Peer()
    peer.spoil = lambda answer: answer if len(answer) > 2 else b"\x63\x00"
    with pytest.raises(CardRefused, match="6300"):
        channel(peer)


def test_a_locked_card_offers_nothing() -> None:
    with pytest.raises(CardRefused, match="6985"):
        channel(Peer(spoil=lambda _: b"\x69\x85"))


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the data": lambda a: bytes([a[0] ^ 1]) + a[1:],
    "a bit of the MAC": lambda a: a[:-3] + bytes([a[-3] ^ 1]) + a[-2:],
    "another status": lambda a: a[:-2] + b"\x62\x82",
    "no MAC": lambda a: a[:-10] + a[-2:],
    "nothing but 9000": lambda a: a[-2:],
    "data with an error": lambda a: a[:-2] + b"\x6a\x80",
    "shorter than a MAC": lambda a: a[:5] + a[-2:],
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_a_spoilt_answer_ends_the_channel(spoil: Callable[[bytes], bytes]) -> None:
    peer = Peer(plain=b"answer")
    opened = channel(peer)
    peer.state._mac_chain = opened._chaining
    peer.expected(bytes.fromhex("84E28800"), b"command", True, b"\0")
    peer.spoil = spoil
    with pytest.raises(SecureMessagingError):
        opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))
    assert not opened.alive
    with pytest.raises(SecureMessagingError, match="ended"):
        opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))


def test_an_answer_played_again_ends_the_channel() -> None:
    peer = Peer(plain=b"answer")
    opened = channel(peer)
    kept: list[bytes] = []
    for _ in range(2):
        peer.state._mac_chain = opened._chaining
        peer.expected(bytes.fromhex("84E28800"), b"command", True, b"\0")
        if kept:
            peer.spoil = lambda _: kept[0]
            with pytest.raises(SecureMessagingError, match="MAC"):
                opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))
        else:
            opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))
            kept.append(peer._answer(peer.said[-1]))


@pytest.mark.parametrize(("sw", "goes_on"), [(0x6A82, True), (0x6982, False), (0x6988, False)])
def test_an_error_status_is_told_and_what_broke_the_channel_ends_it(sw: int, goes_on: bool) -> None:
    peer = Peer()
    opened = channel(peer)
    peer.sw = sw
    assert opened.send(CommandApdu(0xA4, 2, 0x0C, b"\x01\x01")).sw == sw
    assert opened.alive == goes_on
