"""Our host's SCP03 and our card's, which share no code: at each level, with keys of each length."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from support.issuer_desk import AID, content

from drivers.chip.apdu import CommandApdu
from drivers.chip.errors import CardRefused, SecureMessagingError
from drivers.chip.key_store import StaticKeys, diversify
from drivers.chip.processor import Plain, demand
from drivers.chip.scp03 import KeysRefused, Level, Scp03, open_scp03
from drivers.virtual.card import VirtualCard, blank_card
from drivers.virtual.card.scp03 import LAB_MASTER

KVN = 0x30
LONG_MASTER = LAB_MASTER + LAB_MASTER[::-1]
SIZES = (1, 7, 8, 15, 16, 17, 230, 231, 239, 240, 247, 248, 255)
LONG_SIZES = (256, 1000, 3900)


@dataclass
class Desk:
    """One card, answering the host directly; `said` is all that passed."""

    card: VirtualCard
    master: bytes

    def __post_init__(self) -> None:
        self.said: list[tuple[bytes, bytes]] = []
        self.card.power_on()

    def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:
        assert kvn == KVN
        return diversify(self.master, kdd)

    def transmit(self, apdu: bytes, timeout_s: float = 0) -> bytes:
        answer = self.card.transmit(apdu)
        self.said.append((apdu, answer))
        return answer

    def open(self, level: Level = Level.R_ENCRYPTION) -> Scp03:
        plain = Plain(self)
        demand(plain, CommandApdu(0xA4, 0x04, 0x0C, AID), "SELECT")
        return open_scp03(plain, self, KVN, level, AID)


@pytest.fixture(params=[LAB_MASTER, LONG_MASTER], ids=["AES-128", "AES-256"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(blank_card(kind="iso7816-scp03", extended=4200, master=request.param), request.param)


def create(channel: Scp03, size: int) -> None:
    fcp = bytes.fromhex(f"6216 8002{size:04X} 820101 83020101 880108 8A0101 8C0303FF40")
    demand(channel, CommandApdu(0xE0, data=fcp), "CREATE FILE")


@pytest.mark.parametrize("level", Level)
def test_what_was_written_is_read_at_any_length(desk: Desk, level: Level) -> None:
    channel = desk.open(level)
    create(channel, 3900)
    for size in (*SIZES, *LONG_SIZES):
        data = content(size, size)
        demand(channel, CommandApdu(0xD6, data=data, extended=size > 231), "UPDATE BINARY")
        read = CommandApdu(0xB0, ne=65536 if size > 231 else 256, extended=size > 231)
        assert demand(channel, read, "READ BINARY")[:size] == data[:4000]
    assert channel.alive


@pytest.mark.parametrize("level", [Level.C_DECRYPTION, Level.R_ENCRYPTION])
def test_what_is_written_is_not_seen(desk: Desk, level: Level) -> None:
    channel = desk.open(level)
    create(channel, 64)
    demand(channel, CommandApdu(0xD6, data=content(64)), "UPDATE BINARY")
    assert not any(content(64)[:16] in command for command, _ in desk.said)


def test_a_card_restored_from_a_copy_takes_no_session_of_before(desk: Desk) -> None:
    channel = desk.open()
    desk.card = VirtualCard.from_bytes(desk.card.to_bytes())
    desk.card.power_on()
    with pytest.raises((CardRefused, SecureMessagingError)):
        create(channel, 9)
    create(desk.open(), 9)


def test_another_issuers_host_and_card_part_at_once(desk: Desk) -> None:
    desk.master = bytes(len(desk.master))
    with pytest.raises(KeysRefused):
        desk.open()
    assert len(desk.said) == 2  # SELECT, INITIALIZE UPDATE: no cryptogram of the host's


def test_an_exchange_replayed_ends_the_session(desk: Desk) -> None:
    channel = desk.open()
    create(channel, 9)
    command, _ = desk.said[-1]
    assert desk.card.transmit(command) == b"\x69\x82"
    with pytest.raises((CardRefused, SecureMessagingError)):
        create(channel, 9)


def test_an_answer_changed_on_the_way_ends_the_session(desk: Desk) -> None:
    channel = desk.open()
    create(channel, 9)
    true = desk.card.transmit
    desk.card.transmit = lambda apdu: (whole := true(apdu))[:3] + bytes((whole[3] ^ 1,)) + whole[4:]  # type: ignore[method-assign]
    with pytest.raises(SecureMessagingError):
        create(channel, 9)
    assert not channel.alive
