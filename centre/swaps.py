"""One box in another's place, as the centre learns of it: adoptions, and the end of a box (DESIGN section 7).

A closed (box, epoch) is taken by one box. A second one that says so too is written down as a conflict, and
what it brings of that place is held: two boxes were on at once, and a person must see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import rfc8785
from cryptography import x509
from sqlalchemy import Connection, Row, insert, select, update

from centre import boxes, db, epochs, held, papers
from centre.cases import stamp
from centre.chain import Act, Turn
from centre.errors import CentreSetupError, Refused
from centre.inherited import Inherited, Right
from firmware.records.format.errors import FormatError
from firmware.records.format.swap import DISK, HANDOVER, ORDER, Adoption, Handover, Retirement
from firmware.records.format.warrants import Replaces

KNOWS: Final = {ORDER: 0, DISK: 1, HANDOVER: 2}
"""How much an adopter knows of the box: nothing, what lay on its disk, its own last word."""
SPLIT: Final = frozenset({"adopted_twice", "issued_twice", "lease_used", "record_id_known", epochs.CLOSED})
"""Reasons to hold a record that say: two boxes were at work in one place."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An adoption with what it rests on; signatures hold, nothing else is checked."""

    adoption: Adoption
    body: bytes
    handover: Handover | None
    handover_body: bytes | None

    @classmethod
    def read(cls, adoption: Any, handover: Any, box_ca: x509.Certificate, at: datetime) -> Claim:
        """From the JSON of the request. Raises Refused(422): adoption, handover."""
        body = _bytes(adoption, "adoption")
        handover_body = None if handover is None else _bytes(handover, "handover")
        try:
            made = Adoption.read(body, box_ca, at)
        except FormatError as exc:
            raise Refused(422, "adoption", str(exc)[:2000]) from exc
        try:
            given = Handover.read(handover_body, box_ca, at) if handover_body else None
        except FormatError as exc:
            raise Refused(422, "handover", str(exc)[:2000]) from exc
        return cls(made, body, given, handover_body)


def report(turn: Turn, speaker: str, claim: Claim, at: datetime) -> dict[str, Any]:
    """Write the adoption down, close the epoch, release what waited for that; the answer to the box.

    The same again gets the same answer. Raises Refused: 403 other_box; 409 epoch_unknown, other_pool,
    order_unknown, handover_to_another, adoption_changed; 422 adoption, evidence.
    """
    made, connection = claim.adoption, turn.connection
    _check(connection, speaker, claim)
    taken = connection.execute(select(_S).where(_S.c.box == made.box, _S.c.epoch == made.epoch)).all()
    own = next((row for row in taken if row.by == made.by), None)
    if own is not None and not _says_more(own, claim):
        return _answer(connection, own)
    conflict = bool(own.conflict) if own is not None else bool(taken)
    written = _write(turn, claim, conflict, own, at)
    if claim.handover is not None or not conflict:
        _close(turn, made.box, made.epoch, made.closed_at, at)
    return _answer(connection, written)


def retire(turn: Turn, box: str, proof: bytes | None, box_ca: x509.Certificate, at: datetime) -> None:
    """The box's certificate opens nothing any more; its epochs end, at the number that its proof states.

    Raises CentreSetupError for a box that is not there, or a proof that is not its own or does not hold.
    """
    connection = turn.connection
    last = _last_word(proof, box, box_ca, at) if proof else None
    if last is not None and epochs.of(connection, box, last.epoch) is None:
        raise CentreSetupError(f"the proof speaks of epoch {last.epoch}, which {box} never had")
    if not boxes.remove(connection, box) and last is None:
        raise CentreSetupError(f"{box} is not enrolled here, or was retired")
    if last is not None:
        _close(turn, box, last.epoch, last.closed_at, at)
    newest = epochs.newest(connection, box)
    if newest is not None and newest.closed == epochs.OPEN:
        epochs.close(connection, box, newest.epoch, None)
    connection.execute(insert(db.retirements).values(box=box, at=stamp(at), proof=proof))
    turn.append(Act.RETIRED, sha256(proof).hexdigest() if proof else box, "", box, at)


def listing(connection: Connection) -> dict[str, Any]:
    """Every adoption, and what shows that two boxes were on at once."""
    names = ("box", "epoch", "by", "by_epoch", "closed_at", "known_by", "at")
    rows = connection.execute(select(_S).order_by(_S.c.ledger_position)).all()
    swaps = [{name: getattr(row, name) for name in names} | {"outcome": _outcome(row)} for row in rows]
    conflicts = [swap for swap in swaps if swap["outcome"] == Act.CONFLICT]
    waiting = [one for one in held.listing(connection) if SPLIT & set(one["reasons"])]
    return {"swaps": swaps, "split_brains": {"adoptions": conflicts, "records": waiting}}


def _check(connection: Connection, speaker: str, claim: Claim) -> None:
    made = claim.adoption
    if Inherited(connection, speaker).right(made.by, made.by_epoch) is Right.NONE:
        raise Refused(403, "other_box", "the adoption is another box's")
    if made.by == made.box:
        raise Refused(422, "adoption", "a box does not take its own place")
    for box, epoch in ((made.box, made.epoch), (made.by, made.by_epoch)):
        if epochs.of(connection, box, epoch) is None:
            raise Refused(409, "epoch_unknown", f"{box} has no epoch {epoch}")
    pool = papers.pool_of(connection, made.box, made.epoch)
    if pool != papers.pool_of(connection, made.by, made.by_epoch):
        raise Refused(409, "other_pool", f"{made.by} is no spare of the pool of {made.box}")
    _check_evidence(connection, claim)


def _check_evidence(connection: Connection, claim: Claim) -> None:
    made, handover = claim.adoption, claim.handover
    if (made.known_by == HANDOVER) != (handover is not None):
        raise Refused(422, "evidence", "a handover goes along where the box gave one, and only there")
    if (made.known_by == ORDER) != (made.closed_at is None):
        raise Refused(422, "evidence", "the last number is known, but for an order of the centre")
    if handover is not None and claim.handover_body is not None:
        given = (handover.box, handover.epoch, handover.closed_at, sha256(claim.handover_body).hexdigest())
        if given != (made.box, made.epoch, made.closed_at, made.evidence):
            raise Refused(422, "evidence", "the adoption rests on another handover")
        if handover.to not in ("", made.by):
            raise Refused(409, "handover_to_another", f"it was given to {handover.to}")
    elif made.known_by == ORDER:
        place = Replaces(made.box, made.epoch)
        if not papers.is_order(connection, made.evidence, made.by, place):
            raise Refused(409, "order_unknown", "the centre gave no such order")


def _says_more(own: Row[Any], claim: Claim) -> bool:
    """Whether the adopter knows more of the place than when it spoke before. Raises Refused(409)."""
    made = claim.adoption
    before, now = KNOWS[own.known_by], KNOWS[made.known_by]
    if own.sha256 == _digest(made) or now < before:
        return False
    if own.closed_at is not None and (made.closed_at or 0) < own.closed_at:
        raise Refused(409, "adoption_changed", f"the place was taken at number {own.closed_at}")
    if now == before and made.closed_at != own.closed_at:
        raise Refused(409, "adoption_changed", f"the place was taken at number {own.closed_at}")
    return True


def _close(turn: Turn, box: str, epoch: int, closed_at: int | None, at: datetime) -> None:
    """At the highest number that anybody knew: what was taken in stays."""
    row = epochs.of(turn.connection, box, epoch)
    if row is not None and row.closed_at_number is not None:
        closed_at = max(row.closed_at_number, closed_at or 0)
    epochs.close(turn.connection, box, epoch, closed_at)
    if closed_at is not None:
        held.settle_epoch(turn, box, epoch, closed_at, at)


def _write(turn: Turn, claim: Claim, conflict: bool, own: Row[Any] | None, at: datetime) -> Row[Any]:
    made = claim.adoption
    digest = _digest(made)
    row = {
        "sha256": digest,
        "box": made.box,
        "epoch": made.epoch,
        "by": made.by,
        "by_epoch": made.by_epoch,
        "closed_at": made.closed_at,
        "known_by": made.known_by,
        "conflict": int(conflict),
        "ledger_position": turn.append(Act.CONFLICT if conflict else Act.ADOPTED, digest, "", made.by, at),
        "adoption": claim.body,
        "handover": claim.handover_body,
        "at": stamp(at),
    }
    if own is None:
        turn.connection.execute(insert(_S).values(**row))
    else:
        turn.connection.execute(update(_S).where(_S.c.sha256 == own.sha256).values(**row))
    return turn.connection.execute(select(_S).where(_S.c.sha256 == digest)).one()


def _answer(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    place = epochs.of(connection, row.box, row.epoch)
    return {
        "outcome": _outcome(row),
        "box": row.box,
        "epoch": row.epoch,
        "by": row.by,
        "closed_at": place.closed_at_number if place else None,
        "position": row.ledger_position,
    }


def _outcome(row: Row[Any]) -> str:
    return Act.CONFLICT if row.conflict else Act.ADOPTED


def _digest(made: Adoption) -> str:
    """Of what was said; the signature over it may differ each time."""
    return sha256(rfc8785.dumps(made.body())).hexdigest()


def _last_word(proof: bytes, box: str, box_ca: x509.Certificate, at: datetime) -> Retirement:
    try:
        last = Retirement.read(proof, box_ca, at)
    except FormatError as exc:
        raise CentreSetupError(f"the proof of retirement does not hold: {exc}") from exc
    if last.box != box:
        raise CentreSetupError(f"the proof is of {last.box}, not of {box}")
    return last


def _bytes(paper: Any, name: str) -> bytes:
    try:
        return rfc8785.dumps(paper)
    except rfc8785.CanonicalizationError as exc:
        raise Refused(422, name, "no paper has such a number") from exc


_S = db.swaps
