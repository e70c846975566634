"""Where nbis-python is installed, and the command that starts a child. Standard library only.

FOLDER/site            nbis-python
FOLDER/glibc           Debian 13's C library, where the system's is older than 2.38
FOLDER/installed.json  what `deploy/nbis/install` put there, written last
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SERVE = Path(__file__).with_name("serve.py")
LEAST_GLIBC = (2, 38)
LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
INSTALL = "deploy/nbis/install"
STAMP = "installed.json"


class ScorerMissing(Exception):
    """NFIQ 2 is not installed on this machine; the text says what to do. One that fails is `ScorerLost`."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """An installed nbis: `command` starts a child whose standard input is the channel."""

    folder: Path
    command: Sequence[str]


def glibc() -> tuple[int, int] | None:
    """The version of this system's C library, None where it is another one."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        return None
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if name == "glibc" and minor.isdigit() else None


def needs_newer_glibc() -> bool:
    return (glibc() or (0, 0)) < LEAST_GLIBC


def place(tools: Path) -> Path:
    """The folder of this machine's kind under the checkout's tools."""
    return tools.resolve() / "nbis" / platform.machine()


def locate(tools: Path) -> Runtime:
    """Return the runtime under `tools` (as `.tools` of a checkout). Raises ScorerMissing."""
    folder = place(tools)
    if not (folder / STAMP).is_file():
        raise ScorerMissing(f"NFIQ 2 is not installed in {folder}: run {INSTALL}")
    if needs_newer_glibc() and not (folder / "glibc").is_dir():
        raise ScorerMissing(f"{folder} was installed for a newer C library: run {INSTALL}")
    return Runtime(folder, command(folder))


def command(folder: Path) -> list[str]:
    """The child's command line: under Debian 13's loader and C library where the system's is older.

    LD_LIBRARY_PATH is never set: it would reach every program that the child might start.
    """
    python = [sys.executable]
    if needs_newer_glibc():
        python = _under_newer_glibc(folder / "glibc")
    return [*python, "-I", "-S", "-B", str(SERVE), str(folder / "site")]


def _under_newer_glibc(root: Path) -> list[str]:
    machine = platform.machine()
    if machine not in LOADERS:
        raise ScorerMissing(f"there is no nbis-python for {machine}")
    multiarch = f"{machine}-linux-gnu"
    newer = root / "usr" / "lib" / multiarch
    libraries = [str(newer), sysconfig.get_config_var("LIBDIR") or "", f"/usr/lib/{multiarch}"]
    return [
        str(newer / LOADERS[machine]),
        "--argv0",
        sys.executable,
        "--library-path",
        ":".join(filter(None, libraries)),
        str(Path(sys.executable).resolve()),
    ]
