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
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from centre.engine import is_sqlite, make_engine, need_durability
from centre.errors import CentreSetupError
from firmware.records.format.data_quality import VIRTUES

GENESIS: Final = "0" * 64
HEAD = 1
"""The key of the only row of `ledger_head`."""
MAKING_TABLES = 0x1D_C3_17_2E
"""The advisory lock of the process that makes tables."""

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

ledger_head = Table(  # one row: the end of the chain, and the place in line of who decides
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
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
    Index("records_by_id", "record_id"),
    # the database itself holds the rules: of what is accepted, a record is there once, each number of a
    # box is used once, and a person has one first issue
    *(
        Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))
        for name, columns, where in (
            ("one_accepted_record", ("record_id",), "status = 'ACCEPTED'"),
            ("one_accepted_sequence", ("box", "sequence"), "status = 'ACCEPTED'"),
            ("one_first_issue", ("number",), "status = 'ACCEPTED' AND \"case\" = 'first_issue'"),
        )
    ),
)

measures = Table(  # what a record counts for in the league table; rebuilt from the sealed files
    "measures",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("unit", String, nullable=False),
    Column("day", String, nullable=False),
    *(Column(f"{virtue}_{part}", Integer, nullable=False) for virtue in VIRTUES for part in ("made", "held")),
    Index("measures_by_day", "day", "unit"),
)

receipts = Table(  # a record sealed twice has one verdict and a receipt for each sealed file
    "receipts",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("sealed_digest", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Index("receipts_by_file", "sealed_digest"),
)


def open_database(url: str) -> Engine:
    """Connect to `url` and make the tables that are missing.

    Raises CentreSetupError for a URL that is none, a server that is not there or does not keep what it
    commits.
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
        metadata.create_all(connection)
        if connection.execute(select(ledger_head.c.id)).first() is None:
            newest = select(ledger.c.position, ledger.c.hash).order_by(ledger.c.position.desc()).limit(1)
            row = connection.execute(newest).first()
            end = {"position": row.position, "hash": row.hash} if row else {"position": 0, "hash": GENESIS}
            connection.execute(insert(ledger_head).values(id=HEAD, **end))
