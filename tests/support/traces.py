"""Looks for people in files: their words and pictures in every dress in which a program might leave them.

A needle is found as UTF-8 in the form it has, composed, decomposed, in upper and lower case and without
marks, as UTF-16, as JSON escapes, percent-encoded, in hexadecimal, and in base64 at each of its three phases.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

PROBE = 8
"""Bytes that are looked up at once; a shorter needle would be found by chance."""
LONGEST = 120
"""Bytes of a picture or template that are looked for."""


class Traces:
    """`people`: who → what is theirs, words or bytes. Raises ValueError for what is too short to look for."""

    def __init__(self, people: Mapping[str, Iterable[str | bytes]]) -> None:
        self._known: dict[bytes, list[tuple[bytes, str]]] = {}
        for who, theirs in people.items():
            for value in theirs:
                for dressed in set(dresses(value)):
                    if len(dressed) < PROBE:
                        raise ValueError(f"too short to look for: {dressed!r}")
                    self._known.setdefault(dressed[:PROBE], []).append((dressed, who))

    def in_bytes(self, data: bytes) -> set[str]:
        """Who is found in `data`."""
        found = set()
        for at in range(len(data) - PROBE + 1):
            for dressed, who in self._known.get(data[at : at + PROBE], ()):
                if data.startswith(dressed, at):
                    found.add(who)
        return found

    def under(self, folder: Path) -> dict[str, set[str]]:
        """File → who is found in it or in its name; files without anybody are left out."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        hits = {
            str(path.relative_to(folder)): self.in_bytes(path.read_bytes() + b"\0" + str(path).encode())
            for path in files
        }
        return {name: who for name, who in hits.items() if who}


def dresses(value: str | bytes) -> Iterator[bytes]:
    """Every form in which a value is looked for."""
    if isinstance(value, str):
        for words in _spellings(value):
            yield words.encode("utf-16-le")
            yield json.dumps(words).strip('"').encode()
            yield quote(words).encode()
            yield from _plain_hex_and_base64(words.encode())
    else:
        yield from _plain_hex_and_base64(value[:LONGEST])


def _spellings(words: str) -> set[str]:
    composed = unicodedata.normalize("NFC", words)
    decomposed = unicodedata.normalize("NFD", words)
    bare = "".join(each for each in decomposed if not unicodedata.combining(each)).replace("đ", "d")
    forms = {composed, decomposed, bare, bare.replace("Đ", "D")}
    return forms | {form.upper() for form in forms} | {form.lower() for form in forms}


def _plain_hex_and_base64(data: bytes) -> Iterator[bytes]:
    yield data
    yield data.hex().encode()
    yield data.hex().upper().encode()
    for phase, shared in enumerate((0, 2, 3)):  # signs that the bytes before have a part in
        text = base64.b64encode(bytes(phase) + data)
        yield text[shared:-4]  # the last ones hold padding, or the bytes after
