from __future__ import annotations

import threading

import pytest
from support.chip import KEYS
from support.chip_contract import LONG_S, SELECT_LDS, ChipReaderContract

from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.errors import DeviceGone, DeviceTimeout, UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from drivers.virtual.card.air import Air


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
    with VirtualReader(Air(response_s=LONG_S), paced=True) as reader:
        reader.put(blank_card())
        reader.connect()
        world = threading.Timer(0.05, reader.lift)
        world.start()
        with pytest.raises(UserRetry, match="hold_card_still"):
            reader.transmit(SELECT_LDS, timeout_s=2 * LONG_S)
        world.join()


def test_time_on_the_air_is_counted_and_does_not_pass() -> None:
    air = Air(response_s=LONG_S)
    with VirtualReader(air) as reader:
        reader.put(blank_card())
        reader.connect()
        for _ in range(100):
            reader.transmit(SELECT_LDS, timeout_s=2 * LONG_S)
    once = air.exchange(len(SELECT_LDS), len(b"\x90\x00"))
    assert reader.taken.air_s == pytest.approx(air.activation().air_s + 100 * once.air_s)


def test_memory_takes_its_time_by_the_page() -> None:
    with VirtualReader(Air(page_write_s=0.002)) as reader:
        reader.put(blank_card())
        reader.connect()
        for apdu in ("00A4040C07A0000002471001", "00E0000006630400C80101", "00A4020C020101"):
            assert reader.transmit(bytes.fromhex(apdu)) == b"\x90\x00"
        created = reader.taken.memory_s
        reader.transmit(bytes.fromhex("00D6003E04") + bytes(4))  # over the end of the first page of 64
    assert created == pytest.approx(4 * 0.002)
    assert reader.taken.memory_s - created == pytest.approx(2 * 0.002)


def test_an_answer_later_than_its_time_out_is_none() -> None:
    with VirtualReader(Air(response_s=1)) as reader:
        reader.put(blank_card())
        reader.connect()
        with pytest.raises(DeviceTimeout):
            reader.transmit(SELECT_LDS, timeout_s=0.5)
        with pytest.raises(DeviceGone):
            reader.transmit(SELECT_LDS)


def test_a_card_may_be_lifted_after_a_number_of_apdus() -> None:
    card = blank_card()
    with VirtualReader() as reader:
        reader.put(card)
        card.lift_after(apdus=3)
        with pytest.raises(UserRetry, match="hold_card_still"):
            LdsPlain(reader).identify(KEYS)
            LdsPlain(reader).identify(KEYS)
        assert card.apdus == 3
