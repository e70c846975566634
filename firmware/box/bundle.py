"""`kiosk doctor --bundle`: what the service team needs to find a fault, and nothing of a person.

A zip, encrypted with age to the recipient in the identity folder's `service.txt`. Each part is made by
itself: one that fails says so in its place, for a bundle is made where something is broken. Everything goes
through `firmware.box.discretion`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage

from firmware import crash
from firmware.box import discretion
from firmware.records import disk

RECIPIENT = "service.txt"
MOST_ROWS = 3000
"""Of one part."""
Row = Mapping[str, Any]
Make = Callable[[], Iterable[Row]]
README = """Gói sự cố của một máy thu nhận căn cước · The incident bundle of an enrolment kiosk

Each .jsonl file holds one JSON object a line. Nothing in here is of a person: fields and words that are not
known to be harmless were left out (…, a number #). A record is named by the first 12 hexadecimal digits of
the SHA-256 of its id; `kiosk explain CODE` says what a code means. A part that could not be made says so
in its file: {"part", "error", "lines"}.

"""


class BundleRefused(Exception):
    """A bundle cannot be made: there is nobody to encrypt it to, or the key is none; the message says so."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the bundle: `about` is its line in the README, `make` gives its rows."""

    name: str
    about: str
    make: Make


@dataclass(frozen=True, slots=True)
class Written:
    """`failed` are the parts that say so instead of what they should."""

    path: Path
    size_bytes: int
    recipient: str
    failed: tuple[str, ...]


def write(parts: Sequence[Part], identity: Path, target: Path, say: Callable[[str], None]) -> Written:
    """Make every part, encrypt them and put the bundle at `target`, whole or not at all.

    Raises BundleRefused, before anything is made, and StoreError where `target` cannot be written.
    """
    name, recipient = _recipient(identity / RECIPIENT)
    failed: list[str] = []
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", README + "".join(f"{each.name}: {each.about}\n" for each in parts))
        for part in parts:
            rows, error = _made(part)
            failed += [part.name] if error else []
            bundle.writestr(part.name, "".join(f"{line}\n" for line in _lines((*rows, *error))))
            say(f"{part.name}  {len(rows)}" + ("  (failed)" if error else ""))
    sealed = pyrage.encrypt(packed.getvalue(), [recipient])
    disk.write(target, sealed)
    return Written(target, len(sealed), name, tuple(failed))


def _recipient(path: Path) -> tuple[str, pyrage.x25519.Recipient]:
    try:
        named = [line for line in path.read_text(encoding="ascii").split() if line.startswith("age1")]
        return named[0], pyrage.x25519.Recipient.from_str(named[0])
    except (OSError, UnicodeDecodeError, IndexError, pyrage.RecipientError) as exc:
        raise BundleRefused(f"{path} names no age recipient: the centre hands it out") from exc


def _made(part: Part) -> tuple[list[Row], list[Row]]:
    """The rows of a part, and if it broke off, what of: kinds and lines of code, never a message."""
    rows: list[Row] = []
    try:
        for each in part.make():
            if len(rows) == MOST_ROWS:
                break
            rows.append(each)
    except Exception as exc:  # noqa: BLE001  whatever is broken on this box is why a bundle is made
        return rows, [{"part": part.name.partition(".")[0], **crashed(crash.report(exc).splitlines())}]
    return rows, []


def crashed(lines: Sequence[str]) -> Row:
    """The report of a crash (`firmware.crash`) as a row: kind of error, lines of code."""
    kinds = [line.strip() for line in lines if line and not line.startswith(" ")]
    code = [line.strip() for line in lines if line.startswith(" ")]
    return {"error": kinds[0] if kinds else "", "lines": [_in_house(line) for line in code][-30:]}


def _in_house(line: str) -> str:
    """`/opt/…/firmware/app/kiosk.py:193 handle` from its house on."""
    starts = [line.find(f"/{house}/") for house in discretion.HOUSE]
    first = min((start for start in starts if start >= 0), default=-1)
    return line[first + 1 :]


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    return (json.dumps(discretion.row(each), ensure_ascii=False, sort_keys=False) for each in rows)
