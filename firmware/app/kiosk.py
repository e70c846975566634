"""The app: messages come in on the loop's thread, the flow decides, and its effects are done.

Everything that moves a person's visit goes through `_feed`; everything slow goes to a worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from drivers.api import PanelInput
from drivers.errors import DeviceFault, DeviceGone
from drivers.worker import Answer, Broken, Done, Down, Failed, Up
from firmware.app import courier, store
from firmware.app.asks import RECOVER, Asks
from firmware.app.commands import Commands
from firmware.app.desk import Desk
from firmware.app.devices import Workers
from firmware.app.frame import Face
from firmware.app.housekeeping import House
from firmware.app.jobs import box
from firmware.app.messages import Act, Expiry, Tap, Tick
from firmware.app.swaps import Swaps
from firmware.app.visit import Learned, Seen, Sheet, Visit
from firmware.loop import Arrived, Loop, Mailbox
from firmware.memory import give_back
from firmware.presenter import Form, View
from firmware.records.errors import DiskFull, StoreError
from firmware.touch import Command, meaning
from statemachine import effects as fx
from statemachine import events as ev
from statemachine.machine import Flow
from statemachine.session import Stage
from statemachine.states import Device, S

__all__ = ["Act", "CrashError", "Kiosk", "Tap"]

COUNTED_DOWN = {S.STILL_THERE: 20, S.FAREWELL: 8}
DEVICES = {str(device): device for device in Device}


class CrashError(Exception):
    """A bug in a worker: the process must end, and systemd restarts it into the journalled step."""


class Kiosk:
    """One box. `watch` sees every new picture (virtual citizens, the demo's lines, tests)."""

    def __init__(
        self,
        desk: Desk,
        workers: Workers,
        loop: Loop,
        face: Face,
        mailbox: Mailbox,
        watch: Callable[[Kiosk], None] = lambda _: None,
    ) -> None:
        self.desk, self.workers, self.loop, self.face = desk, workers, loop, face
        self.flow = Flow()
        self.visit = Visit()
        self.form = Form()
        self.status: dict[str, Any] = {}
        self.receipts = 0
        self.last_receipts: tuple[str, ...] = ()
        self._mailbox, self._watch = mailbox, watch
        self._timeout_s: float | None = None
        self._version = 0
        self._recovered, self._early = False, ""
        self.swaps = Swaps(self)
        self.asks, self.house, self._commands = Asks(self), House(self), Commands(self)

    # --- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Greet first, then open the store and the devices; a journalled visit goes on."""
        self._perform(self.flow.begin())
        self.desk.store.worker.start()
        self.workers.start()
        self.swaps.start()
        self.house.start()

    def close(self) -> None:
        self.house.close()
        self.asks.close()
        self.swaps.close()
        self.workers.close()
        self.desk.close()
        self.desk.store.worker.close()
        self.face.close()

    @property
    def view(self) -> View:
        simulated = self.desk.config.station.profile != "production"
        return View(self.flow.state, self.flow.session, self.visit, self.form, simulated, self.status)

    # --- what comes in -----------------------------------------------------------------------------

    def handle(self, message: Any) -> None:
        """Handle one message of the inbox."""
        match message:
            case Tap():
                action = self.face.hit(message.x, message.y)
                if action is not None:
                    self.handle(Act(action))
            case Act():
                self._touched(message.action)
            case ev.Event():
                self._feed(message)
            case Arrived(box=self._mailbox):
                self._seen(self._mailbox.take())
            case Answer():
                self._answered(message)
            case PanelInput():
                self.house.heard(message)
            case Tick(entry=entry) if entry == self.flow.entry:
                self._count_down()
            case Expiry() if (message.entry, message.version) == (self.flow.entry, self._version):
                self._feed(ev.TimedOut(entry=message.entry))
            case _ if callable(message):
                message()

    def _touched(self, action: str) -> None:
        """A greeting waits until the journal has said whom the box was serving when it stopped."""
        if self.flow.state is S.ATTRACT and not self._recovered:
            self._early = action
            return
        self._rearm()
        meant = meaning(self.view, action)
        match meant:
            case Form():
                self.form = meant
                self.draw()
            case Command():
                self.form = replace(self.form, digits="")
                self._commands.perform(meant)
                self.draw()
            case ev.Event():
                self._feed(replace(meant, entry=self.flow.entry))

    def _seen(self, seen: Seen | None) -> None:
        """A frame, or progress: redraw what changed, blit the rest."""
        if seen is None or seen.entry != self.flow.entry:
            return
        form = self.form.seen(seen)
        if seen.of:
            self._rearm()
        if form != self.form:
            self.form = form
            self.draw()
        if seen.pixels is not None:
            self.face.preview(seen.pixels)

    def _answered(self, answer: Answer) -> None:
        if isinstance(answer, Done | Failed) and answer.job == RECOVER:
            self._recovered = True
            early, self._early = self._early, ""
            self.loop.post(Act(early))
        match answer:
            case Up(worker=name) if name in DEVICES:
                self._feed(ev.DeviceBack(DEVICES[name]))
                self.asks.device_up(answer)
                if name == store.NAME:
                    self.swaps.store_up()
                    self.house.store_up(answer)
            case Down(worker=store.NAME, fault=fault):
                self._store_failed(fault)
            case Down(worker=name) if name in DEVICES:
                self._feed(ev.DeviceLost(DEVICES[name]))
            case Done(value=Learned() as learned, entry=entry):
                self.learn(learned, entry)
            case Done(value=box.StickIn() as stick, entry=entry):
                self.swaps.stick_is_in(stick, entry)
            case Done():
                self.house.done(answer)
            case Failed():
                self._failed(answer)
            case Broken():
                raise CrashError(answer.worker) from answer.error

    def _failed(self, failed: Failed) -> None:
        if failed.worker == courier.NAME:
            self.house.failed(failed)  # whatever it was, its rounds go on
            if isinstance(failed.error, DiskFull):
                self._store_failed(failed.error)
            return
        match failed.error:
            case DeviceGone(device=store.NAME) if self._moving:
                self.house.failed(failed)  # the store is busy with the swap, and does not answer others
            case StoreError() | DeviceFault(device=store.NAME) as error:
                self._store_failed(error)
            case DeviceFault(device=name) if name in DEVICES:
                self._feed(ev.DeviceLost(DEVICES[name]))
            case _:
                self.house.failed(failed)
                if failed.entry == self.flow.entry:
                    self._feed(ev.StepFailed("step_failed", entry=failed.entry))

    @property
    def _moving(self) -> bool:
        return self.flow.state is S.SWAP and self.flow.session.stage in (Stage.STICK, Stage.GO)

    def _store_failed(self, error: Exception) -> None:
        """A store that did not answer in time, or has no room, does not say when it is well: it is asked."""
        self._feed(ev.StoreFailed(getattr(error, "reason", StoreError.reason)))
        if isinstance(error, DiskFull | DeviceGone):
            self.house.await_room()

    def learn(self, learned: Learned, entry: int) -> None:
        """Take a job's answer: what the visit knows from now on, then the event."""
        before = self.visit
        if entry == self.flow.entry:
            self.visit = replace(before, **learned.visit)
        if entry == self.flow.entry and self._of_second(learned.event):
            return
        self._feed(replace(learned.event, entry=entry))
        if not self.flow.taken and "record_id" in learned.visit:
            self.visit = before
            self.house.opened_late(learned.visit["record_id"])

    def _of_second(self, event: ev.Event) -> bool:
        """Answers about a second officer are the command's that waits for them, not the flow's."""
        if isinstance(event, ev.SecondAccepted):
            self._commands.second_accepted(event.officer)
            return True
        if isinstance(event, ev.BadgeRead) and self.form.stage == "second":
            self._commands.second_badge()
            self.draw()
            return True
        return False

    # --- what goes out -----------------------------------------------------------------------------

    def _feed(self, event: ev.Event) -> None:
        before = self.flow.entry
        self._perform(self.flow.feed(event))
        if self.flow.taken:
            self._follow(event)
        if self.flow.entry == before:
            self.draw()

    def _follow(self, event: ev.Event) -> None:
        """What an event means for the box, whatever it means for the flow."""
        match event:
            case ev.Sealed():
                self.house.deliver()
            case ev.Unlocked():
                self.swaps.unlocked(event)
            case ev.SwapDone() | ev.SwapRefused():
                self.house.check_place()
                self.house.deliver()

    def _perform(self, effects: list[fx.Effect]) -> None:
        for effect in effects:
            match effect:
                case fx.Enter():
                    self._enter(effect)
                case fx.StartTimer():
                    self._timeout_s = effect.seconds
                    self._rearm()
                case fx.StopWork():
                    self.workers.stop_work()
                    self.asks.stop_work()
                    self.swaps.stop_work()
                case fx.EndVisit():
                    self.asks.end_visit(effect)
                    self.house.deliver()
                    self.visit = Visit()
                case fx.Late():
                    self.house.note("late_answer", event=type(effect.event).__name__)
                case _:
                    self.asks.perform(effect)

    def _enter(self, enter: fx.Enter) -> None:
        self._timeout_s = None
        self.form = Form(seconds_left=COUNTED_DOWN.get(enter.state, 0))
        if self.form.seconds_left:
            self.loop.after(1.0, Tick(enter.entry))
        self._commands.forget()
        self.asks.entered(enter.state)
        if enter.state is S.STATUS:
            self.house.refresh_status()
        elif enter.state is S.ATTRACT:
            self.loop.post(give_back)
        if enter.state is not S.SWAP:
            self.visit = replace(self.visit, sheet=Sheet(), code="", blanks=0)
        self.draw()

    def _rearm(self) -> None:
        """Start the state's time anew: somebody is there."""
        self._version += 1
        if self._timeout_s is not None:
            self.loop.after(self._timeout_s, Expiry(self.flow.entry, self._version))

    def _count_down(self) -> None:
        self.form = replace(self.form, seconds_left=max(0, self.form.seconds_left - 1))
        self.draw()
        self.loop.after(1.0, Tick(self.flow.entry))

    def draw(self) -> None:
        """Show what is; nothing happens where nothing changed."""
        if self.face.show(self.view):
            self._watch(self)
