"""Both boxes are on for a day, each with a journal and a lease of its own: one card of a person counts."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sqlalchemy import select
from support import swap
from support.swap_points import MEMORY
from support.swap_world import NEW, OLD, World, founded, number, parts
from support.torture import many

from centre import chain, db, held, swaps
from firmware.box import adopt
from firmware.document import keys
from firmware.issue.ports import SigningRequest
from firmware.records.format.receipt import ReceiptKind
from firmware.records.journal import Journal

PERSONS, MORNING, A_BOX = 4, 2, 3
REPORT = {
    "data_groups": {"1": "11" * 32},
    "read_back": True,
    "passive_authentication": True,
    "locked": True,
}


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "load_der_private_key", cache(load_der_private_key))


def serve(world: World, box: swap.SwapBox, journal: Journal, person: int) -> None:
    """A whole visit; the card is signed under the box's own lease, and taken for made."""
    record_id = world.begin(box, journal)
    for part, value, blobs in parts(person, box.name):
        journal.accept(record_id, part, value, blobs)
    journal.freeze(record_id, b"the frozen card")
    request = SigningRequest(
        record_id, number(person), "first_issue", box.name, box.papers.epoch(journal), 1, {1: b"\x11" * 32}
    )
    sod = world.signer(box, journal, None).sign(request)
    journal.keep_sod(record_id, 1, sod)
    journal.issuing(record_id, 1, sha256(sod).digest())
    journal.complete(record_id, 1, REPORT)
    journal.seal(record_id)


@pytest.mark.parametrize("first", [NEW, OLD])
@pytest.mark.parametrize("seed", range(many(12, 60)))
def test_every_second_issue_of_a_person_is_held_and_listed(
    seed: int, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = Random(seed)  # noqa: S311  dice, no secret
    by_order = dice.random() < 0.3
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="split-brain-") as folder, ExitStack() as stack:
        world = founded(Path(folder), "store-data", "lease")
        monkeypatch.setattr(adopt, "open_recovery", lambda *_: world.recovery())
        old = stack.enter_context(world.old.journal())
        for person in dice.sample(range(1, PERSONS + 1), MORNING):
            serve(world, world.old, old, person)
        new = stack.enter_context(world.new.journal())
        source = _source(world, by_order)
        adopt.adopt(new, world.new.papers, adopt.Wanted(source, "O-1", 5, code=swap.CODE))
        for box, journal in _a_day(dice, (world.old, old), (world.new, new)):
            serve(world, box, journal, dice.randint(1, PERSONS))
        app = stack.enter_context(world.centre())
        for box, journal in _in_turn(first, (world.old, old), (world.new, new)):
            with world.client(app, box) as client:
                done = world.courier(box, journal, client)
            assert not done.failed and not done.refused
            assert journal.counts().outbox.unsent == journal.carried.counts().unsent == 0
        _prove(world, first, by_order)


def _source(world: World, by_order: bool) -> Path:
    if not by_order:
        return world.old.data
    order = world.stick / "order.json"
    order.write_bytes(world.station.order_swap(NEW, OLD))
    return order


def _a_day(dice: Random, *boxes: Any) -> list[Any]:
    turns = [box for box in boxes for _ in range(A_BOX)]
    dice.shuffle(turns)
    return turns


def _in_turn(first: str, *boxes: Any) -> list[Any]:
    return sorted(boxes, key=lambda one: one[0].name != first)


def _prove(world: World, first: str, by_order: bool) -> None:
    with world.station.opened() as engine, db.reading(engine) as connection:
        assert chain.broken_at(connection) is None
        rows = connection.execute(select(db.records)).all()
        live = connection.execute(select(db.grants).where(db.grants.c.state == "ISSUED")).all()
        listed = {one["record_digest"]: one["reasons"] for one in held.listing(connection)}
        split = {one["record_digest"] for one in swaps.listing(connection)["split_brains"]["records"]}
    assert len(rows) == MORNING + 2 * A_BOX, "nothing is lost, nothing comes twice"
    accepted = [row for row in rows if row.status == ReceiptKind.ACCEPTED]
    assert max(Counter(row.number for row in accepted).values(), default=0) <= 1
    assert max(Counter(row.number for row in live).values(), default=0) <= 1
    assert {row.record_id for row in accepted} <= {row.record_id for row in live}
    others = {row.record_digest for row in rows} - {row.record_digest for row in accepted}
    assert others == listed.keys() and all(listed.values()), "who is not taken waits for a person, by name"
    unclear = {digest for digest, reasons in listed.items() if reasons == ["epoch_unclear"]}
    assert others - unclear <= split
    beyond = {row.record_digest for row in rows if row.box == OLD and row.sequence > MORNING}
    if first == NEW or by_order:
        assert beyond <= others, "what the old box made after its end counts only when a person says so"
