"""Is it the same finger? Thresholds over the scorer's similarity, and the search for a finger given twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

PROVE_ORDER = ("right_index", "left_index", "right_thumb", "left_thumb", "right_middle", "left_middle")

Compare = Callable[[bytes, bytes], int]


class Match(StrEnum):
    SAME = "same"
    UNSURE = "unsure"  # ask for the finger again
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MatchRules:
    """Similarity (Bozorth3): genuine plain pairs gave 57..198, impostors up to 18."""

    same: int = 40
    unsure: int = 19

    def __post_init__(self) -> None:
        if not 0 < self.unsure < self.same:
            raise ValueError("0 < unsure < same is wanted")


def judge(similarity: int, rules: MatchRules) -> Match:
    if similarity >= rules.same:
        return Match.SAME
    return Match.UNSURE if similarity >= rules.unsure else Match.OTHER


def finger_to_prove(templates: Mapping[str, bytes]) -> str:
    """The finger that is asked for: the first in the order of BSI's alternatives that the registry has."""
    return next((finger for finger in PROVE_ORDER if finger in templates), next(iter(templates), ""))


def given_before(
    template: bytes, earlier: Mapping[str, bytes], compare: Compare, rules: MatchRules
) -> str | None:
    """Return the position under which this very finger was already taken (BSI TR-03121-3: uniqueness).

    None when it is none of them; the most similar one when it is several. Raises what `compare` raises.
    """
    similar = {position: compare(template, taken) for position, taken in earlier.items()}
    nearest = max(similar, key=similar.__getitem__, default=None)
    if nearest is None or judge(similar[nearest], rules) is not Match.SAME:
        return None
    return nearest
