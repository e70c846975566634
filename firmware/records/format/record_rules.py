"""Rules over several fields of a manifest that is well-formed field by field. Each returns its problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from config.rulepack import RulePack
from firmware.records.format import number
from firmware.records.format.check import parse_day, parse_moment
from firmware.records.format.errors import Problem
from firmware.records.format.rules import age_on, local_day, may_renew, pack_on, packs

Manifest = Mapping[str, Any]
FIRST = "0" * 64
"""The `previous_digest` of a box's record number 1."""


def across_fields(manifest: Manifest) -> list[Problem]:
    """All problems between fields; `manifest` has passed the table of `schema`."""
    return [problem for rule in RULES for problem in rule(manifest)]


def _times(manifest: Manifest) -> Iterator[Problem]:
    started, completed = _moment(manifest["started_at"]), _moment(manifest["completed_at"])
    if completed < started:
        yield Problem("completed_at", "is before started_at")
    try:
        in_force = pack_on(local_day(started))
    except LookupError:
        yield Problem("started_at", "is before the first rule pack: is the clock right?")
        return
    if manifest["rule_pack"] != in_force.name:
        yield Problem("rule_pack", f"was not in force on started_at (then: {in_force.name})")
    moments = [_moment(step["at"]) for step in manifest["steps"]]
    if moments != sorted(moments):
        yield Problem("steps", "run backwards in time")


def _chain(manifest: Manifest) -> Iterator[Problem]:
    if (manifest["sequence"] == 1) != (manifest["previous_digest"] == FIRST):
        yield Problem("previous_digest", "must be all zeros for record number 1 and only for it")


def _person(manifest: Manifest) -> Iterator[Problem]:
    subject = manifest["subject"]
    if subject["sex"]["value"] not in ("M", "F"):
        yield Problem("subject.sex.value", "must be one of M, F")
    for key in ("birth_date", "issue_date", "expiry_date"):
        value = subject[key]["value"] if key in subject else ""
        if (value or key == "birth_date") and parse_day(value) is None:
            yield Problem(f"subject.{key}.value", "must be a date YYYY-MM-DD")
    issued, expires = (_optional_day(subject, key) for key in ("issue_date", "expiry_date"))
    if issued and expires and expires <= issued:
        yield Problem("subject.expiry_date.value", "is not after issue_date")
    yield from _number(subject)


def _corrections(manifest: Manifest) -> Iterator[Problem]:
    """A field that the citizen did not confirm is a correction case, and no other field is one."""
    noted = {correction["field"] for correction in manifest["corrections"]}
    for name, field in manifest["subject"].items():
        if field["confirmed"] == (name in noted):
            yield Problem(f"subject.{name}.confirmed", "must be true unless corrections has the field")


def _approval(manifest: Manifest) -> Iterator[Problem]:
    portrait = manifest["portrait"]
    if portrait.get("flags") and "approved_by" not in portrait:
        yield Problem("portrait.approved_by", "is missing for a portrait with flags")


def _number(subject: Manifest) -> Iterator[Problem]:
    sex, born = subject["sex"]["value"], _optional_day(subject, "birth_date")
    try:
        number.check(subject["number"]["value"], born, sex if sex in ("M", "F") else None)
    except number.NumberProblem as problem:
        yield Problem("subject.number.value", str(problem))


def _age(manifest: Manifest) -> Iterator[Problem]:
    born = _optional_day(manifest["subject"], "birth_date")
    if born is None:
        return
    pack, today = packs()[manifest["rule_pack"]], local_day(_moment(manifest["started_at"]))
    age = age_on(born, today)
    if born > today:
        yield Problem("subject.birth_date.value", "is in the future")
    elif age > 130:
        yield Problem("subject.birth_date.value", "makes the person older than 130")
    elif age < pack.from_age:
        yield Problem("subject.birth_date.value", f"is under the age of {pack.from_age} (pack {pack.name})")
    if age < pack.guardian_below and manifest["guardian"] is None:
        yield Problem("guardian", f"is missing for a person under {pack.guardian_below}")
    if manifest["case"] == "renewal" and not may_renew(pack, age):
        yield Problem("case", f"is renewal before the age of {pack.renewal_ages[0]}")
    yield from _iris(manifest, pack, age)


def _iris(manifest: Manifest, pack: RulePack, age: int) -> Iterator[Problem]:
    asked = pack.iris_from_age is not None and age >= pack.iris_from_age
    if asked and manifest["iris"] is None:
        yield Problem("iris", f"must say why it was not captured (pack {pack.name})")


def _guardian(manifest: Manifest) -> Iterator[Problem]:
    guardian = manifest["guardian"]
    if guardian is None:
        return
    if guardian["number"] == manifest["subject"]["number"]["value"]:
        yield Problem("guardian.number", "is the citizen's own")
    try:
        number.check(guardian["number"])
    except number.NumberProblem as problem:
        yield Problem("guardian.number", str(problem))


def _proof(manifest: Manifest) -> Iterator[Problem]:
    needs = {"finger": ("finger", "score"), "chip": (), "officer": ("officer",)}
    for key in needs[manifest["proof"]["method"]]:
        if key not in manifest["proof"]:
            yield Problem(f"proof.{key}", f"is missing for method {manifest['proof']['method']}")


def _fingers(manifest: Manifest) -> Iterator[Problem]:
    positions = [finger["position"] for finger in manifest["fingers"]]
    if len(set(positions)) != len(positions):
        yield Problem("fingers", "must name each of the ten positions once")
    for at, finger in enumerate(manifest["fingers"]):
        yield from _finger(finger, f"fingers[{at}]")


def _finger(finger: Manifest, where: str) -> Iterator[Problem]:
    scores = [attempt["score"] for attempt in finger["attempts"] if attempt["score"] is not None]
    if finger["exception"] is None and finger["image"] is None:
        yield Problem(where, "has neither an image nor an exception")
    if finger["image"] is None:
        if finger["score"] is not None:
            yield Problem(f"{where}.score", "is given without an image")
        if finger.get("template") is not None:
            yield Problem(f"{where}.template", "is given without an image")
    elif finger["score"] is None or finger["scorer"] is None:
        yield Problem(f"{where}.score", "and scorer must be given with an image")
    elif not scores or finger["score"] != max(scores):
        yield Problem(f"{where}.score", "is not the best of its attempts")
    exception = finger["exception"]
    if exception is not None:
        yield from _exception(exception, finger["image"] is not None, f"{where}.exception")


def _exception(exception: Manifest, has_image: bool, where: str) -> Iterator[Problem]:
    officers = exception["officers"]
    if len(set(officers)) != len(officers):
        yield Problem(f"{where}.officers", "must be different people")
    if exception["permanence"] == "permanent" and len(officers) < 2:
        yield Problem(f"{where}.officers", "must be two for a permanent exception")
    if has_image and exception["reason"] in ("missing", "amputated"):
        yield Problem(f"{where}.reason", "contradicts the image")
    if exception["reason"] == "amputated" and exception["permanence"] == "temporary":
        yield Problem(f"{where}.permanence", "must be permanent for an amputated finger")


def _cards(manifest: Manifest) -> Iterator[Problem]:
    chip, void = manifest["chip"], manifest["void_cards"]
    if manifest["issued_here"] and chip is None:
        yield Problem("chip", "is missing though cards are issued here")
    if not manifest["issued_here"] and chip is not None:
        yield Problem("chip", "is given though no card is issued here")
    for key in ("attempt", "sod_sha256"):
        values = [card[key] for card in (*void, *([chip] if chip else []))]
        if len(set(values)) != len(values):
            yield Problem("void_cards", f"and chip must differ in {key}")
    if chip and any(card["attempt"] > chip["attempt"] for card in void):
        yield Problem("chip.attempt", "is not the last attempt")


def _files(manifest: Manifest) -> Iterator[Problem]:
    named = list(referenced_files(manifest))
    if len(set(named)) != len(named):
        yield Problem("files", "has a file that two fields claim")
    for missing in sorted(set(named) - set(manifest["files"])):
        yield Problem(f"files.{missing}", "is missing")
    for extra in sorted(set(manifest["files"]) - set(named)):
        yield Problem(f"files.{extra}", "belongs to no field")


def referenced_files(manifest: Manifest) -> Iterator[str]:
    """The names of all files that the fields of a well-formed manifest speak of."""
    for finger in manifest["fingers"]:
        if finger["image"] is not None:
            yield finger["image"]
        if finger.get("template") is not None:
            yield finger["template"]
        if finger["exception"] is not None and finger["exception"].get("photo") is not None:
            yield finger["exception"]["photo"]
    yield manifest["portrait"]["image"]
    if "jpeg" in manifest["portrait"]:
        yield manifest["portrait"]["jpeg"]
    if manifest["chip"] is not None:
        yield manifest["chip"]["report"]


def _optional_day(subject: Manifest, key: str) -> date | None:
    return parse_day(subject[key]["value"]) if key in subject else None


def _moment(value: str) -> Any:
    return parse_moment(value)


RULES: tuple[Callable[[Manifest], Iterator[Problem]], ...] = (
    _times,
    _chain,
    _person,
    _corrections,
    _approval,
    _age,
    _guardian,
    _proof,
    _fingers,
    _cards,
    _files,
)
