"""`kiosk box adopt`: a spare takes the place of a box that failed.

Three cases: the old box's stick, its storage card, or nothing but the centre's order. Everything is verified
before anything is taken; the same again goes on where it stopped, and once more does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pyrage

from firmware.box.find import find
from firmware.box.found import Found, Trust, read_most
from firmware.box.stick import SwapRefused
from firmware.box.warrants import PaperRefused, Papers
from firmware.records.adoption import Adopted, Plan
from firmware.records.carried import BOX_CERTIFICATE
from firmware.records.errors import HandedOver, SourceDamaged, SourceGone
from firmware.records.format.rules import local_day, pack_on
from firmware.records.format.swap import DISK, HANDOVER, ORDER, Adoption
from firmware.records.format.warrants import SPARE, Assignment
from firmware.records.handover import ADOPTED, Paper
from firmware.records.journal import Journal

CODE_DIGITS = 12
MOST_RECOVERY = 8 << 10
KNOWS = {ORDER: 0, DISK: 1, HANDOVER: 2}
"""How much is known of a box: nothing, what lies on its card, its own word."""
WAITING_DAYS = 30
"""Where no rule pack says how long a ticket is good for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person says. `recovery` None: as found beside the source. `blanks`: as counted by hand.

    `rest`: take what is whole, though the stick misses some; what is missing is listed as lost. `alive` is
    called for each file that is looked at, `progress` for each that is taken.
    """

    source: Path
    officer: str
    blanks: int = 0
    recovery: Path | None = None
    code: str = ""
    rest: bool = False
    progress: Callable[[int, int], None] = lambda _done, _of: None
    alive: Callable[[], None] = lambda: None


def examine(
    journal: Journal,
    papers: Papers,
    source: Path,
    rest: bool = False,
    alive: Callable[[], None] = lambda: None,
) -> Found:
    """What `source` holds and this box may take; nothing is changed. Raises what `adopt` raises.

    Sealed files are looked at from outside, by signature, name and size: `adopt` reads them, once.

    The answer says whether a recovery code is needed: `drafts` is not empty.
    """
    what = find(source, _trust(journal, papers, alive), rest)
    _judge(journal, papers, what)
    return what


def adopt(journal: Journal, papers: Papers, wanted: Wanted) -> Adopted:
    """Take the place of the box that `wanted.source` speaks of; durable when it returns.

    Raises SwapRefused (its reasons: stick_foreign, stick_other_pool, stick_other_profile, stick_incomplete,
    stick_damaged, stick_stale, stick_for_another, stick_own, stick_ambiguous, stick_missing, stick_failed,
    paper_…, already_adopted, not_a_spare, spare_taken, no_assignment, recovery_missing, recovery_needed,
    recovery_code_wrong, recovery_of_another_station), HandedOver, StoreError.
    """
    what = find(wanted.source, _trust(journal, papers, wanted.alive), wanted.rest)
    if what.known_by == ORDER:
        _take_order(journal, papers, what, wanted.officer)
    before = _judge(journal, papers, what)
    if before is not None and before.known_by == what.known_by and not _more(journal, what):
        return before
    recovery = _recovery(what, wanted) if _missing_drafts(journal, what) else None
    plan = _plan(journal, papers, what, wanted, recovery)
    try:
        return journal.adoptions.run(plan)
    except SourceDamaged as exc:
        raise SwapRefused("stick_damaged", str(exc)) from exc
    except SourceGone as exc:
        raise SwapRefused("stick_failed", str(exc)) from exc


def place(journal: Journal, papers: Papers) -> Assignment | None:
    """The signed assignment whose unit, team and station this box works under since its adoption.

    None where it adopted nobody in its present epoch, or nobody knows: then its own assignment says it.
    """
    by, epoch = papers.identity.box, papers.epoch(journal)
    orders = papers.identity.certificate("orders")
    row = _adoption_by(journal, by, epoch)
    for _ in range(len(journal.handovers.papers(ADOPTED))):
        if row is None or row.place is None:
            return None
        signed = Assignment.read(row.place, orders)
        if signed.role != SPARE or signed.replaces is not None:
            return signed
        row = _adoption_by(journal, signed.box, signed.epoch)
    return None


def _trust(journal: Journal, papers: Papers, alive: Callable[[], None]) -> Trust:
    identity = papers.identity

    def adopted(box: str, epoch: int) -> bool:
        return journal.handovers.paper(ADOPTED, box, epoch) is not None

    return Trust(
        identity.certificate("box-ca"),
        identity.certificate("orders"),
        identity.certificate("receipt"),
        journal.now(),
        adopted,
        alive,
    )


# --- may we? -----------------------------------------------------------------------------------------


def _judge(journal: Journal, papers: Papers, what: Found) -> Adopted | None:
    """Raise SwapRefused unless this box may take it; the earlier answer where it has done so."""
    identity, epoch = papers.identity, papers.epoch(journal)
    if what.box == identity.box:
        raise SwapRefused("stick_own", what.box)
    if what.to and what.to != identity.box:
        raise SwapRefused("stick_for_another", what.to)
    if journal.handovers.closed(epoch):
        raise HandedOver(f"epoch {epoch} of {identity.box} was handed over")
    _judge_station(papers.assignment(journal), papers, what)
    for paper in journal.handovers.papers(ADOPTED):
        if paper.box == what.box and paper.epoch > what.epoch:
            raise SwapRefused("stick_stale", f"{what.box}-{what.epoch}")
    if (before := journal.handovers.paper(ADOPTED, what.box, what.epoch)) is not None:
        return _again(journal, before, what)
    own = _adoption_by(journal, identity.box, epoch)
    if own is not None:
        raise SwapRefused("spare_taken", f"{own.box}-{own.epoch}")
    return None


def _judge_station(own: Assignment | None, papers: Papers, what: Found) -> None:
    theirs = Assignment.read(what.place, papers.identity.certificate("orders")) if what.place else None
    if own is None:
        if theirs is not None or papers.production:
            raise SwapRefused("no_assignment")
        return  # a desk without any papers: boxes of one authority
    ordered = own.replaces is not None and (own.replaces.box, own.replaces.epoch) == (what.box, what.epoch)
    if own.role != SPARE and not ordered:
        raise SwapRefused("not_a_spare", own.role)
    if theirs is None:
        if not ordered:
            raise SwapRefused("stick_other_pool", f"{what.box} has no assignment")
    elif theirs.profile != own.profile:
        raise SwapRefused("stick_other_profile", theirs.profile)
    elif theirs.pool != own.pool and not ordered:
        raise SwapRefused("stick_other_pool", theirs.pool)


def _again(journal: Journal, before: Paper, what: Found) -> Adopted:
    """The earlier answer, for the same evidence or for more. Raises SwapRefused("already_adopted")."""
    answer = journal.adoptions.done(what.box, what.epoch)
    if answer is None:
        raise SwapRefused("already_adopted", f"{what.box}-{what.epoch}")
    more = KNOWS[what.known_by] > KNOWS[answer.known_by] and (what.closed_at or 0) >= (answer.closed_at or 0)
    if before.evidence != what.evidence and not more:
        raise SwapRefused("already_adopted", f"{what.box}-{what.epoch}")
    return answer


def _adoption_by(journal: Journal, by: str, epoch: int) -> Paper | None:
    """What this box took over in this epoch; it can be one box only."""
    for paper in journal.handovers.papers(ADOPTED):
        made = Adoption.of(json.loads(paper.body)["adoption"])
        if (made.by, made.by_epoch) == (by, epoch):
            return paper
    return None


def _take_order(journal: Journal, papers: Papers, what: Found, officer: str) -> None:
    """An order of the centre is this box's assignment too."""
    try:
        papers.take(journal, what.evidence or b"", officer)
    except PaperRefused as exc:
        raise SwapRefused(exc.reason) from exc


# --- the recovery identity -----------------------------------------------------------------------------


def _recovery(what: Found, wanted: Wanted) -> pyrage.x25519.Identity:
    path = wanted.recovery or what.recovery
    if path is None:
        raise SwapRefused("recovery_missing")
    identity = open_recovery(path, wanted.code)
    if not any(_opens(folder / "key.age", identity) for folder in what.drafts.values()):
        raise SwapRefused("recovery_of_another_station", path.name)
    return identity


def open_recovery(path: Path, code: str) -> pyrage.x25519.Identity:
    """The station's recovery identity, behind the twelve digits of the technician's card.

    Takes seconds: scrypt. Raises SwapRefused: recovery_needed, recovery_missing, recovery_code_wrong.
    """
    digits = "".join(sign for sign in code if sign not in " -.\u00a0\u202f")
    if not digits:
        raise SwapRefused("recovery_needed")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise SwapRefused("recovery_code_wrong")
    try:
        data = read_most(path, MOST_RECOVERY)
    except SwapRefused as exc:
        raise SwapRefused("recovery_missing", path.name) from exc
    try:
        text = pyrage.passphrase.decrypt(data, digits).decode()
        line = next(line for line in text.split() if line.startswith("AGE-SECRET-KEY-1"))
        return pyrage.x25519.Identity.from_str(line)
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError, StopIteration) as exc:
        raise SwapRefused("recovery_code_wrong") from exc


def _opens(path: Path, identity: pyrage.x25519.Identity) -> bool:
    try:
        return bool(pyrage.decrypt(path.read_bytes(), [identity]))
    except (OSError, pyrage.DecryptError):
        return False


# --- what to take ----------------------------------------------------------------------------------------


def _missing_drafts(journal: Journal, what: Found) -> list[str]:
    return [record_id for record_id in what.drafts if not journal.adoptions.has(record_id)]


def _more(journal: Journal, what: Found) -> bool:
    """Whether the same source holds now what could not be read the first time."""
    return bool(_missing_drafts(journal, what)) or any(
        not journal.carried.has(head.record_digest) for _, head in what.sealed
    )


def _plan(
    journal: Journal,
    papers: Papers,
    what: Found,
    wanted: Wanted,
    recovery: pyrage.x25519.Identity | None,
) -> Plan:
    return Plan(
        by_epoch=papers.epoch(journal),
        box=what.box,
        epoch=what.epoch,
        closed_at=what.closed_at,
        known_by=what.known_by,
        evidence_sha256=sha256(what.evidence).hexdigest() if what.evidence else "",
        evidence=what.evidence,
        place=what.place,
        sealed=what.sealed,
        drafts=what.drafts,
        recovery=recovery,
        blanks_stated=what.blanks_stated,
        blanks_counted=wanted.blanks,
        officer=wanted.officer,
        until=journal.now() + timedelta(days=_waiting_days(journal)),
        lost=what.lost,
        strict=what.known_by == HANDOVER and not wanted.rest,
        progress=wanted.progress,
        carried=what.carried,
        papers=what.papers,
        given_up=what.given_up,
        certificates=_certificates(what),
    )


def _waiting_days(journal: Journal) -> int:
    try:
        return pack_on(local_day(journal.now())).waiting_days
    except LookupError:
        return WAITING_DAYS


def _certificates(what: Found) -> dict[str, bytes]:
    certificates = {head.box: (folder / BOX_CERTIFICATE).read_bytes() for folder, head in what.carried}
    return {**certificates, what.box: what.certificate} if what.sealed else certificates
