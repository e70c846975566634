"""What the screens say: one TOML catalogue a language, the same keys and the same fields in each.

`words("vi").say("fingers.attempt", number=1, of=3)`. A key that is not there is a bug, and an error. In the
files `~` ties two syllables of one word, so that no line breaks between them.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ui_fb.text import nfc

FOLDER = Path(__file__).parent
NO_BREAK = "\N{NO-BREAK SPACE}"
LANGUAGES = ("vi", "en")  # the first is the one that a person sees before choosing

Tree = Mapping[str, "str | Tree"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language's texts, NFC, by dotted key."""

    language: str
    texts: Mapping[str, str]

    def say(self, key: str, **fields: str | int) -> str:
        """Return the text of `key`, its fields set; raises KeyError for an unknown key or a missing field."""
        return nfc(self.texts[key].format(**fields))

    def knows(self, key: str) -> bool:
        return key in self.texts


@functools.cache
def words(language: str) -> Catalogue:
    """Return the catalogue of `language`; raises ValueError naming the ones there are."""
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: there are {', '.join(LANGUAGES)}")
    tree = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    return Catalogue(language, {key: nfc(text).replace("~", NO_BREAK) for key, text in _flat(tree, "")})


def _flat(tree: Tree, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, str):
            yield prefix + key, value
        else:
            yield from _flat(value, f"{prefix}{key}.")
