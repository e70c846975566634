"""What must hold of a box at any restart (`sound`) and after a day's work (`all_done`); its content."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from drivers.virtual.card import VirtualCard
from firmware.records import inspection
from firmware.records.journal import Journal
from firmware.records.states import RecordState
from support.issue import locked
from support.office import sod_on
from support.storage.visits import Citizen, Town

S = RecordState
TABLES = ("record", "part", "blob", "attempt", "sealed", "stock", "step", "tries", "audit", "checkpoint")
ENDED = {"refuse": S.REFUSED, "abandon": S.ABANDONED}

Content = dict[str, list[tuple[Any, ...]]]


def content(journal: Journal) -> Content:
    """Every row of every table: draft files stand there by their hashes, sealed ones by their digests."""
    with journal._db.reading() as connection:
        return {
            table: [tuple(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")]  # noqa: S608
            for table in TABLES
        }


def sound(journal: Journal, town: Town) -> None:
    """Raise unless the store is whole, and no card lives without a record or beside another one."""
    assert journal.rebuilt is None
    assert journal.audit.verify() == []
    assert [finding for finding in inspection.verify(journal.shelf) if not finding.good] == []
    assert not [path for path in journal._folder.rglob("*.tmp") if path.parent != journal._folder]
    with journal._db.reading() as connection:
        rows = connection.execute("SELECT * FROM attempt").fetchall()
    attempts = {(row["record_id"], row["number"]): row for row in rows}
    live = [row["record_id"] for row in rows if row["issuing_at"] and not row["lost_at"]]
    assert len(live) == len(set(live)), "two unvoided cards of one record"
    for citizen in town.citizens:
        for number, card in enumerate(citizen.cards, 1):
            if sod := sod_on(card):
                row = attempts[citizen.record_id, number]
                assert row["issuing_at"] is not None, "a live card without a record"
                assert len(sod) < 40 or row["sod_sha256"], "a SOD that nobody kept"
    if (here := journal.open_record()) is not None:
        draft = journal.draft(here)
        assert all(journal.blob(here, name) for name in draft.blobs)


def all_done(journal: Journal, town: Town) -> None:
    """Raise unless every plan came to its end, once."""
    sound(journal, town)
    ledger = {opened.manifest["record_id"]: opened.manifest for opened, _ in town.centre.ledger}
    sent = [citizen for citizen in town.citizens if not citizen.plan.ends]
    assert sorted(ledger) == sorted(str(citizen.record_id) for citizen in sent)
    for citizen in town.citizens:
        state = journal.state(str(citizen.record_id))
        assert state is (ENDED[citizen.plan.ends[0]] if citizen.plan.ends else S.PURGED)
    for citizen in sent:
        _card_is_right(citizen, ledger[str(citizen.record_id)])
    live = sum(citizen.plan.card and not citizen.plan.ends for citizen in town.citizens)
    void = sum(len(citizen.cards) - 1 for citizen in town.citizens if citizen.cards)
    assert void >= sum(citizen.plan.loses for citizen in town.citizens)
    blanks = journal.blanks()
    assert (blanks.live, blanks.void, blanks.left) == (live, void, blanks.taken_in - live - void)
    assert journal._vault.records() == []
    assert journal.open_record() is None and journal.next_sealed() is None
    assert [row["sequence"] for row in _sealed(journal)] == list(range(1, len(sent) + 1))


def _card_is_right(citizen: Citizen, manifest: dict[str, Any]) -> None:
    void = [each["sod_sha256"] for each in manifest["void_cards"]]
    if not citizen.plan.card:
        assert not citizen.cards and not void and manifest["chip"] is None
        return
    live = citizen.cards[-1]
    assert sha256(sod_on(live)).hexdigest() == manifest["chip"]["sod_sha256"]
    assert locked(VirtualCard.from_bytes(live))
    assert manifest["chip"]["sod_sha256"] not in void
    lost = [card for card in citizen.cards[:-1] if sod_on(card)]
    assert len(void) >= len(lost), "a lost card that is not on the void list"
    parts = {each["position"]: each for each in manifest["fingers"]}
    assert len(parts) == 10
    if citizen.plan.better:
        assert parts["right_index"]["score"] == 90


def _sealed(journal: Journal) -> Iterator[Any]:
    with journal._db.reading() as connection:
        yield from connection.execute("SELECT * FROM sealed ORDER BY sequence").fetchall()
