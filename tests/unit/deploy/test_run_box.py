"""`kiosk run` before it greets: what it refuses, what it opens, and what it never writes."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.systemd import notify_socket

from config import catalogue
from config.load import load
from config.schema import Config
from drivers.virtual.panel import VirtualPanel
from firmware import crash, make_safe, run
from firmware.app.devices import Openers
from firmware.crash import EX_CONFIG
from ui_fb.display import DisplayFault, MemoryDisplay


@pytest.fixture(autouse=True)
def this_process_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(crash, "guard", lambda: None)
    monkeypatch.setattr(run, "log_to_stderr", lambda: None)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    whole = load()
    return replace(whole, station=replace(whole.station, data=str(tmp_path), tools=str(tmp_path)))


def test_a_box_that_may_not_run_says_why_to_systemd_and_ends_with_78(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with notify_socket(tmp_path) as told:
        monkeypatch.setenv("NOTIFY_SOCKET", str(told.path))
        assert run.run(config) == EX_CONFIG
        assert told.waiting()[0].startswith("STATUS=refused: ")
    assert "enrol this box" in caplog.text
    assert "deploy/models/fetch" in caplog.text
    for reason in ("preflight_identity", "preflight_models"):
        entry = catalogue.entry(reason)
        assert entry is not None
        assert f"refused: {entry.code} " in caplog.text and entry.remedy.vi in caplog.text


def test_a_panel_that_is_not_there_is_not_a_wrong_configuration(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    display = replace(config.display, kind="fb0", device="/nonexistent/fb0")
    assert run.run(replace(config, display=display)) == run.EX_UNAVAILABLE
    assert "/nonexistent/fb0" in caplog.text


def test_a_panel_too_small_for_a_finger_is_a_wrong_configuration(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "open_display", lambda *_: MemoryDisplay((320, 240)))
    assert run.run(config) == EX_CONFIG


def test_the_configured_display_is_opened(config: Config) -> None:
    display = run.open_display(
        replace(config, display=replace(config.display, width_px=1280, height_px=800)), None
    )
    assert display.size == (1280, 800)
    with pytest.raises(DisplayFault):
        run.open_display(
            replace(config, display=replace(config.display, kind="fb0", device="/dev/null")), None
        )


def test_libraries_do_not_log_what_they_ask_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        run.log_to_stderr()
        logging.getLogger("httpx").info("GET /v1/registry/001304000017")
        logging.getLogger("firmware.x").info("a step")
        try:
            raise KeyError("001304000017")
        except KeyError:
            logging.getLogger("drivers.x").exception("it failed")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    said = capsys.readouterr().err
    assert "001304000017" not in said
    assert "a step" in said
    assert "KeyError" in said


def test_no_core_is_ever_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    limits: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(crash.resource, "setrlimit", lambda what, limit: limits.append((what, limit)))
    monkeypatch.setattr(crash.ctypes, "CDLL", lambda _: type("Libc", (), {"prctl": lambda *_: 0})())
    monkeypatch.setattr(crash.faulthandler, "enable", lambda: None)
    monkeypatch.setattr(crash.sys, "excepthook", crash.sys.excepthook)
    monkeypatch.setattr(crash.threading, "excepthook", crash.threading.excepthook)
    crash.guard()
    assert limits == [(resource.RLIMIT_CORE, (0, 0))]


def test_after_the_end_the_panel_is_opened_and_left_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = VirtualPanel()
    opened: list[VirtualPanel] = []
    monkeypatch.setattr(
        make_safe,
        "real_openers",
        lambda _: Openers(None, None, None, None, lambda: opened.append(panel) or panel),
    )
    settings = tmp_path / "kiosk.toml"
    settings.touch()
    assert make_safe.make_safe("pi4-7inch", settings) == 0
    assert opened == [panel]
    assert not panel.tray_locked
    panel.unplug()
    assert make_safe.make_safe("pi4-7inch", settings) == 69
