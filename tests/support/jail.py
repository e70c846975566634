"""Runs a program under the system call filter and memory rule of deploy/idkiosk.service, without systemd.

`python -m support.jail PROGRAM …`; `missing()` says what this machine lacks for it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "idkiosk.service"
LIBRARY = "libseccomp.so.2"
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
MDWE_KERNEL = (6, 3)


def missing() -> str:
    """What is not here, or nothing."""
    if shutil.which("systemd-analyze") is None:
        return "systemd-analyze"
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return LIBRARY
    release = tuple(int(part) for part in platform.release().split(".")[:2])
    return "" if release >= MDWE_KERNEL else "Linux 6.3"


def allowed() -> set[str]:
    """The system calls that the unit's SystemCallFilter lines leave."""
    lines = UNIT.read_text().splitlines()
    names: set[str] = set()
    for line in lines:
        if line.startswith("SystemCallFilter="):
            value = line.partition("=")[2]
            names = names - group(value[1:]) if value.startswith("~") else names | group(value)
    assert names
    assert "MemoryDenyWriteExecute=yes" in lines
    return names


def group(name: str) -> set[str]:
    """The calls of systemd's group `name`, with the groups in it."""
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
    )
    words = {line.strip() for line in listed.stdout.splitlines()[1:]} - {""}
    within = {word for word in words if word.startswith("@")}
    return {word for word in words - within if not word.startswith("#")}.union(*map(group, within))


def lock_in() -> None:
    """From here on, for this process and what it starts: EPERM for every other call."""
    seccomp, libc = ctypes.CDLL(LIBRARY), ctypes.CDLL(None)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(SCMP_ACT_ERRNO | errno.EPERM)))
    for name in allowed():
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            assert seccomp.seccomp_rule_add(rules, ctypes.c_uint32(SCMP_ACT_ALLOW), number, 0) == 0
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0
    assert seccomp.seccomp_load(rules) == 0


if __name__ == "__main__":
    lock_in()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  the program that the caller names
