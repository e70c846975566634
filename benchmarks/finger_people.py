"""A day of 1,000 made-up citizens at the finger step, 15 of 100 with hands that worked hard.

Simulated: who comes, how their skin is, what a hint mends, and how long a touch takes. Not simulated: each
impression's score is one that NFIQ 2.3 gave to a made-up finger of that kind and skin (`finger_bank`), and
the procedure is the product's own (`firmware.quality.best.decide` under the rule pack in force).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.finger_bank import bank
from config.rulepack import rule_packs
from firmware.quality.best import POSITIONS, FingerRules, Measure, Score, Verdict, decide

CITIZENS, SEED = 1000, 2026
HARD_WORK = 0.15
WORN_OF_WORKED, DRY, WET = 0.7, 0.10, 0.05
"""Share of worn fingers on hands that worked hard, and of dry and wet ones on any."""
MENDED = 0.6
"""How often a dry finger that was moistened, or a wet one that was wiped, is good the next time."""
NOT_THERE = 0.002
"""Share of fingers that are missing, amputated or bandaged."""
TOUCH_S = 6.0
"""One more touch: the hint is read (2), the finger lifted and laid down (2.5), taken and judged (1.5)."""
LONGEST_S = 300.0
"""Whoever would need longer comes back another day: a ticket."""
SLAPS = (POSITIONS[1:5], POSITIONS[6:10], (POSITIONS[0], POSITIONS[5]))
MOSIP_LEAST, MOSIP_TRIES = 40, 4


@dataclass(frozen=True)
class Citizen:
    """What came of one citizen. `below`: fingers kept below their threshold and marked so."""

    below: int
    silent: int
    """Fingers taken for good though no attempt reached their threshold: there must be none."""
    excepted: int
    extra_s: float
    mosip_bad: int
    """Bad fingers that MOSIP's rule lets through, on the same skin."""
    mosip_fingers: int

    @property
    def outcome(self) -> str:
        if self.extra_s > LONGEST_S:
            return "deferred"
        if self.excepted:
            return "exception"
        return "best_of_three" if self.below else "all_good"


@cache
def day() -> tuple[Citizen, ...]:
    random, scores = np.random.default_rng(SEED), bank()["scores"]
    rules = FingerRules.of(rule_packs()["7/2024"])
    return tuple(_visit(random, scores, rules) for _ in range(CITIZENS))


def shares() -> dict[str, float]:
    counted = Counter(citizen.outcome for citizen in day())
    return {name: counted[name] / CITIZENS for name in ("all_good", "best_of_three", "exception", "deferred")}


def silent() -> int:
    return sum(citizen.silent for citizen in day())


def median_extra_s() -> float:
    """Of those who needed more than one touch of any finger."""
    longer = [citizen.extra_s for citizen in day() if citizen.extra_s]
    return statistics.median(longer) if longer else 0.0


def _visit(random: np.random.Generator, scores: Any, rules: FingerRules) -> Citizen:
    worked = random.random() < HARD_WORK
    skins = {position: _skin(random, worked) for position in POSITIONS}
    below = silent = excepted = touches = 0
    for position, skin in skins.items():
        verdict, attempts = _finger(random, scores, rules, position, skin)
        touches += max(0, len(attempts) - 1)
        silent += verdict is Verdict.GOOD and all(each.code < rules.least[position] for each in attempts)
        below += verdict is Verdict.BEST_BELOW
        excepted += verdict is Verdict.NONE_USABLE
    bad, fingers = _mosip(random, scores, rules, skins)
    return Citizen(below, silent, excepted, touches * TOUCH_S, bad, fingers)


def _skin(random: np.random.Generator, worked: bool) -> str:
    if random.random() < NOT_THERE:
        return "absent"
    if worked and random.random() < WORN_OF_WORKED:
        return "worn"
    return str(random.choice(["dry", "wet", "good"], p=[DRY, WET, 1 - DRY - WET]))


def _finger(
    random: np.random.Generator, scores: Any, rules: FingerRules, position: str, skin: str
) -> tuple[Verdict, list[Score]]:
    if skin == "absent":
        return Verdict.NONE_USABLE, []
    attempts: list[Score] = []
    while True:
        attempts.append(Score(_touch(random, scores, position, skin), Measure.NFIQ2))
        decision = decide(position, attempts, rules)
        if decision.settled:
            return decision.verdict, attempts
        skin = _after_hint(random, skin)


def _touch(random: np.random.Generator, scores: Any, position: str, skin: str) -> int | None:
    drawn: int | None = scores[position.partition("_")[2]][skin][int(random.integers(0, 10))]
    return drawn


def _after_hint(random: np.random.Generator, skin: str) -> str:
    return "good" if skin in ("dry", "wet") and random.random() < MENDED else skin


def _mosip(
    random: np.random.Generator, scores: Any, rules: FingerRules, skins: dict[str, str]
) -> tuple[int, int]:
    """Each slap until its mean reaches 40, four times at most, then the last one as it is."""
    bad = fingers = 0
    for slap in SLAPS:
        there = {position: skins[position] for position in slap if skins[position] != "absent"}
        taken: Sequence[int] = ()
        for _ in range(MOSIP_TRIES if there else 0):
            taken = [_touch(random, scores, position, skin) or 0 for position, skin in there.items()]
            if statistics.mean(taken) >= MOSIP_LEAST:
                break
            there = {position: _after_hint(random, skin) for position, skin in there.items()}
        fingers += len(taken)
        bad += sum(score < rules.least[position] for score, position in zip(taken, there, strict=True))
    return bad, fingers
