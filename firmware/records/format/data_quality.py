"""The four virtues that the campaign asks of its data, measured: right, complete, clean, alive.

"Đúng, đủ, sạch, sống": each is a list of checks of a valid manifest; a part's figure is the share that
holds. The box and the centre run the same checks, so neither takes the other's word. Names of checks are
ids, never values: what they say may stand in logs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from config.codes import code_table
from firmware.records.format.check import parse_day, parse_moment
from firmware.records.format.number import NumberProblem
from firmware.records.format.number import check as check_number
from firmware.records.format.rules import packs
from firmware.records.format.vietnamese import tone_misplaced

Manifest = Mapping[str, Any]
Checks = Iterator[tuple[str, bool]]

VIRTUES = ("right", "complete", "clean", "alive")
ASKED = (
    "number", "full_name", "birth_date", "sex", "nationality", "ethnicity", "religion", "place_of_origin",
    "residence", "father_name", "mother_name",
)  # fmt: skip
"""What the form CC01 asks of everybody (Circular 17/2024/TT-BCA)."""
NAMES = ("full_name", "father_name", "mother_name", "spouse_name")
WORDS = (*NAMES, "place_of_origin", "residence", "religion", "ethnicity", "nationality")
BORN, LIVES = ("provinces-2025", "provinces-2008"), ("provinces-2025",)
"""The tables that a place of origin and an address of today are taken from."""
FRESH_LOOKUP = timedelta(hours=72)
"""As long as a box may be away: an older extract no longer shows how people live now."""
FRESH_CAPTURE = timedelta(days=30)
"""As long as a visit may wait: the picture is of the person of today."""


@dataclass(frozen=True, slots=True)
class Part:
    """One virtue: the checks that were made, and the names of those that failed."""

    made: int
    failed: tuple[str, ...]

    @property
    def share(self) -> float:
        """0..1."""
        return (self.made - len(self.failed)) / self.made

    @property
    def percent(self) -> int:
        """Rounded down: 100 only where nothing failed."""
        return int(100 * self.share)


@dataclass(frozen=True, slots=True)
class DataQuality:
    right: Part
    complete: Part
    clean: Part
    alive: Part

    def percents(self) -> dict[str, int]:
        """Each virtue's figure; nothing personal."""
        return {name: getattr(self, name).percent for name in VIRTUES}


def measure(manifest: Manifest) -> DataQuality:
    """Measure a manifest that `schema.validate` finds no problem in."""
    return DataQuality(*(_part(checks(manifest)) for checks in (_right, _complete, _clean, _alive)))


def _part(checks: Checks) -> Part:
    results = list(checks)
    return Part(len(results), tuple(name for name, held in results if not held))


def _right(manifest: Manifest) -> Checks:
    """It is this person, and the sources do not contradict each other."""
    subject, proof = manifest["subject"], manifest["proof"]
    yield "number", _number_agrees(manifest)
    yield "proof", proof["method"] in ("finger", "chip")
    old = manifest["old_card"]
    yield "old_card", old is not None and old["read"] in ("chip", "QR")
    yield "registry", manifest.get("registry") is not None
    for name in subject:
        yield f"confirmed.{name}", subject[name]["confirmed"]


def _complete(manifest: Manifest) -> Checks:
    """Everything is there that the form and the rule pack ask for."""
    subject, pack = manifest["subject"], packs()[manifest["rule_pack"]]
    for name in ASKED:
        yield name, bool(subject.get(name, {}).get("value"))
    for finger in manifest["fingers"]:
        good = finger["score"] is not None and finger["score"] >= pack.fingers.least(finger["position"])
        yield finger["position"], good or finger["exception"] is not None
    yield (
        "scored",
        all(not finger["scorer"]["estimate"] for finger in manifest["fingers"] if finger["scorer"]),
    )
    yield "portrait", not manifest["portrait"].get("flags")
    yield "card", not manifest["issued_here"] or manifest["chip"] is not None


def _clean(manifest: Manifest) -> Checks:
    """It is spelt and coded as every other register spells and codes it, and nothing is there twice."""
    subject = {name: field["value"] for name, field in manifest["subject"].items() if field["value"]}
    for name in WORDS:
        if name in subject:
            yield f"spelling.{name}", _is_clean(subject[name])
    for name in NAMES:
        if name in subject:
            yield f"letters.{name}", not any(letter.isdigit() for letter in subject[name])
    if "ethnicity" in subject:
        yield "code.ethnicity", subject["ethnicity"] in code_table("ethnic_groups").names
    for name, tables in (("place_of_origin", BORN), ("residence", LIVES)):
        if name in subject:
            yield f"code.{name}", any(_province_is_of(subject[name], table) for table in tables)
    digests = [file["sha256"] for file in manifest["files"].values()]
    yield "no_duplicates", len(set(digests)) == len(digests)


def _alive(manifest: Manifest) -> Checks:
    """It is how the person lives and looks now."""
    completed = _moment(manifest["completed_at"])
    lookup = manifest.get("registry")
    asked = parse_moment(lookup["as_of"]) if lookup else None
    yield "lookup", asked is not None and completed - asked <= FRESH_LOOKUP
    residence = manifest["subject"].get("residence", {}).get("value", "")
    yield "address_table", _province_is_of(residence, LIVES[0])
    for finger in manifest["fingers"]:
        last = max((attempt["at"] for attempt in finger["attempts"]), default=None)
        if last is not None:
            yield finger["position"], completed - _moment(last) <= FRESH_CAPTURE
    yield "portrait", completed - _moment(manifest["portrait"]["at"]) <= FRESH_CAPTURE


def _number_agrees(manifest: Manifest) -> bool:
    subject = manifest["subject"]
    try:
        born = parse_day(subject["birth_date"]["value"])
        check_number(subject["number"]["value"], born, subject["sex"]["value"])
    except NumberProblem:
        return False
    return True


def _is_clean(text: str) -> bool:
    """One space between words, none around, composed letters, tone marks where they belong."""
    composed = unicodedata.is_normalized("NFC", text)
    return composed and text == " ".join(text.split()) and not tone_misplaced(text)


def _province_is_of(address: str, table: str) -> bool:
    """Whether the last part of an address is a name of the table, with or without what it is."""
    last = address.rpartition(",")[2].strip()
    for kind in ("Tỉnh ", "tỉnh ", "Thành phố ", "thành phố ", "TP. ", "TP "):
        last = last.removeprefix(kind)
    return last in code_table(table).names


def _moment(text: str) -> Any:
    moment = parse_moment(text)
    assert moment is not None  # noqa: S101  the schema saw to it
    return moment
