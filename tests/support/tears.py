"""Every place where the making of a card can be cut, for each dialect, and what is durable after it.

What a new box does follows from the card's memory, the journal and the centre's grants alone, so places that
leave the same are one `Durable`, and what comes after it is tried once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from drivers.virtual.card import VirtualCard, VirtualReader
from support.issue import COMMITS, RECORD, Desk, FakeAttempt, FakeJournal, PowerCut, full_image, new_card
from support.memory import memory
from support.signer import TestSigner

STEPS = ("write", "verify", "lock")
When = Literal["before", "after"]
DARK = "dark"  # what a person is told by a box without power


@dataclass(frozen=True)
class Durable:
    """What outlives a tear and a power cut, beside the centre's grants."""

    card: bytes
    attempt: FakeAttempt
    report: Any = None

    @property
    def key(self) -> tuple[str, FakeAttempt, bool]:
        """Without what only makes the issuer's next session another."""
        return memory(self.card), self.attempt, self.report is not None


@dataclass
class Place:
    """A cut: the desk as it stood there, and what was asked of the person."""

    where: str
    desk: Desk
    card: VirtualCard
    asked: str | None

    @property
    def durable(self) -> Durable:
        return Durable(self.card.to_bytes(), self.desk.journal.now, self.desk.journal.report)


class DyingReader(VirtualReader):
    """Its box loses power at the exchange `ends_at`, once the card has acted."""

    ends_at: int | None = None
    exchanges = 0
    watch: Callable[[], None] = staticmethod(lambda: None)  # called before and after each

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        self.watch()
        answer = super().transmit(apdu, timeout_s)
        self.watch()
        self.exchanges += 1
        if self.exchanges - 1 == self.ends_at:
            raise PowerCut
        return answer


@dataclass
class DyingJournal(FakeJournal):
    """Loses power at the commit `ends_at`, before it or once it is `kept`; never half-way."""

    ends_at: int | None = None
    kept: bool = False
    commits: int = 0
    watch: Callable[[], None] = lambda: None  # called before and after each


def _dying(name: str) -> Callable[..., Any]:
    def commit(self: DyingJournal, *what: Any) -> Any:
        ends = self.commits == self.ends_at
        self.commits += 1
        if ends and not self.kept:
            raise PowerCut
        self.watch()
        answer = getattr(FakeJournal, name)(self, *what)
        self.watch()
        if ends:
            raise PowerCut
        return answer

    return commit


for _name in COMMITS:
    setattr(DyingJournal, _name, _dying(_name))


@dataclass
class Bench:
    """One blank, one record and one centre, as often as they are needed from the same beginning.

    `recreates` is of the blank; it is torn at each so-many-th APDU.
    """

    kind: str
    portrait_bytes: int = 80
    recreates: bool = True
    so_many: int = 1
    granted: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.image = full_image(self.kind, self.portrait_bytes).to_bytes()
        self.blank = new_card(self.kind, self.recreates).to_bytes()

    def desk(self, at: Durable) -> tuple[Desk, VirtualCard]:
        """A box just started, with the card on its reader."""
        journal = DyingJournal(at.attempt, report=at.report)
        desk = Desk(DyingReader(), journal, TestSigner(granted=self.granted), kind=self.kind)
        card = VirtualCard.from_bytes(at.card)
        desk.reader.put(card)
        return desk, card

    @cached_property
    def beginnings(self) -> tuple[tuple[str, Durable, int, int], ...]:
        """Each call of the transaction: what it begins with, its APDUs and its commits."""
        found, at = [], Durable(self.blank, FakeAttempt(image=self.image))
        for step in STEPS:
            place = self._cut(step, at, lambda desk, card: None)
            assert place.asked is None and isinstance(place.desk.journal, DyingJournal)
            found.append((step, at, place.desk.dialect.apdus, place.desk.journal.commits))
            at = place.durable
        return tuple(found)

    @cached_property
    def states(self) -> tuple[Durable, ...]:
        """All that can be durable while one card is made, seen before and after each APDU and commit."""
        seen: dict[Any, Durable] = {}

        def look(place: Place) -> None:
            seen.setdefault(place.durable.key, place.durable)

        def watched(desk: Desk, card: VirtualCard) -> None:
            desk.reader.watch = desk.journal.watch = lambda: look(Place("", desk, card, None))  # type: ignore[attr-defined]

        for step, beginning, _, _ in self.beginnings:
            self._cut(step, beginning, watched)
        return tuple(seen.values())

    def places(self) -> Iterator[Place]:
        """Every APDU × (before the card acts, after it acted, power cut); every commit × (before, after)."""
        for step, beginning, apdus, commits in self.beginnings:
            for at in range(0, apdus, self.so_many):
                yield self._cut(
                    step, beginning, lambda _, card, at=at: card.tear(at, "before"), f"{at} before"
                )
                yield self._cut(step, beginning, lambda _, card, at=at: card.tear(at, "after"), f"{at} after")
                yield self._cut(step, beginning, lambda desk, _, at=at: _die(desk.reader, at), f"{at} dark")
            for at in range(commits):
                yield self._cut(
                    step, beginning, lambda desk, _, at=at: _die(desk.journal, at), f"commit {at}"
                )
                yield self._cut(
                    step, beginning, lambda desk, _, at=at: _die(desk.journal, at, True), f"commit {at} kept"
                )

    def _cut(
        self, step: str, beginning: Durable, world: Callable[[Desk, VirtualCard], None], where: str = ""
    ) -> Place:
        desk, card = self.desk(beginning)
        world(desk, card)
        try:
            asked = desk.asks(lambda: getattr(desk.transaction, step)(RECORD))
        except PowerCut:
            asked = DARK
        return Place(f"{self.kind} {step} {where}", desk, card, asked)


def _die(part: Any, at: int, kept: bool = False) -> None:
    part.ends_at = at
    if kept:
        part.kept = True
