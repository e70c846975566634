"""The panel over gpiozero, on the pins that the board file names.

Everything is wired so that a cut wire or a dead box is safe: the tray's solenoid holds only under current,
and each contact is closed (to ground, pulled up) while all is normal, so a cut wire reads as open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.api import DeviceInfo, PanelInput
from drivers.errors import DeviceGone, DeviceRefused
from drivers.panel.pwm import SysfsLamp

LAMP_LEFT, LAMP_RIGHT, TRAY_LOCK, BUZZER = "lamp_left", "lamp_right", "tray_lock", "buzzer"
TRAY, DOOR, TAMPER = "tray", "door", "tamper"
OUTPUTS, CONTACTS = (LAMP_LEFT, LAMP_RIGHT, TRAY_LOCK, BUZZER), (TRAY, DOOR, TAMPER)

LAMP_STEPS = 3  # software PWM and a rolling shutter make bands: few, coarse steps
PWM_HZ = 1000
BOUNCE_S = 0.02
BUZZ_LONGEST_S = 5.0
HEARD: Mapping[
    str, tuple[PanelInput | None, PanelInput]
] = {  # contact: what its closing and its opening say; the tamper loop only ever opens
    TRAY: (PanelInput.TRAY_CLOSED, PanelInput.TRAY_OPENED),
    DOOR: (PanelInput.DOOR_CLOSED, PanelInput.DOOR_OPENED),
    TAMPER: (None, PanelInput.TAMPERED),
}


class GpioPanel:
    """A `drivers.api.Panel`. `pins` gives the BCM number of each of OUTPUTS and CONTACTS.

    `active_low` names the outputs that a low level switches on. `lamp_pwm` is the folder of a hardware PWM
    (channel 0 the left lamp, 1 the right) to use in place of the lamps' pins. Raises ValueError for a name
    that is missing or unknown: that is the board file's mistake, found before anything is switched.
    """

    def __init__(
        self, pins: Mapping[str, int], active_low: Collection[str] = (), lamp_pwm: Path | None = None
    ) -> None:
        if set(pins) != {*OUTPUTS, *CONTACTS}:
            raise ValueError(f"panel pins must be exactly {', '.join((*OUTPUTS, *CONTACTS))}")
        if not set(active_low) <= set(OUTPUTS):
            raise ValueError(f"active_low takes only {', '.join(OUTPUTS)}")
        self._pins, self._active_low = dict(pins), frozenset(active_low)
        self._lamp_pwm = lamp_pwm
        self._parts: dict[str, Any] = {}
        self._stack = ExitStack()

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("panel", "GPIO panel")

    def __enter__(self) -> Self:
        with ExitStack() as building, _translated("open"):
            factory = self._factory()
            for name, part in self._build(factory):
                self._parts[name] = building.enter_context(part)
            self._stack = building.pop_all()
        self.safe()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(DeviceGone, DeviceRefused):  # closing puts out what `safe` could not
            self.safe()
        self._parts = {}
        with _translated("close"):
            self._stack.close()

    def lamps(self, left: float, right: float) -> None:
        with _translated("lamps"):
            for name, value in ((LAMP_LEFT, left), (LAMP_RIGHT, right)):
                self._part(name).value = round(min(max(value, 0.0), 1.0) * LAMP_STEPS) / LAMP_STEPS

    def tray(self, locked: bool) -> None:
        with _translated("tray"):
            self._part(TRAY_LOCK).value = locked

    def buzz(self, seconds: float) -> None:
        with _translated("buzz"):
            self._part(BUZZER).beep(min(max(seconds, 0.0), BUZZ_LONGEST_S), 0, n=1, background=True)

    def safe(self) -> None:
        """Switch everything off; a part that fails does not keep the others on."""
        failed: DeviceGone | DeviceRefused | None = None
        for name in OUTPUTS:
            try:
                with _translated("safe"):
                    self._part(name).off()
            except (DeviceGone, DeviceRefused) as exc:
                failed = exc
        if failed is not None:
            raise failed

    def listen(self, heard: Callable[[PanelInput], None]) -> None:
        with _translated("listen"):
            for name, (closed, opened) in HEARD.items():
                contact = self._part(name)
                if closed is not None:
                    contact.when_activated = partial(heard, closed)
                contact.when_deactivated = partial(heard, opened)

    def _factory(self) -> Any:
        """Return gpiozero's pin factory; None means the one of this board."""
        return None

    def _build(self, factory: Any) -> Iterator[tuple[str, Any]]:
        """Make the parts, all outputs off from the first moment."""
        from gpiozero import PWMLED, Buzzer, DigitalInputDevice, DigitalOutputDevice

        def common(name: str) -> dict[str, Any]:
            high = name not in self._active_low
            return {"pin": self._pins[name], "active_high": high, "pin_factory": factory}

        for channel, name in enumerate((LAMP_LEFT, LAMP_RIGHT)):
            if self._lamp_pwm is not None:
                yield name, SysfsLamp(self._lamp_pwm, channel, active_high=name not in self._active_low)
            else:
                yield name, PWMLED(**common(name), initial_value=0, frequency=PWM_HZ)
        yield TRAY_LOCK, DigitalOutputDevice(**common(TRAY_LOCK), initial_value=False)
        yield BUZZER, Buzzer(**common(BUZZER), initial_value=False)
        for name in CONTACTS:  # no Button: its hold thread delays closing by a second
            pin = self._pins[name]
            yield name, DigitalInputDevice(pin, pull_up=True, bounce_time=BOUNCE_S, pin_factory=factory)

    def _part(self, name: str) -> Any:
        if name not in self._parts:
            raise DeviceRefused("panel", f"{name} before open")
        return self._parts[name]


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn gpiozero's errors into ours."""
    from gpiozero import exc as gpio

    try:
        yield
    except (gpio.BadPinFactory, gpio.DeviceClosed) as exc:
        raise DeviceGone("panel", doing) from exc
    except (gpio.GPIOZeroError, OSError) as exc:
        raise DeviceRefused("panel", doing) from exc
