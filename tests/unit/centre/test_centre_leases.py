"""Cards issued offline: counted against their lease, once a person, and held when anything is not right."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from starlette.types import ASGIApp
from support import record
from support.centre import TestStation
from support.places import POOL, Station, chip

from centre import db
from centre.papers import Place, Terms
from centre.pki import Role
from firmware.records.format.receipt import ReceiptKind
from firmware.records.format.warrants import Lease

ACCEPTED, HELD = (ReceiptKind.ACCEPTED, ""), ReceiptKind.HELD
DS = "ab" * 32
TOKEN = f"token:{DS[:16]}"


def lease(
    station: TestStation, holder: str = "BOX-01", count: int = 2, until: datetime | None = None, **more: Any
) -> int:
    """A new lease; its serial."""
    terms = Terms(count, ("first_issue",), until or station.now + timedelta(days=3), DS)
    body = station.station.lease(holder, terms, now=station.now, **more)
    return Lease.read(body, station.station.pki.certificate(Role.ORDERS)).serial


def card(serial: int, n: int = 1, sod: bytes = b"a card", attempt: int = 1, **more: Any) -> dict[str, Any]:
    return chip(sod, attempt, lease={"serial": serial, "n": n, **more})


def grants(station: TestStation) -> list[tuple[str, int | None, int | None]]:
    with station.turn() as turn:
        rows = turn.connection.execute(select(db.grants).order_by(db.grants.c.sod_sha256)).all()
    return sorted((row.state, row.lease, row.lease_n) for row in rows)


def number(n: int) -> str:
    return f"0013040000{n:02}"


def test_a_card_under_a_lease_is_issued_when_its_record_arrives(a: Station, station: TestStation) -> None:
    serial = lease(station)
    assert a.sends(a.makes(chip=card(serial))) == ACCEPTED
    assert grants(station) == [("ISSUED", serial, 1)]
    assert a.http.get("/v1/counts").json()["grants"] == {"open": 0, "void": 0, "issued": 1}
    answer = a.asks_for_card("b" * 32)
    assert (answer.status_code, answer.json()["reason"]) == (409, "already_issued")


def test_a_lease_has_so_many_cards_and_each_of_them_once(a: Station, station: TestStation) -> None:
    serial = lease(station, count=2)
    verdicts = [
        a.sends(a.makes(number(n), chip=card(serial, place, b"card %d" % n)))
        for n, place in enumerate((1, 2, 2, 3), start=1)
    ]
    assert verdicts == [ACCEPTED, ACCEPTED, (HELD, "lease_used"), (HELD, "lease_over")]
    assert grants(station) == [("ISSUED", serial, 1), ("ISSUED", serial, 2)]


def test_a_lease_that_the_centre_never_gave_is_held(a: Station, b: Station, station: TestStation) -> None:
    mine, other = lease(station), lease(station, "BOX-02")
    assert a.sends(a.makes(number(1), chip=card(99))) == (HELD, "lease_unknown")
    assert a.sends(a.makes(number(2), chip=card(other, sod=b"2"))) == (HELD, "lease_unknown")
    named = card(mine, sod=b"3", holder="BOX-02")
    assert a.sends(a.makes(number(3), chip=named)) == (HELD, "lease_unknown")
    named = card(mine, sod=b"4", holder="BOX-01")
    assert a.sends(a.makes(number(4), chip=named)) == ACCEPTED


def test_a_lease_ends_with_its_time_its_cases_and_its_epoch(a: Station, station: TestStation) -> None:
    over = lease(station, until=station.now - timedelta(hours=1))
    assert a.sends(a.makes(number(1), chip=card(over))) == (HELD, "lease_ended")
    serial = lease(station)
    correction = a.makes(number(2), chip=card(serial, sod=b"2"), case="correction")
    assert a.sends(correction) == (HELD, "lease_case")
    station.station.assign("BOX-01", Place(POOL, "unit-7", "unit-8"), now=station.now)
    a.epoch = 2
    assert a.sends(a.makes(number(3), chip=card(serial, sod=b"3"))) == (HELD, "lease_unknown")


def test_the_second_card_of_a_person_is_held(a: Station, b: Station, station: TestStation) -> None:
    """Two boxes without a line, one citizen at both."""
    first, second = lease(station), lease(station, "BOX-02")
    assert a.sends(a.makes(chip=card(first, sod=b"one"))) == ACCEPTED
    assert b.sends(b.makes(chip=card(second, sod=b"two"))) == (HELD, "issued_twice")
    assert grants(station) == [("ISSUED", first, 1)]


def test_a_card_that_another_record_may_be_making_right_now_is_held(
    a: Station, b: Station, station: TestStation
) -> None:
    serial = lease(station)
    sod = base64.b64decode(b.asks_for_card("b" * 32).json()["ef_sod"])
    assert a.sends(a.makes(chip=card(serial))) == (HELD, "issued_twice")
    assert b.sends(b.makes(record_id="b" * 32, chip=chip(sod))) == ACCEPTED


def test_an_answer_that_never_came_is_void_when_the_lease_made_the_card(
    a: Station, station: TestStation
) -> None:
    """The line dies between question and answer, and the box goes on under its lease."""
    serial = lease(station)
    a.asks_for_card("a" * 32).raise_for_status()
    assert a.sends(a.makes(record_id="a" * 32, chip=card(serial))) == ACCEPTED
    assert grants(station) == [("ISSUED", serial, 1), ("VOID", None, None)]


def test_another_open_attempt_is_not_forgotten(a: Station, station: TestStation) -> None:
    serial = lease(station)
    a.asks_for_card("a" * 32).raise_for_status()
    second = card(serial, attempt=2)
    assert a.sends(a.makes(record_id="a" * 32, chip=second)) == (HELD, "card_unaccounted")


def test_a_torn_card_of_a_lease_is_void_with_its_record(a: Station, station: TestStation) -> None:
    serial = lease(station)
    torn = {"attempt": 1, "sod_sha256": sha256(b"torn").hexdigest(), "officers": ["O-1"], "at": record.AT}
    assert a.sends(a.makes(void_cards=[torn], chip=card(serial, 2, attempt=2))) == ACCEPTED
    assert grants(station) == [("ISSUED", serial, 2), ("VOID", serial, None)]


def test_a_torn_card_of_a_lease_that_does_not_hold_stays_unknown(a: Station, station: TestStation) -> None:
    torn = {"attempt": 1, "sod_sha256": sha256(b"torn").hexdigest(), "officers": ["O-1"], "at": record.AT}
    sealed = a.makes(void_cards=[torn], chip=card(9, 2, attempt=2))
    assert a.sends(sealed) == (HELD, "void_card_unknown lease_unknown")
    assert grants(station) == []


def test_a_token_carries_its_lease_to_any_box_of_its_pool(
    app: ASGIApp, a: Station, b: Station, station: TestStation
) -> None:
    serial = lease(station, TOKEN, pool=POOL)
    stranger = Station.at(app, station, "BOX-09", Place("hue", role="spare"))
    assert a.sends(a.makes(number(1), chip=card(serial, 1, b"1"))) == ACCEPTED
    assert b.sends(b.makes(number(2), chip=card(serial, 2, b"2", holder=TOKEN))) == ACCEPTED
    assert stranger.sends(stranger.makes(number(3), chip=card(serial, 2, b"3"))) == (HELD, "lease_unknown")


def test_what_the_old_box_issued_under_its_lease_the_spare_may_finish(
    a: Station, b: Station, station: TestStation
) -> None:
    serial = lease(station)
    b.replaces(a, a.hands_over())
    began = {"began_on": {"box": "BOX-01", "epoch": 1}}
    assert b.sends(b.makes(assignment=began, chip=card(serial))) == ACCEPTED


def test_the_database_itself_refuses_a_card_of_a_lease_twice(a: Station, station: TestStation) -> None:
    serial = lease(station)
    a.sends(a.makes(chip=card(serial)))
    with station.turn() as turn:
        there = turn.connection.execute(select(db.lease_uses)).one()._asdict()
    with pytest.raises(IntegrityError), station.turn() as turn:
        turn.connection.execute(insert(db.lease_uses).values(**{**there, "record_digest": "f" * 64}))
