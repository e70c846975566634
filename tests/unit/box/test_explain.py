from __future__ import annotations

import pytest
from typer.testing import CliRunner

from config.catalogue import areas
from firmware.cli import app


def test_a_code_is_explained_in_both_languages() -> None:
    said = CliRunner().invoke(app, ["explain", "e-512"])
    assert said.exit_code == 0
    assert said.output.splitlines()[0] == "E-512  stick_incomplete"
    for words in (
        "USB bị rút ra",
        "Cắm lại vào máy cũ",
        "The stick was pulled out",
        "Put it back into the old box",
    ):
        assert words in said.output


def test_a_reason_is_explained_as_its_code() -> None:
    outputs = {
        CliRunner().invoke(app, ["explain", word]).output for word in ("E-303", "303", "hold_card_still")
    }
    assert len(outputs) == 1


def test_without_a_code_the_whole_catalogue_is_listed() -> None:
    said = CliRunner().invoke(app, ["explain"]).output
    for area in areas():
        assert area.name.vi in said
        assert all(each.code in said and each.cause.vi in said for each in area.entries)


def test_a_code_that_is_none_is_one_line_and_an_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["explain", "E-999"])
    assert ended.value.code == 1
    assert len(capfd.readouterr().err.splitlines()) == 1
