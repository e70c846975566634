"""The gallery of screens with true portraits: each hint beside the sitter that causes it.

`python -m firmware.sim.gallery OUT` draws every screen as `ui_fb.gallery` does; the portrait's hints show the
frame of the virtual camera that the gate answered with that very hint.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
from PIL import Image

from config.load import load
from drivers.api import Pixels
from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait import PortraitGate
from firmware.quality.portrait_models import FaceModels, ModelsMissingError
from firmware.sim.faults import FAULTS, Fault
from ui_fb import gallery
from ui_fb.screens import Portrait
from ui_fb.theme import DEFAULT
from ui_fb.words import LANGUAGES

SEED = 5
SETTLED_FRAMES = 10
STEP = 1 + [names[0] for names in gallery.STEPS].index("Portrait")
WELL = Fault("", "taking", lambda _: None)


class NotCausedError(Exception):
    """A sitter does not bring the hint that the gallery says it brings."""


def portraits(gate: PortraitGate) -> Iterator[tuple[str, Pixels, Portrait]]:
    """Yield name, frame and screen of each fault, and of a sitter who sits well. Raises NotCausedError."""
    for fault in (WELL, *FAULTS):
        frame = _frame(fault)
        told = gate.check(frame).hint or ""
        if told != fault.hint:
            raise NotCausedError(f"{fault.name}: the gate says {told or 'good'} in place of {fault.hint}")
        screen = Portrait(hint=told, good=0 if told else 3, wanted=8, simulated=True)
        yield fault.name, frame, dataclasses.replace(screen, step=STEP, steps=len(gallery.STEPS))


def _frame(fault: Fault) -> Pixels:
    with VirtualCamera() as camera:
        camera.sitter.sit(SEED)
        fault.bring(camera)
        for _ in range(SETTLED_FRAMES):
            camera.preview(1.0)
        return camera.preview(1.0).bgr


def write(folder: Path, models: Path) -> None:
    """Draw the gallery into `folder`. Raises NotCausedError, ModelsMissingError."""
    gallery.write(folder)
    seen: set[str] = set()
    for name, frame, screen in portraits(PortraitGate(FaceModels(models))):
        live = Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        known = screen.hint or name
        file = known if known not in seen else f"{known}-{name.replace(' ', '_')}"
        seen.add(known)
        for language in LANGUAGES:
            spoken = dataclasses.replace(screen, language=language)
            spoken.render(gallery.SIZE, DEFAULT, live).save(folder / f"portrait-{file}-{language}.png")
    names = sorted(path.stem for path in folder.glob("*.png"))
    (folder / "index.html").write_text(gallery.page(names), "utf-8")


def main() -> int:
    try:
        write(Path(sys.argv[1]), Path(load().station.tools) / "models")
    except (NotCausedError, ModelsMissingError) as exc:
        sys.stderr.write(f"gallery: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
