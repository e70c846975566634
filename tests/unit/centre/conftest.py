"""Every test of the centre runs on SQLite and on PostgreSQL: a real server, once a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from support import postgres
from support.centre import Box, TestStation, as_box
from support.places import UNIT, Station


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


@pytest.fixture
def station(tmp_path: Path) -> TestStation:
    return TestStation(tmp_path)


@pytest.fixture
def app(station: TestStation) -> Iterator[ASGIApp]:
    with station.asgi() as application:
        yield application


@pytest.fixture
def box(station: TestStation) -> Box:
    return station.enrol()


@pytest.fixture
def http(app: ASGIApp, box: Box) -> TestClient:
    return as_box(app, box)


@pytest.fixture
def a(app: ASGIApp, station: TestStation) -> Station:
    return Station.at(app, station, "BOX-01", UNIT)


@pytest.fixture
def b(app: ASGIApp, station: TestStation) -> Station:
    return Station.at(app, station, "BOX-02")
