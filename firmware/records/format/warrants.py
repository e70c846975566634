"""What the centre signs for one box: where it stands and under which epoch, and what it may issue offline.

Each carries a serial that only grows per box: an older paper never replaces a newer one (DESIGN section 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from firmware.records.format import check as c
from firmware.records.format.paper import CentrePaper
from firmware.records.format.rules import CASES
from firmware.records.format.schema import BOX

ASSIGNMENT, LEASE = "assignment", "lease"
UNIT, SPARE = "unit", "spare"
PRODUCTION, TRAINING = "production", "training"
TOKEN = "token:"  # noqa: S105  a prefix, no secret
MAX_LEASE = 100_000

_PLACES = ("pool", "home_unit", "capture_unit", "team", "station")
_word = c.text(80, 0)
_box = c.text(32, 1, BOX)
_epoch = c.integer(0, 2**31)
_serial = c.integer(1, 2**53 - 1)


@dataclass(frozen=True, slots=True)
class Replaces:
    """The box and epoch whose place an assignment takes."""

    box: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Assignment(CentrePaper):
    """Where `box` works from now on. A spare has the `pool` whose units it may replace, and no unit yet.

    `profile` training: everything made is simulated, for ever. `replaces`: an order of the centre to take
    another box's place, when nothing of that box can be read any more.
    """

    named: ClassVar[str] = ASSIGNMENT
    serial: int
    box: str
    epoch: int
    role: str
    pool: str
    home_unit: str
    capture_unit: str
    team: str
    station: str
    profile: str
    replaces: Replaces | None
    at: datetime

    nested: ClassVar[Mapping[str, type]] = {"replaces": Replaces}
    table: ClassVar[c.Check] = c.fields(
        {
            "type": c.must_be("idkiosk-assignment/1"),
            "serial": _serial,
            "box": _box,
            "epoch": _epoch,
            "role": c.one_of(UNIT, SPARE),
            "profile": c.one_of(PRODUCTION, TRAINING),
            **dict.fromkeys(_PLACES, _word),
            "replaces": c.nullable(c.fields({"box": _box, "epoch": _epoch})),
            "at": c.moment,
        }
    )


@dataclass(frozen=True, slots=True)
class Lease(CentrePaper):
    """The right to issue `count` cards of these cases before `until`, without asking.

    `holder` is a box's id, or `token:` and the first 16 hex digits of SHA-256 of the document signer's
    certificate in a PKCS#11 token: then the right travels with the token, to any box of the same pool.
    """

    named: ClassVar[str] = LEASE
    serial: int
    holder: str
    pool: str
    epoch: int
    count: int
    cases: tuple[str, ...]
    until: datetime
    signer_sha256: str
    at: datetime

    moments: ClassVar[tuple[str, ...]] = ("until", "at")
    table: ClassVar[c.Check] = c.fields(
        {
            "type": c.must_be("idkiosk-lease/1"),
            "serial": _serial,
            "holder": c.text(40, 1, rf"{BOX}|{TOKEN}[0-9a-f]{{16}}"),
            "pool": _word,
            "epoch": _epoch,
            "count": c.integer(1, MAX_LEASE),
            "cases": c.listing(c.one_of(*sorted(CASES)), 16, 1),
            "until": c.moment,
            "signer_sha256": c.text(64, 64, r"[0-9a-f]{64}"),
            "at": c.moment,
        }
    )
