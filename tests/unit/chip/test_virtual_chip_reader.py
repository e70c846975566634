from __future__ import annotations

import threading

import pytest
from support.chip import KEYS
from support.chip_contract import LONG_S, SELECT_LDS, ChipReaderContract

from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.errors import DeviceGone, UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card


class VirtualStand:
    def __init__(self) -> None:
        self.reader = VirtualReader()

    def put(self, card: VirtualCard) -> None:
        self.reader.put(card)

    def lift(self) -> None:
        self.reader.lift()


class TestVirtualReader(ChipReaderContract):
    @pytest.fixture
    def stand(self) -> VirtualStand:
        return VirtualStand()


def test_a_card_laid_down_while_waiting_ends_the_wait() -> None:
    with VirtualReader() as reader:
        world = threading.Timer(0, reader.put, [blank_card()])
        world.start()
        assert reader.await_card(True, LONG_S)
        world.join()


def test_an_unplugged_reader_is_gone_until_it_is_plugged_and_opened() -> None:
    reader = VirtualReader()
    with reader:
        reader.put(blank_card())
        reader.connect()
        reader.unplug()
        for call in (reader.connect, lambda: reader.transmit(SELECT_LDS)):
            with pytest.raises(DeviceGone):
                call()
    with pytest.raises(DeviceGone), reader:
        pass
    reader.plug()
    with reader:
        reader.connect()


def test_unplugging_ends_a_wait() -> None:
    with VirtualReader() as reader:
        world = threading.Timer(0, reader.unplug)
        world.start()
        with pytest.raises(DeviceGone):
            reader.await_card(True, LONG_S)
        world.join()


def test_a_card_lifted_on_the_air_takes_its_answer_along() -> None:
    with VirtualReader(bits_per_s=8) as reader:  # 14 bytes take 14 s
        reader.put(blank_card())
        reader.connect()
        world = threading.Timer(0.05, reader.lift)
        world.start()
        with pytest.raises(UserRetry, match="hold_card_still"):
            reader.transmit(SELECT_LDS)
        world.join()


def test_a_card_may_be_lifted_after_a_number_of_apdus() -> None:
    card = blank_card()
    with VirtualReader() as reader:
        reader.put(card)
        card.lift_after(apdus=3)
        with pytest.raises(UserRetry, match="hold_card_still"):
            LdsPlain(reader).identify(KEYS)
            LdsPlain(reader).identify(KEYS)
        assert card.apdus == 3
