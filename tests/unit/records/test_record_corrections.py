"""What the citizen did not confirm is a correction case; a flagged portrait has somebody who took it."""

from __future__ import annotations

from typing import Any

from support import record

from firmware.records.format.schema import validate

NOTED = {"field": "residence", "officer": "O-1", "at": record.AT}


def _with_unconfirmed_residence() -> dict[str, Any]:
    subject = record.subject()
    subject["residence"]["confirmed"] = False
    return subject


def _places(manifest: dict[str, Any]) -> list[str]:
    return [problem.where for problem in validate(manifest)]


def test_a_field_marked_wrong_passes_as_a_correction_case() -> None:
    assert _places(record.manifest(subject=_with_unconfirmed_residence(), corrections=[NOTED])) == []


def test_a_field_marked_wrong_without_its_correction_is_named() -> None:
    assert _places(record.manifest(subject=_with_unconfirmed_residence())) == ["subject.residence.confirmed"]


def test_a_correction_of_a_confirmed_field_is_named() -> None:
    assert _places(record.manifest(corrections=[NOTED])) == ["subject.residence.confirmed"]


def test_a_flagged_portrait_needs_an_officer() -> None:
    flagged = {**record.portrait(), "flags": ["mouth_opening"]}
    assert _places(record.manifest(portrait=flagged)) == ["portrait.approved_by"]
    assert _places(record.manifest(portrait={**flagged, "approved_by": "O-1"})) == []
