"""The centre's tables and how a transaction over them begins.

SQLite (WAL, synchronous=FULL) by default; PostgreSQL when one machine or one process is not enough. What
decides anything is one `deciding` transaction, and of those there is one at a time, over all processes:
the ledger is a single hash chain, so they stand in line anyway. On SQLite the line is BEGIN IMMEDIATE, on
PostgreSQL the row lock on `ledger_head`, taken first. Each statement behind it (READ COMMITTED) sees all
that was decided before, nothing can deadlock, and nothing must be tried again. What is slow (reading,
opening and checking a record) is done before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from centre.engine import is_sqlite, make_engine, need_durability
from centre.errors import CentreSetupError
from centre.migrations import bring_up
from centre.tables import (
    GENESIS,
    HEAD,
    box_certificates,
    boxes,
    decisions,
    enrolment_codes,
    epochs,
    grants,
    lease_uses,
    ledger,
    ledger_head,
    lookups,
    measures,
    metadata,
    persons,
    receipts,
    records,
    retirements,
    schema_version,
    swaps,
    warrants,
)

__all__ = [
    "GENESIS",
    "HEAD",
    "box_certificates",
    "boxes",
    "deciding",
    "decisions",
    "enrolment_codes",
    "epochs",
    "glancing",
    "grants",
    "is_passing",
    "lease_uses",
    "ledger",
    "ledger_head",
    "lookups",
    "measures",
    "metadata",
    "open_database",
    "persons",
    "reading",
    "receipts",
    "records",
    "retirements",
    "schema_version",
    "swaps",
    "warrants",
    "writing",
]
MAKING_TABLES = 0x1D_C3_17_2E
"""The advisory lock of the process that makes tables."""


def open_database(url: str) -> Engine:
    """Connect to `url` and bring its tables to this version.

    Raises CentreSetupError for a URL that is none, a server that is not there or does not keep what it
    commits, or a database of a newer version.
    """
    engine = make_engine(url)
    with ExitStack() as opening:
        opening.callback(engine.dispose)
        try:
            _make_tables(engine)
        except DBAPIError as exc:
            raise CentreSetupError(f"the database does not answer: {str(exc.orig).strip()}") from exc
        opening.pop_all()
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """All or nothing: committed on leaving, rolled back when anything is raised."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def deciding(engine: Engine) -> Iterator[tuple[Connection, Row[Any]]]:
    """`writing`, and nobody else decides anything meanwhile, in no process: keep it short.

    Yields the row of `ledger_head` too. `chain.turn` is what writes it on.
    """
    with writing(engine) as connection:
        yield connection, connection.execute(_TAKE_TURN).one()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view; does not wait for writers."""
    options = {"reading": True} if is_sqlite(engine) else {"isolation_level": "REPEATABLE READ"}
    with engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def glancing(engine: Engine) -> Iterator[Connection]:
    """For one statement that only reads: the shortest way there and back."""
    options = {"reading": True} if is_sqlite(engine) else {"isolation_level": "AUTOCOMMIT"}
    with engine.execution_options(**options).connect() as connection:
        yield connection


def is_passing(error: Exception) -> bool:
    """Whether the database only failed to answer: restarted, too busy, or too long in line; ask again."""
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | ProgrammingError)


_TAKE_TURN = select(ledger_head).with_for_update()


def _make_tables(engine: Engine) -> None:
    """Several processes may start at once, on a new database too."""
    with writing(engine) as connection:
        if not is_sqlite(engine):
            need_durability(connection)
            connection.execute(select(func.pg_advisory_xact_lock(MAKING_TABLES)))
        bring_up(connection)
