"""What was found of a failed box, and what the box that looks believes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509

from firmware.box.stick import ASSIGNMENT, SwapRefused
from firmware.records.format.errors import FormatError
from firmware.records.format.swap import GivenUp
from firmware.records.format.warrants import Assignment
from firmware.records.handover import Paper
from firmware.records.sidecar import Head


@dataclass(frozen=True, slots=True)
class Trust:
    """What the finding box believes. `adopted`: whether it has taken this box's epoch already.

    `alive` is called for each file that is looked at: whoever waits sees that the work goes on.
    """

    box_ca: x509.Certificate
    orders: x509.Certificate
    receipts: x509.Certificate
    now: datetime
    adopted: Callable[[str, int], bool] = lambda _box, _epoch: False
    alive: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Found:
    """One failed box, as `adoption.Plan` wants it. `place`: its assignment, signed by the centre.

    `delivered`: the centre's receipts say that it has these already. `to`: the only box it is for, or "".
    `missing`: sealed records that are named and not whole here.
    """

    known_by: str
    box: str
    epoch: int
    closed_at: int | None
    evidence: bytes | None = None
    place: bytes | None = None
    to: str = ""
    certificate: bytes = b""
    sealed: tuple[tuple[Path, Head], ...] = ()
    delivered: int = 0
    drafts: Mapping[str, Path] = field(default_factory=dict)
    at_kiosk: str = ""
    blanks_stated: int | None = None
    recovery: Path | None = None
    lost: tuple[str, ...] = ()
    carried: tuple[tuple[Path, Head], ...] = ()
    papers: tuple[Paper, ...] = ()
    given_up: tuple[GivenUp, ...] = ()


def read_most(path: Path, most: int) -> bytes:
    """A file of at most `most` bytes, and one more if it is longer. Raises SwapRefused("stick_failed")."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as exc:
        raise SwapRefused("stick_failed", path.name) from exc


def place_of(body: bytes | None, box: str, epoch: int, trust: Trust) -> bytes | None:
    """The assignment that came along, if the centre signed it for this box and epoch. Raises SwapRefused."""
    if body is None:
        return None
    try:
        place = Assignment.read(body, trust.orders)
    except FormatError as exc:
        raise SwapRefused("stick_damaged", ASSIGNMENT) from exc
    if (place.box, place.epoch) != (box, epoch):
        raise SwapRefused("stick_damaged", f"{ASSIGNMENT} is of {place.box}, epoch {place.epoch}")
    return body


def while_valid(certificate: x509.Certificate, now: datetime) -> datetime:
    """The moment at which an old box's certificate is judged: a box may have died with it ended."""
    return min(now, certificate.not_valid_after_utc)
