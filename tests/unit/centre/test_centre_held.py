"""What waits for a person: listed with its reasons, decided once, and the counts and cards follow."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.types import ASGIApp
from support import record
from support.centre import TestStation, as_box, deliver, without_card
from support.places import Station, chip
from typer.testing import CliRunner

from centre import chain, cli, db, league
from centre.errors import CentreSetupError
from firmware.records.format.receipt import ReceiptKind, SignedReceipt
from firmware.records.format.seal import Sealed

OTHER, THIRD = "001304000018", "001304000019"


@pytest.fixture
def held(a: Station) -> Sealed:
    """A record that is held: the centre never signed its card."""
    sealed = a.makes(chip=chip(b"of nobody"))
    assert a.sends(sealed)[1] == "sod_unknown"
    return sealed


def decide(station: TestStation, sealed: Sealed, accept: bool) -> None:
    with station.station.opened() as engine:
        centre = station.station.centre(engine, lambda: station.now)
        centre.decide(sealed.record_digest, accept, "O-9", "seen on paper")


def counted(station: TestStation) -> int:
    with station.turn() as turn:
        return sum(line["accepted"] for line in league.table(turn.connection, ["unit"]))


def grants(a: Station) -> dict[str, int]:
    found: dict[str, int] = a.http.get("/v1/counts").json()["grants"]
    return found


def test_a_record_that_a_person_accepts_counts(station: TestStation, held: Sealed) -> None:
    assert counted(station) == 0
    decide(station, held, accept=True)
    assert station.verdict(held) == ("ACCEPTED", "")
    assert counted(station) == 1
    with station.turn() as turn:
        last = turn.connection.execute(select(db.ledger).order_by(db.ledger.c.position.desc())).first()
        kept = turn.connection.execute(select(db.decisions)).one()
        assert chain.broken_at(turn.connection) is None
    assert last is not None
    assert (last.act, last.box, last.subject) == ("DECIDED", "O-9", sha256(bytes(kept.body)).hexdigest())
    assert json.loads(bytes(kept.body))["reasons"] == ["sod_unknown"]


def test_a_record_that_a_person_rejects_never_counts(a: Station, station: TestStation, held: Sealed) -> None:
    first = deliver(a.http, held).content
    decide(station, held, accept=False)
    assert station.verdict(held) == ("REJECTED", "sod_unknown")
    assert counted(station) == 0
    assert deliver(a.http, held).content == first
    assert SignedReceipt.from_json(first).receipt.kind is ReceiptKind.HELD


def test_a_rejected_record_that_is_sealed_once_more_is_still_held(a: Station, station: TestStation) -> None:
    sections = without_card(assignment={**record.assignment("BOX-01"), "epoch": 7})
    first, again = a.box.seal(**sections), a.box.seal(**sections)
    assert a.sends(first) == (ReceiptKind.HELD, "epoch_unknown")
    decide(station, first, accept=False)
    receipt = SignedReceipt.from_json(deliver(a.http, again).content).receipt
    assert (receipt.kind, receipt.sealed_digest) == (ReceiptKind.HELD, again.sealed_digest)


def test_nothing_is_decided_twice_and_nothing_that_nobody_asked(
    a: Station, station: TestStation, held: Sealed
) -> None:
    decide(station, held, accept=True)
    for accept in (True, False):
        with pytest.raises(CentreSetupError, match="ACCEPTED"):
            decide(station, held, accept)
    with pytest.raises(CentreSetupError, match="no record"):
        decide(station, Sealed(b"", "0" * 64, "0" * 64), accept=True)


def test_what_is_accepted_already_is_not_accepted_once_more(a: Station, station: TestStation) -> None:
    first = a.makes(record_id="c" * 32)
    a.sends(first)
    again = a.makes(OTHER, record_id="c" * 32)
    assert a.sends(again)[1] == "record_id_known"
    with pytest.raises(CentreSetupError, match="reject this one"):
        decide(station, again, accept=True)
    decide(station, again, accept=False)
    assert station.verdict(first) == ("ACCEPTED", "")


def test_the_card_of_a_record_from_beyond_the_end_follows_the_decision(
    a: Station, b: Station, station: TestStation
) -> None:
    for number, record_id in ((OTHER, "a" * 32), (THIRD, "b" * 32)):
        sod = base64.b64decode(a.asks_for_card(record_id, number).json()["ef_sod"])
        a.makes(number, record_id=record_id, chip=chip(sod))
    b.replaces(a, a.hands_over(0), closed_at=0)
    accepted, rejected = a.made
    assert [a.sends(one)[1] for one in (accepted, rejected)] == ["epoch_closed", "epoch_closed"]
    assert grants(a) == {"open": 2, "void": 0, "issued": 0}
    decide(station, accepted, accept=True)
    decide(station, rejected, accept=False)
    assert grants(a) == {"open": 0, "void": 1, "issued": 1}
    assert b.asks_for_card("d" * 32, THIRD).status_code == 200


def run(station: TestStation, command: str, *arguments: str) -> tuple[int, Any]:
    url = station.station.database_url
    more = ["--database", url] if url else []
    result = CliRunner().invoke(cli.app, [command, str(station.station.folder), *arguments, *more])
    return result.exit_code, result.output + str(result.exception or "")


def test_the_command_lists_and_decides(a: Station, station: TestStation, held: Sealed) -> None:
    status, said = run(station, "held")
    assert status == 0
    (line,) = json.loads(said)
    assert (line["record_digest"], line["reasons"]) == (held.record_digest, ["sod_unknown"])
    assert record.NUMBER not in said and record.NAME not in said
    word = ["--record", held.record_digest, "--by", "O-9", "--why", "seen on paper"]
    assert run(station, "decide", *word)[0] != 0  # neither accepted nor rejected
    assert run(station, "decide", *word, "--accept")[0] == 0
    assert run(station, "decide", *word, "--reject")[0] != 0
    assert json.loads(run(station, "held")[1]) == []


def test_the_command_lists_swaps_and_split_brains(a: Station, b: Station, station: TestStation) -> None:
    beyond = a.makes()
    b.replaces(a, a.hands_over(0), closed_at=0)
    a.sends(beyond)
    found = json.loads(run(station, "swaps")[1])
    assert [(swap["box"], swap["by"], swap["closed_at"]) for swap in found["swaps"]] == [
        ("BOX-01", "BOX-02", 0)
    ]
    assert [one["record_digest"] for one in found["split_brains"]["records"]] == [beyond.record_digest]


def test_a_retired_box_opens_nothing_and_its_proof_must_be_its_own(
    app: ASGIApp, a: Station, b: Station, station: TestStation, tmp_path: Path
) -> None:
    first = a.makes()
    a.sends(first)
    proof = tmp_path / "retirement.json"
    proof.write_bytes(b.retires())
    assert run(station, "retire-box", "--box", "BOX-01", "--proof", str(proof))[0] != 0
    proof.write_bytes(a.retires())
    assert run(station, "retire-box", "--box", "BOX-01", "--proof", str(proof))[0] == 0
    assert run(station, "retire-box", "--box", "BOX-01")[0] != 0
    with station.asgi() as again:  # admission is asked anew
        assert as_box(again, a.box).get("/v1/counts").status_code == 403
    with station.turn() as turn:
        epoch = turn.connection.execute(select(db.epochs).where(db.epochs.c.box == "BOX-01")).one()
    assert (epoch.closed_at_number, epoch.closed) == (1, "known")


def test_a_box_that_vanished_is_retired_without_a_proof(a: Station, station: TestStation) -> None:
    assert "not known" in run(station, "retire-box", "--box", "BOX-01")[1]
    with station.turn() as turn:
        epoch = turn.connection.execute(select(db.epochs).where(db.epochs.c.box == "BOX-01")).one()
    assert (epoch.closed_at_number, epoch.closed) == (None, "unknown")
    assert station.enrol("BOX-01").name == "BOX-01"
    with station.turn() as turn:
        newest = select(db.epochs).where(db.epochs.c.box == "BOX-01").order_by(db.epochs.c.epoch.desc())
        row = turn.connection.execute(newest).first()
    assert row is not None and (row.epoch, row.closed) == (2, "")
