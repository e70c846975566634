"""FINGERS: each finger by itself, compared with all others, on the disk before anybody hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2

from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.desk import Desk
from firmware.app.jobs.finger_files import files_of, finger_files
from firmware.app.jobs.touch import sample_finger
from firmware.app.visit import Doubted, Learned, Visit
from firmware.quality.best import Decision, Measure, Score, Verdict, decide
from firmware.quality.finger_capture import CaptureRules, Sample
from firmware.quality.match import Finding, Known, Match, MatchRules, doubt, judge
from firmware.quality.nbis.client import ScoreFailed, ScorerLost
from firmware.records.format.rules import local_day
from firmware.records.journal import Journal
from statemachine import events as ev

if TYPE_CHECKING:
    from drivers.api import Camera, FingerSensor, Frame
    from firmware.quality.nbis.client import FingerScorer

FOUR_EYES = ("missing", "amputated")
"""Exceptions for ever: two officers confirm them."""
PHOTO_S = 3.0
NOT_SCORED, UNSURE = "not_scored", "unsure"
SCORERS = {
    Measure.NFIQ2: {"name": "NFIQ 2", "version": "2.3", "estimate": False},
    Measure.ESTIMATE: {"name": "preview", "version": "1", "estimate": True},
}


def take_finger(
    desk: Desk, visit: Visit, entry: int, finger: str
) -> Callable[[FingerSensor, Stop], Learned | None]:
    """One touch of one finger: the best frame, its score, is it this finger at all; then kept.

    What is doubtful is not kept: the finger is asked for again, and the second time an officer decides.
    """
    rules = CaptureRules(capture_s=desk.pack.fingers.capture_s, least=desk.pack.fingers.least(finger))

    def take(sensor: FingerSensor, stop: Stop) -> Learned | None:
        try:
            sample = sample_finger(desk, sensor, stop, entry, rules)
        except UserRetry as retry:
            return Learned(ev.FingerAgain(finger, retry.reason))
        if sample is None or isinstance(sample, Learned):
            return sample
        sample, template, finding = _checked(desk, visit, finger, sample)
        if finding is not None and not _settled(finding, visit):
            doubted = Doubted(finding, sample, template)
            return desk.store.call(lambda journal: _keep_doubt(journal, visit, doubted))
        return desk.store.call(lambda journal: _keep(desk, journal, visit, finger, sample, template))

    return take


# --- is it this finger? --------------------------------------------------------------------------------


def _checked(
    desk: Desk, visit: Visit, finger: str, sample: Sample
) -> tuple[Sample, bytes | None, Finding | None]:
    """The sample with its template and what speaks against it. A scorer that fails leaves it without score.

    Where no NFIQ 2 is installed there is no matcher either, and the estimate stays unchecked.
    """
    if desk.scorer is None or sample.score.value is None:
        return sample, None, None
    try:
        template = desk.scorer.template(sample.image)
        return sample, template, _doubt(desk, desk.scorer, visit, finger, sample.score, template)
    except (ScoreFailed, ScorerLost):
        return replace(sample, score=Score(None, Measure.NFIQ2)), None, None


def _doubt(
    desk: Desk, scorer: FingerScorer, visit: Visit, finger: str, score: Score, template: bytes
) -> Finding | None:
    def compare(new: bytes, known: bytes) -> int | None:
        try:
            return scorer.compare(new, known)
        except ScoreFailed:
            return None  # a template that is damaged speaks neither for nor against

    allowed = {like for asked, like in visit.allowed if asked == finger}
    known = Known(
        {position: other for position, other in visit.impressions.items() if position not in allowed},
        {position: other for position, other in visit.templates.items() if position not in allowed},
        {id_: of for id_, of in desk.shift.templates(local_day(desk.now())).items() if id_ not in allowed},
    )
    good = score.code >= desk.finger_rules.least[finger]
    return doubt(finger, template, known, compare, MatchRules(), good)


def _settled(finding: Finding, visit: Visit) -> bool:
    """A likeness that is neither the same nor another, and was so in two impressions: one finger gives 57 and
    more, so it would have shown itself. Two fingers that are a little alike cost one touch, and no officer.
    """
    return _unsure(finding) and finding.finger in visit.unsure


def _unsure(finding: Finding) -> bool:
    return judge(finding.similarity, MatchRules()) is Match.UNSURE


def _keep_doubt(journal: Journal, visit: Visit, doubted: Doubted) -> Learned:
    """Nothing of it enters the record; the audit log has it, and an officer may take it all the same."""
    finding = doubted.finding
    detail = {"finger": finding.finger, "like": finding.like, "similarity": finding.similarity}
    if _unsure(finding):
        journal.audit.append("kiosk", "finger_unsure", visit.record_id, detail)
        return Learned(ev.FingerAgain(finding.finger, UNSURE), {"unsure": visit.unsure | {finding.finger}})
    journal.audit.append("kiosk", finding.doubt, visit.record_id, detail)
    return Learned(ev.FingerDoubted(finding.finger, finding.doubt), {"doubted": doubted})


def accept_doubted(desk: Desk, visit: Visit, officer: str) -> Callable[[Journal], Learned]:
    """The officer has looked: the impression in doubt is the finger that was asked for."""

    def accept(journal: Journal) -> Learned:
        doubted = visit.doubted
        if doubted is None:
            return Learned(ev.ActRefused("not_here"))
        finding = doubted.finding
        detail = {"finger": finding.finger, "like": finding.like, "similarity": finding.similarity}
        journal.audit.append(officer, "finger_accepted", visit.record_id, detail)
        learned = _keep(desk, journal, visit, finding.finger, doubted.sample, doubted.template)
        allowed = visit.allowed | {(finding.finger, finding.like)}
        return replace(learned, visit={**learned.visit, "doubted": None, "allowed": allowed})

    return accept


# --- best of n -----------------------------------------------------------------------------------------


def scores_of(part: Mapping[str, Any]) -> tuple[Score, ...]:
    """The scores of a finger's attempts, from its part of the record."""
    estimate = part["scorer"] is None or part["scorer"]["estimate"]
    measure = Measure.ESTIMATE if estimate else Measure.NFIQ2
    return tuple(Score(attempt["score"], measure) for attempt in part["attempts"])


def _keep(
    desk: Desk, journal: Journal, visit: Visit, finger: str, sample: Sample, template: bytes | None
) -> Learned:
    name = f"finger/{finger}"
    before = journal.draft(visit.record).parts.get(name) or _no_finger(finger)
    attempt = {"at": desk.stamp(), "score": sample.score.value, "hint": sample.quality.hint}
    part = {**before, "attempts": [*before["attempts"], attempt], "scorer": SCORERS[sample.score.measure]}
    scores = scores_of(part)
    decision = decide(finger, scores, desk.finger_rules)
    known: dict[str, Any] = {"attempts": {**visit.attempts, finger: scores}, "doubted": None}
    if decision.best == len(scores) - 1:
        described, blobs = finger_files(finger, sample, template, desk.now())
        part |= {**described, "score": sample.score.value}
        if template is not None:
            known["impressions"] = {**visit.impressions, finger: template}
    else:
        blobs = files_of(journal, visit.record, before)
    journal.accept(visit.record, name, part, blobs)
    return _told(visit, finger, decision, sample, known)


def _told(visit: Visit, finger: str, decision: Decision, sample: Sample, known: dict[str, Any]) -> Learned:
    event: ev.Event
    match decision.verdict:
        case Verdict.AGAIN if sample.score.value is None and sample.quality.hint is None:
            event = ev.FingerAgain(finger, NOT_SCORED)
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


# --- exceptions ----------------------------------------------------------------------------------------


def photograph_exception(
    desk: Desk, visit: Visit, finger: str, reason: str, officers: tuple[str, ...]
) -> Callable[[Camera, Stop], Learned]:
    """Take a picture of the hand that is held before the camera, and write the exception down with it."""

    def take(camera: Camera, _: Stop) -> Learned:
        photo = _jpeg(camera.still(PHOTO_S))
        return desk.store.call(except_finger(desk, visit, finger, reason, officers, photo))

    return take


def _jpeg(frame: Frame) -> bytes:
    done, data = cv2.imencode(".jpg", frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done  # noqa: S101  a picture in memory always encodes
    return data.tobytes()


def except_finger(
    desk: Desk, visit: Visit, finger: str, reason: str, officers: tuple[str, ...], photo: bytes | None = None
) -> Callable[[Journal], Learned]:
    """Write an exception down in the officers' names; a sample that is there stays beside it.

    A finger that is not there at all needs two officers, and no sample of it can have been kept. `photo` is
    a JPEG of the hand, None where the camera is lost.
    """
    permanence = "permanent" if reason in FOUR_EYES else "temporary"

    def keep(journal: Journal) -> Learned:
        if reason in FOUR_EYES and len(officers) < 2:
            return Learned(ev.ActRefused("four_eyes"))
        name = f"finger/{finger}"
        part = journal.draft(visit.record).parts.get(name) or _no_finger(finger)
        if finger in visit.fingers_done or (reason in FOUR_EYES and part["image"]):
            return Learned(ev.ActRefused("finger_kept"))
        exception: dict[str, Any] = {
            "reason": reason,
            "permanence": permanence,
            "officers": list(officers),
            "at": desk.stamp(),
        }
        blobs = files_of(journal, visit.record, part)
        if photo is not None:
            exception["photo"] = f"exceptions/{finger}.jpg"
            blobs[exception["photo"]] = photo
        journal.accept(visit.record, name, {**part, "exception": exception}, blobs)
        journal.audit.append(officers[0], "finger_excepted", visit.record, {"finger": finger})
        known = {"fingers_excepted": (*visit.fingers_excepted, finger), "doubted": None}
        return Learned(ev.FingerKept(finger), known)

    return keep
