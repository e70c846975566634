"""A kiosk that dies tells where, never whom it served, and leaves no core: tried on a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

NAME, NUMBER, TEMPLATE = "Nguyễn Thị Thử Nghiệm", "001304000017", "464d5200203230"
BEGIN = f"""
import ctypes, logging, os, signal, threading
from firmware import crash
crash.guard()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)  # PR_GET_DUMPABLE
print(open("/proc/self/limits").read(), flush=True)
name, number = {NAME!r}, {NUMBER!r}
class PersonWrong(ValueError): pass
def step(template={TEMPLATE!r}):
    try:
        {{}}[name]
    except KeyError as exc:
        raise PersonWrong(name, number, template) from exc
"""
DEATHS = {
    "an error": "step()",
    "an error in a thread": "t = threading.Thread(target=step); t.start(); t.join(); raise SystemExit(70)",
    "the watchdog": "os.kill(os.getpid(), signal.SIGABRT)",
    "a wild pointer": "ctypes.string_at(1)",
}


def died(how: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + DEATHS[how]],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("how", DEATHS)
def test_whoever_dies_says_where_and_not_whom_it_served(how: str, tmp_path: Path) -> None:
    code, said, last_words = died(how, tmp_path)
    assert code in (1, 70, -signal.SIGABRT, -signal.SIGSEGV)
    assert last_words
    for secret in (NAME, NUMBER, TEMPLATE, "Nguyễn"):
        assert secret not in said + last_words
    assert list(tmp_path.iterdir()) == []  # no core


@pytest.mark.parametrize("how", ["an error", "an error in a thread"])
def test_an_error_names_its_kind_its_cause_and_its_lines(how: str, tmp_path: Path) -> None:
    _, _, last_words = died(how, tmp_path)
    assert "PersonWrong" in last_words and "KeyError" in last_words
    assert " step" in last_words


def test_nobody_can_have_the_memory(tmp_path: Path) -> None:
    """No core of any size, and no debugger of the same user."""
    _, said, _ = died("an error", tmp_path)
    dumpable, *limits = said.splitlines()
    assert dumpable == "0"
    (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]
