"""Every subset of ten fingers, and no hands at all, gets through the flow, the schema and the seal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from support import record

from firmware.records.format.manifest import files_table
from firmware.records.format.schema import FINGERS, validate
from firmware.records.format.seal import open_sealed, seal
from statemachine import events as ev
from statemachine.machine import Flow
from statemachine.session import Session
from statemachine.states import Held, S

KEYS = record.keys()
TO = [str(KEYS.centre.to_public())]


def subsets() -> Iterator[frozenset[str]]:
    """All 1,024."""
    for count in range(len(FINGERS) + 1):
        yield from map(frozenset, combinations(FINGERS, count))


def manifest_without(absent: frozenset[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A record in which `absent` are excepted and the others have an image, minutiae and a score."""
    files = {name: data for name, data in record.files().items() if not name.startswith("fingers/")}
    fingers = []
    for number, finger in enumerate(FINGERS):
        if finger in absent:
            fingers.append(record.excepted(finger))
            continue
        image, template = f"fingers/{finger}.fir", f"fingers/{finger}.fmr"
        files |= {image: f"image of {finger}".encode(), template: b"minutiae"}
        fingers.append({**record.finger(finger, 41 + number), "image": image, "template": template})
    return record.manifest(fingers=fingers, files=files_table(files)), files


def test_all_subsets_pass_the_schema_with_the_scores_of_the_others() -> None:
    refused = [sorted(absent) for absent in subsets() if validate(manifest_without(absent)[0])]
    assert refused == []


def test_all_subsets_pass_the_seal_and_come_out_as_they_went_in() -> None:
    for absent in subsets():
        manifest, files = manifest_without(absent)
        got = open_sealed(seal(manifest, files, KEYS.box, TO).data, [KEYS.centre], KEYS.box_ca, record.NOW)
        assert got.files == files
        scores = {each["position"]: each["score"] for each in got.manifest["fingers"]}
        assert {position for position, score in scores.items() if score is None} == absent


def test_all_subsets_pass_the_flow() -> None:
    flow = Flow()
    flow.begin()
    for absent in subsets():
        assert walk(flow, absent) is S.PORTRAIT, sorted(absent)


def walk(flow: Flow, absent: frozenset[str]) -> S:
    """Give the fingers that are there; for each other one the officer comes and excepts it."""
    flow.state, flow.session = (
        S.FINGERS,
        Session(held=Held.DRAFT, step=S.FINGERS, known=True, proven="finger"),
    )
    for finger in FINGERS:
        if finger in absent:
            for event in (ev.HelpPressed(), ev.BadgeRead()):
                flow.feed(event)
            flow.state = S.ASSISTED  # the PIN is another story
        flow.feed(ev.FingerKept(finger))
    return flow.state


@pytest.mark.parametrize("reason", ["bandaged", "worn"])
def test_a_temporary_exception_may_keep_the_best_that_was_taken(reason: str) -> None:
    manifest, _ = manifest_without(frozenset())
    exception = {**record.excepted("right_ring", reason)["exception"], "permanence": "temporary"}
    manifest["fingers"][3]["exception"] = exception
    assert validate(manifest) == []


def test_minutiae_without_an_image_are_refused() -> None:
    manifest, _ = manifest_without(frozenset({"right_ring"}))
    manifest["fingers"][3]["template"] = "fingers/right_ring.fmr"
    assert any(problem.where == "fingers[3].template" for problem in validate(manifest))
