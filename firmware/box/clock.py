"""The box's clock: never behind the journal, and trusted only for a reason (DESIGN section 7)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

RTC = Path("/sys/class/rtc")
LEEWAY = timedelta(minutes=10)
"""How far two honest clocks may be apart."""


def system_time() -> datetime:
    return datetime.now(UTC)


def has_rtc(folder: Path = RTC) -> bool:
    """Whether this machine keeps its time while it is off."""
    return folder.is_dir() and any(folder.iterdir())


class BoxClock:
    """What every stamp and every rule of the box goes by; any thread may ask.

    `kept`: the time was kept while the box was off (an RTC, or a virtual station's host). `passed` counts
    seconds, whatever the clock is set to.
    """

    def __init__(
        self,
        read: Callable[[], datetime] = system_time,
        passed: Callable[[], float] = time.monotonic,
        *,
        kept: bool,
    ) -> None:
        self.read = read
        self._passed = passed
        self._kept = kept
        self._lock = threading.Lock()
        self._newest = datetime.min.replace(tzinfo=UTC)
        self._heard: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The moment in UTC; it stands still while the clock of the machine is behind what it was."""
        with self._lock:
            self._newest = max(self._newest, self.read())
            return self._newest

    def journal_says(self, newest: datetime) -> None:
        """The journal holds a stamp of `newest`: time goes on from there."""
        with self._lock:
            self._newest = max(self._newest, newest)

    def centre_says(self, signed_at: datetime) -> None:
        """The centre has signed its time just now."""
        with self._lock:
            self._heard = signed_at, self._passed()

    def distrust(self, certificate: x509.Certificate) -> str | None:
        """Why no card may be issued by this clock, as a key; None: it may. `certificate` is the box's own."""
        with self._lock:
            here, heard = self.read(), self._heard
            behind = self._newest - here > LEEWAY
        if behind:
            return "clock_behind"
        if not certificate.not_valid_before_utc - LEEWAY <= here <= certificate.not_valid_after_utc:
            return "clock_outside_certificate"
        if heard is not None:
            there = heard[0] + timedelta(seconds=self._passed() - heard[1])
            return None if abs(here - there) <= LEEWAY else "clock_differs"
        return None if self._kept else "clock_not_set"
