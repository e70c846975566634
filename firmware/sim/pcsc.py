"""A card slot behind real PC/SC: virtual card → vpcd → pcscd → pyscard in the child process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from drivers.api import ChipReader
from drivers.chip.process import ChipProcess
from drivers.virtual.card.card import VirtualCard
from drivers.virtual.pcscd import PrivatePcscd
from drivers.virtual.vpcd import VpcdSlot


class Behind:
    """Slot `number` of a private pcscd."""

    def __init__(self, stack: ExitStack, pcscd: PrivatePcscd, number: int) -> None:
        self._slot = stack.enter_context(VpcdSlot(pcscd.ports[number]))
        self._env = dict(pcscd.env)
        self._name = pcscd.readers[number]

    def put(self, card: VirtualCard) -> None:
        self._slot.insert(card)

    def lift(self) -> None:
        self._slot.remove()

    @property
    def holds_card(self) -> bool:
        return self._slot.holds_card

    def opener(self) -> Callable[[], AbstractContextManager[ChipReader]]:
        return lambda: ChipProcess(self._name, virtual=True, env=self._env)
