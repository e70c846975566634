"""HELP and OFFICER: a badge names a person, the PIN proves it; five tries, then locked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.chip.badge import read_badge
from drivers.chip.errors import CardError
from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.desk import Desk
from firmware.app.visit import Learned
from firmware.box.officers import Officer
from firmware.records.errors import OfficerLocked
from firmware.records.format.rules import local_day
from firmware.records.journal import Journal
from firmware.uplink.errors import CentreRefused, CentreUnreachable, CentreWrong, PersonUnknown
from firmware.uplink.registry import Registry
from statemachine import events as ev
from statemachine.states import Role

if TYPE_CHECKING:
    from drivers.api import ChipReader

SLICE_S = 0.2


def await_badge(desk: Desk, fresh: bool) -> Callable[[ChipReader, Stop], Learned | None]:
    """Wait for a card of the local list on the staff reader; cards of strangers are passed over.

    `fresh`: a card that lies there already does not count.
    """

    def wait(reader: ChipReader, stop: Stop) -> Learned | None:
        if fresh:
            _await_free(reader, stop)
        while not stop:
            if not reader.await_card(True, SLICE_S):
                continue
            learned = _known(desk, reader)
            if learned is not None:
                return learned
            _await_free(reader, stop)
        return None

    return wait


def _await_free(reader: ChipReader, stop: Stop) -> None:
    while not stop and not reader.await_card(False, SLICE_S):
        continue


def _known(desk: Desk, reader: ChipReader) -> Learned | None:
    """Whose badge lies there, and how many tries their PIN has; a locked box knows only who may open it."""
    try:
        badge = read_badge(reader)
    except (CardError, UserRetry):
        return None
    if desk.identity.locked:
        return _opener(desk, badge)
    officer = desk.officers.get(badge)
    if officer is None:
        return None
    left = desk.store.call(lambda journal: journal.tries.left(officer.officer))
    return Learned(ev.BadgeRead(), {"badge": badge, "tries_left": left})


def _opener(desk: Desk, badge: str) -> Learned | None:
    if badge not in desk.unlocking.badges():
        return None
    return Learned(ev.BadgeRead(), {"badge": badge, "tries_left": desk.unlocking.left()})


def check_pin(officer: Officer, pin: str) -> Callable[[Journal], Learned]:
    """Count the try, then compare: a power cut in between gives no free try."""

    def check(journal: Journal) -> Learned:
        try:
            left = journal.tries.count(officer.officer)
        except OfficerLocked:
            return Learned(ev.PinRefused(0), {"tries_left": 0})
        if not officer.knows(pin):
            return Learned(ev.PinRefused(left), {"tries_left": left})
        journal.tries.right(officer.officer)
        return Learned(ev.PinAccepted(officer.officer, Role(officer.role)), {"officer_name": officer.name})

    return check


def join_shift(desk: Desk, officer: str) -> Callable[[Registry, Stop], None]:
    """Have the officer's own fingers from the registry in memory, until the day is over.

    One whose number is not on the list, or whom the registry does not answer for, is not compared.
    """

    def join(registry: Registry, _: Stop) -> None:
        today = local_day(desk.now())
        number = next((each.number for each in desk.officers.values() if each.officer == officer), "")
        if not number or desk.shift.knows(officer, today):
            return
        try:
            person = registry.lookup(number)
        except (PersonUnknown, CentreUnreachable, CentreRefused, CentreWrong, OSError):
            return
        desk.shift.join(officer, [*person.fingers.values()], today)

    return join


def check_second(officer: Officer, pin: str, first: str) -> Callable[[Journal], Learned]:
    """The second pair of eyes: another officer, with card and PIN."""
    check = check_pin(officer, pin)

    def both(journal: Journal) -> Learned:
        if officer.officer == first or officer.role != Role.OFFICER:
            return Learned(ev.ActRefused("four_eyes"))
        told = check(journal)
        if isinstance(told.event, ev.PinAccepted):
            return Learned(ev.SecondAccepted(officer.officer))
        return Learned(ev.ActRefused("pin_wrong"), told.visit)

    return both
