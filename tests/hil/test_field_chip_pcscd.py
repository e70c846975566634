"""A chip of the field behind real pcscd: PACE, long answers and Chip Authentication cross PC/SC."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.channels import open_channel
from support.chip import FILES, KEYS, made_up
from support.chip_contract import LONG_S
from support.hil import Origin
from support.operational_card import operational_card, point

from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.chip_authentication import ChipKey, authenticate_chip
from drivers.chip.ec import P_256
from drivers.chip.kdf import SessionCipher
from drivers.chip.process import ChipProcess
from drivers.chip.processor import Plain
from drivers.virtual.pcscd import PcscdMissing, PrivatePcscd, demand_installed
from drivers.virtual.vpcd import VpcdSlot

CA_KEY = ec.generate_private_key(ec.SECP256R1())
LONG = made_up(3500)


@pytest.fixture
def pcscd(was: Callable[[str, Origin, str], None]) -> Iterator[PrivatePcscd]:
    try:
        demand_installed()
    except PcscdMissing as missing:
        pytest.skip(str(missing))
    was("chip", Origin.VIRTUAL, "card of the field behind real pcscd and vpcd")
    with PrivatePcscd() as running:
        yield running


def test_the_field_chip_is_read_over_pcsc(pcscd: PrivatePcscd) -> None:
    card = operational_card({**FILES, 0x0102: LONG}, ca=CA_KEY, extended=4000)
    reader = ChipProcess(pcscd.readers[0], virtual=True, env=pcscd.env)
    with VpcdSlot(pcscd.ports[0]) as slot, reader:
        slot.insert(card)
        assert reader.await_card(True, LONG_S)
        assert reader.connect() == card.atr
        channel = open_channel(Plain(reader), KEYS)
        assert channel.protocol.startswith("PACE")
        key = ChipKey("0.4.0.127.0.7.2.2.3.2.4", SessionCipher.AES_256, None, P_256, point(CA_KEY))
        renewed = authenticate_chip(channel, key)
        assert renewed.send(CommandApdu(Ins.SELECT, 0x02, 0x0C, b"\x01\x02")).sw == Sw.OK
        block = renewed.send(CommandApdu(Ins.READ_BINARY, ne=65536, extended=True))
        assert block.data == LONG
