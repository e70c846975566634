"""A box's chain of records and its epochs: what fits is accepted, what does not waits for a person."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient
from support import record
from support.centre import Box, TestStation, deliver, without_card
from support.ingest import kind, reason

from centre import chain, db
from firmware.records.format.receipt import ReceiptKind
from firmware.records.format.seal import Sealed


def test_a_chain_in_order_is_accepted(http: TestClient, box: Box) -> None:
    first = box.seal(**without_card())
    assert kind(http, first) is ReceiptKind.ACCEPTED
    follower = without_card(sequence=2, previous_digest=first.record_digest, case="correction")
    assert kind(http, box.seal(**follower)) is ReceiptKind.ACCEPTED


def test_a_gap_in_the_sequence_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    third = box.seal(**without_card(sequence=3, previous_digest="ee" * 32))
    assert kind(http, third) is ReceiptKind.HELD
    assert reason(station, third) == "sequence_gap"
    follower = without_card(sequence=4, previous_digest=third.record_digest, case="correction")
    assert kind(http, box.seal(**follower)) is ReceiptKind.ACCEPTED


def chained(box: Box, *cases: str) -> list[Sealed]:
    """Records 1, 2, … of a box."""
    made: list[Sealed] = []
    for sequence, case in enumerate(cases, start=1):
        previous = made[-1].record_digest if made else record.FIRST
        made.append(box.seal(**without_card(sequence=sequence, previous_digest=previous, case=case)))
    return made


def test_a_gap_that_closes_releases_who_was_held_for_it(
    http: TestClient, box: Box, station: TestStation
) -> None:
    first, second, third = chained(box, "correction", "correction", "correction")
    assert kind(http, first) is ReceiptKind.ACCEPTED
    held = deliver(http, third).content
    assert reason(station, third) == "sequence_gap"
    assert kind(http, second) is ReceiptKind.ACCEPTED
    assert reason(station, third) == ""
    assert http.get("/v1/counts").json()["records"] == {"ACCEPTED": 3}
    assert deliver(http, third).content == held  # the receipt says what was known then, for ever
    with station.turn() as turn:
        acts = turn.connection.execute(select(db.ledger.c.act).order_by(db.ledger.c.position)).scalars()
        assert list(acts) == ["RECORDED", "RECORDED", "RECORDED", "RELEASED"]
        assert chain.broken_at(turn.connection) is None


def test_who_is_released_may_turn_out_a_duplicate(http: TestClient, box: Box, station: TestStation) -> None:
    first, second = chained(box, "first_issue", "first_issue")
    assert kind(http, second) is ReceiptKind.HELD
    assert kind(http, first) is ReceiptKind.ACCEPTED
    assert reason(station, second) == "duplicate_person"


def test_a_gap_that_closes_otherwise_releases_nobody(
    http: TestClient, box: Box, station: TestStation
) -> None:
    stray = box.seal(**without_card(sequence=2, previous_digest="ee" * 32, case="correction"))
    assert kind(http, stray) is ReceiptKind.HELD
    assert kind(http, chained(box, "correction")[0]) is ReceiptKind.HELD
    assert reason(station, stray) == "sequence_gap"


def test_the_database_itself_refuses_a_second_accepted_record_of_one_place(
    http: TestClient, box: Box, station: TestStation
) -> None:
    deliver(http, chained(box, "first_issue")[0])
    with station.turn() as turn:
        there = turn.connection.execute(select(db.records)).one()._asdict()
    for same in ("record_id", "sequence", "number"):
        other = {"record_id": "f" * 32, "sequence": 99, "number": "001304999999", "record_digest": "f" * 64}
        twin = {**there, **other, same: there[same]}
        with pytest.raises(IntegrityError), station.turn() as turn:
            turn.connection.execute(insert(db.records).values(**twin))


def test_a_wrong_link_in_the_chain_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    kind(http, box.seal(**without_card()))
    wrong = box.seal(**without_card(sequence=2, previous_digest="ee" * 32, case="correction"))
    assert kind(http, wrong) is ReceiptKind.HELD
    assert reason(station, wrong) == "chain_broken"


def test_a_late_record_that_does_not_lead_on_is_held(
    http: TestClient, box: Box, station: TestStation
) -> None:
    kind(http, box.seal(**without_card(sequence=2, previous_digest="ee" * 32)))
    late = box.seal(**without_card(case="correction"))
    assert kind(http, late) is ReceiptKind.HELD
    assert reason(station, late) == "chain_broken"


def test_a_number_used_twice_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    kind(http, box.seal(**without_card()))
    twin = box.seal(**without_card(case="correction"))
    assert kind(http, twin) is ReceiptKind.HELD
    assert reason(station, twin) == "sequence_taken"


def test_an_unknown_epoch_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    sealed = box.seal(**without_card(assignment={**record.assignment(), "epoch": 7}))
    assert kind(http, sealed) is ReceiptKind.HELD
    assert reason(station, sealed) == "epoch_unknown"


def test_a_closed_epoch_is_accepted_up_to_its_last_number(
    http: TestClient, box: Box, station: TestStation
) -> None:
    with station.turn() as turn:
        turn.connection.execute(update(db.epochs).values(closed_at_number=1, closed="known"))
        turn.connection.execute(insert(db.epochs).values(box="BOX-01", epoch=2))
    first = box.seal(**without_card())
    assert kind(http, first) is ReceiptKind.ACCEPTED
    beyond = box.seal(**without_card(sequence=2, previous_digest=first.record_digest, case="correction"))
    assert kind(http, beyond) is ReceiptKind.HELD
    assert reason(station, beyond) == "epoch_closed"
