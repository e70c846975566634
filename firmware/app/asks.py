"""Effect → the worker that does it: the table between the flow and the devices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from drivers.worker import Job, Up, Worker
from firmware.app import courier as mail
from firmware.app.jobs import box, capture, chip, fingers, identify, old_card, prove, records, staff
from firmware.app.visit import Visit
from firmware.issue.errors import IssueError
from firmware.records.errors import RecordsError
from firmware.records.format.errors import FormatError
from firmware.records.journal import Journal
from firmware.records.states import HAS_DRAFT
from statemachine import effects as fx
from statemachine import events as ev
from statemachine.flow import STEPS
from statemachine.states import S

if TYPE_CHECKING:
    from firmware.app.kiosk import Kiosk

BUZZ_S = 0.6
RECOVER = "recover"
TURNED_DOWN = ("foreign", "blank", "card_foreign", "card_locked", "ours_locked")
"""Why a card that lies there was not taken: it must be lifted before the next one is looked at."""


class Asks:
    """Turns what the flow wants into jobs. Lives on the loop's thread."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk
        desk = kiosk.desk
        self._registry_runs = False
        self._registry = Worker("registry", lambda: mail.open_registry(desk), kiosk.loop.post)
        self._perform: dict[type[fx.Effect], Callable[[Any], None]] = {
            fx.ReadIdentity: self._read_identity,
            fx.LookUp: lambda _: self.on_registry(identify.look_up(desk, self._visit)),
            fx.ProveFinger: self._prove,
            fx.CaptureFinger: self._capture,
            fx.TakePortrait: self._portrait,
            fx.Freeze: lambda _: self._store(records.freeze(desk, self._visit)),
            fx.AwaitCard: self._await_card,
            fx.WriteChip: partial(self._issue, "write"),
            fx.VerifyChip: partial(self._issue, "verify"),
            fx.LockChip: partial(self._issue, "lock"),
            fx.Seal: lambda _: self._store(records.seal(self._visit)),
            fx.MakeTicket: self._ticket,
            fx.CallOfficer: lambda _: self.buzz(),
            fx.AwaitBadge: self._await_badge,
            fx.Examine: lambda _: kiosk.house.examine(),
            fx.AwaitStick: lambda effect: kiosk.swaps.await_stick(effect),
            fx.ReadCode: lambda effect: kiosk.swaps.read_code(effect),
            fx.MoveBox: lambda effect: kiosk.swaps.move(effect),
        }

    def _start_registry(self) -> None:
        """Its extract and its line need the keys, which are open once the store is."""
        if not self._registry_runs:
            self._registry_runs = True
            self._registry.start()

    def close(self) -> None:
        self._registry.close()

    def stop_work(self) -> None:
        self._registry.stop_work()

    def device_up(self, up: Up) -> None:
        """What a device is told first."""
        desk = self._kiosk.desk
        if up.worker == "store":
            self._start_registry()
            recover = box.recover(desk, self._visit, self._kiosk.flow.state is S.ATTRACT)
            desk.store.submit(self._entry, RECOVER, recover)
        elif up.worker == "panel":
            self._panel(lambda panel, _: panel.listen(self._kiosk.loop.post))

    def perform(self, effect: fx.Effect) -> None:
        self._perform[type(effect)](effect)

    @property
    def _visit(self) -> Visit:
        return self._kiosk.visit

    @property
    def _entry(self) -> int:
        return self._kiosk.flow.entry

    def _store(self, ask: Callable[[Journal], Any]) -> None:
        self._kiosk.desk.store.submit(self._entry, "keep", ask)

    def _job(self, worker: Worker[Any], call: Callable[[Any, Any], Any]) -> None:
        expects = (RecordsError, FormatError, IssueError)
        worker.submit(Job(self._entry, worker.name, call, expects))

    def on_registry(self, call: Callable[[Any, Any], Any]) -> None:
        """Run a job on the registry's thread."""
        self._job(self._registry, call)

    def on_camera(self, call: Callable[[Any, Any], Any]) -> None:
        """Run a job on the camera's thread."""
        self._job(self._kiosk.workers.camera, call)

    def _on_finger(self, call: Callable[[Any, Any], Any]) -> None:
        """Run a job on the sensor's thread; a scorer that was lost since the last one is loaded first."""
        desk = self._kiosk.desk

        def touch(sensor: Any, stop: Any) -> Any:
            desk.load_scorer()
            return call(sensor, stop)

        self._job(self._kiosk.workers.finger, touch)

    # --- effects -----------------------------------------------------------------------------------

    def _read_identity(self, effect: fx.ReadIdentity) -> None:
        if effect.way == "qr":
            self._job(self._kiosk.workers.camera, identify.scan_qr(self._kiosk.desk, effect.entry))

    def read_old_card(self, can: str) -> None:
        """Open the old card with the number that was typed."""
        job = old_card.read_old_card(self._kiosk.desk, self._entry, can)
        self._job(self._kiosk.workers.chip, job)

    def _prove(self, effect: fx.ProveFinger) -> None:
        self._on_finger(prove.prove_finger(self._kiosk.desk, self._visit, effect.entry))

    def _capture(self, effect: fx.CaptureFinger) -> None:
        self._on_finger(fingers.take_finger(self._kiosk.desk, self._visit, effect.entry, effect.finger))

    def _portrait(self, effect: fx.TakePortrait) -> None:
        job = capture.take_portrait(self._kiosk.desk, self._visit, effect.entry)
        self._job(self._kiosk.workers.camera, job)

    def _await_card(self, _: fx.AwaitCard) -> None:
        lift_first = self._kiosk.flow.session.reason in TURNED_DOWN
        job = chip.await_card(self._kiosk.desk, self._visit, lift_first)
        self._job(self._kiosk.workers.chip, job)

    def _issue(self, step: str, effect: fx.Effect) -> None:
        def began() -> None:
            self._kiosk.loop.post(ev.IssuingBegan(entry=effect.entry))

        self._lock_tray(True)
        job = chip.issue(self._kiosk.desk, self._visit, effect.entry, step, began)
        self._job(self._kiosk.workers.chip, job)

    def _ticket(self, _: fx.MakeTicket) -> None:
        reason = self._kiosk.flow.session.reason or "left"
        self._store(records.make_ticket(self._kiosk.desk, self._visit, reason))

    def _await_badge(self, effect: fx.AwaitBadge) -> None:
        if self._kiosk.workers.badge is not None:
            self._job(self._kiosk.workers.badge, staff.await_badge(self._kiosk.desk, effect.fresh))

    def await_second_badge(self) -> None:
        self._await_badge(fx.AwaitBadge(self._entry, fresh=True))

    def buzz(self) -> None:
        self._panel(lambda panel, _: panel.buzz(BUZZ_S))

    def _lock_tray(self, locked: bool) -> None:
        self._panel(lambda panel, _: panel.tray(locked))

    def _panel(self, call: Callable[[Any, Any], Any]) -> None:
        if self._kiosk.workers.panel is not None:
            self._kiosk.workers.panel.submit(Job(self._entry, "panel", call))

    # --- what comes with every state -------------------------------------------------------------------

    def entered(self, state: S) -> None:
        """Write a step of the procedure down (a restart comes back to it); free the tray.

        A card that may be live stays in the tray until its citizen must put it right, or an officer is there.
        """
        visit = self._visit
        if visit.record_id is not None and state in STEPS:
            self._kiosk.desk.store.submit(
                0, "step", lambda journal: _note_step(journal, visit.record_id, state)
            )
        if state is S.ASSISTED:
            self._join_shift(self._kiosk.flow.session.officer or "")
        at_stake = self._kiosk.flow.session.at_stake
        if state in (S.RECEIPT, S.HOLD_STILL, S.ASSISTED, S.ATTRACT) or (state is S.HELP and not at_stake):
            self._lock_tray(False)

    def _join_shift(self, officer: str) -> None:
        """Whoever signs in belongs to this shift: their fingers are looked up once, for comparison."""
        job = staff.join_shift(self._kiosk.desk, officer)
        self._registry.submit(Job(0, "shift", job))

    def end_visit(self, effect: fx.EndVisit) -> None:
        self._store(records.end(self._kiosk.desk, self._visit, effect.outcome, ""))


def _note_step(journal: Journal, record_id: str | None, state: S) -> None:
    if record_id is not None and journal.state(record_id) in HAS_DRAFT:
        journal.step(record_id, state)
