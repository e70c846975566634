"""One box in another's place: who may, what it closes, and what is held when two were on at once."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select
from starlette.types import ASGIApp
from support import record
from support.centre import TestStation, deliver
from support.places import POOL, UNIT, Station, chip

from centre import chain, db, swaps
from centre.papers import Place
from firmware.records.format.receipt import ReceiptKind

ACCEPTED, HELD = (ReceiptKind.ACCEPTED, ""), ReceiptKind.HELD
OTHER, THIRD = "001304000018", "001304000019"


@pytest.fixture
def c(app: ASGIApp, station: TestStation) -> Station:
    return Station.at(app, station, "BOX-03")


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def acts(station: TestStation) -> list[str]:
    with station.turn() as turn:
        assert chain.broken_at(turn.connection) is None
        rows = turn.connection.execute(select(db.ledger.c.act).order_by(db.ledger.c.position)).scalars()
        return [act for act in rows if act not in ("ASSIGNED", "RECORDED")]


def test_the_spare_delivers_what_the_old_box_made_and_not_one_more(a: Station, b: Station) -> None:
    first, second, beyond = a.makes(), a.makes(OTHER), a.makes(THIRD)
    assert a.sends(first) == ACCEPTED
    assert refusal(deliver(b.http, second)) == (403, "other_box")
    assert b.replaces(a, a.hands_over(2), closed_at=2)["outcome"] == "ADOPTED"
    assert b.sends(second) == ACCEPTED
    assert b.http.get(f"/v1/records/{second.record_digest}/receipt").status_code == 200
    assert b.sends(beyond) == a.sends(beyond) == (HELD, "epoch_closed")


def test_the_old_box_may_deliver_what_it_sealed_before_the_end(a: Station, b: Station) -> None:
    first, second = a.makes(), a.makes(OTHER)
    b.replaces(a, a.hands_over())
    assert a.sends(second)[1] == "sequence_gap"
    assert b.sends(first) == ACCEPTED
    assert a.station.verdict(second) == ACCEPTED
    assert deliver(b.http, second).status_code == 200


def test_the_same_word_again_gets_the_same_answer(a: Station, b: Station, station: TestStation) -> None:
    handover = a.hands_over()
    first = b.replaces(a, handover)
    assert b.replaces(a, handover) == first == {
        "outcome": "ADOPTED", "box": "BOX-01", "epoch": 1, "by": "BOX-02", "closed_at": 0, "position": 3,
    }  # fmt: skip
    assert acts(station) == ["ADOPTED"]


def test_a_box_that_was_replaced_is_signed_no_card(a: Station, b: Station) -> None:
    a.asks_for_card("a" * 32).raise_for_status()
    b.replaces(a, a.hands_over())
    assert refusal(a.asks_for_card("a" * 32)) == (409, "epoch_closed")
    assert refusal(a.asks_for_card("b" * 32, OTHER)) == (409, "epoch_closed")
    assert refusal(a.asks_for_card("b" * 32, OTHER, epoch=9)) == (409, "epoch_unknown")


def test_the_spare_gets_the_very_signature_that_the_old_box_got(a: Station, b: Station, c: Station) -> None:
    given = a.asks_for_card("a" * 32).json()["ef_sod"]
    assert refusal(b.asks_for_card("a" * 32)) == (403, "other_box")
    b.replaces(a, a.hands_over())
    assert b.asks_for_card("a" * 32).json()["ef_sod"] == given
    changed = b.asks_for_card("a" * 32, data_groups={"1": "22" * 32})
    assert refusal(changed) == (409, "attempt_changed")
    assert refusal(c.asks_for_card("a" * 32)) == (403, "other_box")
    assert refusal(c.http.post("/v1/void", json={"record_id": "a" * 32, "attempts": [1]})) == (
        403,
        "other_box",
    )
    assert b.http.post("/v1/void", json={"record_id": "a" * 32, "attempts": [1]}).json() == {"voided": 1}


def test_what_the_old_box_began_the_spare_brings_to_its_end(a: Station, b: Station) -> None:
    sod = base64.b64decode(a.asks_for_card("a" * 32).json()["ef_sod"])
    b.replaces(a, a.hands_over())
    began = {"began_on": {"box": "BOX-01", "epoch": 1}}
    sealed = b.makes(record_id="a" * 32, assignment=began, chip=chip(sod))
    assert b.sends(sealed) == ACCEPTED
    assert b.http.get("/v1/counts").json()["grants"] == {"open": 0, "void": 0, "issued": 1}


def test_what_began_on_a_box_that_nobody_replaced_is_held(a: Station, b: Station) -> None:
    began = {"began_on": {"box": "BOX-01", "epoch": 1}}
    assert b.sends(b.makes(assignment=began)) == (HELD, "adoption_unknown")


def test_two_spares_in_one_place_are_a_conflict_that_is_listed(
    a: Station, b: Station, c: Station, station: TestStation
) -> None:
    first, second = a.makes(), a.makes(OTHER)
    handover = a.hands_over()
    assert b.replaces(a, handover)["outcome"] == "ADOPTED"
    conflict = c.replaces(a, handover)
    assert conflict["outcome"] == "CONFLICT"
    assert c.replaces(a, handover) == conflict
    assert b.sends(first) == ACCEPTED
    assert c.sends(second) == (HELD, "adopted_twice")
    began = {"began_on": {"box": "BOX-01", "epoch": 1}}
    assert c.sends(c.makes(THIRD, assignment=began)) == (HELD, "adopted_twice")
    assert acts(station) == ["ADOPTED", "CONFLICT"]
    with station.turn() as turn:
        found = swaps.listing(turn.connection)
    assert [(one["by"], one["outcome"]) for one in found["swaps"]] == [
        ("BOX-02", "ADOPTED"),
        ("BOX-03", "CONFLICT"),
    ]
    assert [one["by"] for one in found["split_brains"]["adoptions"]] == ["BOX-03"]
    assert [one["box"] for one in found["split_brains"]["records"]] == ["BOX-01", "BOX-03"]


def test_a_place_goes_from_box_to_box(a: Station, b: Station, c: Station) -> None:
    sod = base64.b64decode(a.asks_for_card("a" * 32).json()["ef_sod"])
    sealed = a.makes(OTHER)
    b.replaces(a, a.hands_over())
    assert refusal(deliver(c.http, sealed)) == (403, "other_box")
    c.replaces(b, b.hands_over())
    assert c.sends(sealed) == ACCEPTED
    assert base64.b64decode(c.asks_for_card("a" * 32).json()["ef_sod"]) == sod
    began = {"began_on": {"box": "BOX-01", "epoch": 1}}
    assert c.sends(c.makes(record_id="a" * 32, assignment=began, chip=chip(sod))) == ACCEPTED


def test_the_last_of_them_brings_the_word_of_the_one_between(a: Station, b: Station, c: Station) -> None:
    """The second box never had a line before it failed."""
    sealed, handover = a.makes(), a.hands_over()
    word = b.takes(a, known_by="handover", evidence=sha256(handover).hexdigest())
    assert refusal(c.reports(word, handover)) == (403, "other_box")
    c.replaces(b, b.hands_over())
    assert c.reports(word, handover).json()["outcome"] == "ADOPTED"
    assert c.sends(sealed) == ACCEPTED


def test_while_the_end_is_unknown_all_that_comes_is_held_and_then_released(
    a: Station, b: Station, station: TestStation
) -> None:
    first, second, third, beyond = a.makes(), a.makes(OTHER), a.makes(THIRD), a.makes("001304000020")
    assert a.sends(first) == ACCEPTED
    order = station.station.order_swap("BOX-02", "BOX-01", station.now)
    said = {"closed_at": None, "known_by": "order", "evidence": sha256(order).hexdigest()}
    assert b.replaces(a, **said)["closed_at"] is None
    assert a.sends(third) == (HELD, "epoch_unclear sequence_gap")
    assert a.sends(second) == (HELD, "epoch_unclear")
    assert a.station.verdict(third) == ("HELD", "epoch_unclear")
    assert a.sends(beyond) == (HELD, "epoch_unclear")
    assert refusal(a.asks_for_card("b" * 32)) == (409, "epoch_closed")
    assert b.replaces(a, closed_at=3)["closed_at"] == 3
    verdicts = [a.station.verdict(one) for one in (first, second, third, beyond)]
    assert verdicts == [ACCEPTED, ACCEPTED, ACCEPTED, ("HELD", "epoch_closed")]
    assert b.replaces(a, **said)["closed_at"] == 3  # a late copy of what it said first
    assert acts(station) == ["ADOPTED", "ADOPTED", "RELEASED", "RELEASED"]


def test_the_last_word_of_a_retired_box_settles_what_was_unclear(
    a: Station, b: Station, station: TestStation
) -> None:
    first, second = a.makes(), a.makes(OTHER)
    order = station.station.order_swap("BOX-02", "BOX-01", station.now)
    b.replaces(a, closed_at=None, known_by="order", evidence=sha256(order).hexdigest())
    assert [a.sends(one)[1] for one in (first, second)] == ["epoch_unclear", "epoch_unclear"]
    station.station.retire_box("BOX-01", a.retires(1), station.now)
    assert station.verdict(first) == ACCEPTED
    assert station.verdict(second) == ("HELD", "epoch_closed")


def test_a_number_once_known_is_not_taken_back(a: Station, b: Station) -> None:
    for number in (record.NUMBER, OTHER, THIRD):
        a.makes(number)
    b.replaces(a, closed_at=2)
    assert refusal(b.reports(b.takes(a, closed_at=1))) == (409, "adoption_changed")
    assert refusal(b.reports(b.takes(a, closed_at=3))) == (409, "adoption_changed")
    assert b.replaces(a, a.hands_over())["closed_at"] == 3  # its own word, found later


def test_the_rightful_record_is_not_in_the_way_of_one_from_beyond_the_end(a: Station, b: Station) -> None:
    """Both boxes bring the record to its end; the old one's arrives first."""
    sod = base64.b64decode(a.asks_for_card("a" * 32).json()["ef_sod"])
    b.replaces(a, a.hands_over(0), closed_at=0)
    assert a.sends(a.makes(record_id="a" * 32, chip=chip(sod))) == (HELD, "epoch_closed")
    began = {"began_on": {"box": "BOX-01", "epoch": 1}}
    assert b.sends(b.makes(record_id="a" * 32, assignment=began, chip=chip(sod))) == ACCEPTED


def test_a_copy_of_the_box_with_an_older_assignment_does_not_go_on(
    a: Station, b: Station, station: TestStation
) -> None:
    first, clone = a.makes(), a.makes(OTHER)
    a.epoch = 2
    station.station.assign("BOX-01", Place(POOL, "unit-7", "unit-8"), now=station.now)
    b.replaces(a, a.hands_over(1), closed_at=1)
    assert a.sends(first) == ACCEPTED
    assert a.sends(clone) == (HELD, "epoch_closed")


def test_the_box_comes_back_under_a_new_epoch(a: Station, b: Station, station: TestStation) -> None:
    assert a.sends(a.makes()) == ACCEPTED
    b.replaces(a, a.hands_over())
    station.station.assign("BOX-01", UNIT, now=station.now)
    a.epoch = 2
    assert a.asks_for_card("b" * 32, OTHER).status_code == 200
    assert a.sends(a.makes(THIRD)) == ACCEPTED


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"epoch": 7}, (409, "epoch_unknown")),
        ({"by_epoch": 7}, (409, "epoch_unknown")),
        ({"box": "BOX-77"}, (409, "epoch_unknown")),
        ({"box": "BOX-02"}, (422, "adoption")),
        ({"closed_at": None}, (422, "evidence")),
        ({"known_by": "handover"}, (422, "evidence")),
        ({"known_by": "order"}, (422, "evidence")),
        ({"known_by": "order", "closed_at": None, "evidence": "ab" * 32}, (409, "order_unknown")),
        ({"closed_at": -1}, (422, "adoption")),
    ],
)
def test_a_word_without_its_proof_is_refused(
    a: Station, b: Station, station: TestStation, changes: dict[str, Any], why: tuple[int, str]
) -> None:
    assert refusal(b.reports(b.takes(a, **changes))) == why
    assert acts(station) == []


def test_a_box_of_another_pool_takes_no_place(app: ASGIApp, station: TestStation, a: Station) -> None:
    stranger = Station.at(app, station, "BOX-09", Place("hue", role="spare"))
    assert refusal(stranger.reports(stranger.takes(a))) == (409, "other_pool")


def test_a_word_is_the_boxs_own(a: Station, b: Station, c: Station) -> None:
    assert refusal(c.reports(b.takes(a))) == (403, "other_box")
    forged = b.takes(a).replace(b"BOX-01", b"BOX-03")
    assert refusal(b.reports(forged)) == (422, "adoption")


def test_a_handover_speaks_of_the_place_that_is_taken(a: Station, b: Station, c: Station) -> None:
    a.makes()
    mine, other = a.hands_over(to="BOX-03"), c.hands_over()
    for handover, why in ((mine, (409, "handover_to_another")), (other, (422, "evidence"))):
        word = b.takes(a, known_by="handover", evidence=sha256(handover).hexdigest())
        assert refusal(b.reports(word, handover)) == why
    given = a.hands_over()
    word = b.takes(a, known_by="handover", evidence=sha256(given).hexdigest(), closed_at=0)
    assert refusal(b.reports(word, given)) == (422, "evidence")


@pytest.mark.parametrize("body", [{}, {"adoption": None, "handover": None}, {"adoption": {}, "handover": 5}])
def test_what_is_no_word_at_all_is_refused(b: Station, body: dict[str, Any]) -> None:
    assert b.http.post("/v1/swaps", json=body).status_code in (400, 422)
