"""How the centre's two databases are spoken to: SQLite on one machine, PostgreSQL for several processes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from centre.errors import CentreSetupError

LOCK_TIMEOUT_S = 10.0
CONNECTIONS = 12
"""Of one process: PostgreSQL's usual hundred serve eight ingest processes."""
_SESSION = {
    "synchronous_commit": "on",  # a receipt promises that the record is on the disk
    "lock_timeout": f"{LOCK_TIMEOUT_S:.0f}s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "20s",  # a process that froze in its turn loses it
}
_DURABLE = ("fsync", "full_page_writes")


def make_engine(url: str) -> Engine:
    """Connections to `url`, which is not asked for anything yet. Raises CentreSetupError for a bad URL."""
    try:
        sqlite = make_url(url).get_backend_name() == "sqlite"
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=LOCK_TIMEOUT_S,
            connect_args={"timeout": LOCK_TIMEOUT_S} if sqlite else {"connect_timeout": 5},
        )
    except (ArgumentError, ImportError) as exc:
        raise CentreSetupError("the database URL is not one of sqlite:/// or postgresql+psycopg://") from exc
    if sqlite:
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        event.listen(engine, "connect", _postgresql_connected)
    return engine


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def need_durability(connection: Connection) -> None:
    """Raises CentreSetupError when the PostgreSQL server may forget what it has committed."""
    for setting in _DURABLE:
        if connection.execute(text(f"SHOW {setting}")).scalar_one() != "on":
            raise CentreSetupError(f"PostgreSQL runs with {setting}=off and would not keep what receipts say")


def _sqlite_connected(connection: Any, _record: object) -> None:
    """The driver must not begin transactions by itself: `_sqlite_begin` does."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql_connected(connection: Any, _record: object) -> None:
    for name, value in _SESSION.items():
        connection.execute(f"SET {name} = '{value}'")
    connection.commit()
