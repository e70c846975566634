"""What the centre signed for this box: taken in from a stick or the network, judged, kept, and read again.

An assignment says where the box stands and under which epoch; a lease what it may issue offline (DESIGN
section 7). A paper is believed for its signature alone, on each reading: not for how it came or where it lay.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography import x509

from firmware.box.identity import Identity
from firmware.records.clock import stamp
from firmware.records.errors import StoreDamaged
from firmware.records.format.errors import FormatError, SignatureRefused, StatementRefused
from firmware.records.format.warrants import ASSIGNMENT, LEASE, PRODUCTION, TOKEN, Assignment, Lease
from firmware.records.journal import Journal

MAX_PAPER = 16 << 10
Paper = Assignment | Lease
P = TypeVar("P", Assignment, Lease)


class PaperRefused(Exception):
    """A paper of the centre that this box does not take; `reason` is the key of a text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Taken:
    """A paper that is kept now. `new`: it was not kept before."""

    kind: str
    serial: int
    new: bool


@dataclass(frozen=True)
class Papers:
    """The papers of one box, in its journal. `production`: the station's profile is that."""

    identity: Identity
    production: bool

    # --- what is kept ----------------------------------------------------------------------------------

    def assignment(self, journal: Journal) -> Assignment | None:
        """Where this box stands by the newest paper. Raises StoreDamaged for one that was changed here."""
        body = journal.warrants.newest(ASSIGNMENT, self.identity.box)
        return self._believed(Assignment, body) if body else None

    def epoch(self, journal: Journal) -> int:
        """Under which this box makes records now."""
        own = self.assignment(journal)
        return own.epoch if own else self.identity.epoch

    def lease(self, journal: Journal, holder: str) -> Lease | None:
        """The newest lease of a holder: this box, or `token:…`. Raises StoreDamaged as `assignment`."""
        body = journal.warrants.newest(LEASE, holder)
        return self._believed(Lease, body) if body else None

    def _believed(self, kind: type[P], body: bytes) -> P:
        try:
            return kind.read(body, self._orders())
        except FormatError as exc:
            raise StoreDamaged(f"read the kept {kind.__name__.lower()}") from exc

    def _orders(self) -> x509.Certificate:
        return self.identity.certificate("orders")

    # --- taking one in -----------------------------------------------------------------------------------

    def take(self, journal: Journal, data: bytes, actor: str = "kiosk") -> Taken:
        """Judge a paper and keep it; durable when it returns, and the same again does nothing.

        Raises PaperRefused (paper_unreadable, paper_forged, paper_of_another_box, paper_of_another_pool,
        paper_of_another_profile, paper_stale, paper_replayed, paper_epoch_back, no_assignment), which the
        audit has too, and IdentityError where this box has no `orders.pem`.
        """
        try:
            kind, paper = read(data, self._orders())
            holder = self._judge(journal, paper)
            new = self._newer(journal, kind, holder, paper)
        except PaperRefused as refused:
            journal.warrants.refused(refused.reason, actor)
            raise
        if new:
            journal.warrants.keep(kind, holder, paper.serial, data, actor)
        return Taken(kind, paper.serial, new)

    def _judge(self, journal: Journal, paper: Paper) -> str:
        """Whose paper it is, if it is one for this box."""
        if isinstance(paper, Assignment):
            return self._judge_assignment(journal, paper)
        return self._judge_lease(journal, paper)

    def _judge_assignment(self, journal: Journal, paper: Assignment) -> str:
        if paper.box != self.identity.box:
            raise PaperRefused("paper_of_another_box")
        if (paper.profile == PRODUCTION) is not self.production:
            raise PaperRefused("paper_of_another_profile")
        kept = self.assignment(journal)
        if kept and paper.serial < kept.serial:
            raise PaperRefused("paper_stale")
        if paper.epoch < self.epoch(journal):
            raise PaperRefused("paper_epoch_back")
        return paper.box

    def _judge_lease(self, journal: Journal, paper: Lease) -> str:
        own = self.assignment(journal)
        if own is None:
            raise PaperRefused("no_assignment")
        travels = paper.holder.startswith(TOKEN)
        if not travels and paper.holder != self.identity.box:
            raise PaperRefused("paper_of_another_box")
        if travels and paper.holder != token_of(paper.signer_sha256):
            raise PaperRefused("paper_forged")  # it names another signer than it is for
        if paper.pool != own.pool:
            raise PaperRefused("paper_of_another_pool")
        if not travels and paper.epoch < own.epoch:
            raise PaperRefused("paper_epoch_back")
        if not travels and self._count_was_lost(journal, paper):
            raise PaperRefused("paper_stale")
        return paper.holder

    def _count_was_lost(self, journal: Journal, paper: Lease) -> bool:
        """Whether the journal was rebuilt after this lease was given: nobody knows what is left of it."""
        rebuilt = journal.warrants.rebuilt_at()
        return rebuilt is not None and stamp(paper.at) <= rebuilt

    def _newer(self, journal: Journal, kind: str, holder: str, paper: Paper) -> bool:
        """False for the very paper that is kept."""
        body = journal.warrants.newest(kind, holder)
        if body is None:
            return True
        kept = read(body, self._orders())[1]
        if paper.serial < kept.serial:
            raise PaperRefused("paper_stale")
        if paper.serial == kept.serial and paper != kept:
            raise PaperRefused("paper_replayed")
        return paper.serial > kept.serial


def token_of(signer_sha256: str) -> str:
    """The holder that a document signer's certificate in a token stands for."""
    return f"{TOKEN}{signer_sha256[:16]}"


def read(data: bytes, orders: x509.Certificate) -> tuple[str, Paper]:
    """What a paper of the centre says, by its kind. Raises PaperRefused."""
    if len(data) > MAX_PAPER:
        raise PaperRefused("paper_unreadable")
    forms: tuple[tuple[str, type[Assignment] | type[Lease]], ...] = ((ASSIGNMENT, Assignment), (LEASE, Lease))
    for kind, form in forms:
        try:
            return kind, form.read(data, orders)
        except SignatureRefused as exc:
            raise PaperRefused("paper_forged") from exc
        except StatementRefused:
            continue
    raise PaperRefused("paper_unreadable")


def paper_in(path: Path) -> bytes:
    """The bytes of a paper on a stick. Raises PaperRefused when it cannot be read or is far too long."""
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_PAPER + 1)
    except OSError as exc:
        raise PaperRefused("paper_unreadable") from exc
