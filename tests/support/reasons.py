"""Every reason that the product can give: read from the code that gives it, and from its tables and enums."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from drivers.token.errors import Why
from drivers.tpm.errors import Why as WhyTpm
from firmware import preflight
from firmware.quality.qr import QrProblem
from firmware.records.errors import StoreError
from firmware.records.format.number import WHY
from statemachine.states import Device
from ui_fb.screens.attend import REASONS as HELP
from ui_fb.words import words

ROOT = Path(preflight.__file__).parents[1]
KEY = re.compile("[a-z][a-z0-9_]{2,59}")
GIVERS = frozenset(
    """because StepFailed NotProven Unreadable ActRefused ChipBroken SealPutOff RecordFrozen PersonUnknown
    FingerDoubted StoreFailed CardMoved Locked PinRefused""".split()  # noqa: SIM905  a table
)
"""Calls that carry a reason, beside those whose name ends with Refused."""
SILENT = frozenset("asked left officer not_issued unlocked".split())  # noqa: SIM905  a table
"""Reasons of which nobody has to be told anything: a person asked, went away, or an officer decided."""
DECIDERS = (
    "clock.py",
    "courier.py",
    "epochs.py",
    "held.py",
    "ingest.py",
    "leases.py",
    "sequence.py",
    "cards.py",
)
"""Where a check's own function gives the key: the clock's distrust, and why the centre holds a record."""
NO_KEY = "unknown"
"""What `firmware.uplink.client` says for an answer of the centre that names no key."""
TABLES = re.compile("PROBLEM_OF_|.*_BECAUSE$")
NO_REASONS = frozenset({"sim", "virtual"})
FROM_DEVICES = frozenset({"DeviceRefused", "TokenRefused", "TpmRefused"})
"""They name a device first; what a token or a TPM means is an enum."""


@cache
def given() -> frozenset[str]:
    """All of them; a capture's hints (press_more, closer) are advice themselves and are not among these."""
    found = {*HELP, *_of_presenter(), *_of_code(), *_of_enums(), *_of_team(), NO_KEY}
    return frozenset(found - SILENT - hints() - {""})


@cache
def hints() -> frozenset[str]:
    texts = words("en").texts
    return frozenset(
        key.partition(".")[2] for key in texts if key.startswith(("finger_hint.", "portrait_hint."))
    )


def _of_presenter() -> Iterator[str]:
    """The keys of the tables that turn a reason into words."""
    for path in sorted((ROOT / "firmware").glob("presenter*/*.py")):
        for node in ast.walk(_tree(path)):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)]) if TABLES.match(name):
                    yield from _keys_of(node.value)


def _keys_of(table: ast.expr) -> Iterator[str]:
    for node in ast.walk(table):
        match node:
            case ast.Dict():
                yield from map(_key, node.keys)
            case ast.Call(func=ast.Attribute(attr="fromkeys"), args=[ast.Tuple(elts=keys), *_]):
                yield from map(_key, keys)


def _of_enums() -> Iterator[str]:
    yield from (f"lost_{device}" for device in Device)
    yield from (problem.value for problem in QrProblem)
    yield from (f"number_{why}" for why in WHY)
    yield from (f"token_{why}" for why in Why)
    yield from (f"tpm_{why}" for why in WhyTpm)
    yield from (f"preflight{check.__name__}" for check in (*preflight.EVERY_BOX, *preflight.PRODUCTION))
    yield from (kind.reason for kind in _kinds(StoreError))


def _kinds(kind: type[StoreError]) -> Iterator[type[StoreError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _of_team() -> Iterator[str]:
    """What the team's two screens turn red for."""
    for key in words("en").texts:
        section, _, name = key.partition(".")
        if section == "check":
            yield f"check_{name.replace(' ', '_')}"
        if section == "status" and name.startswith("incident_"):
            yield name
    yield from (f"alarm_{name}" for name in _arguments_of("append", ROOT / "firmware" / "doctor.py"))


def _of_code() -> Iterator[str]:
    for folder in ("firmware", "statemachine", "drivers", "centre"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not NO_REASONS & set(path.parts):
                yield from _of_file(path)


@cache
def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError:  # pragma: no cover  somebody is writing it
        return ast.Module([], [])


def _of_file(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        match node:
            case ast.Call():
                name = _name(node.func)
                if name in GIVERS or (name.endswith("Refused") and name not in FROM_DEVICES):
                    yield from _first_key(node.args)
                yield from (_key(each.value) for each in node.keywords if each.arg == "reason")
            case (
                ast.AnnAssign(target=ast.Name(id="reason"), value=ast.Constant())
                | ast.Assign(targets=[ast.Name(id="reason")], value=ast.Constant())
            ):
                yield _key(node.value)
    if path.name in DECIDERS:
        yield from _decided(_tree(path))


def _decided(tree: ast.Module) -> Iterator[str]:
    """What a function yields, returns, appends or names in capitals, where it is a key of two words."""
    for node in ast.walk(tree):
        match node:
            case ast.Yield(value=ast.expr() as value) | ast.Return(value=ast.expr() as value):
                yield from _two_words(value)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name.isupper():
                yield from _two_words(value)
            case ast.Assign(targets=[ast.Tuple()], value=ast.Tuple(elts=values)):
                yield from (key for value in values for key in _two_words(value))
            case ast.Call(func=ast.Attribute(attr="append"), args=[value]):
                yield from _two_words(value)


def _two_words(value: ast.expr) -> Iterator[str]:
    """The keys that an expression may come to: a constant, or one of an if, an or, a list."""
    match value:
        case ast.Constant():
            yield from (key for key in (_key(value),) if "_" in key)
        case ast.IfExp():
            yield from (*_two_words(value.body), *_two_words(value.orelse))
        case ast.BoolOp(values=several) | ast.List(elts=several) | ast.Dict(values=several):
            yield from (key for each in several for key in _two_words(each))


def _arguments_of(call: str, path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and _name(node.func) == call:
            yield from _first_key(node.args)


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _first_key(arguments: list[ast.expr]) -> Iterator[str]:
    """The first argument that is a key; (409, "attempt_void") has it second."""
    yield from [key for key in map(_key, arguments[:2]) if key][:1]


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
        return node.value
    return ""
