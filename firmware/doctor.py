"""`kiosk doctor`: opens what is configured, measures it against its limit, says what to do.

The TECHNICIAN and STATUS screens show the same measures; there the devices are already open.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.schema import Config
from drivers.errors import DriverError, UserRetry
from firmware.records.format.rules import VIETNAM
from firmware.records.rebuild import kept_aside

if TYPE_CHECKING:
    from firmware.app.devices import Openers
    from firmware.records.journal import Journal

PASS, FAIL, SKIP = "pass", "fail", "skip"
THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
FIRST_HONEST_YEAR = 2026
FINGER_FRAME_MS = 300.0
"""Twice the 128 ms that a U.are.U takes for a frame, and some."""
CAMERA_FRAME_MS = 67.0
"""15 live pictures a second."""
CHIP_RESET_MS = 1000.0
CAMERA_FRAMES = 5
PATIENCE_S = 3.0
ADVICE: tuple[tuple[str, str, str], ...] = (
    ("chip", "PC/SC 0x8010001[de]", "pcscd is not running: systemctl start pcscd"),
    ("chip", "PC/SC 0x8010006a", "pcscd's polkit rule keeps this user out: run deploy/install, or be root"),
    ("chip", "PC/SC 0x8010002e|no reader named", "no such reader: check its cable, and [chip] reader's name"),
    ("chip", "process has ended", "its library is missing: apt install pcscd libpcsclite1, deploy/setup run"),
    ("finger", "libusb", "the USB library is missing: apt install libusb-1.0-0"),
    ("finger", "no sensor", "plug the sensor in: lsusb must list it; [finger] serial must be its own"),
    ("finger", "denied|permitted", "this user may not use it: install deploy's udev rules, plug it in again"),
    ("camera", "picamera2", 'apt install python3-picamera2, or set [camera] driver = "opencv"'),
    ("camera", "no pictures", "[camera] source must be a folder of pictures"),
    ("", "busy", "another program has it: systemctl stop idkiosk"),
)
"""Device, what its error says, what to do; the first row that fits holds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure: `value` against `limit`; `advice` is what to do when it fails."""

    name: str
    value: str
    limit: str
    verdict: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """What an open device told; `ms` of `what` against `limit_ms` where it could be timed."""

    text: str
    what: str = ""
    ms: float = 0.0
    limit_ms: float = 0.0
    advice: str = ""


def examine(config: Config, openers: Openers) -> Iterator[Finding]:
    """Measure the machine, then open every configured device one after the other."""
    yield from machine(config)
    yield from scorers(config)
    yield _device("finger", openers.finger, _finger)
    yield _device("camera", openers.camera, _camera)
    yield _device("chip", openers.chip, _reader)
    yield _device("badge", openers.badge, _reader)
    yield _device("panel", openers.panel, lambda panel: Measure(str(panel.info.model)))


def machine(config: Config) -> Iterator[Finding]:
    """Disk, temperature and clock of the box."""
    free_mb = disk_free_mb(config)
    limit_mb = config.limits.disk_free_mb
    yield Finding(
        "disk",
        f"{free_mb} MB",
        f"≥ {limit_mb} MB",
        _verdict(free_mb >= limit_mb),
        "deliver or export records",
    )
    heat, limit_c = temperature_c(), config.limits.temperature_c
    if heat is None:
        yield Finding("temperature", "no sensor", f"≤ {limit_c:g} °C", SKIP)
    else:
        verdict = _verdict(heat <= limit_c)
        yield Finding("temperature", f"{heat:.0f} °C", f"≤ {limit_c:g} °C", verdict, "free the vents")
    now = datetime.now(UTC)
    trusted = now.year >= FIRST_HONEST_YEAR
    advice = "set the clock; without RTC connect once to the centre"
    yield Finding("clock", now.strftime("%Y-%m-%d %H:%M UTC"), "plausible", _verdict(trusted), advice)


def scorers(config: Config) -> Iterator[Finding]:
    """The parts that the set-up fetches: NFIQ 2 and the face models."""
    from firmware.quality.nbis.runtime import ScorerMissing, locate
    from firmware.quality.portrait_models import FaceModels, ModelsMissingError

    production = config.station.profile == "production"
    try:
        locate(Path(config.station.tools))
        yield Finding("nfiq2", "NFIQ 2.3", "present", PASS)
    except ScorerMissing as exc:
        verdict = FAIL if production else SKIP
        yield Finding("nfiq2", f"estimate only ({exc})", "present", verdict, "run deploy/nbis/install")
    try:
        FaceModels(Path(config.station.tools) / "models")
        yield Finding("face models", "loaded", "present", PASS)
    except ModelsMissingError as exc:
        yield Finding("face models", str(exc), "present", FAIL, "run deploy/models/fetch")


def _device(
    name: str, opens: Callable[[], AbstractContextManager[Any]] | None, measure: Callable[[Any], Measure]
) -> Finding:
    if opens is None:
        return Finding(name, "not configured", "opens", SKIP)
    try:
        with opens() as device:
            virtual = " (virtual)" if device.info.virtual else ""
            found = measure(device)
    except (DriverError, ImportError) as exc:
        return Finding(name, str(exc), "opens", FAIL, advice_for(name, exc))
    text = f"{found.text}{virtual}"
    if not found.limit_ms:
        return Finding(name, text, "opens", PASS)
    verdict = _verdict(found.ms <= found.limit_ms)
    limit = f"{found.what} ≤ {found.limit_ms:.0f} ms"
    return Finding(name, f"{text}, {found.what} {found.ms:.0f} ms", limit, verdict, found.advice)


def advice_for(name: str, error: DriverError | ImportError) -> str:
    """What to do about an error of the device `name` (finger, camera, chip, badge or panel)."""
    if isinstance(error, ImportError):
        return "a Python library is missing: run deploy/setup run"
    if isinstance(error, UserRetry):
        return "take the card away, and put it down again"
    device = "chip" if name == "badge" else name
    for whose, says, advice in ADVICE:
        if whose in {"", device} and re.search(says, str(error), re.IGNORECASE):
            return advice
    return f"check the cable and power of the {name} device"


def _finger(sensor: Any) -> Measure:
    lies = sensor.await_finger(True, 0.2)
    sensor.frame(PATIENCE_S)  # the first one also waits for the sensor to turn to capturing
    started = time.monotonic()
    sensor.frame(PATIENCE_S)
    text = f"{sensor.info.model}, {'a finger lies there' if lies else 'no finger'}"
    advice = "plug it into the box itself, without a hub"
    return Measure(text, "frame", _ms_since(started), FINGER_FRAME_MS, advice)


def _camera(camera: Any) -> Measure:
    """The mean time of some frames, by their own moments."""
    first = frame = camera.preview(PATIENCE_S)
    for _ in range(CAMERA_FRAMES):
        frame = camera.preview(PATIENCE_S)
    height, width = frame.bgr.shape[:2]
    advice = "more light, another USB port, or a camera that gives 15 pictures a second"
    mean_ms = 1000 * (frame.at_s - first.at_s) / CAMERA_FRAMES
    return Measure(f"{camera.info.model}, {width} × {height}", "frame", mean_ms, CAMERA_FRAME_MS, advice)


def _reader(reader: Any) -> Measure:
    if not reader.await_card(True, 0.2):
        return Measure(f"{reader.info.model}, no card")
    started = time.monotonic()
    reader.connect()
    advice = "put the card flat on the middle of the reader; try another card"
    return Measure(
        f"{reader.info.model}, a card lies there", "reset", _ms_since(started), CHIP_RESET_MS, advice
    )


def _ms_since(started_s: float) -> float:
    return 1000 * (time.monotonic() - started_s)


def team_status(config: Config, journal: Journal, contact: datetime | None) -> dict[str, Any]:
    """The fields of the team's screen; `contact` is when the centre last answered."""
    counts = journal.counts()
    now = journal.now()
    oldest_h = 0.0
    if counts.outbox.oldest_at:
        oldest = datetime.fromisoformat(counts.outbox.oldest_at)
        oldest_h = max(0.0, (now - oldest).total_seconds() / 3600)
    alarms = []
    if oldest_h > config.limits.oldest_unsent_h:
        alarms.append("oldest")
    if counts.blanks.left <= 0:
        alarms.append("blanks_left")
    free_mb = disk_free_mb(config)
    if free_mb < config.limits.disk_free_mb:
        alarms.append("disk")
    incidents = {
        "damaged": bool(kept_aside(journal.shelf.folder)),
        "refused": bool(counts.outbox.refused),
        "second_copy": bool(journal.copies.missing()),
    }
    return {
        "unsent": counts.outbox.unsent + counts.unsealed,
        "oldest_h": oldest_h,
        "blanks_left": max(0, counts.blanks.left),
        "void_cards": counts.blanks.void,
        "disk_free_gb": free_mb / 1000,
        "temperature_c": temperature_c(),
        "clock": now.astimezone(VIETNAM).strftime("%H:%M"),
        "last_contact": contact.astimezone(VIETNAM).strftime("%H:%M") if contact else "–",
        "alarms": tuple(alarms),
        "incident": next((name for name, happened in incidents.items() if happened), ""),
    }


def disk_free_mb(config: Config) -> int:
    folder = Path(config.station.data)
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 1_000_000


def temperature_c() -> float | None:
    """The processor's temperature, or None where the machine has no sensor."""
    try:
        return int(THERMAL.read_text()) / 1000
    except (OSError, ValueError):
        return None


def failed(findings: Sequence[Finding]) -> bool:
    return any(finding.verdict == FAIL for finding in findings)


def _verdict(good: bool) -> str:
    return PASS if good else FAIL
