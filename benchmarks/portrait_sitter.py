"""The portrait's figures on the virtual sitter: nights, faults, complexions, pose. Simulated, all of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from benchmarks.booth import Visit, World, frame, gate
from benchmarks.figure import About, Figure, figure, say
from benchmarks.haar import PEER, HaarMissing, judged_by_haar
from benchmarks.portrait_plots import plot_night, plot_pose
from drivers.api import Pixels
from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait_models import ModelsMissingError
from firmware.sim.faults import FAULTS

NIGHT_LUX = (5, 20, 100, 500)
NIGHT_PEOPLE = tuple(range(31, 41))  # nobody on whom a threshold was tried
FAULT_PEOPLE = (21, 22, 23, 24, 25, 26)
TONES = (0.0, 0.25, 0.5, 0.75, 1.0)
DAYLIGHT_LUX = (100, 200, 300, 700, 1500)
TONE_PEOPLE = (51, 52, 53, 54)
POSES = {"yaw": 20, "pitch": 15, "roll": 20}  # degrees to either side
POSE_PEOPLE, POSE_STEP = (61, 62, 63, 64), 5


def night() -> list[Figure]:
    """Acceptance and time at each lux of NIGHT_LUX, the lamps following."""
    try:
        visits = {lux: [_night(seed, lux) for seed in NIGHT_PEOPLE] for lux in NIGHT_LUX}
    except ModelsMissingError as exc:
        say(str(exc))
        return [figure("portrait.night_acceptance", None, "share", 0.95)]
    plot_night({lux: each[0][1].moments for lux, each in visits.items()})
    figures = []
    for lux, each in visits.items():
        share = statistics.mean(good for good, _ in each)
        median = statistics.median(visit.seconds for _, visit in each)
        figures.append(figure(f"portrait.night_acceptance.{lux}_lux", share, "share", 0.95))
        figures.append(figure(f"portrait.night_median_s.{lux}_lux", median, "s"))
    return figures


def _night(seed: int, lux: int) -> tuple[bool, Visit]:
    visit = Visit(seed, lambda camera: camera.lux(lux))
    return visit.take().good, visit


def faults() -> list[Figure]:
    """Each fault alone: how often the right hint names it; beside it, how often the peer refuses at all."""
    try:
        gate()
    except ModelsMissingError as exc:
        say(str(exc))
        return [figure("portrait.fault_named", None, "share", 0.95)]
    pictures = [(fault, frame(seed, fault.bring)) for fault in FAULTS for seed in FAULT_PEOPLE]
    checks = [gate().check(picture) for _, picture in pictures]
    named = [check.hint == fault.hint for (fault, _), check in zip(pictures, checks, strict=True)]
    for (fault, _), check in zip(pictures, checks, strict=True):
        if check.hint != fault.hint:
            say(f"{fault.name}: {check.hint} in place of {fault.hint}")
    refused = [not check.good for check in checks]
    peer = _peer_refuses([picture for _, picture in pictures])
    return [
        figure("portrait.fault_named", statistics.mean(named), "share", 0.95),
        figure("portrait.fault_refused", statistics.mean(refused), "share", 0.95, PEER, peer),
        *_by_hint(named),
    ]


def _by_hint(named: list[bool]) -> Iterator[Figure]:
    hints = [fault.hint for fault in FAULTS for _ in FAULT_PEOPLE]
    for hint in dict.fromkeys(hints):
        share = statistics.mean(ok for ok, each in zip(named, hints, strict=True) if each == hint)
        yield figure(f"portrait.fault_named.{hint}", share, "share")


def compliant() -> list[Figure]:
    """Who sits well has a portrait without flags, whatever the complexion and the light; lamps as needed."""
    try:
        gate()
    except ModelsMissingError as exc:
        say(str(exc))
        return [figure("portrait.compliant_accepted", None, "share", 0.99)]
    cases = [(seed, partial(_sits, tone=tone, lux=lux)) for tone in TONES for lux in DAYLIGHT_LUX
             for seed in TONE_PEOPLE]  # fmt: skip
    samples = [Visit(seed, world, within_s=10.0).take() for seed, world in cases]
    for sample in samples:
        if not sample.good:
            say(f"a compliant sitter's portrait has flags: {', '.join(sample.flags)}")
    refused = _peer_refuses([frame(seed, world) for seed, world in cases])
    peer = None if refused is None else 1 - refused
    share = statistics.mean(sample.good for sample in samples)
    return [figure("portrait.compliant_accepted", share, "share", 0.99, PEER, peer)]


def _sits(camera: VirtualCamera, tone: float, lux: float) -> None:
    camera.sitter.sit(skin=tone)
    camera.lux(lux)


def _peer_refuses(pictures: list[Pixels]) -> float | None:
    try:
        return statistics.mean(not good for good in judged_by_haar(pictures))
    except HaarMissing as exc:
        say(str(exc))
        return None


def pose() -> Figure:
    """Largest difference between the pose that the sitter takes and the one that is measured."""
    try:
        points = {axis: list(_poses(axis, most)) for axis, most in POSES.items()}
    except ModelsMissingError as exc:
        say(str(exc))
        return figure("portrait.pose_error_deg", None, "°", 3.0)
    plot_pose(points)
    worst = max(abs(found - wanted) for each in points.values() for wanted, found in each)
    return figure("portrait.pose_error_deg", worst, "°", 3.0)


def _poses(axis: str, most: int) -> Iterator[tuple[float, float]]:
    sign = -1 if axis == "pitch" else 1  # the mesh counts chin down as positive
    for degrees in range(-most, most + 1, POSE_STEP):
        for seed in POSE_PEOPLE:
            seen = gate().check(frame(seed, _turned(axis, degrees)))
            yield degrees, sign * seen.measures[f"{axis}_deg"]


def _turned(axis: str, degrees: float) -> World:
    return lambda camera: camera.sitter.sit(**{axis: float(degrees)})  # type: ignore[arg-type]


MADE_UP = "all of it"
ABOUT = {
    "portrait.night_acceptance": About(
        f"portraits accepted without a flag, the lamps following, {len(NIGHT_PEOPLE)} people a lux",
        more=True,
        simulated=MADE_UP,
    ),
    "portrait.night_median_s": About("median time of that, by the camera's clock", simulated=MADE_UP),
    "portrait.fault_named": About(
        f"{len(FAULTS)} faults, each alone on {len(FAULT_PEOPLE)} people: the hint names it",
        more=True,
        simulated=MADE_UP,
    ),
    "portrait.fault_refused": About(
        "the same frames refused at all; the peer has no hints", more=True, simulated=MADE_UP
    ),
    "portrait.compliant_accepted": About(
        f"who sits well has a portrait without flags: {len(TONES)} complexions, light to dark,"
        f" {DAYLIGHT_LUX[0]}–{DAYLIGHT_LUX[-1]} lux; the peer takes a frame, without lamps",
        more=True,
        simulated=MADE_UP,
    ),
    "portrait.pose_error_deg": About(
        "largest difference of set and measured pose, yaw and roll ±20°, pitch ±15°", simulated=MADE_UP
    ),
}
