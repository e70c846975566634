"""A portrait booth for stories: a camera, two lamps and a person, on the camera's own time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.api import Deadline, Frame
from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait import PortraitCheck
from firmware.quality.portrait_capture import PortraitSample, take_portrait
from support.portrait import gate


@dataclass
class Booth:
    """A camera, two lamps and a person, with the camera's own time as the clock."""

    lamps: tuple[float, float] = (0.0, 0.0)
    brightest: tuple[float, float] = (0.0, 0.0)
    hints: list[str | None] = field(default_factory=list)
    act: Callable[[int], None] = lambda count: None
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.camera = VirtualCamera(light=lambda: self.lamps, clock=lambda: 0.0)

    def light(self, left: float, right: float) -> None:
        self.lamps = (left, right)
        self.brightest = max(self.brightest, self.lamps)

    def show(self, frame: Frame, check: PortraitCheck) -> None:
        self.now_s = frame.at_s
        self.hints.append(check.hint)
        self.act(len(self.hints))

    def take(self, within_s: float = 20.0) -> PortraitSample:
        with self.camera:
            deadline = Deadline.after(within_s, lambda: self.now_s)
            return take_portrait(self.camera, self.light, self.show, deadline, gate())
