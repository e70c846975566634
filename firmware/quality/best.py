"""Best of n, for each finger by itself: who says "good", "again" and "the best of three will have to do".

Pure: samples' scores in, a decision out. Never a mean over fingers: 5/90/90/90 is one bad finger.
Thresholds and the number of attempts come from the rule pack (BSI TR-03121-3 volume 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from config.rulepack import RulePack

FAILED: Final = 255  # ISO/IEC 29794-1: the computation failed; no value, and above all not 0 or 255 points

POSITIONS: Final = tuple(
    f"{side}_{finger}"
    for side in ("right", "left")
    for finger in ("thumb", "index", "middle", "ring", "little")
)


class Measure(StrEnum):
    """Where a score comes from; the record and the screen say it."""

    NFIQ2 = "nfiq2"  # ISO/IEC 29794-4, NFIQ 2.3
    ESTIMATE = "estimate"  # the preview's guess at it: no scorer on this box


@dataclass(frozen=True, slots=True)
class Score:
    """`value` 0..100, or None where the computation failed (code 255)."""

    value: int | None
    measure: Measure

    def __post_init__(self) -> None:
        if self.value is not None and not 0 <= self.value <= 100:
            raise ValueError(f"a score is 0..100 or None, not {self.value}")

    @property
    def code(self) -> int:
        """What a record carries (ISO/IEC 29794-1): the value, or 255."""
        return FAILED if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class FingerRules:
    """`least` is the score from which a position is good; `attempts` how often a person is asked."""

    least: Mapping[str, int]
    attempts: int

    @classmethod
    def of(cls, pack: RulePack) -> FingerRules:
        """What a rule pack asks of fingers."""
        least = {position: pack.fingers.least(position) for position in POSITIONS}
        return cls(MappingProxyType(least), pack.fingers.attempts)

    def __post_init__(self) -> None:
        if set(self.least) != set(POSITIONS):
            raise ValueError("a threshold for each of the ten positions is wanted, and for no other")
        if not all(0 < least <= 100 for least in self.least.values()) or self.attempts < 1:
            raise ValueError("thresholds are 1..100 and at least one attempt is made")


class Verdict(StrEnum):
    GOOD = "good"
    AGAIN = "again"  # with the hint of the last attempt
    BEST_BELOW = "best_below"  # attempts used up; the best is kept and marked
    NONE_USABLE = "none_usable"  # attempts used up and none has a score: an officer decides


@dataclass(frozen=True, slots=True)
class Decision:
    """`best` is the index of the attempt to keep, None while none has a score."""

    position: str
    verdict: Verdict
    best: int | None
    score: Score | None

    @property
    def settled(self) -> bool:
        return self.verdict is not Verdict.AGAIN


def decide(position: str, attempts: Sequence[Score], rules: FingerRules) -> Decision:
    """Judge one finger by the best of all its attempts so far, in the order they were made."""
    best = _best(attempts)
    score = attempts[best] if best is not None else None
    if score is not None and score.code >= rules.least[position]:
        verdict = Verdict.GOOD
    elif len(attempts) < rules.attempts:
        verdict = Verdict.AGAIN
    else:
        verdict = Verdict.NONE_USABLE if score is None else Verdict.BEST_BELOW
    return Decision(position, verdict, best, score)


def below(scores: Mapping[str, Score], rules: FingerRules) -> list[str]:
    """The positions of `scores` that do not reach their own threshold, in enrolment order."""
    return [
        position
        for position in POSITIONS
        if position in scores and decide(position, [scores[position]], rules).verdict is not Verdict.GOOD
    ]


def for_chip(
    scores: Mapping[str, Score], rules: FingerRules, kinds: Sequence[str]
) -> tuple[str | None, str | None]:
    """The right and the left finger for DG3: of each hand the first by `kinds` that is good, else the best.

    BSI TR-03121-3 volume 2; None for a hand without a finger that has a score.
    """
    good = set(scores) - set(below(scores, rules))

    def of(side: str) -> str | None:
        hand = [f"{side}_{kind}" for kind in kinds if scores.get(f"{side}_{kind}", _NONE).value is not None]
        first = next((finger for finger in hand if finger in good), None)
        return first or max(hand, key=lambda finger: scores[finger].code, default=None)

    return of("right"), of("left")


_NONE = Score(None, Measure.NFIQ2)


def _best(attempts: Sequence[Score]) -> int | None:
    """The highest value; where two are equal the measured one beats the estimate, then the earlier."""
    usable = [index for index, score in enumerate(attempts) if score.value is not None]
    return max(usable, key=lambda i: (attempts[i].code, attempts[i].measure is Measure.NFIQ2), default=None)
