"""A kiosk with its citizen as a process of its own, to be killed: `python -m support.killable_kiosk ORDERS`.

ORDERS is JSON: the box's folder, the centre's URL, the file of the virtual card, and where to stand still
(`METHOD:before`, `METHOD:after` of the journal, METHOD `any` for whatever changes it; of the card `sod:half`
and `apdu:after`), perhaps at the `times`-th time. Every state is a line on standard output; whoever reads
it kills. The card's file is the card: it is written before the reader hears an answer.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from itertools import count
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

CHANGES = (
    *("accept", "step", "freeze", "keep_image", "stage", "keep_sod", "issuing", "complete"),
    *("seal", "leave", "delivered"),
)
OF_THE_CARD = ("sod", "apdu")


def stand_still(where: str) -> None:
    """Say so, and wait for the kill."""
    say(at=where)
    threading.Event().wait()


def still_at_sod(card: SavedCard) -> None:
    if office.sod_on(card.to_bytes()):
        stand_still("sod:half")


def still_at_apdu(times: int) -> Callable[[SavedCard], None]:
    answers = count(1)

    def answered(_: SavedCard) -> None:
        if next(answers) == times:
            stand_still("apdu:after")

    return answered


def stop_in_the_journal(methods: Iterable[str], when: str, times: int) -> None:
    """Stand still before or after one of the journal's `methods` did its work, at the `times`-th call."""
    calls = count(1)
    for method in methods:
        setattr(Journal, method, _watched(method, when, times, calls))


def _watched(method: str, when: str, times: int, calls: Iterator[int]) -> Callable[..., Any]:
    real: Callable[..., Any] = getattr(Journal, method)

    @wraps(real)
    def watched(*args: Any, **named: Any) -> Any:
        here = next(calls) == times
        if here and when == "before":
            stand_still(f"{method}:before")
        value = real(*args, **named)
        if here and when == "after":
            stand_still(f"{method}:after")
        return value

    return watched


def run(
    box: Path,
    url: str,
    card: Path,
    stand: str = "",
    times: int = 1,
    dress: Callable[[Kiosk], None] = lambda _: None,
) -> None:
    """One visit of ADULT, or what is left of it, until the centre's receipt is here."""
    method, _, when = stand.partition(":")
    if method and method not in OF_THE_CARD:
        stop_in_the_journal(CHANGES if method == "any" else [method], when, times)
    loop, station = Loop(), VirtualStation(wait=lambda _: None)
    citizen = VirtualCitizen(
        office.ADULT, Habits(pause_s=0.01), station, loop, lambda action: loop.post(Act(action))
    )
    still = {"sod": still_at_sod, "apdu": still_at_apdu(times)}.get(method, lambda _: None)
    citizen.card = SavedCard.at(card, citizen.card, still)
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
    dress(kiosk)
    kiosk.start()
    loop.run(handle)
    say(receipts=list(kiosk.last_receipts))
    kiosk.close()


if __name__ == "__main__":
    orders = json.loads(sys.argv[1])
    run(Path(orders["box"]), orders["url"], Path(orders["card"]), orders["stand"], orders["times"])
