"""The centre's tables and how a transaction over them begins.

SQLite (WAL, synchronous=FULL) by default; any SQLAlchemy URL of PostgreSQL when one machine is not
enough. Each public operation of the centre is one `writing` transaction, entered by one writer at a
time: SQLite by BEGIN IMMEDIATE, PostgreSQL by SERIALIZABLE (a clash is 503: ask again).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    text,
)

LOCK_TIMEOUT_S = 10.0

metadata = MetaData()

boxes = Table(
    "boxes",
    metadata,
    Column("box", String, primary_key=True),
    Column("certificate_sha256", String, nullable=False),
    Column("enrolled_at", String, nullable=False),
)

epochs = Table(  # DESIGN section 7: epoch n is accepted up to its closing number k
    "epochs",
    metadata,
    Column("box", String, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("closed_at_number", Integer),
)

persons = Table(
    "persons",
    metadata,
    Column("number", String, primary_key=True),
    Column("fields", JSON, nullable=False),
    Column("fingers", JSON, nullable=False),
)

lookups = Table(  # Decree 13/2023: who asked for whom
    "lookups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("box", String, nullable=False),
    Column("number", String, nullable=False),
)

grants = Table(  # the right to make one card: one signed SOD
    "grants",
    metadata,
    Column("sod_sha256", String, primary_key=True),
    Column("number", String, nullable=False),
    Column("case", String, nullable=False),
    Column("record_id", String, nullable=False),
    Column("box", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("content_sha256", String, nullable=False),
    Column("ef_sod", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("settled_at", String, nullable=False),
    UniqueConstraint("record_id", "attempt"),
    Index("grants_by_case", "number", "case"),
    # the database itself holds the rule: at most one open issue for a (number, case)
    Index(
        "one_open_issue",
        "number",
        "case",
        unique=True,
        sqlite_where=text("state = 'OPEN'"),
        postgresql_where=text("state = 'OPEN'"),
    ),
)

ledger = Table(  # append only, chained by hash: each grant, void and issue in the order it happened
    "ledger",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("act", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("record_id", String, nullable=False),
    Column("box", String, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("record_id", String, nullable=False),
    Column("box", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("previous", String, nullable=False),
    Column("number", String, nullable=False),
    Column("case", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("ledger_position", Integer, nullable=False),
    Column("received_at", String, nullable=False),
    Index("records_by_sequence", "box", "sequence"),
    Index("records_by_case", "number", "case"),
)

receipts = Table(  # a record sealed twice has one verdict and a receipt for each sealed file
    "receipts",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("sealed_digest", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)


def open_database(url: str) -> Engine:
    """Connect to `url` and make the tables that are missing."""
    sqlite = url.startswith("sqlite")
    options: dict[str, Any] = (
        {"connect_args": {"timeout": LOCK_TIMEOUT_S}} if sqlite else {"isolation_level": "SERIALIZABLE"}
    )
    engine = create_engine(url, hide_parameters=True, **options)
    if sqlite:
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begin)
    metadata.create_all(engine)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """All or nothing: committed on leaving, rolled back when anything is raised."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view; does not wait for writers."""
    with engine.execution_options(reading=True).begin() as connection:
        yield connection


def _sqlite_connected(connection: Any, _record: object) -> None:
    """The driver must not begin transactions by itself: `_sqlite_begin` does."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
