"""A kiosk as its own process before a real notify socket: ready, fed, ended in order, loud when broken."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import jail
from support.centre import TestStation
from support.kiosk_process import LIT, SECRET
from support.systemd import LONG_S, NotifySocket, notify_socket

from firmware.crash import EX_SOFTWARE

TESTS = Path(__file__).resolve().parents[1]
DARK = [0.0, 0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TestStation(tmp_path_factory.mktemp("centre")).enrol().folder


@contextmanager
def kiosk(
    folder: Path, identity: Path, what: str = "", under: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[str], NotifySocket]]:
    """The process and systemd's end; killed if it is still there when the block ends."""
    data = folder / "data"
    shutil.copytree(identity, data / "identity")
    with notify_socket(folder) as told:
        environ = {
            **os.environ,
            "NOTIFY_SOCKET": str(told.path),
            "WATCHDOG_USEC": "600000",
            "PYTHONPATH": f"{TESTS}:{TESTS.parent}",
        }
        environ.pop("WATCHDOG_PID", None)
        process = subprocess.Popen(
            [*under, sys.executable, "-m", "support.kiosk_process", str(data), what],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        )
        try:
            yield process, told
        finally:
            process.kill()
            process.communicate()


def test_under_the_units_own_filter_it_starts_works_and_ends_in_order_with_the_panel_safe(
    tmp_path: Path, enrolled: Path
) -> None:
    if lacks := jail.missing():
        pytest.skip(f"the unit's system call filter cannot be applied here: no {lacks}")
    with kiosk(tmp_path, enrolled, under=(sys.executable, "-m", "support.jail")) as (process, told):
        assert "READY=1" in told.await_notice(LIT)
        told.await_notice("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LONG_S)
        assert process.returncode == 0, err
        assert "STOPPING=1" in told.waiting()
        assert json.loads(out)["outputs"] == DARK
        assert "records" in json.loads(out)["data"]


def test_a_wedged_device_neither_starves_the_dog_nor_holds_up_the_end(tmp_path: Path, enrolled: Path) -> None:
    with kiosk(tmp_path, enrolled, "wedged") as (process, told):
        told.await_notice(LIT)
        for _ in range(3):
            told.await_notice("WATCHDOG=1")
        process.terminate()
        out, err = process.communicate(timeout=LONG_S)
        assert process.returncode == 0, err
        assert json.loads(out)["outputs"] == DARK


def test_a_bug_ends_it_loudly_with_the_panel_safe_and_nobodys_name_in_the_log(
    tmp_path: Path, enrolled: Path
) -> None:
    with kiosk(tmp_path, enrolled, "bug") as (process, _):
        out, err = process.communicate(timeout=LONG_S)
    assert process.returncode == EX_SOFTWARE
    assert json.loads(out)["outputs"] == DARK
    assert "builtins.ValueError" in err
    assert "kiosk_process.py" in err
    for word in SECRET.split():
        assert word not in err


def test_an_abort_by_the_watchdog_shows_where_each_thread_stood_and_leaves_no_core(
    tmp_path: Path, enrolled: Path
) -> None:
    with kiosk(tmp_path, enrolled) as (process, told):
        told.await_notice("READY=1")
        process.send_signal(signal.SIGABRT)
        _, err = process.communicate(timeout=LONG_S)
    assert process.returncode == -signal.SIGABRT
    assert "firmware/loop.py" in err
    assert "core dumped" not in err
