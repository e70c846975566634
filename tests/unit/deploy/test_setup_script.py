"""deploy/setup in a checkout made of stubs: which Python it takes, and when it calls itself complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
READ = ("packages.txt", "models/fetch", "nbis/install", "nbis/requirements.txt")


class Checkout:
    """A folder with the real script and Makefile; uv, pip and the environment's Python are stubs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "deploy").mkdir()
        shutil.copy(CHECKOUT / "deploy" / "setup", folder / "deploy")
        shutil.copy(CHECKOUT / "Makefile", folder)
        for name in (*(f"deploy/{name}" for name in READ), "uv.lock", "pyproject.toml"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()
        version = re.search(r"UV_VERSION=(\S+)", (folder / "deploy" / "setup").read_text())
        assert version is not None
        self.program(".tools/uv/bin/uv", f'echo "uv {version[1]}"; echo "$@" >> asked')
        self.program(".venv/bin/kiosk", "exit 0")
        self.scorer(0)

    def program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def scorer(self, code: int) -> None:
        self.program(".venv/bin/python", f"case $1 in deploy/nbis/install) exit {code};; esac")

    def run(self, *command: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        (self.folder / "asked").unlink(missing_ok=True)
        env = {"PATH": os.environ["PATH"], "PYTHON": python}
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    @property
    def complete(self) -> bool:
        return any((self.folder / ".venv").glob(".set-up-run-*"))

    @property
    def asked(self) -> str:
        """What uv was asked in the last run."""
        file = self.folder / "asked"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_make_leaves_the_choice_of_python_to_its_caller(checkout: Checkout) -> None:
    done = checkout.run("make", "demo")
    assert done.returncode == 0, done.stderr
    assert f"--python {sys.executable}" in checkout.asked


def test_a_python_that_does_not_exist_is_named_in_one_line(checkout: Checkout) -> None:
    done = checkout.run("deploy/setup", "run", python="/nowhere/python3")
    assert done.returncode == 1
    assert done.stderr.startswith("set-up: there is no /nowhere/python3")
    assert done.stderr.count("\n") == 1


def test_a_complete_set_up_is_not_repeated(checkout: Checkout) -> None:
    assert checkout.run("deploy/setup", "run").returncode == 0
    assert checkout.complete
    checkout.run("deploy/setup", "run")
    assert checkout.asked == ""


def test_a_scorer_that_could_not_be_installed_is_tried_again(checkout: Checkout) -> None:
    checkout.scorer(1)
    done = checkout.run("deploy/setup", "run")
    assert done.returncode == 0
    assert "no NFIQ 2" in done.stdout
    assert not checkout.complete
    checkout.scorer(0)
    checkout.run("deploy/setup", "run")
    assert checkout.complete
