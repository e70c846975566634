"""What can be wrong before the camera, one thing at a time, and the hint that it must bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from drivers.virtual.camera import VirtualCamera
from drivers.virtual.sitter_wear import Wear

SHAKE = 5.0  # eye distances a second


@dataclass(frozen=True, slots=True)
class Fault:
    """`bring` makes it so for the person who sits there; `hint` is what the gate must say."""

    hint: str
    name: str
    bring: Callable[[VirtualCamera], object]


def _sit(camera: VirtualCamera, **how: Any) -> None:
    camera.sitter.sit(**how)


def _wears(**what: Any) -> Callable[[VirtualCamera], None]:
    return partial(_sit, wear=Wear(**what))


def _window(camera: VirtualCamera) -> None:
    camera.lux(100)
    camera.window(600)


def _street_lamp(camera: VirtualCamera) -> None:
    camera.lux(60)
    camera.sodium(1.0)


FAULTS: tuple[Fault, ...] = (
    Fault("no_face", "nobody", lambda camera: camera.sitter.leave()),
    Fault("camera_dark", "lens covered", lambda camera: camera.cover(True)),
    Fault("one_person", "second person", lambda camera: camera.sitter.joined_by(4)),
    Fault("closer", "too far", partial(_sit, distance=1.6)),
    Fault("farther", "too near", partial(_sit, distance=0.65)),
    Fault("centre_face", "aside", partial(_sit, aside=2.2)),
    Fault("centre_face", "too high", partial(_sit, lower=-2.0)),
    Fault("look_straight", "yaw left", partial(_sit, yaw=-15)),
    Fault("look_straight", "yaw right", partial(_sit, yaw=15)),
    Fault("look_straight", "chin up", partial(_sit, pitch=15)),
    Fault("look_straight", "chin down", partial(_sit, pitch=-15)),
    Fault("head_upright", "roll left", partial(_sit, roll=-12)),
    Fault("head_upright", "roll right", partial(_sit, roll=12)),
    Fault("more_light", "night", lambda camera: camera.lux(5)),
    Fault("more_light", "street lamp", _street_lamp),
    Fault("light_behind", "window behind", lambda camera: camera.backlight(6000)),
    Fault("even_light", "window aside", _window),
    Fault("too_bright", "metered wrongly", lambda camera: camera.dazzle(3.5)),
    Fault("hold_still", "moves", partial(_sit, speed=SHAKE)),
    Fault("no_glasses", "sunglasses", _wears(glasses="dark")),
    Fault("no_glasses", "glare", _wears(glasses="clear", glare=0.6)),
    Fault("uncover_face", "mask", _wears(mask=True)),
    Fault("uncover_face", "hand", _wears(hand=True)),
    Fault("open_eyes", "eyes shut from the first frame", partial(_sit, eyes_closed=1.0)),
    Fault("close_mouth", "mouth open", partial(_sit, mouth_open=1.0)),
    Fault("plain_background", "shelves behind", lambda camera: camera.backdrop("busy")),
)


def each_hint() -> Iterator[Fault]:
    """Yield the first fault of every hint."""
    seen: set[str] = set()
    for fault in FAULTS:
        if fault.hint not in seen:
            seen.add(fault.hint)
            yield fault
