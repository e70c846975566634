"""What a screen asks for that must be durable, or checked, before the flow hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firmware.app.jobs import acts, fingers, identify, records, reopen, staff
from firmware.presenter import Form
from firmware.records.journal import Journal
from firmware.touch import Command
from statemachine import events as ev
from statemachine.guards import may_attest
from statemachine.session import Aim
from statemachine.states import Device

if TYPE_CHECKING:
    from firmware.app.kiosk import Kiosk


class Commands:
    """Turns commands into jobs. Lives on the loop's thread."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk
        self._waiting = Command("")
        """The act that waits for a second officer."""

    def forget(self) -> None:
        """Another state was entered: nothing waits for a second officer any more."""
        self._waiting = Command("")

    def perform(self, command: Command) -> None:
        desk, visit, session = self._kiosk.desk, self._kiosk.visit, self._kiosk.flow.session
        officer = session.officer or ""
        match command.name:
            case "number":
                self._kiosk.learn(identify.typed_number(desk, command.value), self._kiosk.flow.entry)
            case "ticket":
                self._store(reopen.resume_ticket(desk, command.value))
            case "old_chip":
                self._kiosk.form = Form(stage="lay")
                self._kiosk.asks.read_old_card(command.value)
            case "wrong":
                self._store(records.keep_wrong(visit, command.value))
            case "consent":
                self._store(records.keep_consent(desk, visit, session.language, command.value == "yes"))
            case "pin" if session.aim is Aim.UNLOCK:
                self._kiosk.swaps.unlock(visit.badge, command.value)
            case "recovery_code":
                self._kiosk.swaps.typed_code(command.value)
            case "blanks":
                self._kiosk.swaps.counted(command.value)
            case "pin" if visit.badge in desk.officers:
                self._store(staff.check_pin(desk.officers[visit.badge], command.value))
            case "second_pin" if visit.badge in desk.officers:
                self._store(staff.check_second(desk.officers[visit.badge], command.value, officer))
            case "examine":
                self._kiosk.house.examine()
            case "call":
                self._kiosk.asks.buzz()
            case _ if officer:
                self._staff(command, officer)

    def _staff(self, command: Command, officer: str) -> None:
        """Acts of an officer who is signed in; each leaves its mark in the record or the audit log."""
        desk, visit, session = self._kiosk.desk, self._kiosk.visit, self._kiosk.flow.session
        match command.name:
            case "attest" if may_attest(session, None):
                self._store(acts.attest(desk, visit, officer))
            case "guardian" if session.known:
                self._kiosk.asks.on_registry(identify.see_guardian(desk, visit, officer, command.value))
            case "correct":
                self._store(acts.note_corrections(desk, visit, officer))
            case "accept" if visit.doubted is not None:
                self._store(fingers.accept_doubted(desk, visit, officer))
            case "approve" if session.portrait:
                self._store(acts.approve_portrait(visit, officer))
            case "refuse":
                self._store(acts.audited(visit, officer, "refused", ev.VisitRefused("officer")))
            case "void" | "except":
                self._maybe_four_eyes(command, officer)
            case _:
                self._kiosk.handle(ev.ActRefused("not_here", entry=self._kiosk.flow.entry))

    def _maybe_four_eyes(self, command: Command, officer: str) -> None:
        """What cannot be taken back needs a second officer's card and PIN first."""
        finger, _, reason = command.value.partition(":")
        if command.name == "except" and reason not in fingers.FOUR_EYES:
            self._except(finger, reason, (officer,))
            return
        self._waiting = command
        self._kiosk.form = Form(stage="second")
        self._kiosk.asks.await_second_badge()

    def second_badge(self) -> None:
        """The second officer's card is there: now their PIN."""
        self._kiosk.form = replace(self._kiosk.form, stage="second_pin", digits="")

    def second_accepted(self, second: str) -> None:
        officers = (self._kiosk.flow.session.officer or "", second)
        command, self._waiting = self._waiting, Command("")
        if command.name == "void":
            self._store(acts.void_card(self._kiosk.visit, officers))
        elif command.name == "except":
            finger, _, reason = command.value.partition(":")
            self._except(finger, reason, officers)

    def _except(self, finger: str, reason: str, officers: tuple[str, ...]) -> None:
        """With a picture of the hand; where the camera is lost, without one."""
        desk, visit = self._kiosk.desk, self._kiosk.visit
        if Device.CAMERA in self._kiosk.flow.session.lost:
            self._store(fingers.except_finger(desk, visit, finger, reason, officers))
            return
        self._kiosk.asks.on_camera(fingers.photograph_exception(desk, visit, finger, reason, officers))

    def _store(self, ask: Callable[[Journal], Any]) -> None:
        self._kiosk.desk.store.submit(self._kiosk.flow.entry, "keep", ask)
