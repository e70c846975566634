"""PORTRAIT: a sample is on the disk before anybody hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.desk import Desk, until
from firmware.app.visit import Learned, Seen, Visit
from firmware.records.journal import Journal
from statemachine import events as ev

if TYPE_CHECKING:
    from drivers.api import Camera, Frame
    from firmware.quality.portrait import PortraitCheck
    from firmware.quality.portrait_capture import PortraitSample

GATE = {"name": "idkiosk portrait gate", "version": "1", "estimate": False}


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
        except UserRetry as retry:
            return None if stop else Learned(_no_portrait(retry.reason))
        if stop:
            return None
        desk.store.call(lambda journal: _keep_portrait(desk, journal, visit, sample))
        return Learned(ev.PortraitKept(sample.flags), {"portrait": sample.jp2})

    return take


def _no_portrait(reason: str) -> ev.Event:
    """Nobody came; or somebody whom the camera could not take whole, or it sees nothing: an officer comes."""
    return ev.NobodyThere() if reason == "no_face" else ev.StepFailed("portrait_failed")


def _keep_portrait(desk: Desk, journal: Journal, visit: Visit, sample: PortraitSample) -> None:
    before = journal.draft(visit.record).parts.get("portrait", {"attempts": 0})
    height, width = sample.crop.shape[:2]
    components = {f"ofiq_{name}": value for name, value in sample.components.items()}
    scores = {**sample.check.measures, **components}
    part = {
        "image": "portrait.jp2",
        "jpeg": "portrait.jpg",
        "scores": {name: round(float(value), 4) for name, value in scores.items()},
        "scorer": GATE,
        "attempts": before["attempts"] + 1,
        "at": desk.stamp(),
        "width_px": width,
        "height_px": height,
        "flags": list(sample.flags),
    }
    journal.accept(visit.record, "portrait", part, {"portrait.jp2": sample.jp2, "portrait.jpg": sample.jpeg})
