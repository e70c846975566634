"""deploy/install on a Raspberry Pi made of folders: twice the same, and a clear no where it must not run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.pi import INSTALL, FakePi

from config.load import load


@pytest.fixture
def pi(tmp_path: Path) -> FakePi:
    return FakePi(tmp_path)


def test_the_script_is_well_formed() -> None:
    subprocess.run(["bash", "-n", str(INSTALL)], check=True)


def test_it_puts_everything_where_the_service_looks_for_it(pi: FakePi) -> None:
    done = pi.install()
    assert done.returncode == 0, done.stderr
    for path in (
        "opt/idkiosk/firmware/run.py",
        "opt/idkiosk/.venv/pyvenv.cfg",
        "etc/systemd/system/idkiosk.service",
        "etc/udev/rules.d/60-idkiosk.rules",
        "etc/udev/rules.d/61-idkiosk-sticks.rules",
        "etc/systemd/system/idkiosk-stick@.service",
        "etc/polkit-1/rules.d/50-idkiosk-pcsc.rules",
        "etc/idkiosk/kiosk.toml",
    ):
        assert pi.path(path).is_file(), path
    assert pi.path("var/lib/idkiosk").stat().st_mode & 0o777 == 0o700
    assert pi.path("etc/idkiosk/board.env").read_text() == "KIOSK_BOARD=pi4-7inch\n"
    assert "systemctl enable -q idkiosk.service pcscd.socket" in pi.asked


def test_a_second_run_changes_nothing(pi: FakePi) -> None:
    pi.install()
    before = pi.files()
    assert pi.install().returncode == 0
    assert pi.files() == before
    assert sum(line.startswith("useradd") for line in pi.asked) == 1


def test_what_the_technician_wrote_stays(pi: FakePi) -> None:
    pi.install()
    settings = pi.path("etc/idkiosk/kiosk.toml")
    settings.write_text("# mine\n")
    pi.install()
    assert settings.read_text() == "# mine\n"


def test_a_file_that_left_the_program_leaves_the_box(pi: FakePi) -> None:
    pi.install()
    old = pi.path("opt/idkiosk/firmware/old.py")
    old.touch()
    pi.install()
    assert not old.exists()


def test_neither_the_centre_nor_tests_come_to_a_box(pi: FakePi) -> None:
    pi.install()
    assert not {"centre", "tests", "benchmarks", ".git"} & {
        path.name for path in pi.path("opt/idkiosk").iterdir()
    }


def test_it_starts_only_a_box_that_is_enrolled(pi: FakePi) -> None:
    assert "kiosk box provision" in pi.install().stdout
    assert "systemctl restart idkiosk.service" not in pi.asked
    identity = pi.path("var/lib/idkiosk/identity/identity.json")
    identity.parent.mkdir()
    identity.write_text("{}")
    pi.install()
    assert "systemctl restart idkiosk.service" in pi.asked


def test_a_pi_5_gets_its_board_and_another_may_be_named(tmp_path: Path) -> None:
    pi = FakePi(tmp_path, "Raspberry Pi 5 Model B Rev 1.0")
    pi.install()
    board = pi.path("etc/idkiosk/board.env")
    assert board.read_text() == "KIOSK_BOARD=pi5-10inch\n"
    pi.install("pi4-7inch")
    assert board.read_text() == "KIOSK_BOARD=pi4-7inch\n"
    pi.install()
    assert board.read_text() == "KIOSK_BOARD=pi4-7inch\n"


def test_gpio_comes_from_the_system_where_it_can_and_never_from_rpi_gpio(tmp_path: Path) -> None:
    newer, older = FakePi(tmp_path / "13"), FakePi(tmp_path / "12", debian=12)
    newer.install(absent=["python3-rpi-lgpio"])
    older.install()
    assert any(line.startswith("apt-get install") and "python3-rpi-lgpio" in line for line in newer.asked)
    assert not any("--extra" in line for line in newer.asked)
    assert any("sync" in line and "--extra pi5" in line for line in older.asked)


def test_virtual_readers_are_never_installed_on_a_box(pi: FakePi) -> None:
    pi.install(absent=["pcscd"])
    assert any(line.startswith("apt-get install") and "pcscd" in line for line in pi.asked)
    assert not any("vpcd" in line for line in pi.asked if line.startswith("apt-get"))


@pytest.mark.parametrize(
    ("model", "debian", "words", "environ", "says"),
    [
        ("Raspberry Pi 4 Model B", 13, (), {"FAKE_UID": "1000"}, "root"),
        ("Some PC", 13, (), {}, "not a Raspberry Pi"),
        ("Raspberry Pi 4 Model B", 13, ("pi9",), {}, "no config/boards/pi9.toml"),
        ("Raspberry Pi 4 Model B", 13, (), {"FAKE_MACHINE": "armv7l"}, "64-bit"),
        ("Raspberry Pi 4 Model B", 11, (), {}, "Debian 12 or 13"),
    ],
)
def test_it_refuses_before_it_changes_anything(
    tmp_path: Path, model: str, debian: int, words: tuple[str, ...], environ: dict[str, str], says: str
) -> None:
    pi = FakePi(tmp_path, model, debian)
    before = pi.files()
    done = pi.install(*words, **environ)
    assert done.returncode == 1
    assert says in done.stderr
    assert pi.files() == before


def test_it_refuses_beside_virtual_readers(pi: FakePi) -> None:
    vpcd = pi.path("etc/reader.conf.d/vpcd")
    vpcd.parent.mkdir(parents=True)
    vpcd.touch()
    done = pi.install()
    assert done.returncode == 1
    assert "vsmartcard-vpcd" in done.stderr
    assert not pi.path("opt").exists()


def test_the_template_is_a_configuration_that_loads() -> None:
    config = load(INSTALL.parent / "kiosk.toml", board="pi4-7inch")
    assert config.station.data == "/var/lib/idkiosk"
    assert config.station.profile == "training"
