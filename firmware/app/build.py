"""Puts a kiosk together from a configuration, its devices and a display."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from config.schema import Config
from drivers.api import FingerSensor
from firmware.app.desk import Desk
from firmware.app.devices import Openers, Workers
from firmware.app.frame import Face
from firmware.app.kiosk import Kiosk
from firmware.app.store import Store
from firmware.box.clock import BoxClock, has_rtc
from firmware.box.identity import identity_of
from firmware.box.transcripts import Transcripts
from firmware.loop import Loop, Mailbox
from firmware.records.journal import Journal
from ui_fb.display import Display

log = logging.getLogger("firmware.build")


def build(
    config: Config,
    openers: Openers,
    display: Display,
    loop: Loop,
    watch: Callable[[Kiosk], None] = lambda _: None,
    time: BoxClock | None = None,
) -> Kiosk:
    """Return a kiosk that is wired and not yet started; nothing is opened here.

    `time` is the machine's, unless a virtual station's is moved.
    """
    data = Path(config.station.data)
    identity = identity_of(config)
    simulated = config.station.profile != "production"
    mailbox = Mailbox(loop.post)
    desk: Desk

    second_copy = Path(config.station.second_copy) if config.station.second_copy else None
    box_time = time or BoxClock(kept=config.station.profile == "virtual" or has_rtc())

    def finger() -> AbstractContextManager[FingerSensor]:
        desk.load_scorer()  # a sensor without it is as good as none
        return openers.finger()

    transcripts = Transcripts(data / "transcripts", box_time.now)
    workers = Workers(replace(openers, finger=finger), loop.post, transcripts)

    def open_journal() -> Journal:
        journal = Journal(data / "records", identity.keys(simulated), box_time.now, second_copy)
        box_time.journal_says(journal.now())
        for lost in journal.rebuilt.lost if journal.rebuilt else ():
            log.error("incident: the journal was rebuilt; not recovered: %s", lost)
        return journal

    def lamps(left: float, right: float) -> None:
        workers.light(left, right)

    store = Store(open_journal, loop.post)
    desk = Desk(config, identity, store, mailbox.put, lamps, loop.clock, box_time, transcripts=transcripts)
    return Kiosk(desk, workers, loop, Face(display), mailbox, watch)
