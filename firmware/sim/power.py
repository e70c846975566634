"""The demo's power supply: watches a kiosk and kills it at the moments that were drawn."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from firmware.sim.cuts import Beside, Cut
from firmware.sim.kiosk_process import KioskProcess
from firmware.sim.line import Line
from statemachine.states import S


class Power:
    """Has the `cuts` that are still to come. `fired` is the one that the kiosk has just died of."""

    def __init__(self, cuts: Sequence[Cut], line: Line) -> None:
        self._cuts = list(cuts)
        self._line = line
        self._uploads: list[Cut] = []
        self._kiosk: KioskProcess | None = None
        self._visit = -1
        self._armed: tuple[Cut, float] | None = None
        self._apdus = 0
        self._lock = threading.Lock()
        self.fired: Cut | None = None

    def on(self, kiosk: KioskProcess) -> None:
        """A kiosk has been started."""
        self._kiosk, self.fired, self._armed, self._apdus = kiosk, None, None, 0
        self._line.forget()
        self._await_upload()
        if (cut := self._head) and cut.place is Beside.START:
            self._arm(cut)

    def visit(self, number: int) -> None:
        """From now on the cuts of this visit are due, and no other's."""
        self._visit = number

    def entered(self, state: S, at_stake: bool = False) -> None:
        """The kiosk is in another state, or its card is at stake from now on."""
        if state is S.RECEIPT:
            due = [cut for cut in self._cuts if cut.place is Beside.UPLOAD and cut.visit == self._visit]
            self._uploads += due
            self._cuts = [cut for cut in self._cuts if cut not in due]
            self._await_upload()
        cut = self._head
        if cut is None or self._armed is not None:
            return
        if cut.place is Beside.START or (
            cut.reached(state, at_stake) and not (cut.place is S.WRITE_CHIP is state)
        ):
            self._arm(cut)

    def answered(self) -> None:
        """The card has answered an APDU."""
        self._apdus += 1
        cut = self._head
        if cut is not None and cut.place is S.WRITE_CHIP and self._apdus >= cut.apdus:
            self.cut(cut)

    def delivered(self) -> None:
        """A receipt has come: an upload that was to be cut was smaller than that. So it is cut now."""
        if self._line.forget():
            self.cut(self._uploads[0])

    @property
    def left_s(self) -> float | None:
        """Seconds until the next cut by the clock; None: there is none."""
        return None if self._armed is None else self._armed[1] - time.monotonic()

    def cut_what_is_due(self) -> bool:
        """Kill the kiosk if its time has come."""
        if self._armed is None or self._armed[1] > time.monotonic():
            return False
        self.cut(self._armed[0])
        return True

    def left_over(self, everything: bool = False) -> Cut | None:
        """A cut of this visit that has found no moment; with `everything`, of any kind."""
        return self._head or (self._uploads[0] if everything and self._uploads else None)

    def cut(self, cut: Cut) -> None:
        """Now. From any thread."""
        with self._lock:
            if self.fired is not None or self._kiosk is None:
                return
            self.fired = cut
            for waiting in (self._cuts, self._uploads):
                if cut in waiting:
                    waiting.remove(cut)
            self._kiosk.kill()

    @property
    def _head(self) -> Cut | None:
        mine = (cut for cut in self._cuts if cut.visit == self._visit and cut.place is not Beside.UPLOAD)
        return next(mine, None)

    def _arm(self, cut: Cut) -> None:
        self._armed = cut, time.monotonic() + cut.delay_s

    def _await_upload(self) -> None:
        if self._uploads:
            cut = self._uploads[0]
            self._line.after_bytes(cut.bytes, lambda: self.cut(cut))
