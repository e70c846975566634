"""The workers of a box: which device each opens, and how it is probed when idle."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from config.schema import Config
from drivers.api import Camera, ChipReader, FingerSensor, Panel
from drivers.worker import Answer, Done, Down, Job, Worker
from firmware.box.transcripts import Transcripts, noted

HUNG_S = 240.0
"""Far more than the longest call takes: a third of a whole card, in small blocks at the lowest bit rate."""


@dataclass(frozen=True, slots=True)
class Openers:
    """How each device is opened; a virtual station gives its own. None: this box has none."""

    finger: Callable[[], AbstractContextManager[FingerSensor]]
    camera: Callable[[], AbstractContextManager[Camera]]
    chip: Callable[[], AbstractContextManager[ChipReader]]
    badge: Callable[[], AbstractContextManager[ChipReader]] | None
    panel: Callable[[], AbstractContextManager[Panel]] | None


def real_openers(config: Config) -> Openers:
    """The devices that the configuration names; libraries are imported when a device is opened."""
    return Openers(
        finger=lambda: _finger(config),
        camera=lambda: _camera(config),
        chip=lambda: _reader(config.chip.reader),
        badge=(lambda: _reader(config.badge.reader)) if config.badge.reader else None,
        panel=(lambda: _panel(config)) if config.panel.driver == "gpio" else None,
    )


def _finger(config: Config) -> AbstractContextManager[FingerSensor]:
    from drivers.fingerprint import open_sensor

    return open_sensor(serial=config.finger.serial or None, ppi=config.finger.ppi)


def _camera(config: Config) -> AbstractContextManager[Camera]:
    match config.camera.driver:
        case "opencv":
            from drivers.camera.usb import UsbCamera

            return UsbCamera(config.camera.source)
        case "pictures":
            from drivers.camera.pictures import PictureCamera

            return PictureCamera(Path(config.camera.source))
        case "picamera2":
            from drivers.camera.pi import PiCamera

            return PiCamera()


def _reader(name: str) -> AbstractContextManager[ChipReader]:
    from drivers.chip.process import ChipProcess

    return ChipProcess(name)


def _panel(config: Config) -> AbstractContextManager[Panel]:
    from drivers.panel.gpio import GpioPanel

    pwm = Path(config.panel.lamp_pwm) if config.panel.lamp_pwm else None
    return GpioPanel(panel_pins(config), lamp_pwm=pwm)


def panel_pins(config: Config) -> dict[str, int]:
    """BCM numbers by the names of `drivers.panel.gpio`."""
    panel = config.panel
    return {
        "lamp_left": panel.lamp_left_pin,
        "lamp_right": panel.lamp_right_pin,
        "tray_lock": panel.tray_lock_pin,
        "buzzer": panel.buzzer_pin,
        "tray": panel.tray_closed_pin,
        "door": panel.door_closed_pin,
        "tamper": panel.tamper_pin,
    }


class Workers:
    """One worker a device; `stop_work` ends what an earlier entry asked for."""

    def __init__(
        self, openers: Openers, post: Callable[[Answer], None], transcripts: Transcripts | None = None
    ) -> None:
        """`transcripts` hears what the readers' cards are asked and how devices fail."""
        told = transcripts or Transcripts()
        post = _told(told, post)
        chip, badge = openers.chip, openers.badge
        self.finger: Worker[FingerSensor] = Worker("finger", openers.finger, post, _idle_finger)
        self.camera: Worker[Camera] = Worker("camera", openers.camera, post, _idle_camera)
        self.chip: Worker[ChipReader] = Worker("chip", lambda: noted(chip, "chip", told), post, _idle_reader)
        self.badge = (
            Worker("badge", lambda: noted(badge, "badge", told), post, _idle_reader, "chip")
            if badge
            else None
        )
        self.panel = Worker("panel", openers.panel, post) if openers.panel else None

    @property
    def all(self) -> tuple[Worker[Any], ...]:
        named = (self.finger, self.camera, self.chip, self.badge, self.panel)
        return tuple(worker for worker in named if worker is not None)

    def start(self) -> None:
        for worker in self.all:
            worker.start()

    def stop_work(self) -> None:
        for worker in self.all:
            worker.stop_work()

    def write_off_hung(self) -> None:
        """A device whose driver does not come back is lost: a person is told, and nobody waits for it.

        On a thread: what is told is written down as well, and the disk may be what hangs.
        """
        for worker in self.all:
            if worker.silent_s > HUNG_S:
                Thread(target=worker.write_off, name=f"write-off-{worker.name}", daemon=True).start()

    def light(self, left: float, right: float) -> None:
        """Set the lamps, from any thread, in the order of the calls."""
        if self.panel is not None:
            self.panel.submit(Job(0, "lamps", lambda panel, _: panel.lamps(left, right)))

    def close(self) -> None:
        """All at once, and the panel last: its outputs go safe whatever the others do."""
        for worker in self.all:
            if worker is not self.panel:
                worker.end()
        for worker in self.all:
            worker.close()


def _told(transcripts: Transcripts, post: Callable[[Answer], None]) -> Callable[[Answer], None]:
    def tell(answer: Answer) -> None:
        post(answer)
        match answer:
            case Down(worker=name, fault=fault):
                transcripts.fault(name, fault)
            case Done(worker=name):
                transcripts.mended(name)

    return tell


def _idle_finger(sensor: FingerSensor) -> None:
    """A sensor that answers is there; and asleep, for one left on for hours overheats."""
    sensor.rest(0.5)


def _idle_camera(camera: Camera) -> None:
    camera.preview(1.5)


def _idle_reader(reader: ChipReader) -> None:
    reader.await_card(True, 0.0)
