"""A lamp on the kernel's hardware PWM (Documentation/ABI/testing/sysfs-class-pwm): steady, without bands."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PERIOD_NS = 100_000  # 10 kHz: many pulses within the shortest exposure of a face
READY_S, LOOK_S = 1.0, 0.02  # udev gives a new channel to the gpio group a moment after its export


class SysfsLamp:
    """Channel `channel` of a pwmchip folder, dark when opened and when left. Raises OSError."""

    def __init__(self, chip: Path, channel: int, *, active_high: bool = True) -> None:
        self._chip, self._channel, self._active_high = chip, channel, active_high
        self._folder = chip / f"pwm{channel}"
        self._value = 0.0

    def __enter__(self) -> Self:
        if not self._folder.is_dir():
            (self._chip / "export").write_text(str(self._channel))
        self._when_ready("enable", "0")
        self._write("duty_cycle", "0")  # a period below an old duty cycle would be refused
        self._write("period", str(PERIOD_NS))
        self._write("polarity", "normal" if self._active_high else "inversed")
        self._write("enable", "1")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # the chip may be gone; what was unexported is dark
            self.off()
            self._write("enable", "0")
        with suppress(OSError):
            (self._chip / "unexport").write_text(str(self._channel))

    @property
    def value(self) -> float:
        """Brightness 0..1."""
        return self._value

    @value.setter
    def value(self, brightness: float) -> None:
        self._write("duty_cycle", str(round(min(max(brightness, 0.0), 1.0) * PERIOD_NS)))
        self._value = brightness

    def off(self) -> None:
        self.value = 0.0

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)

    def _when_ready(self, name: str, text: str) -> None:
        """Write as soon as the channel is there and ours; sysfs tells no event for it."""
        end_s = time.monotonic() + READY_S
        while True:
            try:
                return self._write(name, text)
            except (FileNotFoundError, PermissionError):
                if time.monotonic() > end_s:
                    raise
                time.sleep(LOOK_S)
