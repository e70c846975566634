"""A Raspberry Pi made of folders: what `deploy/install` asks the system is answered by small programs."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
INSTALL = CHECKOUT / "deploy" / "install"
PROGRAMS = {
    "id": "echo ${FAKE_UID:-0}",
    "uname": "echo ${FAKE_MACHINE:-aarch64}",
    "dpkg-query": (
        'case " $FAKE_ABSENT " in *" ${@: -1} "*) exit 1;; esac\n'
        'case "${@: -1}" in vsmartcard-vpcd) exit 1;; *) echo "install ok installed";; esac'
    ),
    "getent": 'grep -qx "$1 $2" "$DESTDIR/accounts" 2>/dev/null',
    "groupadd": 'echo "group ${@: -1}" >>"$DESTDIR/accounts"',
    "useradd": 'echo "passwd ${@: -1}" >>"$DESTDIR/accounts"',
    "install": (
        "words=()\n"
        'while [ $# -gt 0 ]; do case $1 in -o|-g) shift 2;; *) words+=("$1"); shift;; esac; done\n'
        'exec /usr/bin/install "${words[@]}"'
    ),
    "apt-get": "",
    "udevadm": "",
    "systemctl": "",
}
A_PYTHON = """\
[ "$1 $2" = "-m venv" ] || exit 9
mkdir -p "$3/bin"
printf '#!/bin/sh\\nexit 0\\n' >"$3/bin/pip"
cp "$UV_STUB" "$3/bin/uv"
chmod +x "$3/bin/pip"
"""
A_UV = """\
case $1 in
    --version) echo "uv $UV_VERSION";;
    venv)
        mkdir -p "${@: -1}/bin"
        touch "${@: -1}/pyvenv.cfg"
        printf '#!/bin/sh\\nexit 0\\n' >"${@: -1}/bin/python"
        chmod +x "${@: -1}/bin/python";;
esac
"""


class FakePi:
    """`install(…)` runs the script; `asked` is what it told the system, a command a line."""

    def __init__(self, folder: Path, model: str = "Raspberry Pi 4 Model B Rev 1.5", debian: int = 13) -> None:
        self.root, self._bin, self._log = folder / "root", folder / "bin", folder / "asked"
        self._bin.mkdir(parents=True)
        self._log.touch()
        self._write("proc/device-tree/model", f"{model}\0")
        self._write("etc/os-release", f'VERSION_ID="{debian}"\n')
        for name, body in {**PROGRAMS, "python3": A_PYTHON, "uv-stub": A_UV}.items():
            self._program(name, body)

    def install(
        self, *words: str, absent: Iterable[str] = (), **environ: str
    ) -> subprocess.CompletedProcess[str]:
        version = next(
            line.partition("=")[2]
            for line in (CHECKOUT / "deploy" / "setup").read_text().splitlines()
            if line.startswith("UV_VERSION=")
        )
        return subprocess.run(
            [str(INSTALL), *words],
            env={
                **os.environ,
                "PATH": f"{self._bin}:{os.environ['PATH']}",
                "DESTDIR": str(self.root),
                "UV_STUB": str(self._bin / "uv-stub"),
                "UV_VERSION": version,
                "FAKE_ABSENT": " ".join(absent),
                **environ,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def asked(self) -> list[str]:
        return self._log.read_text().splitlines()

    def path(self, name: str) -> Path:
        return self.root / name

    def files(self) -> dict[str, bytes]:
        """All files below the root, without those of Python's caches."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def _write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _program(self, name: str, body: str) -> None:
        path = self._bin / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self._log}"\n{body}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
