"""The right to issue without asking: judged for each card, and counted before it is signed (DESIGN, 7).

A lease belongs to this box in its present epoch, or to a PKCS#11 token, with which it travels. A token keeps
its own count, so that a box that takes another's token goes on where that one stopped; of the token's count
and the journal's the higher one holds. The token's is written first: a power cut between the two costs a
number and never gives one twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from firmware.box.warrants import Papers, token_of
from firmware.issue.errors import SignerUnavailable
from firmware.issue.ports import SigningRequest
from firmware.records.format.warrants import TOKEN, Assignment, Lease
from firmware.records.journal import Journal
from firmware.records.warrants import Use

T = TypeVar("T")


class Ask(Protocol):
    """Runs a question to the journal on the journal's thread (`Store.call`)."""

    def __call__(self, ask: Callable[[Journal], T]) -> T: ...


class LeaseRefused(SignerUnavailable):
    """This box may not sign this by itself, now: the record waits with a ticket. `reason` is a text's key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Mark:
    """What a token says of a lease: how many cards of it were signed, on whatever box."""

    serial: int
    used: int


class Marks(Protocol):
    """Where a travelling lease keeps its count. Both raise DeviceFault."""

    def mark(self) -> Mark | None: ...
    def put(self, mark: Mark) -> None:
        """Durable when it returns; the mark before it holds until then."""


@dataclass(frozen=True, slots=True)
class Here:
    """What a lease is judged by beside the papers: the clock, the signer's certificate, today's rules."""

    now: datetime
    distrust: str | None
    signer_sha256: str
    offline_cases: Collection[str]


class Card(Protocol):
    """What a signature is wanted for: a `SigningRequest`, an `Order`, or the like."""

    @property
    def case(self) -> str: ...
    @property
    def box(self) -> str: ...
    @property
    def epoch(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What the team sees of the right to issue. `reason`: why there is none; "" there is."""

    reason: str
    serial: int = 0
    left: int = 0
    until: datetime | None = None


class Leases:
    """Judges and counts. `here` is asked each time; `marks` is the token's, the signing thread's alone."""

    def __init__(self, papers: Papers, here: Callable[[], Here], marks: Marks | None = None) -> None:
        self._papers = papers
        self._here = here
        self._marks = marks

    def may_issue(self, journal: Journal, card: Card) -> str:
        """Why this card may not be made here now, as a key; "" it may. Nothing is counted.

        A travelling lease is judged by the journal's count alone: the token has the last word, in `count`.
        """
        try:
            self._require_left(journal, self._lease_for(journal, card))
        except LeaseRefused as refused:
            return refused.reason
        return ""

    def standing(self, journal: Journal) -> Standing:
        """Of the lease that holds now, for the team's screens."""
        try:
            lease = self._lease(journal)
            self._require_left(journal, lease)
        except LeaseRefused as refused:
            return Standing(refused.reason)
        used = journal.warrants.used(lease.holder, lease.serial)
        return Standing("", lease.serial, lease.count - used, lease.until)

    def count(self, ask: Ask, request: SigningRequest) -> Use:
        """Count this attempt down, durably, and return its number; the same attempt again: the same number.

        On the signing thread. Raises LeaseRefused, and DeviceFault of a token that holds the lease.
        """
        lease, counted = ask(lambda journal: self._next(journal, request))
        if counted is not None:
            return counted
        n = ask(lambda journal: journal.warrants.used(lease.holder, lease.serial)) + 1
        if lease.holder.startswith(TOKEN):
            n = self._marked(lease, n)
        use = Use(lease.holder, lease.serial, n)
        ask(lambda journal: journal.warrants.count(use, request.record_id, request.attempt))
        return use

    def _next(self, journal: Journal, request: SigningRequest) -> tuple[Lease, Use | None]:
        """The lease that this attempt is signed under, and its number if it was counted before."""
        lease = self._lease_for(journal, request)
        before = journal.warrants.use_of(request.record_id, request.attempt)
        if before is not None and (before.holder, before.serial) == (lease.holder, lease.serial):
            return lease, before
        self._require_left(journal, lease)
        return lease, None

    def _marked(self, lease: Lease, n: int) -> int:
        """The number after the token's count and the journal's, once the token has it too."""
        if self._marks is None:
            raise LeaseRefused("lease_other_token")
        mark = self._marks.mark()
        if mark is not None and mark.serial > lease.serial:
            raise LeaseRefused("lease_stale")  # the token has seen a newer one, on another box
        if mark is not None and mark.serial == lease.serial:
            n = max(n, mark.used + 1)
        if n > lease.count:
            raise LeaseRefused("lease_used_up")
        self._marks.put(Mark(lease.serial, n))
        return n

    # --- judging --------------------------------------------------------------------------------------

    def _lease_for(self, journal: Journal, card: Card) -> Lease:
        """The lease under which `card` may be signed, if any of it is left."""
        lease = self._lease(journal)
        if card.box != self._papers.identity.box:
            raise LeaseRefused("lease_other_box")
        if card.epoch != self._papers.epoch(journal):
            raise LeaseRefused("lease_other_epoch")
        if card.case not in lease.cases or card.case not in self._here().offline_cases:
            raise LeaseRefused("lease_not_for_case")
        return lease

    def _lease(self, journal: Journal) -> Lease:
        """The lease that holds here and now: the token's before the box's own."""
        here = self._here()
        own = self._stands(journal, here)
        refused = LeaseRefused("lease_none")
        for holder in (token_of(here.signer_sha256), own.box):
            lease = self._papers.lease(journal, holder)
            try:
                if lease is not None:
                    return _holding(lease, own, here)
            except LeaseRefused as exc:
                refused = exc
        raise refused

    def _stands(self, journal: Journal, here: Here) -> Assignment:
        """Where the box stands; by itself it may issue there at all."""
        if here.distrust is not None:
            raise LeaseRefused("clock")
        own = self._papers.assignment(journal)
        if own is None:
            raise LeaseRefused("no_assignment")
        if journal.handovers.closed(own.epoch):
            raise LeaseRefused("box_handed_over")
        return own

    @staticmethod
    def _require_left(journal: Journal, lease: Lease) -> None:
        if journal.warrants.used(lease.holder, lease.serial) >= lease.count:
            raise LeaseRefused("lease_used_up")


def _holding(lease: Lease, own: Assignment, here: Here) -> Lease:
    """The lease, if it holds for this box, this signer and this moment. Raises LeaseRefused."""
    if lease.pool != own.pool:
        raise LeaseRefused("lease_other_pool")
    if not lease.holder.startswith(TOKEN) and lease.epoch != own.epoch:
        raise LeaseRefused("lease_other_epoch")
    if lease.signer_sha256 != here.signer_sha256:
        raise LeaseRefused("lease_other_token")
    if not here.now < lease.until:
        raise LeaseRefused("lease_ended")
    return lease
