"""Effect and command → the worker that does it: the table between the flow and the devices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from drivers.worker import Done, Failed, Job, Up, Worker
from firmware.app import courier as mail
from firmware.app.jobs import capture, chip, identify, records, staff
from firmware.doctor import FAIL, PASS, machine, team_status
from firmware.issue.errors import IssueError
from firmware.memory import give_back
from firmware.presenter import Form
from firmware.records.errors import RecordsError
from firmware.records.format.errors import FormatError
from firmware.records.journal import Journal
from firmware.records.states import HAS_DRAFT
from firmware.touch import Command
from firmware.uplink.upload import backoff_s
from statemachine import effects as fx
from statemachine import events as ev
from statemachine.flow import STEPS
from statemachine.states import Device, S
from ui_fb.screens import Check

if TYPE_CHECKING:
    from firmware.app.kiosk import Kiosk

REFRESH_S = 3600.0
STATUS_S = 5.0
BUZZ_S = 0.6
ROOM_S = 10.0
"""How often a full disk is tried again."""
CLOCK_S = 30.0
"""How often a clock that no rule pack covers is looked at again."""
ROOM, RECOVER = "room", "recover"


class Asks:
    """Turns what the flow wants into jobs. Lives on the loop's thread."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk
        desk = kiosk.desk
        self._courier = mail.courier(desk, kiosk.loop.post)
        self._registry = Worker("registry", lambda: mail.open_registry(desk), kiosk.loop.post)
        self._waiting_act = Command("")
        self._tries = 0
        self._delivering = False
        self._contact: datetime | None = None
        self._awaiting_room = False
        self._perform: dict[type[fx.Effect], Callable[[Any], None]] = {
            fx.ReadIdentity: self._read_identity,
            fx.LookUp: self._look_up,
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
            fx.CallOfficer: lambda _: self._buzz(),
            fx.AwaitBadge: self._await_badge,
            fx.Examine: lambda _: self._examine(),
        }

    # --- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        self._check_clock()
        self._registry.start()
        self._courier.start()

    def close(self) -> None:
        self._registry.close()
        self._courier.close()

    def stop_work(self) -> None:
        self._registry.stop_work()

    def device_up(self, up: Up) -> None:
        if up.worker == "store":
            self._check_clock()
            greeting = self._kiosk.flow.state is S.ATTRACT
            recover = records.recover(self._kiosk.desk, self._visit, greeting)
            self._kiosk.desk.store.submit(self._entry, RECOVER, recover)
            self._deliver()
            self._courier.submit(mail.refresh())
            self._refresh_status()

        elif up.worker == "finger":
            desk = self._kiosk.desk
            self._kiosk.workers.finger.submit(Job(0, "warm", lambda *_: desk.warm_scorer()))

    def await_room(self) -> None:
        """The disk is full: look again in a while, and at once when something was delivered."""
        if not self._awaiting_room:
            self._awaiting_room = True
            self._kiosk.loop.after(ROOM_S, self._look_for_room)
            self._deliver()

    def _look_for_room(self) -> None:
        self._awaiting_room = False
        self._kiosk.desk.store.submit(0, ROOM, lambda journal: journal.prove_room())

    def _check_clock(self) -> None:
        """Before the first rule pack no record can be begun: then the box has, as good as, no clock."""
        lost = Device.CLOCK in self._kiosk.flow.session.lost
        ruled = self._kiosk.desk.ruled
        if ruled and lost:
            self._kiosk.handle(ev.DeviceBack(Device.CLOCK))
        elif not ruled:
            if not lost:
                self._kiosk.handle(ev.DeviceLost(Device.CLOCK))
            self._kiosk.loop.after(CLOCK_S, self._check_clock)

    # --- effects -----------------------------------------------------------------------------------

    def perform(self, effect: fx.Effect) -> None:
        self._perform[type(effect)](effect)

    @property
    def _visit(self) -> Any:
        return self._kiosk.visit

    @property
    def _entry(self) -> int:
        return self._kiosk.flow.entry

    def _store(self, ask: Callable[[Journal], Any]) -> None:
        self._kiosk.desk.store.submit(self._entry, "keep", ask)

    def _job(self, worker: Worker[Any], call: Callable[[Any, Any], Any]) -> None:
        expects = (RecordsError, FormatError, IssueError)
        worker.submit(Job(self._entry, worker.name, call, expects))

    def _read_identity(self, effect: fx.ReadIdentity) -> None:
        if effect.way == "qr":
            self._job(self._kiosk.workers.camera, identify.scan_qr(self._kiosk.desk, effect.entry))

    def _look_up(self, _: fx.LookUp) -> None:
        self._job(self._registry, identify.look_up(self._kiosk.desk, self._visit))

    def _prove(self, effect: fx.ProveFinger) -> None:
        job = capture.prove_finger(self._kiosk.desk, self._visit, effect.entry)
        self._job(self._kiosk.workers.finger, job)

    def _capture(self, effect: fx.CaptureFinger) -> None:
        job = capture.take_finger(self._kiosk.desk, self._visit, effect.entry, effect.finger)
        self._job(self._kiosk.workers.finger, job)

    def _portrait(self, effect: fx.TakePortrait) -> None:
        job = capture.take_portrait(self._kiosk.desk, self._visit, effect.entry)
        self._job(self._kiosk.workers.camera, job)

    def _await_card(self, _: fx.AwaitCard) -> None:
        lift_first = self._kiosk.flow.session.tries > 0 and self._kiosk.flow.state is S.PLACE_CARD
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

    def _examine(self) -> None:
        config = self._kiosk.desk.config
        self._kiosk.desk.store.submit(self._entry, "examine", lambda _: tuple(machine(config)))

    def _examined(self, findings: Any) -> None:
        """The machine's measures, and each device as its worker has it."""
        lost = self._kiosk.flow.session.lost
        devices = [
            Check(
                worker.name, "-" if worker.name in lost else "ok", "ok", FAIL if worker.name in lost else PASS
            )
            for worker in self._kiosk.workers.all
        ]
        rows = [Check(found.name, found.value, found.limit, found.verdict) for found in findings]
        self._kiosk.form = replace(self._kiosk.form, rows=(*devices, *rows))
        self._kiosk.draw()

    def _buzz(self) -> None:
        self._panel(lambda panel, _: panel.buzz(BUZZ_S))

    def _lock_tray(self, locked: bool) -> None:
        self._panel(lambda panel, _: panel.tray(locked))

    def _panel(self, call: Callable[[Any, Any], Any]) -> None:
        if self._kiosk.workers.panel is not None:
            self._kiosk.workers.panel.submit(Job(self._entry, "panel", call))

    # --- what the flow does not ask for, but the app must do -----------------------------------------

    def entered(self, state: S) -> None:
        """Write a step of the procedure down (a restart comes back to it); free the tray."""
        visit = self._visit
        if visit.record_id is not None and state in STEPS:
            self._kiosk.desk.store.submit(
                0, "step", lambda journal: _note_step(journal, visit.record_id, state)
            )
        if state in (S.RECEIPT, S.HOLD_STILL, S.HELP, S.ATTRACT):
            self._lock_tray(False)
        if state is S.STATUS:
            self._refresh_status()
        if state is S.ATTRACT:
            self._kiosk.loop.post(give_back)

    def stayed(self, event: ev.Event) -> None:
        if isinstance(event, ev.Sealed):
            self._deliver()
        elif isinstance(event, ev.BadgeRead) and self._kiosk.form.stage == "second":
            self._kiosk.form = replace(self._kiosk.form, stage="second_pin", digits="")

    def end_visit(self, effect: fx.EndVisit) -> None:
        self._store(records.end(self._visit, effect.outcome, ""))

    def late(self, late: fx.Late) -> None:
        """A late answer moves nothing, but is written down."""
        name = type(late.event).__name__
        self._store(lambda journal: journal.audit.append("kiosk", "late_answer", None, {"event": name}))

    def opened_late(self, record_id: str) -> None:
        """A late answer opened a record that nobody is at."""
        if record_id != self._visit.record_id:
            self._store(records.put_aside(self._kiosk.desk, record_id))

    # --- commands of a screen ------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        desk, visit, session = self._kiosk.desk, self._visit, self._kiosk.flow.session
        officer = session.officer or ""
        match command.name:
            case "number":
                self._kiosk.learn(identify.typed_number(desk, command.value), self._entry)
            case "ticket":
                self._store(identify.resume_ticket(desk, command.value))
            case "wrong":
                self._store(records.keep_wrong(visit, command.value))
            case "consent":
                self._store(records.keep_consent(desk, visit, session.language, command.value == "yes"))
            case "pin" if visit.badge in desk.officers:
                self._store(staff.check_pin(desk.officers[visit.badge], command.value))
            case "second_pin" if visit.badge in desk.officers:
                self._store(staff.check_second(desk.officers[visit.badge], command.value, officer))
            case "attest":
                self._store(records.attest(desk, visit, officer))
            case "guardian":
                self._store(records.audited(visit, officer, "guardian_seen", ev.GuardianPresent()))
            case "correct":
                noted = records.audited(
                    visit, officer, "correction", ev.CorrectionNoted(), fields=sorted(visit.wrong)
                )
                self._store(noted)
            case "approve":
                self._store(records.audited(visit, officer, "portrait_approved", ev.PortraitApproved()))
            case "refuse":
                self._store(records.audited(visit, officer, "refused", ev.VisitRefused("officer")))
            case "examine":
                self._examine()
            case "call":
                self._buzz()
            case "void" | "except":
                self._officer_act(command, officer)

    def _officer_act(self, command: Command, officer: str) -> None:
        """Acts of which some need four eyes: then a second officer's card and PIN come first."""
        finger, _, reason = command.value.partition(":")
        if command.name == "except" and reason != "amputated":
            desk, visit = self._kiosk.desk, self._visit
            self._store(capture.except_finger(desk, visit, finger, reason, (officer,)))
            return
        self._waiting_act = command
        self._kiosk.form = Form(stage="second")
        if self._kiosk.workers.badge is not None:
            self._job(self._kiosk.workers.badge, staff.await_badge(self._kiosk.desk, fresh=True))

    def second_accepted(self, second: str) -> None:
        desk, visit = self._kiosk.desk, self._visit
        officers = (self._kiosk.flow.session.officer or "", second)
        command, self._waiting_act = self._waiting_act, Command("")
        if command.name == "void":
            self._job(self._kiosk.workers.chip, chip.void_card(desk, visit, officers))
        elif command.name == "except":
            finger, _, reason = command.value.partition(":")
            self._store(capture.except_finger(desk, visit, finger, reason, officers))

    # --- answers that are not the flow's --------------------------------------------------------------

    def done(self, done: Done) -> None:
        match done.value:
            case mail.Delivered() as delivered:
                self._delivered(delivered)
            case dict() as status if done.job == "status":
                self._kiosk.status = status
            case datetime() as signed_at if done.job == mail.REFRESH:
                self._contact = max(signed_at, self._contact or signed_at)
                self._kiosk.desk.time.centre_says(signed_at)
            case tuple() as findings if done.job == "examine" and done.entry == self._entry:
                self._examined(findings)
            case _ if done.job == ROOM:
                self._kiosk.handle(ev.DeviceBack(Device.STORE))

    def failed(self, failed: Failed) -> None:
        """An error of a job that nobody is waiting for: the step goes on without it; the audit has it."""
        name = type(failed.error).__name__
        detail = {"job": failed.job, "error": name}
        self._store(lambda journal: journal.audit.append("kiosk", "job_failed", None, detail))

    def _refresh_status(self) -> None:
        config, contact = self._kiosk.desk.config, self._contact
        self._kiosk.desk.store.submit(0, "status", lambda journal: team_status(config, journal, contact))

    def _deliver(self) -> None:
        if not self._delivering:
            self._delivering = True
            self._courier.submit(mail.deliver(self._kiosk.desk))

    def _delivered(self, delivered: mail.Delivered) -> None:
        self._delivering = False
        if delivered.sent and self._awaiting_room:
            self._look_for_room()
        self._kiosk.last_receipts += delivered.sent
        if delivered.failed:
            self._tries += 1
            most = self._kiosk.desk.config.centre.retry_most_s
            self._kiosk.loop.after(backoff_s(self._tries, SystemRandom().random, cap_s=most), self._deliver)
        else:
            self._tries = 0
            self._contact = self._kiosk.desk.now()
        self._refresh_status()


def _note_step(journal: Journal, record_id: str, state: S) -> None:
    if journal.state(record_id) in HAS_DRAFT:
        journal.step(record_id, state)
