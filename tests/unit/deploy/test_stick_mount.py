"""A stick that is plugged in is mounted where the kiosk looks for it: to write on, to run nothing from."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import udev

from config.schema import Station

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
UNIT, RULES, KIOSK = (
    DEPLOY / name for name in ("idkiosk-stick@.service", "61-idkiosk-sticks.rules", "idkiosk.service")
)
PLACE = f"{Station().sticks}/%I"


def lines(path: Path, name: str) -> list[str]:
    return [line.partition("=")[2] for line in path.read_text().splitlines() if line.startswith(f"{name}=")]


def verify(unit: Path) -> str:
    """What systemd has to say of a stick's unit; "" nothing."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    words = ["systemd-analyze", "verify", "--man=no", str(unit)]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    return "\n".join(line for line in said.splitlines() if "idkiosk-stick" in line)


@pytest.fixture
def sda1(tmp_path: Path) -> Path:
    copy = tmp_path / "idkiosk-stick@sda1.service"
    copy.write_text(UNIT.read_text())
    return copy


def test_systemd_finds_no_fault(sda1: Path) -> None:
    assert verify(sda1) == ""


def test_verify_would_find_a_fault(sda1: Path) -> None:
    sda1.write_text(sda1.read_text().replace("Type=oneshot", "Type=onceshot"))
    assert verify(sda1) != ""


def test_it_is_the_kiosks_to_write_and_nothing_on_it_runs() -> None:
    (mount,) = [line for line in lines(UNIT, "ExecStart") if "mount " in line]
    options = mount.split(" -o ")[1].split()[0].split(",")
    assert {"nosuid", "nodev", "noexec"} <= set(options)
    (user,) = lines(KIOSK, "User")
    assert {f"uid={user}", f"gid={user}", "fmask=0177", "dmask=0077"} <= set(options)
    assert "ro" not in options
    assert mount.endswith(f" /dev/%I {PLACE}")


def test_it_goes_with_the_stick() -> None:
    assert lines(UNIT, "BindsTo") == ["dev-%i.device"]
    assert [line.split()[-1] for line in lines(UNIT, "ExecStop")] == [PLACE]


def test_only_a_file_system_of_a_usb_stick_is_mounted() -> None:
    """FAT knows no owners and no links: the mount's options are all that counts."""
    (rule,) = [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]
    said = dict(re.findall(r'([A-Z_]+(?:\{\w+\})?)(?:==|\+=)"([^"]*)"', rule))
    assert said["SUBSYSTEM"] == "block" and said["ENV{ID_BUS}"] == "usb"
    assert said["ENV{ID_FS_TYPE}"].split("|") == ["vfat", "exfat"]
    assert said["TAG"] == "systemd"
    assert said["ENV{SYSTEMD_WANTS}"] == UNIT.name.replace("@", "@%k")


def test_udev_itself_accepts_the_rule() -> None:
    udev.accepts(RULES)


def test_the_kiosks_sandbox_lets_it_see_and_write_what_is_mounted_later() -> None:
    """Mounts reach the service's own namespace as long as nothing makes it private (systemd.exec(5))."""
    assert f"-{Station().sticks}" in " ".join(lines(KIOSK, "ReadWritePaths")).split()
    assert lines(KIOSK, "MountFlags") in ([], ["slave"])
    assert lines(KIOSK, "ProtectProc") == ["invisible"], "a process still reads its own mount table"
    assert lines(KIOSK, "ProcSubset") == []
