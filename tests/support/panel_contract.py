"""What every `drivers.api.Panel` must hold, real or on mock pins; contacts need hands."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest

from drivers.api import Panel, PanelInput
from drivers.errors import DeviceRefused
from drivers.virtual.panel import VirtualPanel

HANDS_S = 30.0


class Hands(Protocol):
    """Moves the tray, or asks somebody to: `place` closes it, `lift` pulls it open."""

    def place(self) -> None: ...
    def lift(self) -> None: ...


@dataclass(frozen=True)
class PanelBench:
    make: Callable[[], Panel]
    hands: Hands
    hands_needed: Callable[[], None]


@dataclass(frozen=True)
class VirtualPanelHands:
    panel: VirtualPanel

    def place(self) -> None:
        self.panel.close_tray()

    def lift(self) -> None:
        self.panel.open_tray()


class PanelContract:
    @pytest.fixture
    def bench(self) -> PanelBench:
        raise NotImplementedError

    def test_it_says_what_it_is(self, bench: PanelBench) -> None:
        with bench.make() as panel:
            assert panel.info.kind == "panel"
            assert panel.info.model

    def test_all_outputs_can_be_switched_in_any_range_and_made_safe(self, bench: PanelBench) -> None:
        with bench.make() as panel:
            for level in (-1.0, 0.0, 0.4, 1.0, 2.0):
                panel.lamps(level, 1.0 - level)
            for locked in (True, True, False):
                panel.tray(locked)
            panel.buzz(0.1)
            panel.safe()
            panel.safe()

    def test_a_closed_panel_refuses_and_opens_again(self, bench: PanelBench) -> None:
        panel = bench.make()
        for _ in range(2):
            with panel:
                panel.lamps(0.0, 0.0)
            with pytest.raises(DeviceRefused):
                panel.lamps(1.0, 1.0)

    def test_the_tray_is_heard_when_it_closes_and_when_it_opens(self, bench: PanelBench) -> None:
        bench.hands_needed()
        heard: queue.SimpleQueue[PanelInput] = queue.SimpleQueue()
        with bench.make() as panel:
            panel.listen(heard.put)
            bench.hands.place()
            assert heard.get(timeout=HANDS_S) is PanelInput.TRAY_CLOSED
            bench.hands.lift()
            assert heard.get(timeout=HANDS_S) is PanelInput.TRAY_OPENED
