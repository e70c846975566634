"""PROVE: one finger against the registry's template (1:1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.desk import Desk
from firmware.app.jobs.identify import keep_proof
from firmware.app.jobs.touch import sample_finger
from firmware.app.visit import Learned, Visit
from firmware.quality.finger_capture import CaptureRules
from firmware.quality.match import Match, MatchRules, judge
from firmware.quality.nbis.client import ScoreFailed, ScorerError
from firmware.records.journal import Journal
from statemachine import events as ev

if TYPE_CHECKING:
    from drivers.api import FingerImage, FingerSensor
    from firmware.quality.nbis.client import FingerScorer

MATCHER = "nbis bozorth3"


def prove_finger(desk: Desk, visit: Visit, entry: int) -> Callable[[FingerSensor, Stop], Learned | None]:
    """Compare the finger that the screen asks for with the registry's."""
    finger = visit.prove_with
    rules = CaptureRules(capture_s=desk.pack.fingers.capture_s)

    def prove(sensor: FingerSensor, stop: Stop) -> Learned | None:
        if not finger:
            return Learned(ev.NotProven("no_template"))
        try:
            sample = sample_finger(desk, sensor, stop, entry, rules)
        except UserRetry:
            return Learned(ev.NotProven("finger_unclear"))
        if sample is None or isinstance(sample, Learned):
            return sample
        if desk.scorer is None:
            return Learned(ev.NotProven("no_scorer"))
        return _judged(desk, desk.scorer, visit, finger, sample.image)

    return prove


def _judged(desk: Desk, scorer: FingerScorer, visit: Visit, finger: str, image: FingerImage) -> Learned:
    registered = visit.templates[finger]
    try:
        similarity = scorer.compare(scorer.template(image), registered)
    except ScorerError:
        return Learned(ev.NotProven("finger_unclear" if _readable(scorer, registered) else "no_template"))
    match judge(similarity, MatchRules()):
        case Match.SAME:
            desk.store.call(lambda journal: _keep_proof(desk, journal, visit, finger, similarity))
            return Learned(ev.Proven("finger"))
        case Match.UNSURE:
            return Learned(ev.NotProven("finger_unclear"))
    return Learned(ev.NotProven("finger_differs"))


def _readable(scorer: FingerScorer, template: bytes) -> bool:
    """Whether the registry's template is one: with a damaged one no finger can ever prove anything."""
    try:
        scorer.compare(template, template)
    except ScoreFailed:
        return False
    except ScorerError:
        return True
    return True


def _keep_proof(desk: Desk, journal: Journal, visit: Visit, finger: str, similarity: int) -> None:
    proof = {
        "method": "finger",
        "at": desk.stamp(),
        "finger": finger,
        "score": similarity,
        "threshold": MatchRules().same,
        "matcher": MATCHER,
    }
    keep_proof(journal, visit.record, proof)
