"""Fingers: NFIQ 2 against the reference scores, the preview's speed and worth, hints, decisions, a whole day.

Each function returns one figure, or a list; `value` is None with a `why` where it cannot be measured here.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks import finger_people as people
from benchmarks import finger_preview as preview
from benchmarks.figure import About, figure, say
from benchmarks.finger_bank import bank
from benchmarks.finger_hints import accuracy
from benchmarks.finger_pictures import CHECKOUT, index, picture
from benchmarks.finger_plots import PLOTS as PLOTS
from benchmarks.finger_plots import plot_scores, plot_separation
from benchmarks.finger_preview import cpu_ms
from drivers.api import Deadline, FingerImage
from drivers.fingerprint import frame as usb_frame
from drivers.fingerprint.uru4000 import Uru4000
from drivers.virtual.sensor_frames import frame as sent_frame
from drivers.virtual.sensor_frames import on_glass
from drivers.virtual.sensor_registers import KEYS
from drivers.virtual.skin import POSITIONS, Finger, impression
from drivers.virtual.usb_sensor import VirtualSensor
from firmware.app.jobs.finger_files import finger_files
from firmware.quality.finger_capture import capture_finger
from firmware.quality.match import Known, MatchRules, doubt
from firmware.quality.nbis.client import FingerScorer, ScoreFailed
from firmware.quality.nbis.runtime import ScorerMissing, locate

Row = dict[str, Any]
SAID_EVERY = 40
TOUCHES = 8
SEED = 900


def nfiq2_equal() -> Row:
    """Share of the shared pictures whose score (or failure) is exactly the reference build's."""
    row = dict(figure("finger.nfiq2_equal", None, "share", 1.0, "NIST NFIQ 2.3 reference build", 1.0))
    try:
        runtime = locate(CHECKOUT / ".tools")
    except ScorerMissing as exc:
        return row | {"why": str(exc)}
    equal: list[bool] = []
    with FingerScorer(runtime, timeout_s=60) as scorer:
        for number, (file, _, score) in enumerate(index()):
            if number % SAID_EVERY == 0:
                say(f"picture {number + 1} by NFIQ 2")
            try:
                got: int | None = scorer.nfiq2(picture(file))
            except ScoreFailed:
                got = None
            equal.append(got == score)
    return row | {"value": statistics.mean(equal)}


def decision_ms() -> list[Row]:
    """From the last frame of a touch to its decision: what is left of NFIQ 2, uniqueness, the files."""
    rows = [
        dict(figure("finger.decision_ms", None, "ms", 300)),
        dict(figure("finger.decision_ms.most", None, "ms")),
    ]
    try:
        scorer = FingerScorer(locate(CHECKOUT / ".tools"), timeout_s=30)
    except ScorerMissing as exc:
        return [row | {"why": str(exc)} for row in rows]
    glass = VirtualSensor(pause=time.sleep)
    times: list[float] = []
    with scorer, Uru4000(backend=glass) as sensor:
        scorer.unavailable()
        known = Known({}, {}, {})
        for number in range(TOUCHES):
            finger = Finger(SEED, POSITIONS[number])
            glass.place(impression(finger, 1, dry=0.05))
            times.append(_one_touch_ms(sensor, scorer, finger, known))
            known = Known({**known.taken, finger.position: _template(scorer, finger)}, {}, {})
            glass.lift()
            sensor.await_finger(False, 2.0)
    return [
        row | {"value": value}
        for row, value in zip(rows, (statistics.median(times), max(times)), strict=True)
    ]


class _LastFrame:
    """A sensor that remembers when its last frame came."""

    def __init__(self, sensor: Uru4000) -> None:
        self._sensor, self.at_s = sensor, 0.0

    def frame(self, timeout_s: float) -> FingerImage:
        image = self._sensor.frame(timeout_s)
        self.at_s = time.perf_counter()
        return image

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sensor, name)


def _one_touch_ms(sensor: Uru4000, scorer: FingerScorer, finger: Finger, known: Known) -> float:
    watched: Any = _LastFrame(sensor)
    sample = capture_finger(watched, lambda *_: None, scorer, Deadline.after(10.0))
    template = scorer.template(sample.image)
    doubt(finger.position, template, known, scorer.compare, MatchRules(), good=True)
    finger_files(finger.position, sample, template, datetime.now(UTC))
    return float(1000 * (time.perf_counter() - watched.at_s))


def _template(scorer: FingerScorer, finger: Finger) -> bytes:
    return scorer.template(FingerImage(impression(finger, 1, dry=0.05)))


def descramble_ms(rounds: int = 40) -> Row:
    """Median time from a frame's bytes to its picture."""
    raw = sent_frame(on_glass(impression(Finger(SEED, POSITIONS[0]), 1)), 0, KEYS)
    value = cpu_ms(lambda: usb_frame.picture(raw, lambda number: KEYS[number]), rounds)
    return dict(figure("finger.descramble_ms", value, "ms", 3, "pure Python", 36))


def hint_accuracy() -> list[Row]:
    """Share of right hints on the kinds of the table, on fingers that set no threshold."""
    found = accuracy()
    told = [figure(f"finger.hint_accuracy.{name}", value, "share") for name, (value, _) in found.items()]
    right = sum(share * count for share, count in (found["unseen"], found["made_up"]))
    all_of_them = found["unseen"][1] + found["made_up"][1]
    return [dict(figure("finger.hint_accuracy", right / all_of_them, "share", 0.9)), *map(dict, told)]


def made_up() -> list[Row]:
    """Made-up fingers: their NFIQ 2 by the state of their skin, and how far one is from another."""
    found = bank()
    by_skin = {
        skin: [score for kind in found["scores"].values() for score in kind[skin]] for skin in people_skins()
    }
    plot_scores(by_skin)
    plot_separation(found["genuine"], found["impostor"])
    good = [score for score in by_skin["good"] if score is not None]
    medians = [
        figure(f"finger.made_up_nfiq2.{skin}", statistics.median(score or 0 for score in scores), "points")
        for skin, scores in by_skin.items()
    ]
    within = sum(40 <= score <= 80 for score in good) / len(by_skin["good"])
    again = float(np.mean([each >= MatchRules().unsure for each in found["impostor"]]))
    return [
        dict(figure("finger.made_up_good_40_80", within, "share", 0.9)),
        *map(dict, medians),
        dict(figure("finger.made_up_genuine_least", min(found["genuine"]), "points", 40)),
        dict(figure("finger.made_up_impostor_most", max(found["impostor"]), "points", 39)),
        dict(figure("finger.made_up_impostor_again", again, "share", 0.02)),
    ]


def people_skins() -> tuple[str, ...]:
    return ("good", "dry", "wet", "worn")


def a_day() -> list[Row]:
    """1,000 made-up citizens, beside MOSIP's rule on the same skin."""
    shares, visits = people.shares(), people.day()
    bad = sum(visit.mosip_bad for visit in visits)
    marked = sum(visit.below for visit in visits)
    return [
        dict(figure("finger.day_all_good", shares["all_good"], "share", 0.85)),
        *(
            dict(figure(f"finger.day_all_good.{name}", shares[name], "share"))
            for name in shares
            if name != "all_good"
        ),
        dict(figure("finger.day_extra_s", people.median_extra_s(), "s", 60)),
        dict(figure("finger.day_marked_below", marked, "fingers")),
        dict(
            figure(
                "finger.day_silent_forced", people.silent(), "fingers", 0, "MOSIP: mean of a slap ≥ 40", bad
            )
        ),
    ]


SIMULATED = "the citizens, their skin and their fingers; NFIQ 2 scored each impression"
ABOUT: Mapping[str, About] = {
    **preview.ABOUT,
    "finger.decision_ms": About(
        "from a touch's last frame to accept or ask again: what is left of NFIQ 2 (it began while the finger"
        " lay), minutiae, comparison with all fingers so far, WSQ written and read back; without the disk."
        " The median of eight",
        cpu=True,
        simulated="finger and sensor",
        limit=2000,
        limit_of="a person's patience with one finger",
    ),
    "finger.descramble_ms": About(
        "from a frame's bytes to its picture, CPU time",
        cpu=True,
        limit=128,
        limit_of="the sensor's own frame time",
    ),
    "finger.nfiq2_equal": About(
        "share of the shared pictures with exactly the reference build's score, or its refusal", more=True
    ),
    "finger.hint_accuracy": About(
        "share of right hints on the kinds of `benchmarks/finger_hints.py`; `unseen` are base fingers beside"
        " the three that thresholds were set on, `made_up` are made-up fingers no threshold was set on",
        more=True,
    ),
    "finger.made_up_good_40_80": About(
        "made-up good impressions with NFIQ 2 of 40 to 80", more=True, simulated="fingers"
    ),
    "finger.made_up_nfiq2": About("median NFIQ 2 of made-up impressions by skin", simulated="fingers"),
    "finger.made_up_genuine_least": About(
        "least similarity of two touches of one made-up finger", more=True, simulated="fingers"
    ),
    "finger.made_up_impostor_most": About("greatest similarity of two made-up fingers", simulated="fingers"),
    "finger.made_up_impostor_again": About(
        "pairs of made-up fingers that would be asked for again", simulated="fingers"
    ),
    "finger.day_all_good": About(
        "of 1,000 citizens, 15 % with worn hands: all ten fingers reach their own threshold; the parts"
        " are the best of three below it (marked), an exception, a ticket",
        more=True,
        simulated=SIMULATED,
    ),
    "finger.day_extra_s": About("median extra time of those who needed one more touch", simulated=SIMULATED),
    "finger.day_marked_below": About(
        "fingers kept below their threshold, each marked in the record", simulated=SIMULATED
    ),
    "finger.day_silent_forced": About(
        "fingers below their threshold that went in without a mark; beside it MOSIP's rule (mean of a slap,"
        " three retries, then the last by force) on the same skin",
        simulated=SIMULATED,
    ),
}

FIGURES: tuple[Callable[[], Row | list[Row]], ...] = (
    nfiq2_equal,
    decision_ms,
    preview.preview_ms,
    descramble_ms,
    preview.preview_worth,
    preview.preview_made_up,
    hint_accuracy,
    made_up,
    a_day,
)
