"""A box that is unlocked, handed over or takes another's place: what the flow asks for, as jobs.

The keys open and sticks are waited for on a thread of their own; what moves records runs on the store's.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from drivers.worker import Job, Worker
from firmware.app.jobs import box
from firmware.presenter import Form
from firmware.records.errors import RecordsError
from statemachine import effects as fx
from statemachine import events as ev
from statemachine.session import Swap
from statemachine.states import Device

if TYPE_CHECKING:
    from firmware.app.kiosk import Kiosk

SWAP = "swap"


class Swaps:
    """Lives on the loop's thread."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk
        self._worker: Worker[Any] = Worker("box", nullcontext, kiosk.loop.post)
        self._unlocked_by = ""

    def start(self) -> None:
        self._worker.start()

    def stop_work(self) -> None:
        self._worker.stop_work()

    def close(self) -> None:
        self._worker.close()

    # --- after a cold boot ---------------------------------------------------------------------------

    def unlock(self, badge: str, pin: str) -> None:
        job = box.unlock(self._kiosk.desk.unlocking, badge, pin)
        self._worker.submit(Job(self._kiosk.flow.entry, "unlock", job, (RecordsError,)))

    def unlocked(self, event: ev.Unlocked) -> None:
        """The store need not wait for its next try."""
        self._unlocked_by = event.officer
        self._kiosk.desk.store.worker.wake()

    def store_up(self) -> None:
        if self._unlocked_by:
            by, self._unlocked_by = self._unlocked_by, ""
            self._kiosk.house.note("box_unlocked", badge=by)

    # --- a swap --------------------------------------------------------------------------------------

    def await_stick(self, effect: fx.AwaitStick) -> None:
        self._worker.submit(Job(effect.entry, SWAP, box.wait_for_stick(self._kiosk.desk)))

    def stick_is_in(self, found: box.StickIn, entry: int) -> None:
        """Read it, which may take a while: the screen says so."""
        flow = self._kiosk.flow
        if entry != flow.entry or flow.session.swap is None:
            return
        self._kiosk.form = Form(stage="reading")
        self._kiosk.draw()
        self._store(box.look_at_stick(self._kiosk.desk, flow.session.swap, found.path))

    def read_code(self, effect: fx.ReadCode) -> None:
        if Device.CAMERA not in self._kiosk.flow.session.lost:
            self._kiosk.asks.on_camera(box.scan_code(self._kiosk.desk, effect.entry))

    def typed_code(self, digits: str) -> None:
        self._kiosk.learn(box.typed_code(digits), self._kiosk.flow.entry)

    def counted(self, digits: str) -> None:
        self._kiosk.learn(box.counted(int(digits)), self._kiosk.flow.entry)

    def move(self, effect: fx.MoveBox) -> None:
        desk, visit = self._kiosk.desk, self._kiosk.visit
        officer = self._kiosk.flow.session.officer or ""
        if effect.swap is Swap.GIVE:
            self._store(box.give(desk, visit.sheet, officer, effect.entry))
        else:
            self._store(box.take(desk, visit.sheet, visit.code, visit.blanks, officer, effect.entry))

    def _store(self, ask: Any) -> None:
        self._kiosk.desk.store.submit(self._kiosk.flow.entry, SWAP, ask)
