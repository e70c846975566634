"""`kiosk run`: a real box, from its configuration to the end of the process.

The greeting is on the panel before anything is imported that it does not need: cryptography, HTTP, SQLite
and OpenCV take a Pi seconds to read from its card.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from config.schema import Config
from firmware import crash
from firmware.app.frame import Face
from firmware.app.visit import Visit
from firmware.crash import EX_CONFIG
from firmware.loop import Loop
from firmware.presenter import Form, View
from firmware.supervise import Notify, Supervisor, beat_s, systemd
from firmware.terminal import taken
from statemachine.session import Session
from statemachine.states import S
from ui_fb.display import Display, DisplayFault, MemoryDisplay
from ui_fb.framebuffer import Framebuffer
from ui_fb.screens import warm
from ui_fb.theme import DEFAULT, MissingLayoutEngine, PanelTooSmall, font_folder
from ui_fb.touch import Touch, open_touch

if TYPE_CHECKING:
    from firmware.app.devices import Openers
    from firmware.app.kiosk import Kiosk

log = logging.getLogger("kiosk")

EX_UNAVAILABLE = 69  # sysexits.h: no display now; systemd tries again
IDLE_S, BUSY_S = 0.2, 10.0
HOUSE = ("kiosk", "firmware", "drivers", "statemachine", "ui_fb")


def run(config: Config) -> int:
    """Run the box until a signal ends it; returns the exit code for systemd (deploy/idkiosk.service)."""
    crash.guard()
    log_to_stderr()
    with systemd() as notify:
        return _run(config, notify)


def _run(config: Config, notify: Notify) -> int:
    try:
        with taken() as terminal, closing(open_display(config, terminal)) as display:
            font_folder()
            DEFAULT.scale(display.size)
            greet(config, display)
            return _checked(config, display, notify)
    except (PanelTooSmall, MissingLayoutEngine) as exc:
        return _refused((str(exc),), notify)
    except DisplayFault as exc:
        log.error("no display: %s", exc)
        notify(f"STATUS=no display: {exc}")
        return EX_UNAVAILABLE


def open_display(config: Config, terminal: Path | None) -> Display:
    """The display that the configuration names; raises DisplayFault."""
    wanted = config.display
    if wanted.kind == "memory":
        return MemoryDisplay((wanted.width_px, wanted.height_px))
    display = Framebuffer(Path(wanted.device), terminal)
    if display.size != (wanted.width_px, wanted.height_px):
        log.warning("the panel is %s × %s, not as configured", *display.size)
    return display


def log_to_stderr() -> None:
    """House loggers from INFO, the libraries from WARNING: httpx writes whole URLs at INFO, with numbers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(crash.Discreet("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in HOUSE:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("transitions").setLevel(logging.ERROR)  # it warns of names that we mean


def greet(config: Config, display: Display) -> None:
    """Put the first picture up; a touch is answered once the kiosk behind it stands."""
    simulated = config.station.profile != "production"
    Face(display).show(View(S.ATTRACT, Session(), Visit(), Form(), simulated, {}))


def _checked(config: Config, display: Display, notify: Notify) -> int:
    from firmware.preflight import examine

    found = examine(config)
    if not found:
        return _supervised(config, display, notify)
    language = config.station.language
    return _refused(tuple(explained(one.reason, one.text, language) for one in found), notify)


def explained(reason: str, text: str, language: str) -> str:
    """What is wrong here, with its code and what to do."""
    from config import catalogue

    entry = catalogue.entry(reason)
    return f"{entry.code} {text} | {getattr(entry.remedy, language)}" if entry else text


def _supervised(config: Config, display: Display, notify: Notify) -> int:
    from firmware.app.devices import real_openers
    from firmware.touchscreen import TouchScreen

    loop = Loop()
    kiosk = kiosk_of(config, real_openers(config), display, loop)
    with TouchScreen(_touch(config, display), loop, expected=config.station.profile != "virtual"):
        return Supervisor(kiosk, notify, beat_s()).run()


def kiosk_of(config: Config, openers: Openers, display: Display, loop: Loop) -> Kiosk:
    """A kiosk that gets its screens ready while nobody is there."""
    from firmware.app.build import build

    kiosk = build(config, openers, display, loop)
    steps = warm(display.size, language=config.station.language)

    def step() -> None:
        """Draw one screen that a person may soon see; a person who is there comes first."""
        idle = kiosk.flow.state is S.ATTRACT
        if not idle or next(steps, step) is not step:
            loop.after(IDLE_S if idle else BUSY_S, step)

    loop.after(IDLE_S, step)
    return kiosk


def _touch(config: Config, display: Display) -> Callable[[], Touch]:
    from firmware.touchscreen import first_touch_screen

    return lambda: open_touch(config.touch.device or first_touch_screen(), display.size)


def _refused(reasons: tuple[str, ...], notify: Notify) -> int:
    for reason in reasons:
        log.error("refused: %s", reason)
    notify(f"STATUS=refused: {reasons[0]}")
    return EX_CONFIG
