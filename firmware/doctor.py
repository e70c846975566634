"""`kiosk doctor`: opens what is configured, measures it against its limit, says what to do.

The TECHNICIAN and STATUS screens show the same measures; there the devices are already open.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.schema import Config
from drivers.errors import DriverError
from firmware.records.format.rules import VIETNAM

if TYPE_CHECKING:
    from firmware.app.devices import Openers
    from firmware.records.journal import Journal

PASS, FAIL, SKIP = "pass", "fail", "skip"
THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
FIRST_HONEST_YEAR = 2026


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure: `value` against `limit`; `advice` is what to do when it fails."""

    name: str
    value: str
    limit: str
    verdict: str
    advice: str = ""


def examine(config: Config, openers: Openers) -> Iterator[Finding]:
    """Measure the machine, then open every configured device one after the other."""
    yield from machine(config)
    yield from scorers(config)
    yield _device("finger", openers.finger, _finger)
    yield _device("camera", openers.camera, _camera)
    yield _device("chip", openers.chip, _reader)
    yield _device("badge", openers.badge, _reader)
    yield _device("panel", openers.panel, lambda panel: str(panel.info.model))


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
    name: str,
    opens: Callable[[], AbstractContextManager[Any]] | None,
    measure: Callable[[Any], str],
) -> Finding:
    if opens is None:
        return Finding(name, "not configured", "opens", SKIP)
    started = time.monotonic()
    try:
        with opens() as device:
            virtual = " (virtual)" if device.info.virtual else ""
            value = f"{measure(device)}{virtual}, {1000 * (time.monotonic() - started):.0f} ms"
        return Finding(name, value, "opens", PASS)
    except DriverError as exc:
        return Finding(name, str(exc), "opens", FAIL, f"check the cable and power of the {name} device")


def _finger(sensor: Any) -> str:
    lies = sensor.await_finger(True, 0.2)
    return f"{sensor.info.model}, {'a finger lies there' if lies else 'no finger'}"


def _camera(camera: Any) -> str:
    frame = camera.preview(3.0)
    height, width = frame.bgr.shape[:2]
    return f"{camera.info.model}, {width} × {height}"


def _reader(reader: Any) -> str:
    lies = reader.await_card(True, 0.2)
    return f"{reader.info.model}, {'a card lies there' if lies else 'no card'}"


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
