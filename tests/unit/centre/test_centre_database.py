"""The database: one setting, no promise it does not keep, and an end of the ledger that cannot be cut off."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from support import postgres
from support.centre import TestStation

from centre import chain, db
from centre import engine as centre_engine
from centre.chain import Act
from centre.errors import CentreSetupError


def test_it_is_the_database_that_the_setting_names(station: TestStation, database: str) -> None:
    with station.station.opened() as engine:
        assert engine.dialect.name == database


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://u@/x?host=/nowhere", "oracle://x", "nonsense", "mysql://x"]
)
def test_a_database_that_is_not_there_says_what_is_wrong(url: str) -> None:
    with pytest.raises(CentreSetupError):
        db.open_database(url)


def test_a_server_that_forgets_what_it_commits_is_refused(database: str) -> None:
    if database == "sqlite":
        pytest.skip("SQLite's synchronous=FULL is set on each connection")
    with (
        postgres.running({"fsync": "off"}, where=postgres.in_memory()) as forgetful,
        pytest.raises(CentreSetupError, match="fsync"),
    ):
        db.open_database(forgetful.new_database())


def test_a_ledger_whose_last_rows_are_gone_is_found(station: TestStation) -> None:
    with station.turn() as turn:
        for subject in ("a", "b", "c"):
            turn.append(Act.RECORDED, subject, "r", "BOX-01", station.now)
    with station.turn() as turn:
        assert chain.broken_at(turn.connection) is None
        turn.connection.execute(delete(db.ledger).where(db.ledger.c.position == 3))
        assert chain.broken_at(turn.connection) == 3


def test_a_turn_that_fails_leaves_no_row_and_no_hole(station: TestStation) -> None:
    with pytest.raises(ZeroDivisionError), station.turn() as turn:
        turn.append(Act.RECORDED, "lost", "r", "BOX-01", station.now)
        raise ZeroDivisionError
    with station.turn() as turn:
        assert turn.append(Act.RECORDED, "kept", "r", "BOX-01", station.now) == 1


def test_turns_are_taken_one_after_another(station: TestStation) -> None:
    with station.station.opened() as engine:

        def work() -> None:
            for _ in range(10):
                with chain.turn(engine) as turn:
                    turn.append(Act.RECORDED, "s", "r", "BOX-01", station.now)

        workers = [threading.Thread(target=work) for _ in range(5)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        with db.reading(engine) as connection:
            assert connection.execute(select(func.count()).select_from(db.ledger)).scalar_one() == 50
            assert chain.broken_at(connection) is None


def test_who_waits_too_long_for_a_turn_is_told_to_ask_again(
    station: TestStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(centre_engine._SESSION, "lock_timeout", "50ms")
    monkeypatch.setattr(centre_engine, "LOCK_TIMEOUT_S", 0.05)
    with (
        station.station.opened() as engine,
        chain.turn(engine),
        pytest.raises(OperationalError) as waited,
        chain.turn(engine),
    ):
        pass
    assert db.is_passing(waited.value)


def test_processes_that_start_together_make_the_tables_once(station: TestStation, tmp_path: Path) -> None:
    url = TestStation.databases() or f"sqlite:///{tmp_path / 'new.db'}"
    engines = []
    starters = [threading.Thread(target=lambda: engines.append(db.open_database(url))) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len(engines) == 4
    with db.reading(engines[0]) as connection:
        assert connection.execute(select(db.ledger_head.c.position)).scalars().all() == [0]
    for engine in engines:
        engine.dispose()


def test_only_what_may_pass_is_asked_again() -> None:
    assert db.is_passing(OperationalError("", {}, Exception()))
    assert db.is_passing(PoolTimeout())
    assert not db.is_passing(IntegrityError("", {}, Exception()))
    assert not db.is_passing(ValueError())
