"""`kiosk drill`: a box fails while it writes a chip, a spare takes its place, the old box comes back late.

Real: two kiosks in processes of their own, SIGKILL, what it leaves on the disk, the commands that a
technician types, the torn card, the centre in its process over TLS. Made up: devices, people, and waits.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from firmware.box.officers import write_officers
from firmware.sim.card_keys import write_card_keys
from firmware.sim.disk import unsent
from firmware.sim.drill_proof import prove
from firmware.sim.killable import Visitor
from firmware.sim.line import Line
from firmware.sim.office import BLANKS, BOX, DemoFailed, VirtualOffice, Wishes
from firmware.sim.officer import staff
from firmware.sim.ordeal import Guest
from firmware.sim.show import Show
from firmware.sim.unit_box import UnitBox, left_behind_none
from statemachine.states import S

SPARE = "BOX-VIRTUAL-99"
POOL, UNIT, TEAM = "POOL-DEMO", "UNIT-DEMO", "TEAM-DEMO"
TECHNICIAN = "KT-0001"
LEASED = 50
PEOPLE = 5


@dataclass
class Drill:
    """The day: who comes, what breaks, and what the team does. `guests` are complete when it is over."""

    office: VirtualOffice
    show: Show

    def __post_init__(self) -> None:
        folder, day = self.office.wishes.folder, self.office.day.isoformat()
        cards = folder / "cards"
        shutil.rmtree(cards, ignore_errors=True)
        cards.mkdir()
        self.guests = [
            Guest(number, Visitor(person.seed, day, str(cards / f"citizen-{number + 1}.json")))
            for number, person in enumerate(self.office.people)
        ]
        self.key = self.office.centre.folder / "pki"
        self.stick = folder / "stick"
        shutil.rmtree(self.stick, ignore_errors=True)
        self.stick.mkdir()
        self.old = UnitBox(BOX, self.office.box, self.show, lambda: self.line.url)
        self.spare = UnitBox(SPARE, folder / "spare", self.show, lambda: self.line.url)

    def run(self) -> None:
        """Raises DemoFailed when a step does not end as it must."""
        with ExitStack() as stack:
            self.line = stack.enter_context(Line(self.office.centre.port))
            stack.enter_context(left_behind_none(self.old, self.spare))
            for number, (what, act) in enumerate(self._steps(), start=1):
                self.show.say(f"[bold]{number}  {what}[/]")
                act()

    def _steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        return (
            ("Kho: chuẩn bị máy dự phòng · depot: papers for both boxes, the spare made ready", self._depot),
            ("Buổi sáng, có mạng · morning, on line: citizen 1 gets a card", self._morning),
            ("Mất mạng · the line fails; citizen 2 leaves in mid-finger and has a ticket", self._line_fails),
            ("Cấp thẻ ngoại tuyến · offline, under the lease: citizen 3 gets a card", self._offline),
            ("Máy hỏng khi ghi chip · the box dies while it writes citizen 4's chip", self._box_dies),
            ("Thay máy · the swap: the old box's storage card in the spare", self._swap),
            ("Làm tiếp · the spare goes on: citizens 4 and 2 get theirs, citizen 5 is next", self._go_on),
            ("Có mạng lại · the line carries again: the spare reports and delivers", self._deliver),
            ("Máy cũ trở về · the old box is repaired and comes on line, late", self._late),
        )

    # --- the depot -----------------------------------------------------------------------------------

    def _depot(self) -> None:
        centre, identity = self.office.centre, self.spare.folder / "identity"
        shutil.rmtree(self.spare.folder, ignore_errors=True)
        centre.run("enrol-box", str(centre.folder), "--box", SPARE, "--out", str(identity))
        write_officers(identity / "officers.json", staff())
        write_card_keys(identity)
        digits = centre.run("recovery", str(centre.folder), "--out", str(self.stick / "recovery.age"))
        self.code = digits.split()[-1]
        place = ("--pool", POOL, "--team", TEAM)
        self._paper("assign", self.old, *place, "--unit", UNIT, "--station", "Nhà văn hoá")
        self._paper("assign", self.spare, *place, "--role", "spare")
        for box in (self.old, self.spare):
            self._paper("lease", box, "--count", str(LEASED), "--days", "3")
        self.spare.start()
        extract = self.spare.folder / "registry.extract"
        self.spare.await_(extract.exists, "the registry's extract")
        self.spare.end()

    def _paper(self, kind: str, box: UnitBox, *words: str) -> None:
        """The centre signs it, a stick brings it, the box takes it in."""
        paper = self.stick / f"{kind}-{box.name}.json"
        folder = str(self.office.centre.folder)
        self.office.centre.run(kind, folder, "--box", box.name, *words, "--out", str(paper))
        box.console("box", "take", str(paper))

    # --- the day ---------------------------------------------------------------------------------------

    def _morning(self) -> None:
        self.old.start(self.key, BLANKS)
        self._goes_home(self.old, self.guests[0])
        self.old.await_(lambda: not unsent(self.old.folder), "the receipt")

    def _line_fails(self) -> None:
        self.line.cut()
        guest = self.guests[1]
        if not self.old.serve(
            guest, lambda line: line.get("left", 10) <= 6 and line.get("state") == S.FINGERS
        ):
            raise DemoFailed("citizen 2 was to leave in mid-finger")
        self.old.walks_away(guest)
        self.show.say(f"    giấy hẹn · ticket {guest.ticket}")

    def _offline(self) -> None:
        self._goes_home(self.old, self.guests[2])
        if unsent(self.old.folder) != 1:
            raise DemoFailed("citizen 3's record was to wait for the line")

    def _box_dies(self) -> None:
        guest = self.guests[3]
        if not self.old.serve(guest, lambda line: bool(line.get("at_stake"))):
            raise DemoFailed("citizen 4's chip was to be at stake")
        self.old.breaks()
        self.show.say(
            "    [bold red]✂[/] the record is ISSUING, the card holds a part of EF.SOD or all of it"
        )

    def _swap(self) -> None:
        self.old.console("box", "status")
        recovery = ("--recovery", str(self.stick / "recovery.age"), "--code", self.code)
        counted = str(self.old.status().blanks.left)
        who = ("--blanks", counted, "--officer", TECHNICIAN)
        self.spare.console("box", "adopt", str(self.old.folder), *recovery, *who, secret=self.code)
        self.spare.console("box", "status")

    def _go_on(self) -> None:
        now = self.spare.status().resume_now
        if len(now) != 1:
            raise DemoFailed(f"one citizen stood at the box that failed, {len(now)} may go on now")
        self.guests[3].ticket = now[0]
        self.spare.ahead_s = self.old.ahead_s
        self.spare.start(self.key)
        for guest in (self.guests[3], self.guests[1]):
            guest.visitor = replace(guest.visitor, way="ticket", ticket=guest.ticket)
            self._goes_home(self.spare, guest)
        self._goes_home(self.spare, self.guests[4])

    def _deliver(self) -> None:
        self.line.mend(self.office.centre.port)
        self.spare.await_(self._all_delivered, "the centre's receipts")
        self.spare.end()
        self.spare.console("box", "status")

    def _all_delivered(self) -> bool:
        told = self.spare.status()
        return not unsent(self.spare.folder) and not told.carried.unsent

    def _late(self) -> None:
        self.old.start(self.key)
        self.old.await_(lambda: not unsent(self.old.folder), "the receipt of citizen 3's record")
        self.old.breaks()

    def _goes_home(self, box: UnitBox, guest: Guest) -> None:
        self.show.say(f"    công dân · citizen {guest.number + 1} at {box.name}")
        box.serve(guest, lambda _: False)


def drill(folder: Path, seed: int, console: Console) -> None:
    """Run it and print each step, and at the end the proof. Raises DemoFailed or NotShown."""
    show = Show(console)
    show.say("centre, keys and people …")
    with VirtualOffice(Wishes(citizens=PEOPLE, seed=seed, folder=folder)) as office:
        day = Drill(office, show)
        day.run()
        show.say("[bold]Đối chiếu · the proof, from the centre's ledger, the boxes' disks and the cards[/]")
        prove(day.office, day.old, day.spare, day.guests, console)
