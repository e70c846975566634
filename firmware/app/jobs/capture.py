"""PROVE, FINGERS and PORTRAIT: samples are on the disk before anybody hears of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import cv2

from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.desk import Desk, until
from firmware.app.jobs.identify import keep_proof
from firmware.app.visit import Learned, Seen, Visit
from firmware.quality.best import Decision, Measure, Score, Verdict, decide
from firmware.quality.finger_capture import Sample, capture_finger
from firmware.quality.match import Match, MatchRules, finger_to_prove, judge
from firmware.quality.nbis.client import ScorerError
from firmware.quality.nbis.runtime import ScorerMissing
from firmware.records.journal import Journal
from statemachine import events as ev

if TYPE_CHECKING:
    from drivers.api import Camera, FingerImage, FingerSensor, Frame
    from firmware.quality.finger import FingerQuality
    from firmware.quality.portrait import PortraitCheck
    from firmware.quality.portrait_capture import PortraitSample

SLICE_S = 0.25
FOUR_EYES = ("missing", "amputated")
"""Exceptions for ever: two officers confirm them."""
MATCHER = "nbis bozorth3"
SCORERS = {
    Measure.NFIQ2: {"name": "NFIQ 2", "version": "2.3", "estimate": False},
    Measure.ESTIMATE: {"name": "preview", "version": "1", "estimate": True},
}
GATE = {"name": "idkiosk portrait gate", "version": "1", "estimate": False}


def prove_finger(desk: Desk, visit: Visit, entry: int) -> Callable[[FingerSensor, Stop], Learned | None]:
    """Compare one finger with the registry's template (1:1)."""
    finger = finger_to_prove(visit.templates)

    def prove(sensor: FingerSensor, stop: Stop) -> Learned | None:
        if not finger:
            return Learned(ev.NotProven("no_template"))
        try:
            sample = _sample(desk, sensor, stop, entry)
        except UserRetry:
            return Learned(ev.NotProven("finger_unclear"))
        if sample is None:
            return None if stop else Learned(ev.NobodyThere())
        scorer = desk.scorer
        if scorer is None:
            return Learned(ev.NotProven("no_scorer"))
        rules = MatchRules()
        try:
            similarity = scorer.compare(scorer.template(sample.image), visit.templates[finger])
        except (ScorerError, ScorerMissing):
            return Learned(ev.NotProven("finger_unclear"))
        match judge(similarity, rules):
            case Match.SAME:
                desk.store.call(lambda journal: _keep_proof(desk, journal, visit, finger, similarity))
                return Learned(ev.Proven("finger"))
            case Match.UNSURE:
                return Learned(ev.NotProven("finger_unclear"))
        return Learned(ev.NotProven("finger_differs"))

    return prove


def _keep_proof(desk: Desk, journal: Journal, visit: Visit, finger: str, similarity: int) -> None:
    assert visit.record_id is not None  # noqa: S101  PROVE is entered with a draft
    proof = {
        "method": "finger",
        "at": desk.stamp(),
        "finger": finger,
        "score": similarity,
        "threshold": MatchRules().same,
        "matcher": MATCHER,
    }
    keep_proof(journal, visit.record_id, proof)


def take_finger(
    desk: Desk, visit: Visit, entry: int, finger: str
) -> Callable[[FingerSensor, Stop], Learned | None]:
    """One attempt at one finger: best frame, final score, kept; then on, again, or to the officer."""

    def take(sensor: FingerSensor, stop: Stop) -> Learned | None:
        try:
            sample = _sample(desk, sensor, stop, entry)
        except UserRetry as retry:
            return Learned(ev.FingerAgain(finger, retry.reason))
        if sample is None:
            return None if stop else Learned(ev.NobodyThere())
        return desk.store.call(lambda journal: _keep_finger(desk, journal, visit, finger, sample))

    return take


def _sample(desk: Desk, sensor: FingerSensor, stop: Stop, entry: int) -> Sample | None:
    """The next finger's sample; None when nobody came or the job was stopped."""
    wait = until(stop, desk.config.finger.wait_s, desk.clock)
    while not sensor.await_finger(False, SLICE_S):
        desk.show(Seen(entry, lift=True))
        if wait.over:
            return None
    desk.show(Seen(entry))
    while not sensor.await_finger(True, SLICE_S):
        if wait.over:
            return None

    def preview(image: FingerImage, quality: FingerQuality) -> None:
        desk.show(Seen(entry, image.pixels, quality.hint or "", score=quality.score))

    return capture_finger(sensor, preview, desk.scorer, until(stop, 5.0, desk.clock))


def scores_of(part: Mapping[str, Any]) -> tuple[Score, ...]:
    """The scores of a finger's attempts, from its part of the record."""
    estimate = part["scorer"] is None or part["scorer"]["estimate"]
    measure = Measure.ESTIMATE if estimate else Measure.NFIQ2
    return tuple(Score(attempt["score"], measure) for attempt in part["attempts"])


def _keep_finger(desk: Desk, journal: Journal, visit: Visit, finger: str, sample: Sample) -> Learned:
    assert visit.record_id is not None  # noqa: S101  FINGERS is entered with a draft
    name, image = f"finger/{finger}", f"fingers/{finger}.png"
    before = journal.draft(visit.record_id).parts.get(name) or _no_finger(finger)
    attempt = {"at": desk.stamp(), "score": sample.score.value, "hint": sample.quality.hint}
    part = {**before, "attempts": [*before["attempts"], attempt], "scorer": SCORERS[sample.score.measure]}
    scores = scores_of(part)
    decision = decide(finger, scores, desk.finger_rules)
    best_now = decision.best == len(scores) - 1
    blobs = {image: _png(sample.image)} if best_now else {}
    if not best_now and before["image"]:
        blobs = {image: journal.blob(visit.record_id, image)}
    height, width = sample.image.pixels.shape
    part |= {
        "image": image if blobs else None,
        "score": decision.score.value if decision.score and blobs else None,
        "ppi": sample.image.ppi,
        "width_px": width,
        "height_px": height,
    }
    journal.accept(visit.record_id, name, part, blobs)
    return _told(visit, finger, decision, scores, sample)


def _told(
    visit: Visit, finger: str, decision: Decision, scores: tuple[Score, ...], sample: Sample
) -> Learned:
    known: dict[str, Any] = {"attempts": {**visit.attempts, finger: scores}}
    event: ev.Event
    match decision.verdict:
        case Verdict.AGAIN:
            event = ev.FingerAgain(finger, sample.quality.hint or sample.quality.cause)
        case Verdict.NONE_USABLE:
            event = ev.FingerFailed(finger)
        case verdict:
            event = ev.FingerKept(finger)
            known["fingers_done"] = (*visit.fingers_done, finger)
            known["fingers_good"] = visit.fingers_good + (verdict is Verdict.GOOD)
    return Learned(event, known)


def _no_finger(finger: str) -> dict[str, Any]:
    return {
        "position": finger,
        "image": None,
        "score": None,
        "scorer": None,
        "attempts": [],
        "exception": None,
    }


def except_finger(
    desk: Desk, visit: Visit, finger: str, reason: str, officers: tuple[str, ...]
) -> Callable[[Journal], Learned]:
    """Write an exception down in the officers' names; a sample that is there stays beside it.

    A finger that is not there at all needs two officers, and no sample of it can have been kept.
    """
    permanence = "permanent" if reason in FOUR_EYES else "temporary"

    def keep(journal: Journal) -> Learned:
        assert visit.record_id is not None  # noqa: S101  ASSISTED at FINGERS has a draft
        if reason in FOUR_EYES and len(officers) < 2:
            return Learned(ev.ActRefused("four_eyes"))
        name = f"finger/{finger}"
        part = journal.draft(visit.record_id).parts.get(name) or _no_finger(finger)
        if finger in visit.fingers_done or (reason in FOUR_EYES and part["image"]):
            return Learned(ev.ActRefused("finger_kept"))
        exception = {
            "reason": reason,
            "permanence": permanence,
            "officers": list(officers),
            "at": desk.stamp(),
        }
        blobs = {part["image"]: journal.blob(visit.record_id, part["image"])} if part["image"] else {}
        journal.accept(visit.record_id, name, {**part, "exception": exception}, blobs)
        journal.audit.append(officers[0], "finger_excepted", visit.record_id, {"finger": finger})
        return Learned(ev.FingerKept(finger), {"fingers_excepted": (*visit.fingers_excepted, finger)})

    return keep


def take_portrait(desk: Desk, visit: Visit, entry: int) -> Callable[[Camera, Stop], Learned | None]:
    """Guide, light, burst, crop and check one portrait; keep the best with its flags."""
    from firmware.quality import portrait_capture

    good = 0

    def preview(frame: Frame, check: PortraitCheck) -> None:
        nonlocal good
        good = good + 1 if check.hint is None else 0
        desk.show(Seen(entry, frame.bgr, check.hint or "", good))

    def take(camera: Camera, stop: Stop) -> Learned | None:
        wait = until(stop, desk.config.camera.wait_s, desk.clock)
        try:
            sample = portrait_capture.take_portrait(camera, desk.lamps, preview, wait, desk.gate)
        except UserRetry:
            return None if stop else Learned(ev.NobodyThere())
        if stop:
            return None
        desk.store.call(lambda journal: _keep_portrait(desk, journal, visit, sample))
        return Learned(ev.PortraitKept(sample.flags), {"portrait": sample.jp2})

    return take


def _keep_portrait(desk: Desk, journal: Journal, visit: Visit, sample: PortraitSample) -> None:
    assert visit.record_id is not None  # noqa: S101  PORTRAIT is entered with a draft
    before = journal.draft(visit.record_id).parts.get("portrait", {"attempts": 0})
    height, width = sample.crop.shape[:2]
    part = {
        "image": "portrait.jp2",
        "scores": {name: round(float(value), 4) for name, value in sample.check.measures.items()},
        "scorer": GATE,
        "attempts": before["attempts"] + 1,
        "at": desk.stamp(),
        "width_px": width,
        "height_px": height,
        "flags": list(sample.flags),
    }
    journal.accept(visit.record_id, "portrait", part, {"portrait.jp2": sample.jp2})


def _png(image: FingerImage) -> bytes:
    done, data = cv2.imencode(".png", image.pixels)
    assert done  # noqa: S101  an 8-bit picture in memory always encodes
    return data.tobytes()
