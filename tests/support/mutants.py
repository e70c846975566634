"""Valid manifests, and what becomes of them in the hands of somebody who means no good."""

from __future__ import annotations

import copy
import enum
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from firmware.records.format.manifest import files_table
from firmware.records.format.schema import FINGERS
from support import record
from support.centre import without_card

Manifest = dict[str, Any]
Path = tuple[Any, ...]
GUARDIAN = {"full_name": "Trần Văn Mẫu", "number": "001080000013", "relation": "father"}


class Word(enum.StrEnum):
    """Text that is more than text, as the flow's states are."""

    STEP = "FINGERS"


class Number(enum.IntEnum):
    ONE = 1


def _child() -> Manifest:
    child = record.manifest(guardian=GUARDIAN)
    for key, value in (("birth_date", "2013-05-06"), ("number", "001313000017")):
        child["subject"][key]["value"] = value
    return child


def _of_2022() -> Manifest:
    at = dict.fromkeys(("started_at", "completed_at"), "2022-03-02T03:04:00Z")
    return record.manifest(rule_pack="7/2021", iris=None, steps=[], **at)


def _no_hands() -> Manifest:
    files = {name: data for name, data in record.files().items() if not name.startswith("fingers/")}
    return record.manifest(fingers=[record.excepted(f) for f in FINGERS], files=files_table(files))


def _second_card() -> Manifest:
    void = {"attempt": 1, "sod_sha256": "ee" * 32, "officers": ["O-1"], "at": record.AT}
    manifest = record.manifest(void_cards=[void])
    manifest["chip"]["attempt"] = 2
    return manifest


VALID: dict[str, Callable[[], Manifest]] = {
    "with a card": record.manifest,
    "without a card": lambda: record.manifest(**without_card()),
    "of a child": _child,
    "of 2022": _of_2022,
    "of no hands": _no_hands,
    "with a second card": _second_card,
}

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 100, 101, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**63, 10**400,
    0.0, -0.0, 1.0, 100.0, 61.25, 1e-7, 1e21, 5e-324, 1e300, float("nan"), float("inf"), -float("inf"),
    Number.ONE, Word.STEP, b"bytes", (), [], {}, (1,), {"no": "such"}, {1: 2},
    "", " ", "x", "0", "1", "M", "F", "female", "x" * 80, "x" * 81, "ệ" * 400, "ệ" * 401, "x" * 2_000_000,
    "e\u0301", "\u0344", "\u212b", "\ufb01", "ẞ", "😀", "\U0003fffe", "\ue000", "\u200d", "\u202e", "\ufeff",
    "\x00", "\n", "\u2028", "\ud800", "\udfff", "\uffff", "'; DROP TABLE records; --", "%s %(x)s", "../../x",
    "001304000017", "００１３０４０００01７", "001080000013", "2004-05-06", "2004-02-30", "0000-00-00",
    "9999-12-31",
    record.AT, "2026-03-02T03:00:00.123456Z", "2026-03-02T24:00:00Z", "2026-03-02T23:59:60Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-03-02T03:00:00+07:00", "2026-03-02t03:00:00z",
    "ab" * 32, "AB" * 32, "0" * 64, "first_issue", "renewal", "correction", "7/2021", "7/2024", "1/2021",
    "BOX-02", "right_thumb", "officer", "chip", "portrait.jp2", "chip/report.json", "fingers/left_thumb.png",
)  # fmt: skip


def deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value within `value`, containers too; not all of what is deep or long."""
    if path:
        yield path
    if len(path) > 6:
        return
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value[:12]) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        yield from places(entry, (*path, key))


def _at(manifest: Any, path: Path) -> Any:
    for key in path:
        manifest = manifest[key]
    return manifest


def _otherwise(value: Any) -> list[Any]:
    """The same, said otherwise: by type, by length, by form."""
    match value:
        case bool():
            return [int(value), str(value).lower(), not value]
        case int() | float():
            return [float(value), -value, value + 1, value * 10, str(value), value + 0.5]
        case str():
            forms = [unicodedata.normalize(form, value) for form in ("NFD", "NFKC", "NFKD")]
            return [
                *forms,
                value + " ",
                value.upper(),
                value.lower(),
                value * 2,
                value[:-1],
                [value],
                "\u00a0" + value,
            ]
        case list():
            return [
                tuple(value),
                value[:-1],
                [*value, *value],
                value[::-1],
                dict(enumerate(value)),
                value * 300,
            ]
        case dict():
            return [
                list(value.items()),
                {**value, "more": 1},
                {**value, 1: 2},
                dict(reversed(value.items())),
                {},
            ]
    return [0, ""]


@st.composite
def mutants(draw: st.DrawFn) -> Manifest:
    """A valid manifest with one to three things changed."""
    manifest = copy.deepcopy(VALID[draw(st.sampled_from(sorted(VALID)))]())
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(sorted(places(manifest), key=repr)))
        holder = _at(manifest, tuple(way))
        match draw(
            st.sampled_from(("otherwise", "otherwise", "strange", "strange", "swap", "remove", "deep"))
        ):
            case "otherwise":
                holder[last] = draw(st.sampled_from(_otherwise(holder[last])))
            case "strange":
                holder[last] = draw(st.sampled_from(STRANGE))
            case "swap":
                holder[last] = copy.deepcopy(
                    _at(manifest, draw(st.sampled_from(sorted(places(manifest), key=repr))))
                )
            case "remove":
                del holder[last]
            case "deep":  # what follows would have to walk through it
                holder[last] = deep(draw(st.sampled_from((3, 60, 2_000))))
                break
        if not manifest:
            break
    return manifest
