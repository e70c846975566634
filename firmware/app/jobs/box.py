"""The box itself: opened by its staff after a cold boot, handed over, or put in another one's place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers.worker import Stop
from firmware.app import signer
from firmware.app.desk import Desk
from firmware.app.jobs import records
from firmware.app.mounts import await_stick
from firmware.app.visit import Learned, Seen, Sheet, Visit
from firmware.box import adopt, export
from firmware.box.errors import LockedOut, PinWrong, UnlockRefused
from firmware.box.found import Found
from firmware.box.stick import SwapRefused
from firmware.quality.qr import read_qr
from firmware.records.adoption import Adopted
from firmware.records.errors import DiskFull, HandedOver
from firmware.records.format.rules import VIETNAM
from firmware.records.journal import Journal
from statemachine import events as ev
from statemachine.session import Swap
from statemachine.states import Device

if TYPE_CHECKING:
    from drivers.api import Camera
    from firmware.box.unlock import Unlocking

FRAME_S = 1.5
CODE_DIGITS = 12
REFUSED = (SwapRefused, HandedOver, DiskFull)
"""What a technician can mend, each with its `reason`; any other failure of the store is the store's."""


@dataclass(frozen=True, slots=True)
class StickIn:
    """A stick was mounted here."""

    path: Path


# --- after a cold boot ---------------------------------------------------------------------------------


def unlock(lock: Unlocking, badge: str, pin: str) -> Callable[[Any, Stop], Learned]:
    """Have the box's keys opened. The TPM counts wrong PINs: the journal is still closed."""

    def ask(_: Any, __: Stop) -> Learned:
        try:
            lock.unlock(badge, pin)
        except PinWrong as wrong:
            return Learned(ev.PinRefused(wrong.left), {"tries_left": wrong.left})
        except (LockedOut, UnlockRefused):
            return Learned(ev.PinRefused(0), {"tries_left": 0})
        return Learned(ev.Unlocked(badge))

    return ask


def recover(desk: Desk, visit: Visit, nobody: bool) -> Callable[[Journal], Any]:
    """Whom the box was serving when it stopped; a box that was handed over serves nobody."""
    goes_on = records.recover(desk, visit, nobody)

    def look(journal: Journal) -> Any:
        return ev.DeviceLost(Device.PLACE, HandedOver.reason) if _closed(desk, journal) else goes_on(journal)

    return look


def place(desk: Desk) -> Callable[[Journal], ev.Event]:
    """Whether this box still has, or has again, a place to work in."""

    def look(journal: Journal) -> ev.Event:
        if _closed(desk, journal):
            return ev.DeviceLost(Device.PLACE, HandedOver.reason)
        return ev.DeviceBack(Device.PLACE)

    return look


def standing(desk: Desk, journal: Journal) -> dict[str, Any]:
    """Where this box works and what it may do, as the team's screen shows it."""
    signed, lease = desk.papers.assignment(journal), desk.leases.standing(journal)
    needed = signer.needs_lease(desk, journal)
    unit = signed.capture_unit if signed else desk.config.station.capture_unit
    return {
        "place": f"{desk.identity.box} · {desk.papers.epoch(journal)} · {unit}",
        "carried": journal.carried.counts().unsent,
        "tickets": journal.counts().waiting,
        "lease": "–" if lease.until is None else str(lease.left),
        "lease_until": "–"
        if lease.until is None
        else lease.until.astimezone(VIETNAM).strftime("%d/%m %H:%M"),
        "no_lease": lease.reason if needed else "",
    }


def _closed(desk: Desk, journal: Journal) -> bool:
    return journal.handovers.closed(desk.papers.epoch(journal))


# --- a swap ----------------------------------------------------------------------------------------------


def wait_for_stick(desk: Desk) -> Callable[[Any, Stop], StickIn | None]:
    """The first stick that is in."""
    station = desk.config.station

    def wait(_: Any, stop: Stop) -> StickIn | None:
        plain = station.profile != "production"
        path = await_stick(Path(station.sticks), stop, plain)
        return StickIn(path) if path else None

    return wait


def look_at_stick(desk: Desk, swap: Swap, path: Path) -> Callable[[Journal], Learned]:
    """What would be moved; nothing is."""

    def look(journal: Journal) -> Learned:
        if swap is Swap.GIVE:
            return Learned(ev.StickFound(code=False), {"sheet": _own(desk, journal, path)})
        try:
            found = adopt.examine(journal, desk.papers, path, alive=desk.store.alive)
        except REFUSED as refused:
            return Learned(ev.SwapRefused(refused.reason))
        return Learned(ev.StickFound(code=bool(found.drafts)), {"sheet": _theirs(found, path)})

    return look


def _own(desk: Desk, journal: Journal, path: Path) -> Sheet:
    counts = journal.counts()
    unsent = counts.outbox.unsent + counts.unsealed + journal.carried.counts().unsent
    epoch = desk.papers.epoch(journal)
    return Sheet(path, _facts(desk.identity.box, epoch, unsent, counts.waiting, counts.blanks.left))


def _theirs(found: Found, path: Path) -> Sheet:
    sealed = len(found.sealed) + len(found.carried)
    facts = _facts(found.box, found.epoch, sealed, len(found.drafts), found.blanks_stated)
    return Sheet(path, facts, stated=found.blanks_stated)


def _facts(box: str, epoch: int, unsent: int, drafts: int, blanks: int | None) -> tuple[tuple[str, str], ...]:
    known = (("box", box), ("epoch", str(epoch)), ("records", str(unsent)), ("drafts", str(drafts)))
    return (*known, ("blanks", "–" if blanks is None else str(blanks)))


def scan_code(desk: Desk, entry: int) -> Callable[[Camera, Stop], Learned | None]:
    """Watch the camera until it sees the recovery code: twelve digits and nothing else."""

    def scan(camera: Camera, stop: Stop) -> Learned | None:
        while not stop:
            frame = camera.preview(FRAME_S)
            desk.show(Seen(entry, frame.bgr))
            text = (read_qr(frame.bgr) or "").strip()
            if len(text) == CODE_DIGITS and text.isascii() and text.isdigit():
                return Learned(ev.CodeRead(), {"code": text})
        return None

    return scan


def typed_code(digits: str) -> Learned:
    return Learned(ev.CodeRead(), {"code": digits})


def counted(blanks: int) -> Learned:
    return Learned(ev.BlanksCounted(), {"blanks": blanks})


def give(desk: Desk, sheet: Sheet, officer: str, entry: int) -> Callable[[Journal], Learned]:
    """Close this box's epoch and write all that it has onto the stick."""

    def run(journal: Journal) -> Learned:
        shown = _shown(desk, entry)
        try:
            given = export.export(journal, desk.papers, _source(sheet), officer, progress=shown)
        except REFUSED as refused:
            return Learned(ev.SwapRefused(refused.reason))
        facts = _facts(given.box, given.epoch, given.records + given.carried, given.drafts, given.blanks_left)
        return Learned(ev.SwapDone(), {"sheet": Sheet(sheet.source, facts)})

    return run


def take(
    desk: Desk, sheet: Sheet, code: str, blanks: int, officer: str, entry: int
) -> Callable[[Journal], Learned]:
    """Take the place of the box that the stick speaks of."""

    def run(journal: Journal) -> Learned:
        wanted = adopt.Wanted(
            _source(sheet), officer, blanks, code=code, progress=_shown(desk, entry), alive=desk.store.alive
        )
        try:
            taken = adopt.adopt(journal, desk.papers, wanted)
        except REFUSED as refused:
            return Learned(ev.SwapRefused(refused.reason))
        return Learned(ev.SwapDone(), {"sheet": _taken(taken, sheet)})

    return run


def _shown(desk: Desk, entry: int) -> Callable[[int, int], None]:
    """Each file that is whole shows on the screen, and feeds the watchdog."""

    def shown(done: int, of: int) -> None:
        desk.store.alive()
        desk.show(Seen(entry, done=done, of=of))

    return shown


def _taken(taken: Adopted, sheet: Sheet) -> Sheet:
    facts = _facts(taken.box, taken.epoch, taken.records, len(taken.drafts), taken.blanks_counted)
    return Sheet(sheet.source, facts, tickets=tuple(_tickets(taken)))


def _tickets(taken: Adopted) -> Iterable[str]:
    return (draft.ticket for draft in taken.drafts if draft.ticket)


def _source(sheet: Sheet) -> Path:
    assert sheet.source is not None  # noqa: S101  GO comes after a stick was found
    return sheet.source
