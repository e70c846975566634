"""NFIQ 2 beside the capture: the best frame so far is scored while the finger still lies.

One request is under way at a time, on an executor of one thread; the scorer's own process does the work.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Protocol

from drivers.api import FingerImage
from firmware.quality.best import Measure, Score
from firmware.quality.finger import FingerQuality
from firmware.quality.nbis.client import ScoreFailed, ScorerLost

BETTER = 4  # points of the estimate: less is hardly a better picture, and a score costs 0.2 s


class Nfiq2(Protocol):
    def nfiq2(self, image: FingerImage) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame and its preview measure."""

    image: FingerImage
    quality: FingerQuality


class Scoring:
    """The scores of one touch. Without a `scorer` they are estimates, labelled."""

    def __init__(self, scorer: Nfiq2 | None, beside: Executor) -> None:
        self._scorer, self._beside = scorer, beside
        self._asked: Candidate | None = None
        self._pending: Future[int] | None = None
        self._known: list[tuple[Candidate, Score]] = []
        self._lost = False

    @property
    def best(self) -> Score | None:
        """The highest score of NFIQ 2 that is known by now; None while there is none."""
        scores = [score for _, score in self._known if score.value is not None]
        return max(scores, key=lambda score: score.code, default=None)

    def offer(self, candidate: Candidate) -> None:
        """Have this frame scored, unless one is under way or it is hardly better than the last."""
        if self._pending is not None and self._pending.done():
            self._settle()
        if self._pending is None and self._is_worth_it(candidate):
            self._ask(candidate)

    def decide(self, last: Candidate) -> tuple[Candidate, Score]:
        """Wait for what is under way, have the `last` best frame scored if that may help, and choose."""
        self._settle()
        if self._is_worth_it(last):
            self._ask(last)
            self._settle()
        if self._scorer is None:
            return last, Score(last.quality.score, Measure.ESTIMATE)
        return max(self._known, key=_rank)

    def _is_worth_it(self, candidate: Candidate) -> bool:
        if self._scorer is None or self._lost:
            return False
        if self._asked is None:
            return True
        failed = self._known[-1][1].value is None
        return candidate.quality.score >= self._asked.quality.score + (1 if failed else BETTER)

    def _ask(self, candidate: Candidate) -> None:
        assert self._scorer is not None  # noqa: S101  only asked where there is one
        self._asked = candidate
        self._pending = self._beside.submit(self._scorer.nfiq2, candidate.image)

    def _settle(self) -> None:
        """Take the answer: a failure is code 255, and never the estimate."""
        pending, self._pending = self._pending, None
        if pending is None or self._asked is None:
            return
        try:
            score = Score(pending.result(), Measure.NFIQ2)
        except (ScoreFailed, ScorerLost) as exc:
            score = Score(None, Measure.NFIQ2)
            self._lost = isinstance(exc, ScorerLost)  # what kills or hangs a child is not tried again at once
        self._known.append((self._asked, score))


def _rank(known: tuple[Candidate, Score]) -> tuple[int, int]:
    candidate, score = known
    return (-1 if score.value is None else score.value, candidate.quality.score)
