"""The chip contract over real pcscd and vpcd."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from support.chip_contract import LONG_S, SELECT_LDS, ChipReaderContract
from support.hil import Origin

from drivers.chip.process import ChipProcess
from drivers.errors import DeviceGone
from drivers.virtual.card import VirtualCard, blank_card
from drivers.virtual.pcscd import PcscdMissing, PrivatePcscd, demand_installed
from drivers.virtual.vpcd import VpcdSlot


class PcscdStand:
    def __init__(self, pcscd: PrivatePcscd, slot: VpcdSlot) -> None:
        self.pcscd = pcscd
        self.reader = ChipProcess(pcscd.readers[0], virtual=True, env=pcscd.env)
        self.put = slot.insert
        self.lift = slot.remove


@pytest.fixture
def stand(was: Callable[[str, Origin, str], None]) -> Iterator[PcscdStand]:
    try:
        demand_installed()
    except PcscdMissing as missing:
        pytest.skip(str(missing))
    was("chip", Origin.VIRTUAL, "card program behind real pcscd and vpcd")
    with PrivatePcscd() as pcscd, VpcdSlot(pcscd.ports[0]) as slot:
        yield PcscdStand(pcscd, slot)


class TestBehindPcscd(ChipReaderContract):
    @pytest.fixture
    def stand(self, stand: PcscdStand) -> PcscdStand:
        return stand


def test_a_restart_of_pcscd_is_survived(stand: PcscdStand) -> None:
    card = blank_card()
    with stand.reader as reader:
        stand.put(card)
        assert reader.await_card(True, LONG_S)
        reader.connect()
        stand.pcscd.kill()
        with pytest.raises(DeviceGone):
            reader.transmit(SELECT_LDS)
        with pytest.raises(DeviceGone):
            reader.await_card(True, LONG_S)
        stand.pcscd.start()
        stand.put(card)
        assert reader.await_card(True, LONG_S)
        reader.connect()
        assert reader.transmit(SELECT_LDS) == b"\x90\x00"


def test_a_pcscd_that_ends_while_a_card_is_awaited_is_a_device_gone(stand: PcscdStand) -> None:
    with stand.reader as reader:
        world = threading.Timer(0.1, stand.pcscd.kill)
        world.start()
        with pytest.raises(DeviceGone):
            reader.await_card(True, LONG_S)
        world.join()


def test_an_unknown_reader_or_no_pcscd_is_a_device_gone(stand: PcscdStand) -> None:
    with pytest.raises(DeviceGone, match="no reader named"), ChipProcess("Another", env=stand.pcscd.env):
        pass
    nowhere = {"PCSCLITE_CSOCK_NAME": "/nonexistent/pcscd.comm"}
    with pytest.raises(DeviceGone, match="pcscd"), ChipProcess(env=nowhere):
        pass


def test_two_slots_are_two_readers_and_two_daemons_do_not_meet(stand: PcscdStand) -> None:
    with PrivatePcscd() as other, VpcdSlot(other.ports[1]) as slot:
        assert not set(other.ports) & set(stand.pcscd.ports)
        slot.insert(blank_card())
        with ChipProcess(other.readers[1], env=other.env) as second:
            assert second.await_card(True, LONG_S)
        with stand.reader as first:
            assert not first.await_card(True, 0.0)


def test_a_virtual_card_is_only_a_program(stand: PcscdStand) -> None:
    """The same bytes come back after its life behind another daemon."""
    card = blank_card()
    stand.put(card)
    stand.lift()
    assert VirtualCard.from_bytes(card.to_bytes()).to_bytes() == card.to_bytes()
