"""Every moment of a day at which a box can fail, with all that is left of it then.

A day is lived once on a real box before a real centre; after each part that was accepted, before and after
each APDU and each commit of a card, and after each answer of the centre, the world is kept as a power cut
leaves it. Moments that leave the same are one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, blank_card
from firmware.issue.ports import Attempt
from firmware.records.journal import Journal
from support.issue import PowerCut
from support.memory import memory
from support.swap_world import OLD, Files, World, card_image, founded, parts
from support.tears import DyingReader

DIALECTS = ("lds-plain", "iso7816-scp03", "store-data")
LINES = ("centre", "lease")
OFFICERS = ("O-1", "O-2")
COMMITS = ("keep_image", "stage", "keep_sod", "issuing", "complete")
WAITING_DAYS = 30


@dataclass(frozen=True)
class Point:
    """One moment. `group` is the kind of moment; `accepted` what the box had said it has of citizen 2.

    `sods`: EF.SOD of each attempt that had one; `first_sod` is citizen 1's. `cards`: citizen 1's, then all
    that were laid for citizen 2; `used` of the blanks. `on_reader`: the last one is this attempt's, once a
    `blank`; `booked`: the box counts it as live or void.
    """

    group: str
    where: str
    kind: str
    line: str
    files: Files = field(repr=False)
    record_id: str = ""
    accepted: dict[str, tuple[Any, Files]] = field(default_factory=dict, repr=False)
    sods: dict[int, bytes] = field(default_factory=dict, repr=False)
    cards: tuple[bytes, ...] = field(default=(), repr=False)
    used: int = 0
    ticket: str = ""
    sealed: bool = False
    blank: str = field(default="", repr=False)
    on_reader: bool = False
    booked: bool = False
    first_sod: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.line}/{self.group}/{self.where}"


class WatchedJournal:
    """`IssueJournal` with somebody who looks before and after each commit."""

    def __init__(self, journal: Journal, seen: Callable[[str, bool], None]) -> None:
        self._journal, self._seen = journal, seen

    def attempt(self, record_id: str) -> Attempt:
        return self._journal.attempt(record_id)

    def __getattr__(self, name: str) -> Any:
        assert name in COMMITS
        commit = getattr(self._journal, name)

        def watched(*what: Any) -> Any:
            self._seen(f"before {name}", False)
            answer = commit(*what)
            self._seen(f"after {name}", True)
            return answer

        return watched


@dataclass
class Day:
    """One box, one day, and what was seen of it. `at` is the present moment."""

    world: World
    at: Point
    points: list[Point] = field(default_factory=list)
    seen: set[Any] = field(default_factory=set)

    def see(self, group: str, where: str, moved: bool = True, **now: Any) -> None:
        """Keep this moment, unless it is one that was seen. `moved`: something was written to a disk."""
        files = self.world.files() if moved else self.at.files
        self.at = replace(self.at, group=group, where=where, files=files, **now)
        self.points.append(self.at)

    def accept(self, journal: Journal, most: int = 99) -> None:
        for part, value, blobs in parts(2, OLD)[:most]:
            if part in self.at.accepted:
                continue
            journal.accept(self.at.record_id, part, value, blobs)
            now = {**self.at.accepted, part: (value, blobs)}
            self.see("portrait" if part == "portrait" else "mid-finger", part, accepted=now)

    def card(self, journal: Journal, app: Any, group: str, lift: int | None = None, ends: str = "") -> None:
        """Make a card of the present attempt; `lift`: it is torn away at that APDU; `ends`: there it ends."""
        world, reader = self.world, DyingReader()
        card = blank_card(kind=world.kind)
        cards = self.at.cards
        steps = [0]

        def look(what: str, moved: bool) -> None:
            attempt = journal.attempt(self.at.record_id)
            sods = {**self.at.sods, **({attempt.number: attempt.sod} if attempt.sod else {})}
            after = "after ISSUING" if attempt.issuing else "before ISSUING"
            now = (*cards, card.to_bytes())
            key = (len(cards), memory(now[-1]), attempt.stage, attempt.number, attempt.sod, attempt.issuing)
            booked = attempt.issuing
            self.see(f"{group} {after}", what, moved, cards=now, sods=sods, on_reader=True, booked=booked)
            if key in self.seen:
                self.points.pop()
            self.seen.add(key)
            if what == ends:
                raise PowerCut

        def exchange() -> None:
            look(f"APDU {steps[0] // 2} {'after' if steps[0] % 2 else 'before'}", False)
            steps[0] += 1

        reader.watch = exchange
        reader.__enter__()
        if lift is not None:
            card.tear(lift, "after")
        reader.put(card)
        self.at = replace(self.at, used=self.at.used + 1, blank=memory(card.to_bytes()))
        with world.client(app, world.old) as client:
            watched: Any = WatchedJournal(journal, look)
            signer = world.signer(world.old, journal, client)
            made = world.transaction(reader, journal, signer, watched)
            try:
                for step in (made.write, made.verify, made.lock):
                    step(self.at.record_id)
            except (UserRetry, PowerCut):
                assert lift is not None or ends
        now, booked = (*cards, card.to_bytes()), journal.attempt(self.at.record_id).issuing
        self.at = replace(self.at, files=world.files(), booked=booked, cards=now, on_reader=True)

    def wait(self, journal: Journal, where: str) -> None:
        until = journal.now() + timedelta(days=WAITING_DAYS)
        self.see("waiting", where, ticket=journal.wait(self.at.record_id, "interrupted", until))

    def resume(self, journal: Journal) -> None:
        journal.resume(self.at.ticket)

    def freeze(self, journal: Journal) -> None:
        journal.freeze(self.at.record_id, card_image(self.world.kind, 2))
        self.see("frozen", "frozen")


# --- the days ----------------------------------------------------------------------------------------------


def begun(day: Day, journal: Journal) -> None:
    day.at = replace(day.at, record_id=day.world.begin(day.world.old, journal))


def a_whole_visit(day: Day, journal: Journal, app: Any) -> None:
    """From the first part to the receipt."""
    begun(day, journal)
    day.accept(journal)
    day.freeze(journal)
    day.card(journal, app, "chip")
    day.see("complete", "unsealed")
    journal.seal(day.at.record_id)
    day.see("sealed", "unsent", sealed=True)
    answers = [0]

    def answered() -> None:
        day.see("sending", f"answer {answers[0]}")
        answers[0] += 1

    with day.world.client(app, day.world.old, answered) as client:
        day.world.courier(day.world.old, journal, client)
    day.see("delivered", "with the receipt")


def one_who_waits(day: Day, journal: Journal, app: Any) -> None:
    """Put aside in mid-finger, frozen, and with a card whose signature has begun."""
    begun(day, journal)
    for so_far in (1, 4, 7, 11, 14):
        day.accept(journal, so_far)
        day.wait(journal, f"{so_far} parts")
        day.resume(journal)
    day.accept(journal)
    day.freeze(journal)
    day.wait(journal, "frozen")
    day.resume(journal)
    day.card(journal, app, "torn", lift=_LIFTED[day.world.kind])
    day.wait(journal, "ISSUING")


def a_lost_card(day: Day, journal: Journal, app: Any) -> None:
    """The first card is given up, before or after ISSUING; the second one is made."""
    begun(day, journal)
    day.accept(journal)
    day.freeze(journal)
    day.card(journal, app, "torn", lift=_LIFTED[day.world.kind])
    journal.lost(day.at.record_id, 1, OFFICERS)
    day.see("lost", "attempt 1 of ISSUING", on_reader=False)
    day.card(journal, app, "second card")
    day.see("complete", "second card")


def a_visit_given_up(day: Day, journal: Journal, app: Any) -> None:
    """A card was begun before ISSUING; the citizen leaves, the record ends."""
    begun(day, journal)
    day.accept(journal)
    day.freeze(journal)
    day.card(journal, app, "torn", ends="before issuing")
    journal.abandon(day.at.record_id, "left")
    journal.stock.spoil(1, OFFICERS)
    day.see("given up", "signed", record_id="", accepted={}, sods={}, on_reader=False)


_LIFTED = {"lds-plain": 43, "iso7816-scp03": 84, "store-data": 76}
"""An APDU of EF.SOD."""
DAYS = (a_whole_visit, one_who_waits, a_lost_card, a_visit_given_up)


@cache
def points(kind: str, line: str) -> tuple[Point, ...]:
    """All moments of all days with this dialect and this signer."""
    named = {point.name: point for day in reversed(DAYS) for point in reversed(lived(kind, line, day))}
    return tuple(reversed(named.values()))


def lived(kind: str, line: str, story: Callable[[Day, Journal, Any], None]) -> list[Point]:
    with TemporaryDirectory(prefix="day-", dir=MEMORY) as folder:
        files, card, sod = _morning(kind, line)
        world = World.again(Path(folder), kind, line, files)
        day = Day(world, Point("", "", kind, line, files, cards=(card,), used=1, first_sod=sod))
        with world.centre() as app, world.old.journal() as journal:
            story(day, journal, app)
        return day.points


@cache
def _morning(kind: str, line: str) -> tuple[Files, bytes, bytes]:
    """Citizen 1 has a card; the record lies sealed in the outbox."""
    with TemporaryDirectory(prefix="morning-", dir=MEMORY) as folder:
        world = founded(Path(folder), kind, line)
        with world.centre() as app, world.old.journal() as journal, world.client(app, world.old) as client:
            record_id = world.begin(world.old, journal)
            card, sod = visit(world, world.old, journal, client, 1, record_id)
        return world.files(), card.to_bytes(), sod


def visit(
    world: World, box: Any, journal: Journal, client: Any, person: int, record_id: str
) -> tuple[VirtualCard, bytes]:
    """A whole visit, card and all; sealed. The card, and its EF.SOD."""
    for part, value, blobs in parts(person, box.name):
        journal.accept(record_id, part, value, blobs)
    journal.freeze(record_id, card_image(world.kind, person))
    reader, card = DyingReader(), blank_card(kind=world.kind)
    reader.__enter__()
    reader.put(card)
    made = world.transaction(reader, journal, world.signer(box, journal, client))
    for step in (made.write, made.verify, made.lock):
        step(record_id)
    sod = journal.attempt(record_id).sod
    assert sod
    journal.seal(record_id)
    return card, sod


MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
