"""The one way out of the box for diagnostics: what is not known to be harmless does not pass.

Nothing is searched for and struck out. A row's field passes where its name is listed here with a shape and
its value has that shape; of free text only words that the program itself is written in, and small numbers.
What does not pass is `…`, a number `#`.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from config.catalogue import code_of
from firmware.records.states import RecordState
from statemachine.states import S

ROOT = Path(__file__).parents[2]
HOUSE = ("config", "drivers", "firmware", "statemachine", "ui_fb")
MADE_UP = frozenset({"sim", "virtual"})
"""Folders that name people: their words are not the program's."""
HIDDEN, NUMBER = "…", "#"
MOST_CHARACTERS = 2000
"""Of one line of free text."""
MOST = 100_000_000
"""A number of more than eight digits is none of a machine's, and may be a person's."""
SHAPES: Mapping[str, str] = {
    "moment": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)",
    "mark": r"[0-9a-f]{12}",
    "digest": r"[0-9a-f]{64}",
    "code": r"E-\d{3}",
    "version": r"\d{1,5}([.+~_-]?[0-9a-z]{1,12}){0,9}",
    "library": r"(?!.*\d{3})[A-Za-z][A-Za-z0-9._-]{0,39}",
    "place": r"(?!.*\d{7})[A-Z][A-Z0-9-]{0,39}",
    "choice": r"[a-z][a-z0-9_-]{0,29}",
    "byte": r"[0-9A-F]{2}",
    "two_bytes": r"[0-9A-F]{4}",
    "actor": r"kiosk|centre|officer-\d{1,3}",
}
"""Of values that the program itself has made; keys, states, classes and words must also be known ones."""
_FIELDS_OF: Mapping[str, tuple[str, ...]] = {
    "moment": ("at", "oldest_at", "taken_at", "reported_at"),
    "mark": ("record",),
    "digest": ("lock_sha256",),
    "code": ("code",),
    "version": ("version", "python", "kernel"),
    "library": ("library",),
    "place": ("box",),
    "choice": ("setting", "machine", "os"),
    "actor": ("actor",),
    "byte": ("cla", "ins"),
    "two_bytes": ("p1p2", "file", "sw", "inner"),
    "line": ("lines",),
    "key": (
        "name", "section", "option", "act", "reason", "kind", "verdict", "move", "part", "subject", "device",
    ),
    "state": ("state", "level"),
    "class": ("error", "logger"),
    "words": ("value", "limit", "advice", "message", "problem"),
    "number": (
        "count", "attempt", "left", "sequence", "epoch", "serial", "n", "free_mb", "held_mb", "unsent",
        "used", "temperature_c", "uptime_h", "setting", "sent", "came", "within_ms",
    ),
}  # fmt: skip
FIELDS: Mapping[str, frozenset[str]] = {
    field: frozenset(shape for shape, fields in _FIELDS_OF.items() if field in fields)
    for fields in _FIELDS_OF.values()
    for field in fields
}
"""Each field that a bundle may hold, and what its value must look like; one that is not here is left out."""
STATES = frozenset((*S, *RecordState, "ERROR", "WARNING", "INFO", "DEBUG", "CRITICAL"))
CAPITALS = frozenset(
    ("APDU", "ATR", "GPIO", "HTTP", "I2C", "PC", "RTC", "SC", "SOD", "SW", "TLS", "TPM", "USB")
)
_TOKEN = re.compile(
    r"""(?P<line>(?:\S*/)?(?P<file>(?:config|drivers|firmware|statemachine|ui_fb)/[a-z_/0-9]{1,80}\.py)
        :(?P<n>\d{1,5})\b)
    | (?P<hex>\b0x[0-9A-Fa-f]{1,8}\b)
    | (?P<measure>(?<![\w.,:/-])\d{1,5}(?:\.\d{1,2})?\ ?(?:ms|MB|GB|px|°C|s|h)\b)
    | (?P<number>(?<!\w)\d+(?:[\s.,:/_+-]+\d+)*(?!\w))
    | (?P<word>\w+)
    | (?P<mark>[ -~])
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def row(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one row, each as it may leave the box."""
    return {key: _field(key, value) for key, value in fields.items() if key in FIELDS}


def words(text: str) -> str:
    """Free text, as a log line or an error's message, with only the program's own words in it."""
    told = "".join(_token(found) for found in _TOKEN.finditer(text[:MOST_CHARACTERS]))
    return re.sub(rf"(?:{HIDDEN}[\s,.;:|/+=_-]*){{2,}}", f"{HIDDEN} ", told).strip()


def mark(record_id: str) -> str:
    """A record's name in a bundle: whoever has the box can find it again, nobody else can."""
    return sha256(record_id.encode()).hexdigest()[:12]


def _field(field: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_field(field, each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    shapes = FIELDS[field]
    if isinstance(value, int | float):
        return value if "number" in shapes and abs(value) < MOST else NUMBER
    if "words" in shapes:
        return words(str(value))
    return str(value) if any(_fits(shape, str(value)) for shape in shapes) else HIDDEN


def _fits(shape: str, value: str) -> bool:
    match shape:
        case "key":
            return bool(code_of(value)) or all(part in vocabulary() for part in (*value.split("_"),))
        case "state":
            return value in STATES
        case "class":
            return all(part in vocabulary() for part in value.split("."))
        case "line":
            code = re.fullmatch(r"([a-z_/0-9]+\.py):\d{1,5} <?(\w+)>?", value)
            return code is not None and code[1] in _house() and code[2] in vocabulary()
    return shape in SHAPES and re.fullmatch(SHAPES[shape], value) is not None


def _token(found: re.Match[str]) -> str:
    text = found.group()
    match found.lastgroup:
        case "hex" | "measure" | "mark":
            return text
        case "number":
            return text if len(text) <= 3 and text.isascii() else NUMBER
        case "word":
            return text if text in vocabulary() or text in CAPITALS else HIDDEN
    return f"{found['file']}:{found['n']}" if found["line"] and found["file"] in _house() else HIDDEN


_ERROR = re.compile("[A-Z][A-Za-z]*(Error|Exception|Exit|Interrupt|Timeout|Unavailable)")


@cache
def vocabulary() -> frozenset[str]:
    """The words that the program is written in: its names and, in lower case, those of its messages."""
    built_in = (name for name in dir(builtins) if _ERROR.fullmatch(name))
    words_of_all = (word for name in _house() for word in _words_of(ROOT / name))
    return frozenset(("a", "builtins", "lambda", *built_in, *words_of_all))


@cache
def _house() -> frozenset[str]:
    """The program's files, as `firmware/loop.py`."""
    found = (path.relative_to(ROOT) for house in HOUSE for path in (ROOT / house).rglob("*.py"))
    return frozenset(path.as_posix() for path in found if not MADE_UP & set(path.parts))


def _words_of(path: Path) -> Iterator[str]:
    """Names of classes, functions, modules and errors; the rest in lower case, as no person is written."""
    yield from path.relative_to(ROOT).with_suffix("").parts
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield from (name, *_lower(name.split("_")))
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield from (name,) if _ERROR.fullmatch(name) else _lower((name, *name.split("_")))
            case ast.Import(names=several) | ast.ImportFrom(names=several):
                yield from _lower(part for each in several for part in each.name.split("."))
            case ast.Constant(value=str(text)):
                yield from _lower(re.findall(r"[^\W\d]+", text.replace("_", " ")))


def _lower(found: Iterable[str]) -> Iterator[str]:
    return (word for word in found if len(word) > 1 and re.fullmatch("[a-z_]+", word))
