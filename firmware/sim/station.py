"""A virtual station: every device virtual at the lowest layer there is, and verbs of the world to move it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Protocol, Self

from config.schema import Chip
from drivers.api import ChipReader
from drivers.chip.dialects.profile import load_profile
from drivers.fingerprint import open_sensor
from drivers.virtual.camera import VirtualCamera
from drivers.virtual.card.air import Air
from drivers.virtual.card.card import VirtualCard, blank_card
from drivers.virtual.card.reader import VirtualReader
from drivers.virtual.panel import VirtualPanel
from drivers.virtual.usb_sensor import VirtualSensor
from firmware.app.devices import Openers

DIALECT = Chip().dialect
AIR = Air(bit_rate=106)  # what every card and reader can do


class Slot(Protocol):
    """Where a card can be put down and lifted."""

    def put(self, card: VirtualCard) -> None: ...
    def lift(self) -> None: ...
    @property
    def holds_card(self) -> bool: ...
    def opener(self) -> Callable[[], AbstractContextManager[ChipReader]]: ...


class InProcess:
    """A reader in this process: the quickest way to a card, unless its air time is to be real."""

    def __init__(self, air: Air | None = None) -> None:
        self.reader = VirtualReader(air, paced=air is not None)

    def put(self, card: VirtualCard) -> None:
        self.reader.put(card)

    def lift(self) -> None:
        self.reader.lift()

    @property
    def holds_card(self) -> bool:
        return self.reader.holds_card

    def opener(self) -> Callable[[], AbstractContextManager[ChipReader]]:
        return lambda: self.reader


class VirtualStation:
    """Sensor, camera, panel and two card slots; `pcsc` puts the slots behind a private pcscd and vpcd.

    `real_pace` keeps the real devices' timing; `dialect` (of config/cards) says which kind the blanks are.
    A context manager: pcscd ends with it. Raises ProfileError.
    """

    def __init__(
        self,
        *,
        pcsc: bool = False,
        real_pace: bool = False,
        dialect: str = DIALECT,
        wait: Callable[[float], None],
    ) -> None:
        self._kind = load_profile(dialect).kind
        self.sensor = VirtualSensor(pause=wait if real_pace else None)
        self.panel = VirtualPanel()
        self.camera = VirtualCamera(light=self.panel.light, paced=real_pace)
        self._pcsc = pcsc
        self._stack = ExitStack()
        self.chip: Slot = InProcess(AIR if real_pace else None)
        self.badge: Slot = InProcess()

    def __enter__(self) -> Self:
        if self._pcsc:
            self.chip, self.badge = self._behind_pcscd()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def blank(self) -> VirtualCard:
        """A blank from this station's stock."""
        return blank_card(kind=self._kind)

    def _behind_pcscd(self) -> tuple[Slot, Slot]:
        from drivers.virtual.pcscd import PrivatePcscd
        from firmware.sim.pcsc import Behind

        pcscd = self._stack.enter_context(PrivatePcscd())
        first, second = (Behind(self._stack, pcscd, number) for number in range(2))
        return first, second

    def openers(self) -> Openers:
        """The drivers of a real box over these devices."""
        return Openers(
            finger=lambda: open_sensor(backend=self.sensor),
            camera=lambda: self.camera,
            chip=self.chip.opener(),
            badge=self.badge.opener(),
            panel=lambda: self.panel,
        )
