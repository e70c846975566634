"""Is it the same finger? Thresholds over the scorer's similarity, and the search for a finger given twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Compare = Callable[[bytes, bytes], int | None]
"""Similarity of a new template and a known one; None where the known one cannot be read."""


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


def finger_to_prove(templates: Mapping[str, bytes], kinds: Sequence[str]) -> str:
    """The finger that is asked for: the first by `kinds` ("index", …), right before left, of `templates`."""
    order = [f"{side}_{kind}" for kind in kinds for side in ("right", "left")]
    return next((finger for finger in order if finger in templates), next(iter(templates), ""))


class Doubt(StrEnum):
    """Why an impression is not taken for the finger that was asked for (BSI TR-03121-3: uniqueness)."""

    TWICE = "finger_twice"  # it is one that this citizen has given already
    SWAPPED = "finger_swapped"  # the registry has it under another position
    STRANGER = "finger_stranger"  # the registry has another finger under this position
    OFFICER = "finger_officer"  # it is a finger of this shift's staff


@dataclass(frozen=True, slots=True)
class Finding:
    """`finger` was asked for, and its impression is (or for STRANGER is not) like `like`.

    `like` is a position, or an officer's id. `similarity` is the matcher's.
    """

    doubt: Doubt
    finger: str
    like: str
    similarity: int


@dataclass(frozen=True, slots=True)
class Known:
    """What a new impression is compared with, templates (ISO/IEC 19794-2) by position.

    `taken`: of this visit; `registry`: of earlier years; `officers`: id → templates of each, in memory only.
    """

    taken: Mapping[str, bytes]
    registry: Mapping[str, bytes]
    officers: Mapping[str, Sequence[bytes]]


def doubt(
    finger: str, template: bytes, known: Known, compare: Compare, rules: MatchRules, good: bool
) -> Finding | None:
    """Return why this is hardly `finger`, by the greatest similarity; None when nothing speaks against it.

    Only a `good` impression is held against the registry's template of the same position: a worn one may
    be unlike itself. From `rules.unsure` on an impression is in doubt. Raises what `compare` raises.
    """
    found = [*_like_another(finger, template, known, compare)]
    nearest = max(found, key=lambda each: each.similarity, default=None)
    if nearest is not None and judge(nearest.similarity, rules) is not Match.OTHER:
        return nearest
    own = known.registry.get(finger)
    if own is None or not good:
        return None
    similarity = compare(template, own)
    if similarity is None or judge(similarity, rules) is not Match.OTHER:
        return None
    return Finding(Doubt.STRANGER, finger, finger, similarity)


def _like_another(finger: str, template: bytes, known: Known, compare: Compare) -> list[Finding]:
    others = [(Doubt.TWICE, position, other) for position, other in known.taken.items()]
    others += [(Doubt.SWAPPED, position, other) for position, other in known.registry.items()]
    others = [each for each in others if each[1] != finger]
    others += [(Doubt.OFFICER, officer, each) for officer, of in known.officers.items() for each in of]
    compared = [(why, like, compare(template, other)) for why, like, other in others]
    return [
        Finding(why, finger, like, similarity) for why, like, similarity in compared if similarity is not None
    ]
