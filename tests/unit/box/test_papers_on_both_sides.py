"""Stale, forged and replayed papers in one table: what the box says to each, and what the centre says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support import box as one_box
from support.centre import TestStation
from support.papers import ASSIGNMENT, KEYS, LEASE, papers, signed
from support.places import SPARE, UNIT, Station, chip

from centre.papers import Terms
from firmware.box.warrants import PaperRefused
from firmware.records.format.warrants import Replaces

Way = Callable[[], bytes]
ORDERED = replace(ASSIGNMENT, serial=20, replaces=Replaces("BOX-77", 1))
AT_THE_BOX: dict[tuple[str, str], tuple[Way, str]] = {
    ("assignment", "stale"): (lambda: signed(ASSIGNMENT, serial=2), "paper_stale"),
    ("assignment", "of an earlier epoch"): (
        lambda: signed(ASSIGNMENT, serial=4, epoch=1),
        "paper_epoch_back",
    ),
    ("assignment", "forged"): (lambda: signed(ASSIGNMENT, KEYS.box.key, serial=4), "paper_forged"),
    ("assignment", "replayed"): (lambda: signed(ASSIGNMENT, team="TEAM-5"), "paper_replayed"),
    ("lease", "stale"): (lambda: signed(LEASE, serial=8), "paper_stale"),
    ("lease", "of an earlier epoch"): (lambda: signed(LEASE, serial=10, epoch=2), "paper_epoch_back"),
    ("lease", "forged"): (lambda: signed(LEASE, KEYS.receipt_key, serial=10), "paper_forged"),
    ("lease", "replayed"): (lambda: signed(LEASE, count=99), "paper_replayed"),
    ("order", "for another box"): (lambda: signed(ORDERED, box="BOX-55"), "paper_of_another_box"),
    ("order", "forged"): (lambda: signed(ORDERED, KEYS.box.key), "paper_forged"),
    ("order", "of an earlier epoch"): (lambda: signed(ORDERED, epoch=2), "paper_epoch_back"),
}


@pytest.mark.parametrize("paper", AT_THE_BOX, ids=" ".join)
def test_the_box_refuses_it_by_name(paper: tuple[str, str], tmp_path: Path) -> None:
    made, reason = AT_THE_BOX[paper]
    believed = papers()
    with one_box.open_journal(tmp_path) as journal:
        believed.take(journal, signed(ASSIGNMENT))
        believed.take(journal, signed(LEASE))
        with pytest.raises(PaperRefused) as refused:
            believed.take(journal, made())
        assert refused.value.reason == reason
        assert (believed.assignment(journal), believed.lease(journal, LEASE.holder)) == (ASSIGNMENT, LEASE)


def _handed(old: Station, spare: Station, **changes: Any) -> tuple[bytes, bytes]:
    """A handover, and the spare's word that rests on it."""
    given = old.hands_over()
    known = {"known_by": "handover", "evidence": sha256(given).hexdigest(), **changes}
    return spare.takes(old, **known), given


def _changed(body: bytes) -> bytes:
    whole = json.loads(body)
    inner = whole["handover"]
    return json.dumps({**whole, "handover": {**inner, "closed_at": inner["closed_at"] + 1}}).encode()


Told = Callable[[Station, Station, Station], Any]
AT_THE_CENTRE: dict[tuple[str, str], tuple[Told, tuple[int, str]]] = {
    ("adoption", "forged"): (
        lambda a, b, c: b.reports(b.takes(a).replace(b'"O-1"', b'"O-2"')),
        (422, "adoption"),
    ),
    ("adoption", "replayed by another box"): (lambda a, b, c: c.reports(b.takes(a)), (403, "other_box")),
    ("adoption", "of an epoch that never was"): (
        lambda a, b, c: b.reports(b.takes(a, epoch=9)),
        (409, "epoch_unknown"),
    ),
    ("adoption", "stale: of fewer records"): (
        lambda a, b, c: (b.replaces(a), b.reports(b.takes(a, closed_at=0)))[1],
        (409, "adoption_changed"),
    ),
    ("handover", "forged"): (
        lambda a, b, c: b.reports(_handed(a, b)[0], _changed(_handed(a, b)[1])),
        (422, "handover"),
    ),
    ("handover", "replayed for another place"): (
        lambda a, b, c: b.reports(_handed(a, b)[0], c.hands_over()),
        (422, "evidence"),
    ),
    ("handover", "stale: of an earlier epoch"): (
        lambda a, b, c: b.reports(_handed(a, b, epoch=2)[0], a.hands_over()),
        (409, "epoch_unknown"),
    ),
    ("order", "that the centre never gave"): (
        lambda a, b, c: b.reports(b.takes(a, known_by="order", closed_at=None, evidence="ab" * 32)),
        (409, "order_unknown"),
    ),
}


@pytest.mark.parametrize("paper", AT_THE_CENTRE, ids=" ".join)
def test_the_centre_refuses_it_by_name(paper: tuple[str, str], tmp_path: Path) -> None:
    told, why = AT_THE_CENTRE[paper]
    station = TestStation(tmp_path)
    with station.asgi() as app:
        a = Station.at(app, station, "BOX-01", UNIT)
        b, c = (Station.at(app, station, name) for name in ("BOX-02", "BOX-03"))
        a.makes()
        answer = told(a, b, c)
    assert (answer.status_code, answer.json()["reason"]) == why


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"serial": 99, "n": 1}, "lease_unknown"),
        ({"serial": 2, "n": 1, "holder": "BOX-02"}, "lease_unknown"),
        ({"serial": 2, "n": 9}, "lease_over"),
    ],
    ids=["never given", "another's", "beyond its count"],
)
def test_the_centre_holds_a_card_of_a_lease_that_does_not_cover_it(
    claim: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    station = TestStation(tmp_path)
    with station.asgi() as app:
        a = Station.at(app, station, "BOX-01", UNIT)
        terms = Terms(3, ("first_issue",), station.now + timedelta(days=3), "ab" * 32)
        station.station.lease("BOX-01", terms, now=station.now)
        assert a.sends(a.makes(chip=chip(b"card", lease=claim))) == ("HELD", reason)


def test_the_same_word_of_a_swap_again_changes_nothing(tmp_path: Path) -> None:
    station = TestStation(tmp_path)
    with station.asgi() as app:
        a, b = Station.at(app, station, "BOX-01", UNIT), Station.at(app, station, "BOX-02", SPARE)
        word, given = _handed(a, b)
        first, again = (b.reports(word, given).json() for _ in range(2))
    assert first == again and first["outcome"] == "ADOPTED"
