"""The configuration: what is wrong in a file is said with file, key and what would be right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from config.load import HERE, ConfigError, load, overlaid
from config.schema import Config

BOARDS = sorted(path.stem for path in (HERE / "boards").glob("*.toml"))
ROOT = HERE.parent
SECTIONS = get_type_hints(Config)
OPTIONS = [(name, field.name) for name, kind in SECTIONS.items() for field in fields(kind)]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def test_without_a_file_of_its_own_a_box_is_virtual() -> None:
    config = load()
    assert config.station.profile == "virtual"
    assert overlaid(config, HERE / "default.toml") == config


def test_a_later_layer_says_what_is_different_and_nothing_else(site: Path) -> None:
    site.write_text('[station]\nteam = "TEAM-7"\n[finger]\nwait_s = 20\n', encoding="utf-8")
    config, board = load(site, board="pi4-7inch"), load(board="pi4-7inch")
    assert (config.station.team, config.finger.wait_s) == ("TEAM-7", 20.0)
    assert type(config.finger.wait_s) is float
    assert (config.display, config.panel, config.station.data) == (
        board.display, board.panel, board.station.data,
    )  # fmt: skip


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_loads_and_has_a_panel_wired_without_a_clash(board: str) -> None:
    panel = load(board=board).panel
    pins = [getattr(panel, field.name) for field in fields(panel) if field.name.endswith("_pin")]
    assert panel.driver == "gpio" and len(set(pins)) == len(pins) == 7


WRONG = {
    "unknown table": ("[statoin]\n", "unknown table [statoin]; allowed: station, display,"),
    "key in no table": ("language = 'vi'\n", "unknown key 'language'; allowed: station, display,"),
    "table as a value": ("station = 3\n", "[station] must be a table"),
    "tables in a list": ("[[station]]\nteam = 'x'\n", "[station] must be a table"),
    "unknown key": ("[station]\nlanguge = 'vi'\n", "[station] unknown key 'languge'; allowed: profile,"),
    "table in a table": ("[station.team]\nx = 1\n", "[station] team = {'x': 1}; must be text"),
    "number as text": ("[display]\nwidth_px = '800'\n", "[display] width_px = '800'; must be a whole number"),
    "fraction": ("[display]\nwidth_px = 800.5\n", "[display] width_px = 800.5; must be a whole number"),
    "yes as a number": ("[display]\nwidth_px = true\n", "[display] width_px = True; must be a whole number"),
    "text as a number": ("[finger]\nwait_s = 'soon'\n", "[finger] wait_s = 'soon'; must be a number"),
    "number as a text": ("[station]\nteam = 7\n", "[station] team = 7; must be text"),
    "list as a text": ("[station]\nteam = ['A']\n", "[station] team = ['A']; must be text"),
    "too small": ("[display]\nheight_px = 10\n", "[display] height_px = 10; allowed: 400 to 2160"),
    "too large": ("[finger]\nwait_s = 1e9\n", "[finger] wait_s = 1000000000.0; allowed: 5 to 300"),
    "not a number at all": ("[finger]\nwait_s = nan\n", "[finger] wait_s = nan; allowed: 5 to 300"),
    "unknown word": ("[station]\nlanguage = 'fr'\n", "[station] language = 'fr'; allowed: vi, en"),
    "a word as a list": ("[station]\nlanguage = ['vi']\n", "[station] language = ['vi']; allowed: vi, en"),
    "no TOML": ("[station\n", "not valid TOML"),
    "a key twice": ("[station]\nteam = 'A'\nteam = 'B'\n", "not valid TOML"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_refused_with_file_key_and_what_is_allowed(site: Path, what: str) -> None:
    text, expected = WRONG[what]
    site.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(site)
    assert str(refused.value).startswith(f"{site}: ") and expected in str(refused.value)


def test_bytes_that_are_no_text_are_refused(site: Path) -> None:
    site.write_bytes(b"\xff\xfe[station]")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(site)


def test_a_file_that_is_not_there_is_named(site: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(site)
    assert str(refused.value) == f"{site}: no such file"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("board", ["pi9", "../default", ""])
def test_an_unknown_board_is_told_which_there_are(board: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(board=board)
    assert ", ".join(BOARDS) in str(refused.value)


# --- an option that nobody reads is an error -------------------------------------------------------


def reads(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(table, option) for every `config.table.option` of a module, also through a name given to the table."""
    aliases = dict(_aliases(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            if (table := _table(node.value)) is not None:
                yield table, node.attr
            elif isinstance(node.value, ast.Name) and node.value.id in aliases:
                yield aliases[node.value.id], node.attr


def _table(node: ast.expr) -> str | None:
    """The table that an expression is, as in `config.panel` or `self.desk.config.panel`."""
    match node:
        case ast.Attribute(value=ast.Name(id="config") | ast.Attribute(attr="config"), attr=table):
            return table
    return None


def _aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """`panel = config.panel` gives a table another name."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if (table := _table(value)) is not None:
                yield name, table


def test_an_option_is_found_where_it_is_read() -> None:
    text = (
        "p = config.panel\nf(p.driver, self.desk.config.chip.reader)\nworkers.finger.serial\nconfig.x.y = 1"
    )
    assert sorted(reads(ast.parse(text))) == [("chip", "reader"), ("panel", "driver")]


def test_every_option_is_read_somewhere() -> None:
    folders = ("firmware", "drivers", "statemachine", "ui_fb", "centre")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    found = {one for path in sources for one in reads(ast.parse(path.read_text(encoding="utf-8")))}
    assert [f"[{table}] {option}" for table, option in OPTIONS if (table, option) not in found] == []
