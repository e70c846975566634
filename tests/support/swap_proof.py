"""What must hold after a swap at whatever moment: at the centre, on both boxes, and on every card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pyrage
from sqlalchemy import Row, select

from centre import chain, db, held
from centre.pki import AgeRole, Role
from firmware.records.format.seal import OpenedRecord, open_sealed
from support import record
from support.issue import sod_bytes
from support.swap_points import OFFICERS
from support.swap_world import BLANKS, ORDER, STICK, number

if TYPE_CHECKING:
    from support.swap_trial import Trial


Rows = Sequence[Row[Any]]


def prove(it: Trial) -> None:
    """Raises AssertionError for whatever is lost, made twice, or known to nobody."""
    assert it.journal.audit.verify() == []
    opened = _opened(it)
    with it.world.station.opened() as engine, db.reading(engine) as connection:
        assert chain.broken_at(connection) is None
        rows = connection.execute(select(db.records)).all()
        listed = {one["record_digest"] for one in held.listing(connection)}
    assert {row.record_digest for row in rows} == opened.keys()
    assert listed == {row.record_digest for row in rows if row.status != "ACCEPTED"}
    _each_citizen_once(rows)
    _nothing_accepted_is_lost(it, rows, opened)
    _one_card_a_record(it, rows, opened)
    _blanks_add_up(it)


def _opened(it: Trial) -> dict[str, OpenedRecord]:
    pki = it.world.pki
    identity = pyrage.x25519.Identity.from_str(pki.age_identity(AgeRole.CENTRE))
    files = (it.root / "centre" / "records").rglob("*.age")
    found = [
        open_sealed(path.read_bytes(), [identity], pki.certificate(Role.BOX_CA), record.NOW) for path in files
    ]
    return {one.record_digest: one for one in found}


def _each_citizen_once(rows: Rows) -> None:
    accepted = Counter(row.number for row in rows if row.status == "ACCEPTED")
    wanted = {number(person): 1 for person in (1, 2, 3)}
    assert accepted == wanted, [(row.number, row.status, row.reason, row.box) for row in rows]
    waiting = [row for row in rows if row.status != "ACCEPTED"]
    assert all(row.status == "HELD" and row.reason for row in waiting), waiting


def _nothing_accepted_is_lost(it: Trial, rows: Rows, opened: dict[str, OpenedRecord]) -> None:
    if not it.point.record_id:
        return
    digests = [row.record_digest for row in rows if row.record_id == it.point.record_id]
    if not digests:
        assert it.case == ORDER
        return
    for digest in digests:
        whole = opened[digest]
        for part, (value, blobs) in it.point.accepted.items():
            name = part.removeprefix("finger/")
            there = (
                next(one for one in whole.manifest["fingers"] if one["position"] == name)
                if part.startswith("finger/")
                else whole.manifest[part]
            )
            assert there == value, part
            assert {name: whole.files[name] for name in blobs} == blobs, part


def _one_card_a_record(it: Trial, rows: Rows, opened: dict[str, OpenedRecord]) -> None:
    void, live = set(), {}
    for row in rows:
        manifest = opened[row.record_digest].manifest
        void |= {card["sod_sha256"] for card in manifest["void_cards"]}
        if manifest["chip"]:
            live[manifest["chip"]["sod_sha256"]] = row.record_id
    unvoided: Counter[str] = Counter()
    for card in it.cards:
        begun = sod_bytes(card).rstrip(b"\xff")
        if not begun:
            continue
        digest = next((digest for digest, sod in it.sods.items() if sod.startswith(begun)), None)
        assert digest in live or digest in void or _waits_here(it, digest), "a live card that nobody knows"
        if digest in live and digest not in void:
            unvoided[live[digest]] += 1
    assert all(count == 1 for count in unvoided.values())


def _waits_here(it: Trial, digest: str | None) -> bool:
    """A draft that is ISSUING, on the spare: its record is still to come."""
    kept = {sha256(sod).hexdigest() for sod in it.point.sods.values()}
    return digest in kept and it.journal.adoptions.has(it.point.record_id)


def _blanks_add_up(it: Trial) -> None:
    mine = it.journal.blanks()
    assert mine.taken_in == it.counted
    missing = it.journal.stock.hand_over(it.pile, *OFFICERS)
    now, old = it.journal.blanks(), it.old_blanks
    assert now.left == it.pile
    if it.case == STICK:
        assert (old.left, old.out) == (0, it.counted)
    unbooked = int(it.case == ORDER and it.begun)
    on_its_way = old.left + old.out - it.counted
    assert on_its_way + missing == unbooked
    used = old.live + old.void + now.live + now.void
    assert used + unbooked + it.pile == BLANKS
