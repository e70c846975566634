"""An officer at the box's console: the journal in this process, badges, PINs, and the second pair of eyes.

One process holds the journal. While the kiosk runs it is the kiosk, and these commands say so and stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from firmware import cli_shared
from firmware.cli_shared import EX_UNAVAILABLE, reader_trouble, refuse, site

if TYPE_CHECKING:
    from drivers.api import ChipReader
    from firmware.app.desk import Desk
    from firmware.box.officers import Officer
    from firmware.records.journal import Journal

T = TypeVar("T")

BADGE_S = 60.0
EX_DENIED = 77  # sysexits.h: not who may do this
BUSY = "máy kiosk đang chạy: làm trên màn hình của nó, hoặc dừng dịch vụ trước · the kiosk is running:"
BUSY += " do this at its screen, or stop its service first (systemctl stop idkiosk)"


@dataclass(frozen=True)
class Counter:
    """The open journal and what works over it. `typed`: badges named on the command line, in their order."""

    desk: Desk
    journal: Journal
    typed: Sequence[str]

    def sign_in(self, others: Sequence[Officer] = (), before: int = 0) -> Officer:
        """An officer by badge and PIN, none of `others`; each wrong PIN counts as at the kiosk.

        `before`: how many have signed in for this act already.
        """
        officer = self._present(before)
        if officer.role != "officer":
            refuse(f"{officer.badge}: không phải cán bộ · not an officer", EX_DENIED)
        if officer.officer in {each.officer for each in others}:
            refuse("cần hai cán bộ khác nhau · two different officers are needed", EX_DENIED)
        self._prove(officer)
        return officer

    def two(self) -> tuple[Officer, Officer]:
        """Two officers, for what cannot be taken back."""
        first = self.sign_in()
        return first, self.sign_in((first,), before=1)

    def _present(self, before: int) -> Officer:
        """Who lays down a badge; a virtual station may name it instead."""
        if self.typed:
            if self.desk.config.station.profile != "virtual":
                refuse("--badge is for a virtual station: here the badge is read", 2)
            if before >= len(self.typed):
                refuse("name the second officer with another --badge", 2)
            badge = self.typed[before]
        else:
            badge = read_badge_of(self.desk.config.badge.reader, fresh=bool(before))
        if badge not in self.desk.officers:
            refuse(f"{badge}: không có trong danh sách · not on this box's list of staff", EX_DENIED)
        return self.desk.officers[badge]

    def _prove(self, officer: Officer) -> None:
        from firmware.app.jobs.staff import check_pin
        from statemachine import events as ev

        while True:
            pin: str = typer.prompt(f"PIN {officer.badge}", hide_input=True, err=True)
            event = check_pin(officer, pin)(self.journal).event
            if isinstance(event, ev.PinAccepted):
                return
            left = event.tries_left if isinstance(event, ev.PinRefused) else 0
            if not left:
                refuse(f"{officer.badge}: thẻ bị khoá · locked, another officer unlocks it", EX_DENIED)
            typer.echo(f"sai PIN, còn {left} lần · wrong PIN, {left} tries left", err=True)


@contextmanager
def counter(config: Path | None, data: Path | None, typed: Sequence[str]) -> Iterator[Counter]:
    """Open the journal of this box. What a person can mend is one line and an exit code."""
    from firmware.app.desk import Desk
    from firmware.box.clock import BoxClock, has_rtc
    from firmware.box.identity import IdentityError, identity_of
    from firmware.box.officers import OfficersError
    from firmware.records.errors import RecordsError, StoreBusy
    from firmware.records.format.errors import FormatError
    from firmware.records.journal import Journal

    settings = site(config)
    if data is not None:
        settings = replace(settings, station=replace(settings.station, data=str(data)))
    folder = Path(settings.station.data)
    if not (folder / "identity").exists():
        refuse(f"{folder} holds no box")
    identity = identity_of(settings)
    clock = BoxClock(cli_shared.now, kept=settings.station.profile == "virtual" or has_rtc())
    try:
        keys = identity.keys(settings.station.profile != "production")
        with Journal(folder / "records", keys, clock.now) as journal:
            clock.journal_says(journal.now())
            desk = Desk(settings, identity, here(journal), _unseen, lambda *_: None, time.monotonic, clock)
            try:
                yield Counter(desk, journal, typed)
            finally:
                desk.close()
    except StoreBusy:
        refuse(BUSY, EX_UNAVAILABLE)
    except (RecordsError, FormatError, IdentityError, OfficersError) as exc:
        refuse(str(exc))


def here(journal: Journal) -> Any:
    """What jobs know as the store, with the journal on this very thread."""
    from firmware.app.store import Store

    class Here(Store):
        def __init__(self) -> None:
            """No worker: nobody else asks."""

        def call(self, ask: Callable[[Journal], T]) -> T:
            return ask(journal)

    return Here()


def read_badge_of(name: str, fresh: bool) -> str:
    """The number of the badge that is laid on the staff's reader; `fresh`: after the last one was lifted."""
    if not name:
        refuse("this box has no reader for badges ([badge] reader)", EX_UNAVAILABLE)
    from drivers.chip.badge import read_badge
    from drivers.chip.errors import CardError

    with reader_trouble(), open_badges(name) as reader:
        if fresh and not reader.await_card(False, BADGE_S):
            refuse("thẻ trước chưa được lấy ra · the badge before was not lifted", EX_UNAVAILABLE)
        typer.echo("đặt thẻ cán bộ · lay down an officer's badge", err=True)
        if not reader.await_card(True, BADGE_S):
            refuse("không có thẻ cán bộ · no badge came", EX_UNAVAILABLE)
        try:
            return read_badge(reader)
        except CardError as exc:
            refuse(f"không phải thẻ cán bộ · not an officer's badge: {exc}", EX_DENIED)


@contextmanager
def open_badges(name: str) -> Iterator[ChipReader]:
    from drivers.chip.process import ChipProcess

    with ChipProcess(name) as reader:
        yield reader


def _unseen(_: object) -> None:
    """A picture for a screen that is not here."""
