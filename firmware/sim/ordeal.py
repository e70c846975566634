"""`kiosk demo --power-cuts N --offline T`: the kiosk is killed, its line is cut, and nothing is lost.

Real: the process and its SIGKILL with all it started, the disk it leaves, the restart, the torn connections.
Made up: the devices, the people, and the hours offline, which pass on the demo's clock (kiosk and centre).
The kernel lives on, so what was written and not yet synced is not lost here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from firmware.sim.cuts import Place, draw
from firmware.sim.disk import OnDisk, is_done, unsent, what_lies_there
from firmware.sim.killable import Orders, Visitor
from firmware.sim.kiosk_process import Died, KioskProcess
from firmware.sim.line import Line
from firmware.sim.office import DemoFailed, VirtualOffice, habits_of
from firmware.sim.power import Power
from firmware.sim.show import Show
from statemachine.states import S

PATIENCE_S = 240.0
LOOK_S = 0.5
PAUSE_S = 0.05
"""Of people, before a touch or a movement."""
STEP_S = 60.0
OFFLINE_FROM = (S.REVIEW, S.CONSENT, S.FINGERS, S.PORTRAIT)


@dataclass(frozen=True, slots=True)
class Killed:
    """One power cut: where it was meant, what the screen showed, what lay on the disk, where it came back.

    `landed` is empty where the power went again before anything was shown.
    """

    place: Place
    state: str
    left: int
    disk: OnDisk
    landed: str = ""


@dataclass
class Guest:
    """One citizen over all their visits. `record`: the id of what they are at."""

    number: int
    visitor: Visitor
    record: str = ""
    ticket: str = ""
    state: S = S.ATTRACT
    left: int = 10


@dataclass
class Told:
    """What an ordeal has to tell when it is over."""

    guests: list[Guest] = field(default_factory=list)
    kills: list[Killed] = field(default_factory=list)
    tickets: int = 0
    offline_s: float = 0.0


class Ordeal:
    """Leads every citizen of an office through a kiosk that dies `power_cuts` times."""

    def __init__(self, office: VirtualOffice, show: Show) -> None:
        self._office, self._show = office, show
        wishes, habits = office.wishes, habits_of(office.wishes)
        self._orders = Orders(
            str(office.box), "", 0.0, PAUSE_S, wishes.language, habits.dry, habits.worn, wishes.dialect
        )
        self._cuts = draw(wishes.power_cuts, wishes.citizens, wishes.seed)
        self._rng = random.Random(wishes.seed)  # noqa: S311  the same seed, the same demo
        self._kiosk: KioskProcess | None = None
        self._ahead_s = self._offline_since_s = 0.0
        self._falls: S | None = None
        self._guest: Guest | None = None
        self.told = Told()

    def run(self) -> Told:
        """Raises DemoFailed when somebody does not get home, or a restart comes to another step."""
        with ExitStack() as stack:
            self._line = stack.enter_context(Line(self._office.centre.port))
            self._power = Power(self._cuts, self._line)
            stack.callback(self._kill)
            self._visits()
            self._deliver_all()
            self._nobody_came_since()
            assert self._kiosk is not None  # noqa: S101  somebody was served
            code, self._kiosk = self._kiosk.end(), None
            if code:
                raise DemoFailed(f"the kiosk ended with {code}: see {self._log}")
        return self.told

    def _kill(self) -> None:
        """Whatever stopped the ordeal half-way leaves no kiosk behind."""
        if self._kiosk is not None:
            self._kiosk.kill()

    # --- the day -----------------------------------------------------------------------------------

    def _visits(self) -> None:
        """Everybody comes once; who was given a ticket while the line was cut comes back when it carries."""
        last = self._office.wishes.citizens - 1
        falls_in = min(1, last) if self._office.wishes.offline_s else None
        for guest in self._guests():
            if guest.number == falls_in:
                self._falls = self._rng.choice(OFFLINE_FROM)
            self._visit(guest)
            if falls_in is not None and guest.number == min(falls_in + 1, last):
                self._mend_line()
                for waiting in [each for each in self.told.guests if each.ticket]:
                    self._come_back(waiting)

    def _guests(self) -> Iterator[Guest]:
        cards = self._office.wishes.folder / "cards"
        cards.mkdir(exist_ok=True)
        for number, person in enumerate(self._office.people):
            card = cards / f"citizen-{number + 1}.json"
            card.unlink(missing_ok=True)
            guest = Guest(number, Visitor(person.seed, self._office.day.isoformat(), str(card)))
            self.told.guests.append(guest)
            self._show.say(f"[bold]công dân · citizen {number + 1}[/]")
            yield guest

    def _come_back(self, guest: Guest) -> None:
        self._show.say(f"[bold]công dân · citizen {guest.number + 1} comes back with the ticket[/]")
        guest.visitor = replace(guest.visitor, way="ticket", ticket=guest.ticket)
        guest.ticket = ""
        self._visit(guest)
        if guest.ticket:
            raise DemoFailed(f"citizen {guest.number + 1} was given a second ticket")

    def _visit(self, guest: Guest) -> None:
        """One visit, however often the kiosk dies in it, until the person is gone."""
        self._guest = guest
        self._power.visit(guest.number)
        over = False
        while not over or (self._power.left_over() is not None and not guest.ticket):
            try:
                kiosk = self._kiosk or self._start()
                if over:
                    self._cut_left_over()
                else:
                    kiosk.order(visit=asdict(guest.visitor))
                    self._walk(guest)
                    over = True
            except Died as died:
                self._bury(died)
                over = over or is_done(self._office.box, guest.record) or bool(guest.ticket)
        if guest.ticket:
            self.told.tickets += 1
            self._show.say(f"               the line is cut: no card yet, a ticket ({guest.ticket})")

    def _walk(self, guest: Guest) -> None:
        """Until the person is gone. Raises Died."""
        while (line := self._heard()) is None or "home" not in line:
            if line and self._falls is not None and guest.state in _from(self._falls):
                self._cut_line()

    def _cut_left_over(self, everything: bool = False) -> None:
        """The power goes, at last, while nobody is there. Raises Died."""
        if (cut := self._power.left_over(everything)) is not None:
            self._power.cut(cut)
        while True:
            self._heard()

    def _deliver_all(self) -> None:
        """Until the centre's receipts are here and the power has gone as often as it was to go."""
        until_s = time.monotonic() + PATIENCE_S
        while unsent(self._office.box) or self._power.left_over(everything=True):
            if time.monotonic() > until_s:
                raise DemoFailed("records were not delivered in time")
            try:
                if self._kiosk is None:
                    self._start()
                elif not unsent(self._office.box):
                    self._cut_left_over(everything=True)
                self._heard(LOOK_S)
            except Died as died:
                self._bury(died)

    # --- the line to the centre ----------------------------------------------------------------------

    def _cut_line(self) -> None:
        self._falls = None
        self._line.cut()
        self._offline_since_s = time.monotonic() + self._ahead_s
        self._show.say("[bold]✂ the line to the centre is cut[/]")

    def _mend_line(self) -> None:
        """Let the rest of the time pass on the kiosk's clock; then centre and line are there again."""
        until_s = self._offline_since_s + self._office.wishes.offline_s
        while (left_s := until_s - time.monotonic() - self._ahead_s) > 0:
            try:
                self._pass(min(STEP_S, left_s))
            except Died as died:
                self._bury(died)
        self.told.offline_s = time.monotonic() + self._ahead_s - self._offline_since_s
        self._office.centre.stop()
        self._office.centre.start(round(self._ahead_s))
        self._line.mend(self._office.centre.port)
        self._show.say(f"[bold]the line carries again, after {self.told.offline_s / 3600:.2f} h[/]")

    def _pass(self, seconds: float) -> None:
        kiosk = self._kiosk or self._start()
        kiosk.order(pass_s=seconds)
        while (line := self._heard()) is None or "passed" not in line:
            continue
        self._ahead_s += seconds

    # --- one life of the kiosk -----------------------------------------------------------------------

    @property
    def _log(self) -> str:
        return str(self._office.wishes.folder / "kiosk.log")

    def _start(self) -> KioskProcess:
        orders = replace(self._orders, url=self._line.url, ahead_s=self._ahead_s)
        self._kiosk = KioskProcess(orders, self._office.wishes.folder / "kiosk.log")
        self._power.on(self._kiosk)
        self._landed = False
        return self._kiosk

    def _heard(self, patience_s: float = PATIENCE_S) -> dict[str, Any] | None:
        """What the kiosk says next, taken note of; None when the power went, or nothing was said."""
        assert self._kiosk is not None  # noqa: S101  only while one runs
        left_s = self._power.left_s
        line = self._kiosk.next(patience_s if left_s is None else min(left_s, patience_s))
        if line is None:
            if not self._power.cut_what_is_due() and patience_s == PATIENCE_S and left_s is None:
                raise DemoFailed(f"the kiosk says nothing any more: see {self._log}")
            return None
        match line:
            case {"state": str(state)}:
                self._entered(S(state), line)
            case {"apdus": _}:
                self._power.answered()
            case {"receipts": _}:
                self._power.delivered()
        return line

    def _entered(self, state: S, line: dict[str, Any]) -> None:
        guest, left = self._guest, int(line["left"])
        if guest is None:
            return
        if not self._landed and state is not S.ATTRACT:
            self._landed = True
            self._check_landing(state, left)
        if state is not guest.state:
            self._show.say(f"{state:<12} {f'({left} fingers left)' if state is S.FINGERS else ''}")
        guest.state, guest.left = state, left
        guest.record, guest.ticket = line["record"] or guest.record, line["ticket"] or guest.ticket
        self._power.entered(state, line["at_stake"])

    def _bury(self, died: Died) -> None:
        """The kiosk is dead: look at what it left."""
        self._kiosk = None
        cut, guest = self._power.fired, self._guest
        if cut is None or guest is None or not died.killed:
            raise DemoFailed(f"{died}, and nobody killed it: see {self._log}")
        lies = what_lies_there(self._office.box)
        self.told.kills.append(Killed(cut.place, str(guest.state), guest.left, lies))
        n, of = len(self.told.kills), self._office.wishes.power_cuts
        self._show.say(f"[bold red]✂ {n}/{of}[/] killed (meant: {cut.place}) in {guest.state}; disk: {lies}")

    def _nobody_came_since(self) -> None:
        """The last restart has shown its greeting, and nobody was there to go on."""
        if self.told.kills and not self.told.kills[-1].landed:
            self._landed = True
            self._check_landing(S.LANGUAGE, 0)

    def _check_landing(self, state: S, left: int) -> None:
        """A restart shows the step that lay on the disk, with no finger lost."""
        if not self.told.kills or self.told.kills[-1].landed:
            return
        killed = self.told.kills[-1]
        landed = S.ATTRACT if state in (S.LANGUAGE, S.IDENTIFY) else state
        self.told.kills[-1] = replace(killed, landed=str(landed))
        if landed not in killed.disk.lands:
            raise DemoFailed(f"killed with {killed.disk} on the disk, it came back in {landed}")
        if landed is S.FINGERS and killed.state == S.FINGERS and left > killed.left:
            raise DemoFailed(f"killed with {killed.left} fingers left, it came back with {left}")
        self._show.say(f"               back in {landed}")


def _from(state: S) -> tuple[S, ...]:
    return OFFLINE_FROM[OFFLINE_FROM.index(state) :]
