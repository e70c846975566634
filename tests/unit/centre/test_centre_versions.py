"""The versions of the centre's database: an older one is brought up, a newer one is left alone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, select, text, update
from support import centre_v1
from support.centre import TestStation

from centre import db, migrations
from centre.engine import make_engine
from centre.errors import CentreSetupError


@pytest.fixture
def url(tmp_path: Path) -> str:
    return TestStation.databases() or f"sqlite:///{tmp_path / 'centre.db'}"


@pytest.fixture
def old(url: str) -> str:
    engine = make_engine(url)
    centre_v1.make(engine)
    engine.dispose()
    return url


def structure(connection: Connection) -> dict[str, Any]:
    """Columns, keys and indexes of every table, by name."""
    tables = inspect(connection)
    return {
        name: (
            {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in tables.get_columns(name)
            },
            tables.get_pk_constraint(name)["constrained_columns"],
            sorted(map(_index, tables.get_indexes(name))),
            tables.get_unique_constraints(name),
        )
        for name in tables.get_table_names()
        if "sequence" not in name
    }


def _index(index: Any) -> tuple[str, str, bool, str]:
    conditions = {str(value) for key, value in index["dialect_options"].items() if key.endswith("where")}
    return index["name"], str(index["column_names"]), bool(index["unique"]), " ".join(conditions)


def test_an_old_database_becomes_what_a_new_one_is(old: str, tmp_path: Path) -> None:
    other = TestStation.databases() or f"sqlite:///{tmp_path / 'new.db'}"
    found = []
    for each in (old, other):
        engine = db.open_database(each)
        with db.reading(engine) as connection:
            found.append(structure(connection))
        engine.dispose()
    assert found[0] == found[1]


def test_what_an_old_database_held_is_still_there(old: str) -> None:
    engine = db.open_database(old)
    with db.reading(engine) as connection:
        epochs = connection.execute(select(db.epochs).order_by(db.epochs.c.epoch)).all()
        grant = connection.execute(select(db.grants)).one()
    engine.dispose()
    assert [tuple(row) for row in epochs] == [("BOX-01", 1, 7, "known"), ("BOX-01", 2, None, "")]
    assert (grant.sod_sha256, grant.state, grant.lease) == ("cd", "OPEN", None)


def test_a_database_is_brought_up_once(old: str) -> None:
    for _ in range(2):
        engine = db.open_database(old)
        with db.reading(engine) as connection:
            versions = connection.execute(select(db.schema_version.c.version)).scalars().all()
        engine.dispose()
        assert versions == [migrations.NEWEST]


def test_processes_that_start_together_bring_it_up_once(old: str) -> None:
    engines = []
    starters = [threading.Thread(target=lambda: engines.append(db.open_database(old))) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len(engines) == 4
    for engine in engines:
        engine.dispose()


def test_a_newer_database_is_refused_and_left_as_it_is(url: str) -> None:
    engine = db.open_database(url)
    with db.writing(engine) as connection:
        connection.execute(update(db.schema_version).values(version=99))
    with pytest.raises(CentreSetupError, match="version 99"):
        db.open_database(url)
    with db.reading(engine) as connection:
        assert connection.execute(select(db.schema_version.c.version)).scalars().all() == [99]
    engine.dispose()


def test_a_step_that_fails_leaves_the_old_database(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = migrations.Step(["CREATE TABLE half (a INTEGER)", "CREATE TABLE half (a INTEGER)"])
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, broken))
    monkeypatch.setattr(migrations, "NEWEST", migrations.NEWEST + 1)
    with pytest.raises(CentreSetupError):
        db.open_database(old)
    engine = make_engine(old)
    with engine.begin() as connection:
        names = inspect(connection).get_table_names()
        assert "half" not in names and "schema_version" not in names
        assert connection.execute(text("SELECT count(*) FROM epochs")).scalar_one() == 2
    engine.dispose()
