"""Exactly once, with real processes: ingest killed at each step, two side by side, PostgreSQL restarted."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from support import postgres, record
from support.centre import Box, TestStation, without_card
from support.mortal_centre import FOREVER, lives

from centre import chain, db
from firmware.records.format.receipt import ReceiptKind, SignedReceipt
from firmware.records.format.seal import Sealed
from firmware.uplink.errors import CentreUnreachable
from firmware.uplink.upload import Uploader

BOXES = 4
DEATHS, RESTART_AFTER, DEATH_S = 12, 4, 60.0
MOST_STEPS = 200


@pytest.fixture(scope="module")
def postgresql() -> Iterator[postgres.PostgresServer]:
    with postgres.session() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def station(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestStation:
    if request.param == "postgresql":
        server: postgres.PostgresServer = request.getfixturevalue("postgresql")
        monkeypatch.setattr(TestStation, "databases", staticmethod(server.new_database))
    return TestStation(tmp_path, datetime.now(UTC))


class Sender:
    """A box with its chain of records on its disk, and where the sending of each stands."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.receipts: dict[str, SignedReceipt] = {}
        self.sealed: list[Sealed] = []

    def seals(self) -> Sealed:
        previous = self.sealed[-1].record_digest if self.sealed else record.FIRST
        place = {"sequence": len(self.sealed) + 1, "previous_digest": previous}
        self.sealed.append(self.box.seal(**without_card(case="correction", **place)))
        path = self._path(self.sealed[-1])
        path.write_bytes(self.sealed[-1].data)
        return self.sealed[-1]

    def send(self, sealed: Sealed, port: int, links: str = "links") -> SignedReceipt:
        """One try, which goes on where `links` say. Raises CentreUnreachable."""
        with self.box.client(port) as client:
            uploader = Uploader(client, self.box.folder / links, self.box.certificate("receipt.pem"))
            return uploader.send(self._path(sealed), sealed.record_digest, sealed.sealed_digest)

    def must_send(self, sealed: Sealed, ports: Callable[[], int], links: str = "links") -> None:
        """As often as it takes; the same record never gets two different receipts."""
        while True:
            try:
                receipt = self.send(sealed, ports(), links)
            except CentreUnreachable:
                continue
            assert self.receipts.setdefault(sealed.record_digest, receipt) == receipt
            return

    def _path(self, sealed: Sealed) -> Path:
        return self.box.folder / f"{sealed.sealed_digest}.age"


def assert_each_is_there_once(station: TestStation, senders: list[Sender]) -> None:
    sent = {sealed.record_digest: sender for sender in senders for sealed in sender.sealed}
    with station.turn() as turn:
        rows = turn.connection.execute(select(db.records)).all()
        assert chain.broken_at(turn.connection) is None
        places = turn.connection.execute(select(db.ledger.c.position)).scalars().all()
    assert sorted(row.record_digest for row in rows) == sorted(sent)
    assert {row.status for row in rows} == {ReceiptKind.ACCEPTED}
    assert sorted(row.ledger_position for row in rows) == sorted(places) == list(range(1, len(rows) + 1))
    for sender in senders:
        for at, sealed in enumerate(sender.sealed, start=1):
            receipt = sender.receipts[sealed.record_digest].receipt
            row = next(row for row in rows if row.record_digest == sealed.record_digest)
            assert (receipt.sequence, receipt.position, receipt.kind) == (at, row.ledger_position, row.status)
    archived = {path.stem for path in (station.station.folder / "records").glob("*/*.age")}
    assert archived == {sealed.sealed_digest for sender in senders for sealed in sender.sealed}


def test_ingest_killed_at_each_step_loses_nothing_and_doubles_nothing(station: TestStation) -> None:
    sender = Sender(station.enrol())
    with lives(station.station) as begin:
        after = begin(FOREVER)
        for step in range(1, MOST_STEPS):
            sealed, mortal = sender.seals(), begin(step)
            try:
                sender.receipts[sealed.record_digest] = sender.send(sealed, mortal.port)
            except CentreUnreachable:
                sender.must_send(sealed, lambda: after.port)
                continue
            mortal.kill()
            break  # it did all that a record takes before its time came
        for sealed in sender.sealed:
            sender.must_send(sealed, lambda: after.port)
    assert len(sender.sealed) > 20  # so many steps are there at least
    assert_each_is_there_once(station, [sender])


def test_two_ingests_side_by_side_one_killed_again_and_again_and_postgresql_restarted(
    postgresql: postgres.PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TestStation, "databases", staticmethod(postgresql.new_database))
    station = TestStation(tmp_path, datetime.now(UTC))
    senders = [Sender(station.enrol(f"BOX-{number}")) for number in range(BOXES)]
    dice, enough = random.Random(6), threading.Event()  # noqa: S311  dice, no secret
    with lives(station.station) as begin, ThreadPoolExecutor(BOXES) as pool:
        steady, mortal = begin(FOREVER), [begin(FOREVER)]

        def either() -> int:
            return dice.choice([steady, mortal[-1]]).port

        def work(sender: Sender) -> None:
            while not enough.is_set():
                sealed = sender.seals()
                sender.must_send(sealed, either)
                sender.must_send(sealed, either)  # a box that lost its receipt

        working = [pool.submit(work, sender) for sender in senders]
        for death in range(1, DEATHS + 1):
            mortal.append(begin(dice.randint(1, 60)))
            if not mortal[-1].is_over(DEATH_S):
                break
            if death % RESTART_AFTER == 0:
                postgresql.crash()
                postgresql.start()
        enough.set()
        for one in working:
            one.result()
    assert len(mortal) == 1 + DEATHS
    assert_each_is_there_once(station, senders)


def test_a_record_sent_through_two_ingests_at_once_gets_one_receipt(station: TestStation) -> None:
    sender = Sender(station.enrol())
    with lives(station.station) as begin, ThreadPoolExecutor(2) as pool:
        ports = [begin(FOREVER).port, begin(FOREVER).port]
        for _ in range(5):
            sealed = sender.seals()
            twins = [pool.submit(sender.send, sealed, port, f"links-{port}") for port in ports]
            first, second = (twin.result() for twin in twins)
            assert first == second
            sender.receipts[sealed.record_digest] = first
    assert_each_is_there_once(station, [sender])
