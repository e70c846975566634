"""What every ChipReader must hold, whatever it is made of: subclass and give it a stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest

from drivers.api import ChipReader
from drivers.chip.badge import read_badge
from drivers.chip.dialects import CardKind
from drivers.chip.errors import CardError
from drivers.errors import DeviceGone, DeviceTimeout, UserRetry
from drivers.virtual.card import ATR, OfficerCard, VirtualCard, blank_card, foreign_card
from support.chip import KEYS, unheard
from support.dialects import NAMES, kit

SELECT_LDS = bytes.fromhex("00A4040C07A0000002471001")
SELECT_DIR = bytes.fromhex("00A4020C022F00")
READ_ONE = bytes.fromhex("00B0000001")
LAST_OF_LOCK = {"lds-plain": 1, "iso7816-scp03": 0, "store-data": 0}
"""The APDU that locks, counted from the call: under SCP03 the channel of the keys is still open."""
LONG_S = 5.0  # over anything a reader needs on a busy machine; nothing waits for it to pass


class Stand(Protocol):
    """A closed reader and the world's hands."""

    reader: ChipReader

    def put(self, card: VirtualCard) -> None: ...
    def lift(self) -> None: ...


class ChipReaderContract:
    @pytest.fixture
    def stand(self) -> Stand:
        raise NotImplementedError

    def test_it_says_what_it_is(self, stand: Stand) -> None:
        with stand.reader as reader:
            assert reader.info.kind == "chip"
            assert reader.info.virtual

    def test_without_a_card_it_waits_and_asks_for_one(self, stand: Stand) -> None:
        with stand.reader as reader:
            assert not reader.await_card(True, 0.05)
            assert reader.await_card(False, LONG_S)
            with pytest.raises(UserRetry, match="place_card"):
                reader.connect()
            reader.disconnect()
            reader.disconnect()

    def test_a_card_that_comes_is_noticed_and_answers(self, stand: Stand) -> None:
        with stand.reader as reader:
            stand.put(blank_card())
            assert reader.await_card(True, LONG_S)
            assert not reader.await_card(False, 0.05)
            assert reader.connect() == ATR
            assert reader.transmit(SELECT_LDS) == b"\x90\x00"

    def test_without_a_session_nothing_is_sent(self, stand: Stand) -> None:
        card = blank_card()
        with stand.reader as reader:
            stand.put(card)
            assert reader.await_card(True, LONG_S)
            with pytest.raises(UserRetry, match="hold_card_still"):
                reader.transmit(SELECT_LDS)
        assert card.apdus == 0

    def test_disconnecting_ends_what_the_card_remembers(self, stand: Stand) -> None:
        with stand.reader as reader:
            stand.put(blank_card())
            assert reader.await_card(True, LONG_S)
            reader.connect()
            assert reader.transmit(SELECT_DIR) == b"\x90\x00"
            assert reader.transmit(READ_ONE) == b"\x61\x90\x00"
            reader.disconnect()
            reader.connect()
            assert reader.transmit(READ_ONE) == b"\x69\x86"  # no current EF

    def test_closing_ends_what_the_card_remembers(self, stand: Stand) -> None:
        stand.put(blank_card())
        with stand.reader as reader:
            assert reader.await_card(True, LONG_S)
            reader.connect()
            reader.transmit(SELECT_DIR)
        with stand.reader as reader:
            assert reader.await_card(True, LONG_S)
            reader.connect()
            assert reader.transmit(READ_ONE) == b"\x69\x86"

    def test_long_apdus_pass_both_ways(self, stand: Stand) -> None:
        with stand.reader as reader:
            stand.put(blank_card())
            assert reader.await_card(True, LONG_S)
            reader.connect()
            reader.transmit(SELECT_LDS)
            long = bytes.fromhex("00D60000") + b"\0" + (30000).to_bytes(2, "big") + bytes(30000)
            assert reader.transmit(long, LONG_S) == b"\x67\x00"
            assert reader.transmit(bytes.fromhex("00D60000FF") + bytes(255))[-2:] == b"\x69\x86"

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_card_lifted_while_it_works_asks_to_be_held_still(self, stand: Stand, when: str) -> None:
        card = blank_card()
        with stand.reader as reader:
            stand.put(card)
            assert reader.await_card(True, LONG_S)
            reader.connect()
            card.tear(1, when)  # type: ignore[arg-type]
            assert reader.transmit(SELECT_LDS) == b"\x90\x00"
            for _ in range(2):
                with pytest.raises(UserRetry, match="hold_card_still"):
                    reader.transmit(SELECT_LDS)
            assert reader.await_card(False, LONG_S)
            stand.put(card)
            assert reader.await_card(True, LONG_S)
            reader.connect()
            assert reader.transmit(SELECT_LDS) == b"\x90\x00"

    def test_a_card_changed_for_another_in_a_moment_is_a_new_session(self, stand: Stand) -> None:
        other = blank_card()
        with stand.reader as reader:
            stand.put(blank_card())
            assert reader.await_card(True, LONG_S)
            reader.connect()
            reader.transmit(SELECT_LDS)
            stand.put(other)
            with pytest.raises(UserRetry, match="hold_card_still"):
                reader.transmit(SELECT_LDS)
            assert reader.await_card(True, LONG_S)
            reader.connect()
            assert reader.transmit(SELECT_LDS) == b"\x90\x00"
            assert other.apdus == 1

    def test_a_mute_card_hangs_nothing(self, stand: Stand) -> None:
        mute = blank_card()
        with stand.reader as reader:
            stand.put(mute)
            assert reader.await_card(True, LONG_S)
            reader.connect()
            mute.mute_after(1)
            reader.transmit(SELECT_LDS)
            with pytest.raises(DeviceTimeout):
                reader.transmit(SELECT_LDS, timeout_s=0.2)
            with pytest.raises(DeviceGone):
                reader.transmit(SELECT_LDS)
        stand.lift()
        with stand.reader as reader:
            assert reader.await_card(False, LONG_S)
            stand.put(blank_card())
            assert reader.await_card(True, LONG_S)
            reader.connect()
            assert reader.transmit(SELECT_LDS) == b"\x90\x00"

    def test_closed_it_is_gone(self, stand: Stand) -> None:
        calls: tuple[Callable[[], object], ...] = (
            lambda: stand.reader.await_card(True, 0.0),
            lambda: stand.reader.connect(),
            lambda: stand.reader.transmit(SELECT_LDS),
        )
        for call in calls:
            with pytest.raises(DeviceGone):
                call()

    @pytest.mark.parametrize("name", NAMES)
    def test_a_card_is_personalised_locked_and_read_back(self, stand: Stand, name: str) -> None:
        made = kit(name)
        with stand.reader as reader:
            stand.put(made.blank())
            assert reader.await_card(True, LONG_S)
            dialect = made.open(reader)
            made.personalise(dialect)
            assert dialect.identify(KEYS).kind == CardKind.OURS_LOCKED
            assert "write_refused" in dialect.prove_locked(made.keys)
            for fid, content in made.files.items():
                if fid not in dialect.guarded:
                    assert dialect.read_file(fid, len(content), unheard) == content

    @pytest.mark.parametrize("name", NAMES)
    def test_a_lock_whose_answer_was_lost_is_seen_afterwards(self, stand: Stand, name: str) -> None:
        made = kit(name)
        card = made.blank()
        with stand.reader as reader:
            stand.put(card)
            assert reader.await_card(True, LONG_S)
            dialect = made.open(reader)
            dialect.identify(KEYS)
            dialect.put_keys(made.keys)
            card.tear(LAST_OF_LOCK[name], "after")
            with pytest.raises(UserRetry, match="hold_card_still"):
                dialect.lock()
            assert reader.await_card(False, LONG_S)
            stand.put(card)
            assert reader.await_card(True, LONG_S)
            assert dialect.identify(KEYS).kind == CardKind.OURS_LOCKED

    def test_a_badge_gives_its_number_and_nothing_else_does(self, stand: Stand) -> None:
        with stand.reader as reader:
            stand.put(OfficerCard("CB-0042"))
            assert reader.await_card(True, LONG_S)
            assert read_badge(reader) == "CB-0042"
            assert read_badge(reader) == "CB-0042"
        for other in (blank_card(), foreign_card()):
            stand.lift()
            with stand.reader as reader:
                assert reader.await_card(False, LONG_S)
                stand.put(other)
                assert reader.await_card(True, LONG_S)
                with pytest.raises(UserRetry, match="card_foreign"):
                    read_badge(reader)

    def test_a_badge_without_a_proper_number_is_refused(self, stand: Stand) -> None:
        with stand.reader as reader:
            stand.put(OfficerCard("'; --"))
            assert reader.await_card(True, LONG_S)
            with pytest.raises(CardError):
                read_badge(reader)
