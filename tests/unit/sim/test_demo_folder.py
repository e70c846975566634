"""The demo's folder: other people's files stay, and one demo or station at a time has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from firmware.cli import app
from firmware.sim.folder import FolderRefused, held
from firmware.sim.office import VirtualOffice, Wishes


def test_a_folder_that_no_demo_made_is_left_as_it_is(tmp_path: Path) -> None:
    kept = tmp_path / "box" / "thesis.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(FolderRefused, match="no demo made it"), VirtualOffice(Wishes(folder=tmp_path)):
        pass
    assert kept.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["box"]


def test_a_demo_takes_over_the_folder_of_an_earlier_one(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    with held(folder):
        (folder / "box").mkdir()
    with held(folder):
        assert (folder / "box").is_dir()


def test_a_folder_in_use_is_refused_before_anything_is_removed(tmp_path: Path) -> None:
    with held(tmp_path):
        (tmp_path / "box").mkdir()
        with pytest.raises(FolderRefused, match="already in use"), VirtualOffice(Wishes(folder=tmp_path)):
            pass
        assert (tmp_path / "box").is_dir()


@pytest.mark.parametrize("command", [("demo",), ("station", "--port", "0")])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    done = CliRunner().invoke(app, [*command, "--folder", str(tmp_path / "file" / "demo")])
    assert done.exit_code == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("kiosk: ")
    assert "cannot be used" in said


@pytest.mark.parametrize("command", ["demo", "station"])
def test_a_seed_is_not_negative(command: str) -> None:
    assert CliRunner().invoke(app, [command, "--seed", "-1"]).exit_code == 2


def test_ctrl_c_is_one_word_and_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("firmware.sim.demo.demo", interrupted)
    done = CliRunner().invoke(app, ["demo"])
    assert done.exit_code == 130
    assert done.stderr == "kiosk: stopped\n"
