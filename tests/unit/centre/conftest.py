"""Every test of the centre runs on SQLite and on PostgreSQL: a real server, once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import postgres
from support.centre import TestStation


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.PostgresServer]:
    with postgres.session() as server:
        yield server


@pytest.fixture(autouse=True, params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which one it is. Stations that a test makes, and the command, get a database of their own there."""
    if request.param == "postgresql":
        server: postgres.PostgresServer = request.getfixturevalue("postgresql")
        monkeypatch.setattr(TestStation, "databases", staticmethod(server.new_database))
        monkeypatch.setenv("KIOSK_CENTRE_DATABASE", server.new_database())
    return str(request.param)
