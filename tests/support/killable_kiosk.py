"""A kiosk with its citizen as a process of its own, to be killed: `python -m support.killable_kiosk ORDERS`.

ORDERS is JSON: the box's folder, the centre's URL, the file of the virtual card, and where to stand still
(`METHOD:before`, `METHOD:after` of the journal, `sod:half` of the card), perhaps at the `times`-th time.
Every state is a line on standard output; whoever reads it kills. The card's file is the card: it is written
before the reader hears an answer.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from firmware.app.build import build
from firmware.app.kiosk import Act, Kiosk
from firmware.loop import Loop
from firmware.records.journal import Journal
from firmware.sim.citizen import Habits, VirtualCitizen
from firmware.sim.killable import say
from firmware.sim.saved_card import SavedCard
from firmware.sim.station import VirtualStation
from support import office
from ui_fb.display import MemoryDisplay


def stand_still(where: str) -> None:
    """Say so, and wait for the kill."""
    say(at=where)
    threading.Event().wait()


def still_at_sod(card: SavedCard) -> None:
    if office.sod_on(card.to_bytes()):
        stand_still("sod:half")


def stop_in_the_journal(method: str, when: str, times: int) -> None:
    """Stand still before or after the journal's `method` did its work for the `times`-th time."""
    real: Callable[..., Any] = getattr(Journal, method)
    calls = 0

    @wraps(real)
    def watched(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if when == "before" and calls == times:
            stand_still(f"{method}:before")
        value = real(*args, **named)
        if when == "after" and calls == times:
            stand_still(f"{method}:after")
        return value

    setattr(Journal, method, watched)


def run(box: Path, url: str, card: Path, stand: str = "", times: int = 1) -> None:
    """One visit of ADULT, or what is left of it, until the centre's receipt is here."""
    method, _, when = stand.partition(":")
    if method and method != "sod":
        stop_in_the_journal(method, when, times)
    loop, station = Loop(), VirtualStation(wait=lambda _: None)
    citizen = VirtualCitizen(
        office.ADULT, Habits(pause_s=0.01), station, loop, lambda action: loop.post(Act(action))
    )
    answered = still_at_sod if method == "sod" else lambda _: None
    citizen.card = SavedCard.at(card, citizen.card, answered)
    told: list[tuple[str, int]] = []

    def look(kiosk: Kiosk) -> None:
        state = (str(kiosk.flow.state), len(kiosk.flow.session.fingers))
        if told[-1:] != [state]:
            told.append(state)
            say(state=state[0], fingers_left=state[1])
        if kiosk.face.last is not None:
            citizen.sees(kiosk.face.last, kiosk.flow.entry)

    def handle(message: Any) -> None:
        kiosk.handle(message)
        if kiosk.last_receipts:
            loop.end()

    kiosk = build(office.config(box, url), station.openers(), MemoryDisplay((800, 480)), loop, look)
    kiosk.start()
    loop.run(handle)
    say(receipts=list(kiosk.last_receipts))
    kiosk.close()


if __name__ == "__main__":
    orders = json.loads(sys.argv[1])
    run(Path(orders["box"]), orders["url"], Path(orders["card"]), orders["stand"], orders["times"])
