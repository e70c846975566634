"""A kiosk as a process of its own, to be killed at any moment: `python -m firmware.sim.killable ORDERS`.

It runs the kiosk on virtual devices, and the person before it. Whatever outlives a power cut does not live
here: the cards are files, and who comes next is said on standard input, one JSON object a line:

    {"visit": {"seed": 1000, "day": "2026-03-02", "card": PATH, "way": "qr", "ticket": ""}}
    {"leaves": true}        the person walks away, and takes the hand off the glass
    {"pass_s": 60}          move the kiosk's clock on
    {"end": true}           close in good order

On standard output it says, one JSON object a line: the state it is in and how many fingers are left
(`state`, `left`), the `record`, whether its card may be live (`at_stake`), `apdus` that a card has answered,
the `ticket` that the person was given, `home` when they are gone, `receipts` that came, and `passed`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from drivers.virtual.card.air import Air
from firmware import crash
from firmware.app.build import build
from firmware.app.kiosk import Act, Kiosk
from firmware.box.clock import BoxClock
from firmware.loop import Loop
from firmware.sim.citizen import Habits, VirtualCitizen
from firmware.sim.office import BLANKS, Language, config_of, stock_up
from firmware.sim.officer import VirtualOfficer
from firmware.sim.people import citizen
from firmware.sim.saved_card import SavedCard
from firmware.sim.station import DIALECT, InProcess, VirtualStation
from statemachine.states import S
from ui_fb.display import MemoryDisplay

AIR = Air(bit_rate=424)
"""A card takes its time here, so that the power can go while it is written."""
RETRY_S = 10.0
"""Longest pause between two tries to deliver."""


@dataclass(frozen=True, slots=True)
class Orders:
    """How the kiosk is to run. `ahead_s`: how far its clock is ahead of the machine's."""

    box: str
    url: str
    ahead_s: float = 0.0
    pause_s: float = 0.05
    language: Language = "vi"
    dry: float = 0.05
    worn: float = 0.0
    dialect: str = DIALECT
    signer: str = ""
    """Folder of a document signer's key and certificate for this box; "": the centre signs."""
    blanks: int = BLANKS
    """How many are booked in at the first start."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes, with which card in hand; `way`: qr or ticket."""

    seed: int
    day: str
    card: str
    way: str = "qr"
    ticket: str = ""


class MovedClock:
    """The machine's clocks, and how far they were moved on."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_s = ahead_s

    def passed(self) -> float:
        """Seconds, as of `time.monotonic`."""
        return time.monotonic() + self._ahead_s

    def read(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead_s)

    def move(self, seconds: float) -> None:
        self._ahead_s += seconds


def say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class KillableKiosk:
    """The kiosk, its station and whoever stands there. Everything runs on the loop's thread."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._clock = MovedClock(orders.ahead_s)
        self._loop = Loop(self._clock.passed)
        self._station = VirtualStation(dialect=orders.dialect, wait=time.sleep)
        self._station.chip = InProcess(AIR)
        self._habits = Habits(
            language=orders.language,
            pause_s=orders.pause_s,
            dry=orders.dry,
            worn=orders.worn,
            comes_back=True,
        )
        self._officer = VirtualOfficer(orders.pause_s, self._station, self._loop, self._touch)
        self._inside: VirtualCitizen | None = None
        self._told: dict[str, Any] = {}
        self._receipts = 0
        signer = Path(orders.signer) if orders.signer else None
        config = config_of(Path(orders.box), orders.language, orders.url, orders.dialect, signer)
        self.kiosk = build(
            replace(config, centre=replace(config.centre, retry_most_s=RETRY_S)),
            self._station.openers(),
            MemoryDisplay((800, 480)),
            self._loop,
            self._look,
            BoxClock(self._clock.read, self._clock.passed, kept=True),
        )

    def run(self) -> None:
        """Until it is told to end, or is killed."""
        stock_up(self.kiosk, self._orders.blanks)
        self.kiosk.start()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()
        try:
            self._loop.run(self._handle)
        finally:
            self.kiosk.close()

    def _handle(self, message: Any) -> None:
        self.kiosk.handle(message)
        self._tell(self.kiosk)
        if self._inside is not None and self._inside.gone and self.kiosk.flow.state is S.ATTRACT:
            say(home=True)
            self._inside = None
        if self.kiosk.receipts != self._receipts:
            self._receipts = self.kiosk.receipts
            say(receipts=list(self.kiosk.last_receipts))

    # --- what is said to it --------------------------------------------------------------------------

    def _listen(self) -> None:
        for line in sys.stdin:
            order = json.loads(line)
            self._loop.post(lambda order=order: self._obey(order))
        self._loop.post(self._loop.end)

    def _obey(self, order: dict[str, Any]) -> None:
        match order:
            case {"visit": visit}:
                self._comes(Visitor(**visit))
            case {"leaves": True}:
                self._inside = None
                self._station.sensor.lift()
            case {"pass_s": seconds}:
                self._clock.move(seconds)
                self._loop.post(lambda: say(passed=seconds))
            case {"end": True}:
                self._loop.end()

    def _comes(self, visitor: Visitor) -> None:
        """Somebody steps up, and sees what is on the screen."""
        person = citizen(visitor.seed, date.fromisoformat(visitor.day))
        habits = replace(self._habits, way=visitor.way)
        here = VirtualCitizen(person, habits, self._station, self._loop, self._touch)
        here.card = SavedCard.at(Path(visitor.card), here.card, _answered)
        here.ticket = visitor.ticket
        self._inside = here
        self._look(self.kiosk)

    # --- what it shows ---------------------------------------------------------------------------------

    def _look(self, kiosk: Kiosk) -> None:
        if self._inside is None or kiosk.face.last is None:
            return
        self._inside.sees(kiosk.face.last, kiosk.flow.entry)
        self._officer.sees(kiosk.face.last, kiosk.flow.entry)

    def _tell(self, kiosk: Kiosk) -> None:
        told = {
            "state": str(kiosk.flow.state),
            "left": len(kiosk.flow.session.fingers),
            "record": kiosk.visit.record_id or "",
            "ticket": kiosk.visit.ticket,
            "at_stake": kiosk.flow.session.at_stake,
        }
        if told != self._told:
            self._told = told
            say(**told)

    def _touch(self, action: str) -> None:
        self._loop.post(Act(action))


def _answered(card: SavedCard) -> None:
    say(apdus=card.apdus)


def main() -> None:
    crash.guard()
    KillableKiosk(Orders(**json.loads(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
