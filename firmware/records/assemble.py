"""From a draft's parts to the manifest. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from firmware.records.format.check import parse_day, parse_moment
from firmware.records.format.errors import Problem, SchemaRefused
from firmware.records.format.manifest import FIRST, FORMAT, files_table
from firmware.records.format.rules import CASES, age_on, local_day, pack_on, packs
from firmware.records.format.schema import ASSIGNMENT, CHIP, FINGERS, require_valid

WORK = "work/"
"""Parts of this prefix stay in the draft and never enter the record."""
REPORT = "chip/report.json"
HELD = ("read_back", "passive_authentication", "locked")
"""The checks that make a card complete, by their names in the chip report and in the manifest."""
NO_IRIS = {"captured": False, "reason": "no_sensor"}
_ABSENT: dict[str, Any] = {"guardian": None, "old_card": None, "registry": None, "corrections": []}


class Content(Protocol):
    """What of a draft goes into the manifest."""

    @property
    def record_id(self) -> str: ...
    @property
    def case(self) -> str: ...
    @property
    def rule_pack(self) -> str: ...
    @property
    def assignment(self) -> Mapping[str, Any]: ...
    @property
    def started_at(self) -> str: ...
    @property
    def parts(self) -> Mapping[str, Any]: ...


def check_begin(case: str, rule_pack: str, assignment: Mapping[str, Any], box: str, started_at: str) -> None:
    """Raise SchemaRefused when a record that begins like this could never be valid."""
    problems: list[Problem] = []
    ASSIGNMENT(assignment, "assignment", problems)
    if not problems and assignment["box"] != box:
        problems.append(Problem("assignment.box", "is another box's"))
    if case not in CASES:
        problems.append(Problem("case", "must be one of " + ", ".join(sorted(CASES))))
    moment = parse_moment(started_at)
    try:
        in_force = pack_on(local_day(moment)).name if moment else None
    except LookupError:
        in_force = None
    if rule_pack != in_force:
        problems.append(Problem("rule_pack", f"is not in force today ({in_force})"))
    if problems:
        raise SchemaRefused(tuple(problems))


def manifest(
    draft: Content,
    files: Mapping[str, bytes],
    *,
    steps: Sequence[Mapping[str, str]],
    completed_at: str,
    chip: Mapping[str, Any] | None,
    void_cards: Sequence[Mapping[str, Any]],
    issued_here: bool,
    simulated: bool,
    sequence: int,
    previous_digest: str,
    audit_head: str,
) -> dict[str, Any]:
    """The manifest of a draft; `files` are all files of the seal by name. Not validated here."""
    sections = {
        name: value
        for name, value in draft.parts.items()
        if not name.startswith(WORK) and not name.startswith("finger/")
    }
    return {
        **_ABSENT,
        **sections,
        "format": FORMAT,
        "record_id": draft.record_id,
        "rule_pack": draft.rule_pack,
        "case": draft.case,
        "assignment": dict(draft.assignment),
        "started_at": draft.started_at,
        "completed_at": completed_at,
        "simulated": simulated,
        "fingers": [draft.parts[part] for f in FINGERS if (part := f"finger/{f}") in draft.parts],
        "iris": NO_IRIS if _asks_iris(draft) else None,
        "issued_here": issued_here,
        "chip": dict(chip) if chip else None,
        "void_cards": [dict(card) for card in void_cards],
        "steps": [dict(step) for step in steps],
        "files": files_table(files),
        "sequence": sequence,
        "previous_digest": previous_digest,
        "audit_head": audit_head,
    }


def check_content(
    draft: Content,
    files: Mapping[str, bytes],
    steps: Sequence[Mapping[str, str]],
    now: str,
    issued_here: bool,
) -> None:
    """Raise SchemaRefused unless the draft, with any card that works, makes a valid record."""
    report = {REPORT: b"{}"} if issued_here else {}
    require_valid(
        manifest(
            draft,
            {**files, **report},
            steps=steps,
            completed_at=now,
            chip=chip_section(dict.fromkeys(HELD, True), 1, "0" * 64, now) if issued_here else None,
            void_cards=[],
            issued_here=issued_here,
            simulated=True,
            sequence=1,
            previous_digest=FIRST,
            audit_head="0" * 64,
        )
    )


def check_report(report: Mapping[str, Any]) -> None:
    """Raise ValueError unless the chip report says that all three checks held."""
    failed = [name for name in HELD if report.get(name) is not True]
    if failed:
        raise ValueError("a card is complete only when these held: " + ", ".join(failed))


def chip_section(
    report: Mapping[str, Any],
    attempt: int,
    sod_sha256: str,
    at: str,
    lease: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest's `chip`: what the journal knows, and what the chip report says in a form that fits.

    The report itself travels as a file, whole. `lease`: the one it was signed under, and which card of it.
    """
    section = {
        "attempt": attempt,
        "sod_sha256": sod_sha256,
        "card_serial": None,
        **{name: report.get(name) for name in HELD},
        "report": REPORT,
        "at": at,
        **({"lease": dict(lease)} if lease else {}),
    }
    for name in ("card_serial", "dialect", "data_groups"):
        fitting: list[Problem] = []
        if name in report:
            CHIP({**section, name: report[name]}, "chip", fitting)
            if not any(problem.where.startswith(f"chip.{name}") for problem in fitting):
                section[name] = report[name]
    return section


def _asks_iris(draft: Content) -> bool:
    """Whether this person's rule pack asks for iris; an unreadable birth date is for `validate` to name."""
    pack = packs()[draft.rule_pack]
    started = parse_moment(draft.started_at)
    born = parse_day(draft.parts.get("subject", {}).get("birth_date", {}).get("value"))
    if pack.iris_from_age is None or started is None or born is None:
        return False
    return age_on(born, local_day(started)) >= pack.iris_from_age
