"""A centre, its stick, and a blank machine: everything that a provisioning needs, in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from centre import pki
from centre.papers import Place
from centre.station import Station
from centre.stick import Wanted, Written, write
from config.load import load
from firmware.box.delivery import Delivery
from firmware.box.identity import Identity, identity_of
from firmware.box.officers import Officer, hashed
from firmware.box.provision import Done, Site, nobody, provision

BOX, POOL, UNIT = "BOX-07", "province-1", "UNIT-7"
BADGE, PIN = "NV-0001", "135790"
PLACE = Place(POOL, UNIT, UNIT, "TEAM-3", "Bàn 1")


def staff() -> bytes:
    """Two officers, as a list for `--officers`."""
    rows = [Officer(badge, badge, f"Cán bộ {badge}", "officer", hashed(PIN)) for badge in (BADGE, "NV-0002")]
    return json.dumps([vars_of(row) for row in rows]).encode()


def vars_of(officer: Officer) -> dict[str, str]:
    return {name: getattr(officer, name) for name in ("badge", "officer", "name", "role", "pin", "number")}


@contextmanager
def no_development(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within it, keys are made whose certificates bear another organisation: a production authority's."""
    with patch.context() as patched:
        patched.setattr(pki, "DEVELOPMENT", "TEST AUTHORITY")
        yield


@dataclass
class Works:
    """`centre` makes sticks for one blank machine; each `provision` is one run of the command."""

    folder: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def station(self) -> Station:
        return Station(self.folder / "centre")

    @property
    def stick(self) -> Path:
        return self.folder / "stick"

    @property
    def files(self) -> Path:
        """Where the stick's files lie."""
        return self.stick / "idkiosk-provision" / BOX

    @property
    def site(self) -> Site:
        return Site(self.folder / "etc" / "kiosk.toml", self.folder / "box")

    @property
    def identity(self) -> Identity:
        return identity_of(load(self.site.config))

    def found(self, *, production: pytest.MonkeyPatch | None = None) -> Works:
        """Make the centre: a training one, or, where names may be patched, one of production."""
        past = self.now - timedelta(days=1)
        if production is None:
            self.station.init(past)
            return self
        with no_development(production):
            self.station.init(past)
        return self

    def make(self, **changes: Any) -> Written:
        """A stick: with a training key, if nothing else is said."""
        wanted = {"box": BOX, "place": PLACE, "url": "https://127.0.0.1:1", "dialect": "lds-plain"}
        wanted |= {"officers": staff(), "training_key": True, **changes}
        self.stick.mkdir(exist_ok=True)
        return write(self.station, Wanted(**wanted), self.stick, self.now)  # type: ignore[arg-type]

    def delivery(self) -> Delivery:
        return Delivery.read(self.stick)

    def provision(self, site: Site | None = None, officer: Any = nobody) -> list[Done]:
        return list(provision(self.delivery(), site or self.site, officer))
