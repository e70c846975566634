"""README, CHANGELOG and docs name nothing that is not there: files, headings, commands, options, codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from centre.cli import app as centre
from config.catalogue import entry
from firmware.cli import app as kiosk

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
BEFORE = r"(?:^|\$ |&& |^sudo (?:-u \w+ )?|^[A-Z_]+=\S+ )(?:\S*/bin/)?"
COMMAND = re.compile(rf"{BEFORE}(kiosk(?:-centre)?)((?: [^\s#]+)*)")
MAKE = re.compile(rf"{BEFORE}make ([a-z]+)")
TREES = {"kiosk": get_command(kiosk), "kiosk-centre": get_command(centre)}
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code(page: Path) -> list[str]:
    """Each line of a code block, each span of code."""
    text = page.read_text()
    blocks = [body for kind, body in FENCE.findall(text) if kind != "mermaid"]
    return [line.strip() for body in blocks for line in body.splitlines()] + SPAN.findall(FENCE.sub("", text))


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def missing(tree: Any, words: list[str]) -> Iterator[str]:
    """What of these words the command does not know; `a | b` names two of one group."""
    group, here = tree, tree
    for word in words:
        known = {name for param in here.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
        if word == "|":
            here = group
        elif word.startswith("--"):
            yield from {word.partition("=")[0]} - known
        elif isinstance(here, TyperGroup) and re.fullmatch(r"[a-z][a-z-]*", word):
            if word not in here.commands:
                yield word
                return
            group, here = here, here.commands[word]


@pytest.fixture(scope="module")
def tests() -> str:
    """Names and functions of all test files."""
    files = (ROOT / "tests").rglob("*.py")
    return "\n".join(
        f"{path.name} {re.findall(r'def (test_[a-z0-9_]+)', path.read_text())}" for path in files
    )


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for found in LINK.findall(FENCE.sub("", page.read_text())):
        link = urlsplit(found[0] or found[1])
        if link.scheme:
            continue
        target = (page.parent / link.path) if link.path else page
        assert target.exists(), link.path
        assert not link.fragment or link.fragment in anchors(target), link.geturl()


@every_page
def test_every_command_and_option_exists(page: Path) -> None:
    for line in code(page):
        for program, said in COMMAND.findall(line):
            assert list(missing(TREES[program], said.split())) == [], line


@every_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in code(page):
        assert set(MAKE.findall(line)) <= targets, line


@every_page
def test_every_file_and_test_exists(page: Path, tests: str) -> None:
    for line in code(page):
        if re.fullmatch(
            r"(?:config|drivers|statemachine|ui_fb|firmware|centre|tests|deploy)/[a-z0-9_/.-]+", line
        ):
            assert (ROOT / line).exists(), line
        elif re.fullmatch(r"test_\w+(?:\.py)?", line):
            assert re.search(rf"\b{re.escape(line)}\b", tests), line


@every_page
def test_every_error_code_exists(page: Path) -> None:
    for named in set(re.findall(r"\bE-\d{3}\b", page.read_text())):
        assert entry(named), named


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("box fly", ["fly"]),
        ("box status | fly", ["fly"]),
        ("box adopt STICK --wings", ["--wings"]),
        ("box status | adopt SOURCE --rest", []),
    ],
)
def test_what_does_not_exist_is_found(words: str, what: list[str]) -> None:
    assert list(missing(TREES["kiosk"], words.split())) == what
