"""deploy/idkiosk.service: systemd accepts it, and it leaves the kiosk little to do harm with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[3] / "deploy" / "idkiosk.service"
MOST_EXPOSURE = 20  # tenths: 2.0 of 10


def systemd_analyze(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def settings() -> dict[str, list[str]]:
    """The unit's settings by name; a name may stand there more than once."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if "=" in line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def resolvable(tmp_path: Path) -> Path:
    """The unit with programs that exist on this machine, and nothing else changed."""
    text = UNIT.read_text()
    for program in ("kiosk", "python"):
        there = f"/opt/idkiosk/.venv/bin/{program} "
        assert there in text
        text = text.replace(there, "/bin/true ")
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def test_systemd_finds_no_fault(resolvable: Path) -> None:
    done = systemd_analyze("verify", "--man=no", str(resolvable))
    about_ours = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, about_ours) == (0, [])


def test_verify_would_find_a_fault(resolvable: Path) -> None:
    resolvable.write_text(resolvable.read_text().replace("WatchdogSec=30", "WatchdogSec=soon"))
    done = systemd_analyze("verify", "--man=no", str(resolvable))
    assert UNIT.name in done.stderr


def test_its_exposure_stays_low(resolvable: Path) -> None:
    if "--offline" not in systemd_analyze("--help").stdout:
        pytest.skip("this systemd-analyze cannot judge a unit that is not loaded")
    done = systemd_analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", str(resolvable))
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("Restart", "always"),
        ("RestartPreventExitStatus", "78"),
        ("User", "idkiosk"),
        ("LimitCORE", "0"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("DevicePolicy", "closed"),
        ("StateDirectoryMode", "0700"),
    ],
)
def test_what_must_not_be_lost_from_it(name: str, value: str) -> None:
    assert settings()[name] == [value]


def test_there_is_time_for_an_orderly_end_and_for_three_beats() -> None:
    """Each of seven workers may take five seconds to close (drivers/worker.py)."""
    unit = settings()
    assert int(unit["TimeoutStopSec"][0]) > 7 * 5
    assert int(unit["WatchdogSec"][0]) >= 15


def test_the_terminal_is_the_controlling_one_and_may_be_opened() -> None:
    unit = settings()
    assert unit["StandardInput"] == ["tty"]
    assert f"{unit['TTYPath'][0]} rw" in unit["DeviceAllow"]
    assert unit["TTYReset"] == ["yes"]
