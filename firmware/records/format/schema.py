"""What a manifest must be, as a table: every field of the record with its type and bounds.

`validate` returns every problem at once, in the order of the manifest, and quotes no personal data.
The rules that span several fields (age, number, files, void cards) are in `record_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firmware.records.format import check as c
from firmware.records.format.errors import Problem, SchemaRefused
from firmware.records.format.record_rules import across_fields
from firmware.records.format.rules import CASES, packs

FORMAT = "idkiosk-record/1"
FINGERS = tuple(
    f"{hand}_{finger}"
    for hand in ("right", "left")
    for finger in ("thumb", "index", "middle", "ring", "little")
)
"""The ten positions in enrolment order (ISO/IEC 19794-4 codes 1..10)."""
REASONS = ("missing", "bandaged", "worn", "amputated")
SOURCES = ("registry", "chip", "QR", "citizen", "officer")
MANDATORY = ("number", "full_name", "birth_date", "sex", "nationality")
OPTIONAL = (
    "ethnicity",
    "religion",
    "place_of_origin",
    "residence",
    "identifying_marks",
    "issue_date",
    "expiry_date",
    "father_name",
    "mother_name",
    "spouse_name",
    "old_number",
)

BOX = r"[A-Z0-9](?:[A-Z0-9-]{0,30}[A-Z0-9])?"
FILE = r"[a-z0-9_]{1,40}(?:/[a-z0-9_]{1,40})?\.(?:png|jp2|jpg|json|bin|fir|fmr)"
MAX_FILES = 64
MAX_STEPS = 2000
MAX_FILE_BYTES = 8 << 20

_sha256 = c.text(64, 64, r"[0-9a-f]{64}")
_id = c.text(64, 1, r"[A-Za-z0-9._:/-]+")
_word = c.text(80)
_file = c.text(90, 1, FILE)
_count = c.integer(1, 2**31 - 1)  # as every database of the centre can hold it
_epoch = c.integer(0, 2**31 - 1)


def _rule_pack(value: Any, where: str, problems: c.Problems) -> None:
    c.one_of(*packs())(value, where, problems)


def _stated(least: int) -> c.Check:
    return c.fields(
        {
            "value": c.text(400, least),
            "source": c.one_of(*SOURCES),
            "previous": c.nullable(c.text(400, 0)),
            "seen": c.must_be(True),
            "confirmed": c.boolean,
        }
    )


_subject = c.fields({name: _stated(1) for name in MANDATORY}, {n: _stated(0) for n in OPTIONAL})
_scorer = c.fields({"name": _word, "version": _word, "estimate": c.boolean})
_attempt = c.fields({"at": c.moment, "score": c.nullable(c.integer(0, 100))}, {"hint": c.nullable(_id)})
_exception = c.fields(
    {
        "reason": c.one_of(*REASONS),
        "permanence": c.one_of("temporary", "permanent"),
        "officers": c.listing(_id, 2, 1),
        "at": c.moment,
    },
    {"photo": c.nullable(_file)},
)
_finger = c.fields(
    {
        "position": c.one_of(*FINGERS),
        "image": c.nullable(_file),
        "score": c.nullable(c.integer(0, 100)),
        "scorer": c.nullable(_scorer),
        "attempts": c.listing(_attempt, 100),
        "exception": c.nullable(_exception),
    },
    {
        "ppi": c.integer(1, 2000),
        "width_px": c.integer(1, 4096),
        "height_px": c.integer(1, 4096),
        "template": c.nullable(_file),
    },
)
_portrait = c.fields(
    {
        "image": _file,
        "scores": c.mapping(r"[a-z0-9_]{1,60}", c.number(-1e6, 1e6), 64, 1),
        "scorer": _scorer,
        "attempts": c.integer(1, 1000),
        "at": c.moment,
    },
    {
        "width_px": c.integer(1, 8192),
        "height_px": c.integer(1, 8192),
        "flags": c.listing(_word, 32),
        "approved_by": _id,
        "jpeg": _file,
    },
)
_correction = c.fields({"field": c.one_of(*MANDATORY, *OPTIONAL), "officer": _id, "at": c.moment})
_proof = c.fields(
    {"method": c.one_of("finger", "chip", "officer"), "at": c.moment},
    {
        "finger": c.one_of(*FINGERS),
        "score": c.number(0, 1e6),
        "threshold": c.number(0, 1e6),
        "matcher": _word,
        "officer": _id,
    },
)
CHIP = c.fields(
    {
        "attempt": _count,
        "sod_sha256": _sha256,
        "card_serial": c.nullable(_id),
        "read_back": c.must_be(True),
        "passive_authentication": c.must_be(True),
        "locked": c.must_be(True),
        "report": _file,
        "at": c.moment,
    },
    {
        "dialect": _id,
        "data_groups": c.mapping(r"[1-9]|1[0-6]", _sha256, 16),
        "lease": c.fields({"serial": _count, "n": _count}, {"holder": _word}),
    },
)
_void_card = c.fields(
    {"attempt": _count, "sod_sha256": _sha256, "officers": c.listing(_id, 4, 1), "at": c.moment}
)

SECTIONS: dict[str, c.Check] = {
    "subject": _subject,
    "proof": _proof,
    "guardian": c.nullable(
        c.fields(
            {"full_name": _word, "number": c.text(12, 12, r"\d{12}"), "relation": _word},
            {"officer": _id, "at": c.moment},
        )
    ),
    "consent": c.fields(
        {"given": c.must_be(True), "text_version": _id, "at": c.moment},
        {"language": _id, "purposes": c.listing(_word, 16)},
    ),
    "eid_request": c.fields({"wanted": c.boolean, "at": c.moment}),
    "portrait": _portrait,
    "corrections": c.listing(_correction, 32),
    "registry": c.nullable(c.fields({"source": c.one_of("registry", "extract"), "as_of": c.moment})),
    "old_card": c.nullable(
        c.fields(
            {"read": c.one_of("chip", "QR", "seen", "none")},
            {
                "serial": c.nullable(_id),
                "returned": c.boolean,
                "officer": _id,
                "verdict": c.one_of("genuine", "expired"),
                "sod_sha256": _sha256,
            },
        )
    ),
}
"""The parts that a box collects one by one, beside the ten `finger/<position>`."""

ASSIGNMENT = c.fields(
    {
        "home_unit": _word,
        "capture_unit": _word,
        "box": c.text(32, 1, BOX),
        "epoch": _epoch,
        "team": _word,
        "shift": _word,
        "officers": c.listing(_id, 32),
    },
    {"station": _word, "began_on": c.fields({"box": c.text(32, 1, BOX), "epoch": _epoch})},
)

_manifest = c.fields(
    {
        **SECTIONS,
        "format": c.must_be(FORMAT),
        "record_id": c.text(36, 32, r"[0-9a-f-]+"),
        "rule_pack": _rule_pack,
        "case": c.one_of(*sorted(CASES)),
        "simulated": c.boolean,
        "sequence": _count,
        "previous_digest": _sha256,
        "audit_head": _sha256,
        "started_at": c.moment,
        "completed_at": c.moment,
        "assignment": ASSIGNMENT,
        "fingers": c.listing(_finger, 10, 10),
        "iris": c.nullable(c.fields({"captured": c.must_be(False), "reason": _word})),
        "issued_here": c.boolean,
        "chip": c.nullable(CHIP),
        "void_cards": c.listing(_void_card, 32),
        "steps": c.listing(c.fields({"step": _id, "at": c.moment}), MAX_STEPS),
        "files": c.mapping(
            FILE,
            c.fields({"sha256": _sha256, "bytes": c.integer(0, MAX_FILE_BYTES)}),
            MAX_FILES,
        ),
    }
)


def validate(manifest: Any) -> list[Problem]:
    """Return every problem of `manifest` (JSON values); an empty list means that the centre takes it.

    Rules over several fields are judged only when each field by itself is well-formed.
    """
    problems: list[Problem] = []
    _manifest(manifest, "", problems)
    return problems or across_fields(manifest)


def validate_part(name: str, value: Any) -> list[Problem]:
    """The problems of one part, before there is a whole record: a section, or `finger/<position>`."""
    problems: list[Problem] = []
    kind, _, position = name.partition("/")
    if name in SECTIONS:
        SECTIONS[name](value, name, problems)
    elif kind == "finger" and position in FINGERS:
        _finger(value, name, problems)
        if not problems and value["position"] != position:
            problems.append(Problem(name, "speaks of another finger"))
    else:
        problems.append(Problem(name[:40], "is not a part of a record"))
    return problems


def is_id(value: object) -> bool:
    """Whether `value` can stand where the record has an id: of an officer, a step, a card's serial."""
    problems: list[Problem] = []
    _id(value, "", problems)
    return not problems


def require_valid(manifest: Mapping[str, Any]) -> None:
    """Raise SchemaRefused with all problems unless `manifest` is valid."""
    problems = validate(manifest)
    if problems:
        raise SchemaRefused(tuple(problems))
