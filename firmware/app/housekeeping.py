"""What the box does beside any visit: deliver, refresh the extract, watch disk and clock, count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from drivers.api import PanelInput
from drivers.worker import Done, Failed, Up
from firmware.app import courier as mail
from firmware.app.jobs import box, records
from firmware.doctor import FAIL, PASS, machine, team_status
from firmware.uplink.pace import Retry
from statemachine import events as ev
from statemachine.states import Device
from ui_fb.screens import Check

if TYPE_CHECKING:
    from firmware.app.kiosk import Kiosk

REFRESH_S = 3600.0
ROOM_S = 10.0
"""How often a full disk is tried again."""
LAST_RECEIPTS = 100
"""So many record ids are kept for who looks on; all of them are only counted."""
CLOCK_S = 30.0
"""How often a clock that no rule pack covers is looked at again."""
ROOM, STATUS, EXAMINE, COPIES, PLACE = "room", "status", "examine", "copies", "place"
NOTE = "note"


class House:
    """Keeps the house. Lives on the loop's thread."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk
        self._courier = mail.courier(kiosk.desk, kiosk.loop.post)
        most_s = kiosk.desk.config.centre.retry_most_s
        self._sending, self._asking = (Retry(SystemRandom().random, most_s) for _ in range(2))
        self._delivering = self._awaiting_room = self._copying = False
        self._contact: datetime | None = None
        self._courier_runs = False
        self._waits: dict[str, object] = {}

    def start(self) -> None:
        self.check_clock()

    def close(self) -> None:
        self._courier.close()

    def store_up(self, _: Up) -> None:
        """The journal is open, and so are the keys: deliver what waits, ask for a new extract."""
        self.check_clock()
        if not self._courier_runs:
            self._courier_runs = True
            self._courier.start()
        self._copying = False
        self.deliver()
        self._refresh()
        self.refresh_status()

    # --- disk and clock ------------------------------------------------------------------------------

    def await_room(self) -> None:
        """The disk is full: look again in a while, and at once when something was delivered."""
        if not self._awaiting_room:
            self._awaiting_room = True
            self._kiosk.loop.after(ROOM_S, self._look_for_room)
            self.deliver()

    def _look_for_room(self) -> None:
        self._awaiting_room = False
        self._kiosk.desk.store.submit(0, ROOM, lambda journal: journal.prove_room())

    def check_clock(self) -> None:
        """Before the first rule pack no record can be begun: then the box has, as good as, no clock."""
        lost = Device.CLOCK in self._kiosk.flow.session.lost
        ruled = self._kiosk.desk.ruled
        if ruled and lost:
            self._kiosk.handle(ev.DeviceBack(Device.CLOCK))
        elif not ruled:
            if not lost:
                self._kiosk.handle(ev.DeviceLost(Device.CLOCK))
            self._kiosk.loop.after(CLOCK_S, self.check_clock)

    def check_place(self) -> None:
        """A box that was handed over has no place to work in until the centre gives it another one."""
        self._kiosk.desk.store.submit(0, PLACE, box.place(self._kiosk.desk))

    def _placed(self, told: ev.Event) -> None:
        lost = Device.PLACE in self._kiosk.flow.session.lost
        if isinstance(told, ev.DeviceBack) is lost:
            self._kiosk.handle(told)

    # --- the line to the centre ------------------------------------------------------------------------

    def deliver(self) -> None:
        if not self._delivering:
            self._delivering = True
            self._courier.submit(mail.deliver(self._kiosk.desk))

    def _next(self, job: str, seconds: float, act: Callable[[], None]) -> None:
        """One wait for each job of the courier: a new one takes the place of the one before."""
        wait = self._waits[job] = object()
        self._kiosk.loop.after(seconds, lambda: act() if self._waits[job] is wait else None)

    def _refresh(self) -> None:
        self._courier.submit(mail.refresh(self._kiosk.desk))

    def _refreshed(self, signed_at: datetime) -> None:
        self._asking.went_well()
        self._kiosk.desk.reached = True
        self._contact = max(signed_at, self._contact or signed_at)
        self._kiosk.desk.time.centre_says(signed_at)
        self._next(mail.REFRESH, REFRESH_S, self._refresh)
        self.check_place()

    def _delivered(self, delivered: mail.Delivered) -> None:
        self._delivering = False
        if delivered.sent and self._awaiting_room:
            self._look_for_room()
        self._kiosk.receipts += len(delivered.sent)
        self._kiosk.last_receipts = (*self._kiosk.last_receipts, *delivered.sent)[-LAST_RECEIPTS:]
        if delivered.failed:
            self._next(mail.DELIVER, self._sending.failed(delivered.moved), self.deliver)
        else:
            self._sending.went_well()
        answered = bool(delivered.sent or delivered.refused)
        if answered:
            self._contact = self._kiosk.desk.now()
        if answered or delivered.failed:
            self._kiosk.desk.reached = answered
        if self._copying:
            self.refresh_status()
        else:
            self._copied(True)

    def _copied(self, more: bool) -> None:
        """One record a job: whoever asked the store meanwhile comes before the next one."""
        self._copying = more
        if more:
            self._kiosk.desk.store.submit(0, COPIES, lambda journal: journal.copies.copy_next())
        else:
            self.refresh_status()

    # --- answers -------------------------------------------------------------------------------------

    def done(self, done: Done) -> None:
        match done.value:
            case mail.Delivered() as delivered:
                self._delivered(delivered)
            case datetime() as signed_at if done.job == mail.REFRESH:
                self._refreshed(signed_at)
            case dict() as status if done.job == STATUS:
                self._kiosk.status = status
            case tuple() as findings if done.job == EXAMINE and done.entry == self._kiosk.flow.entry:
                self._examined(findings)
            case bool() as more if done.job == COPIES:
                self._copied(more)
            case ev.Event() as told if done.job == PLACE:
                self._placed(told)
            case _ if done.job == ROOM:
                self._kiosk.handle(ev.DeviceBack(Device.STORE))

    def failed(self, failed: Failed) -> None:
        """An error of a job that nobody is waiting for: the step goes on without it; the audit has it."""
        if failed.job == mail.REFRESH:
            self._kiosk.desk.reached = False
            self._next(mail.REFRESH, self._asking.failed(), self._refresh)
            return
        if failed.job == mail.DELIVER:
            self._delivered(mail.Delivered((), (), type(failed.error).__name__, moved=False))
        if failed.job != NOTE:  # nor is it written down that nothing can be
            self.note("job_failed", job=failed.job, error=type(failed.error).__name__)

    def heard(self, heard: PanelInput) -> None:
        """Door, tray and housing: the audit has each change."""
        self.note(f"panel_{heard}")

    def note(self, act: str, **detail: Any) -> None:
        """Write into the audit log what is nobody's visit."""
        self._kiosk.desk.store.submit(
            0, NOTE, lambda journal: journal.audit.append("kiosk", act, None, detail or None)
        )

    def opened_late(self, record_id: str) -> None:
        """A late answer opened a record that nobody is at."""
        if record_id != self._kiosk.visit.record_id:
            aside = records.put_aside(self._kiosk.desk, record_id)
            self._kiosk.desk.store.submit(0, "aside", aside)

    # --- what the team sees ----------------------------------------------------------------------------

    def refresh_status(self) -> None:
        desk, contact = self._kiosk.desk, self._contact
        desk.store.submit(
            0,
            STATUS,
            lambda journal: team_status(desk.config, journal, contact) | box.standing(desk, journal),
        )

    def examine(self) -> None:
        config = self._kiosk.desk.config
        self._kiosk.desk.store.submit(self._kiosk.flow.entry, EXAMINE, lambda _: tuple(machine(config)))

    def _examined(self, findings: Any) -> None:
        """The machine's measures, and whether each worker has its device."""
        lost = self._kiosk.flow.session.lost
        devices = [
            Check(
                worker.name, "lost" if worker.name in lost else "open", "open", _verdict(worker.name in lost)
            )
            for worker in self._kiosk.workers.all
        ]
        rows = [Check(found.name, found.value, found.limit, found.verdict) for found in findings]
        self._kiosk.form = replace(self._kiosk.form, rows=(*devices, *rows))
        self._kiosk.draw()


def _verdict(lost: bool) -> str:
    return FAIL if lost else PASS
