"""The legal rule packs as data (`config/rules/*.toml`): what the law of a period asks of a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from config.load import HERE, ConfigError, whole

FOLDER = HERE / "rules"


def _within(low: int, high: int) -> Any:
    return field(metadata={"limits": (low, high)})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The NFIQ 2 score that a finger of each kind must reach (BSI TR-03121-3 volume 2)."""

    thumb: int = _within(1, 100)
    index: int = _within(1, 100)
    middle: int = _within(1, 100)
    ring: int = _within(1, 100)
    little: int = _within(1, 100)


@dataclass(frozen=True, slots=True)
class Fingers:
    """How ten fingers are taken (BSI TR-03121-3 volume 2).

    `attempts` is how often a person is asked for a finger; after the last the best is kept and marked.
    `order` are the ten positions as they are asked for. `alternatives` are kinds of finger, the best first,
    for the two of the chip's DG3 and for the one that proves whose record it is. `capture_s` is how long
    one touch may take.
    """

    threshold: Thresholds
    order: tuple[str, ...]
    alternatives: tuple[str, ...]
    attempts: int = _within(1, 20)
    capture_s: float = _within(1, 30)

    def least(self, position: str) -> int:
        """The score that the finger at `position` ("right_index") must reach."""
        threshold: int = getattr(self.threshold, position.partition("_")[2])
        return threshold


@dataclass(frozen=True, slots=True)
class Form:
    """The sheet that a record stands for (phiếu thu nhận thông tin). Names were given anew in 2024: what the
    law calls CC02 until then is CC01, and CC02 is another sheet."""

    name: str
    title: str
    law: str


@dataclass(frozen=True, slots=True)
class RulePack:
    """What the law of one period asks, from the day `begins` on. Ages in full years.

    `from_age`: youngest whom a kiosk may enrol; `guardian_below`: a guardian stands by under this age;
    `renewal_ages`: birthdays at which a card ends, rising; `early_years`: a card issued that long before a
    mark lasts to the next one; `offline_cases`: for which a card may be issued under a lease, without asking
    the centre; `iris_from_age`: from when the law also asks for iris (not captured by this
    hardware: the record says so); `due_working_days`: when the card is due; `waiting_days`: how long a
    ticket is good for.
    """

    name: str
    begins: date
    laws: tuple[str, ...]
    fingers: Fingers
    form: Form
    from_age: int = _within(0, 100)
    guardian_below: int = _within(0, 100)
    renewal_ages: tuple[int, ...] = _within(1, 130)
    early_years: int = _within(0, 10)
    due_working_days: int = _within(1, 90)
    waiting_days: int = _within(1, 365)
    offline_cases: tuple[Literal["first_issue", "renewal", "replacement", "correction"], ...] = (
        "renewal",
        "replacement",
        "correction",
    )
    iris_from_age: int | None = field(default=None, metadata={"limits": (0, 100)})


def rule_packs(folder: Path = FOLDER) -> Mapping[str, RulePack]:
    """Every pack of a folder by its name, oldest first. Raises ConfigError that names file and key."""
    packs: dict[str, RulePack] = {}
    for path in sorted(folder.glob("*.toml")):
        pack = read_rule_pack(path)
        if pack.name in packs:
            raise ConfigError(f"{path}: name = {pack.name!r}; another file of this folder has that name")
        packs[pack.name] = pack
    if not packs:
        raise ConfigError(f"{folder}: there is no rule pack")
    return MappingProxyType(packs)


def read_rule_pack(path: Path) -> RulePack:
    """Read one pack. The file is named after the month in which it begins, so that files sort by date."""
    pack = whole(RulePack, path)
    if path.stem != (month := f"{pack.begins:%Y-%m}"):
        raise ConfigError(f"{path}: begins = {pack.begins}; then the file must be named {month}.toml")
    _check_fingers(pack.fingers, path)
    if any(left >= right for left, right in pairwise(pack.renewal_ages)):
        raise ConfigError(f"{path}: renewal_ages = {list(pack.renewal_ages)}; must rise")
    return pack


def _check_fingers(fingers: Fingers, path: Path) -> None:
    kinds = [each.name for each in dataclasses.fields(Thresholds)]
    ten = sorted(f"{side}_{kind}" for side in ("left", "right") for kind in kinds)
    if sorted(fingers.order) != ten:
        raise ConfigError(f"{path}: [fingers] order must name each of the ten fingers once")
    alternatives = set(fingers.alternatives)
    if len(alternatives) != len(fingers.alternatives) or not alternatives <= set(kinds):
        raise ConfigError(f"{path}: [fingers] alternatives must be different ones of {', '.join(kinds)}")
