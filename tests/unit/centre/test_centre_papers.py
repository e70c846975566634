"""Papers of the centre: signed under its orders key, serials that grow, epochs that change with the place."""

from __future__ import annotations

import stat
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from support.centre import TestStation, as_box
from typer.testing import CliRunner

from centre import chain, cli, db
from centre.errors import CentreSetupError
from centre.papers import Place, Terms
from centre.pki import AgeRole, Role
from firmware.records.format.warrants import Assignment, Lease, Replaces

HERE = Place("hanoi", "unit-7", "unit-9", "team-3", "S-1")
SPARE = Place("hanoi", role="spare")


@pytest.fixture
def station(tmp_path: Path) -> TestStation:
    made = TestStation(tmp_path)
    for box in ("BOX-01", "BOX-02"):
        made.enrol(box)
    return made


def assign(station: TestStation, box: str = "BOX-01", place: Place = HERE, **more: bool) -> Assignment:
    body = station.station.assign(box, place, now=station.now, **more)
    return Assignment.read(body, station.station.pki.certificate(Role.ORDERS))


def terms(station: TestStation, count: int = 20) -> Terms:
    return Terms(count, ("first_issue",), station.now + timedelta(days=3), "ab" * 32)


def test_a_box_gets_the_newest_of_its_papers(station: TestStation, app: ASGIApp) -> None:
    http = as_box(app, station.enrol("BOX-01"))
    for kind in ("assignment", "lease"):
        answer = http.get(f"/v1/box/{kind}")
        assert (answer.status_code, answer.json()["reason"]) == (404, f"no_{kind}")
    assign(station)
    second = station.station.assign("BOX-01", replace(HERE, team="team-4"), now=station.now)
    given = station.station.lease("BOX-01", terms(station), now=station.now)
    assign(station, "BOX-02")
    assert http.get("/v1/box/assignment").content == second
    assert http.get("/v1/box/lease").content == given


def test_serials_grow_over_all_papers_and_each_is_in_the_ledger(station: TestStation) -> None:
    first, second = assign(station), assign(station, "BOX-02")
    lease = Lease.read(
        station.station.lease("BOX-01", terms(station), now=station.now),
        station.station.pki.certificate(Role.ORDERS),
    )
    assert [first.serial, second.serial, lease.serial] == [1, 2, 3]
    with station.turn() as turn:
        rows = turn.connection.execute(select(db.ledger).order_by(db.ledger.c.position)).all()
        assert chain.broken_at(turn.connection) is None
    assert [(row.act, row.box) for row in rows] == [
        ("ASSIGNED", "BOX-01"),
        ("ASSIGNED", "BOX-02"),
        ("LEASED", "BOX-01"),
    ]


def test_papers_made_at_the_same_time_have_serials_of_their_own(station: TestStation) -> None:
    made: list[int] = []
    clerks = [threading.Thread(target=lambda: made.append(assign(station).serial)) for _ in range(4)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert sorted(made) == [1, 2, 3, 4]


def test_another_unit_is_another_epoch_and_another_team_is_not(station: TestStation) -> None:
    assert assign(station).epoch == 1
    assert assign(station, place=replace(HERE, team="team-4", station="S-2")).epoch == 1
    assert assign(station, place=replace(HERE, capture_unit="unit-8")).epoch == 2
    assert assign(station, place=replace(HERE, capture_unit="unit-8"), new_epoch=True).epoch == 3
    with station.turn() as turn:
        epochs = turn.connection.execute(select(db.epochs.c.closed).where(db.epochs.c.box == "BOX-01"))
        assert epochs.scalars().all() == ["", "", ""]


def test_a_box_that_is_not_enrolled_gets_no_paper(station: TestStation) -> None:
    with pytest.raises(CentreSetupError, match="not enrolled"):
        assign(station, "BOX-77")
    with pytest.raises(CentreSetupError, match="not enrolled"):
        station.station.lease("BOX-77", terms(station))


def test_a_lease_is_for_the_box_and_epoch_that_it_has(station: TestStation) -> None:
    with pytest.raises(CentreSetupError, match="assign it first"):
        station.station.lease("BOX-01", terms(station))
    assign(station)
    assign(station, place=replace(HERE, capture_unit="unit-8"))
    orders = station.station.pki.certificate(Role.ORDERS)
    lease = Lease.read(station.station.lease("BOX-01", terms(station), now=station.now), orders)
    assert (lease.holder, lease.epoch, lease.pool, lease.count) == ("BOX-01", 2, "hanoi", 20)


def test_an_order_takes_the_place_of_the_lost_box_and_closes_its_epoch(station: TestStation) -> None:
    assign(station)
    assign(station, "BOX-02", SPARE)
    body = station.station.order_swap("BOX-02", "BOX-01", station.now)
    order = Assignment.read(body, station.station.pki.certificate(Role.ORDERS))
    assert order.replaces == Replaces("BOX-01", 1)
    assert (order.box, order.epoch, order.role) == ("BOX-02", 1, "unit")
    assert (order.capture_unit, order.team, order.station) == ("unit-9", "team-3", "S-1")
    with station.turn() as turn:
        rows = turn.connection.execute(select(db.epochs).order_by(db.epochs.c.box)).all()
    assert [tuple(row) for row in rows] == [("BOX-01", 1, None, "unknown"), ("BOX-02", 1, None, "")]


@pytest.mark.parametrize("spare", ["BOX-01", "BOX-02", "BOX-77"])
def test_an_order_to_a_box_of_another_pool_is_refused(station: TestStation, spare: str) -> None:
    assign(station)
    assign(station, "BOX-02", Place("hue", role="spare"))
    with pytest.raises(CentreSetupError):
        station.station.order_swap(spare, "BOX-01", station.now)
    with station.turn() as turn:
        assert set(turn.connection.execute(select(db.epochs.c.closed)).scalars()) == {""}


def test_the_box_that_was_replaced_comes_back_under_a_new_epoch(station: TestStation) -> None:
    assign(station)
    assign(station, "BOX-02", SPARE)
    station.station.order_swap("BOX-02", "BOX-01", station.now)
    assert assign(station).epoch == 2


def test_the_recovery_file_opens_with_its_digits_and_nothing_else(
    station: TestStation, tmp_path: Path
) -> None:
    out = tmp_path / "recovery-identity.age"
    digits = station.station.recovery(out)
    assert len(digits) == 12 and digits.isdecimal()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    inside = pyrage.passphrase.decrypt(out.read_bytes(), digits).decode().strip()
    assert inside == station.station.pki.age_identity(AgeRole.RECOVERY)
    with pytest.raises(CentreSetupError, match="exists already"):
        station.station.recovery(out)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, [*arguments])
    return result.exit_code, result.output + str(result.exception or "")


def test_the_command_makes_papers_for_a_stick(station: TestStation, tmp_path: Path) -> None:
    folder, orders = str(station.station.folder), station.station.pki.certificate(Role.ORDERS)
    more = ["--database", station.station.database_url] if station.station.database_url else []
    out = tmp_path / "assignment.json"
    place = ["--pool", "hanoi", "--unit", "unit-9", "--out", str(out)]
    assert run("assign", folder, "--box", "BOX-01", *place, *more)[0] == 0
    made = Assignment.read(out.read_bytes(), orders)
    assert (made.home_unit, made.capture_unit, made.profile) == ("unit-9", "unit-9", "training")
    spare = ["--pool", "hanoi", "--role", "spare"]
    assert run("assign", folder, "--box", "BOX-02", *spare, *more)[0] == 0
    out = tmp_path / "lease.json"
    give = ["--count", "20", "--days", "3", "--out", str(out)]
    assert run("lease", folder, "--box", "BOX-01", *give, *more)[0] == 0
    assert Lease.read(out.read_bytes(), orders).holder == "BOX-01"
    assert run("lease", folder, "--token", "--pool", "hanoi", *give, *more)[0] == 0
    lease = Lease.read(out.read_bytes(), orders)
    assert lease.holder == f"token:{lease.signer_sha256[:16]}"
    out = tmp_path / "order.json"
    swap = ["--spare", "BOX-02", "--replaces", "BOX-01", "--out", str(out)]
    assert run("swap-order", folder, *swap, *more)[0] == 0
    assert Assignment.read(out.read_bytes(), orders).replaces == Replaces("BOX-01", 1)
    status, said = run("recovery", folder, "--out", str(tmp_path / "recovery"), *more)
    assert status == 0
    assert pyrage.passphrase.decrypt((tmp_path / "recovery").read_bytes(), said.split()[-1])


@pytest.mark.parametrize(
    "arguments",
    [
        ["assign", "--box", "BOX-01", "--pool", "p"],
        ["assign", "--box", "BOX-01", "--pool", "p", "--role", "spare", "--unit", "u"],
        ["lease", "--count", "1", "--days", "1"],
        ["lease", "--count", "1", "--days", "1", "--box", "BOX-01", "--token"],
        ["lease", "--count", "1", "--days", "1", "--token"],
        ["lease", "--count", "1", "--days", "1", "--box", "BOX-01", "--case", "gift"],
    ],
)
def test_a_paper_that_makes_no_sense_is_not_made(station: TestStation, arguments: list[str]) -> None:
    command, *more = arguments
    assert run(command, str(station.station.folder), *more)[0] != 0
    with station.turn() as turn:
        assert turn.connection.execute(select(db.warrants)).all() == []


def test_a_client_of_no_box_reads_no_paper(station: TestStation, app: ASGIApp) -> None:
    box = station.enrol("BOX-01")
    http: TestClient = as_box(app, box)
    station.enrol("BOX-01")  # the certificate is replaced
    assert http.get("/v1/box/assignment").status_code == 403
