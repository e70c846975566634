"""A legal rule pack as data (`config/rules/*.toml`): what the law of a date asks of a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from config.load import ConfigError, named, read_toml

FINGER_KINDS = ("thumb", "index", "middle", "ring", "little")


@dataclass(frozen=True, slots=True)
class RulePack:
    """Ages in years; `thresholds` NFIQ 2 by kind of finger; `waiting_days` how long a ticket is good for."""

    name: str
    valid_from: str
    laws: tuple[str, ...]
    due_working_days: int
    alone_from_age: int
    renewal_ages: tuple[int, ...]
    renewal_tolerance_years: int
    iris_from_age: int | None
    iris_captured: bool
    waiting_days: int
    finger_attempts: int
    thresholds: Mapping[str, int]

    def threshold(self, finger: str) -> int:
        """The score that `finger` ("right_index") must reach."""
        return self.thresholds[finger.partition("_")[2]]


def load_rule_pack(name: str) -> RulePack:
    """Read a pack by its name; raises ConfigError that names what is missing or unknown."""
    path = named("rules", name)
    values: dict[str, Any] = read_toml(path)
    fingers = values.pop("fingers", {})
    values["finger_attempts"] = fingers.get("attempts")
    values["thresholds"] = fingers.get("threshold", {})
    wanted = {field.name for field in fields(RulePack)}
    if wrong := wanted ^ set(values):
        raise ConfigError(f"{path}: missing or unknown: {', '.join(sorted(wrong))}")
    if set(values["thresholds"]) != set(FINGER_KINDS):
        raise ConfigError(f"{path}: [fingers.threshold] needs exactly: {', '.join(FINGER_KINDS)}")
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    return RulePack(**{**values, **lists})
