"""Box, stick, spare and the centre itself: the spare delivers what the old box sealed, having said why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from support import box as one_box
from support import record, swap
from support.centre import Box, TestStation, as_box, upload

from centre.papers import Place
from firmware.records.journal import Journal


def enrolled(station: TestStation, root: Path, name: str, role: str) -> swap.SwapBox:
    made = swap.SwapBox(root / name, name, one_box.Clock(station.now))
    made.data.mkdir()
    shutil.move(station.enrol(name).folder, made.data / "identity")
    place = Place("province-1", "unit-7", "unit-9", "team-3", role=role)
    with made.journal() as journal:
        made.papers.take(journal, station.station.assign(name, place, now=station.now))
    return made


def seal_one(journal: Journal, box: str, epoch: int) -> None:
    record_id = journal.begin("first_issue", "7/2024", {**record.assignment(box), "epoch": epoch})
    for part, value, blobs in one_box.parts():
        journal.accept(record_id, part, value, blobs)
    journal.freeze(record_id, None)
    journal.complete_without_card(record_id)
    journal.seal(record_id)


def test_the_centre_takes_a_carried_record_after_the_adoption_and_its_receipt_purges_it(
    tmp_path: Path, stick: Path
) -> None:
    station = TestStation(tmp_path)
    old = enrolled(station, tmp_path, "BOX-01", "unit")
    new = enrolled(station, tmp_path, "BOX-99", "spare")
    with old.journal() as journal:
        seal_one(journal, "BOX-01", old.papers.epoch(journal))
    old.export(stick)
    new.adopt(stick)
    with station.asgi() as app, new.journal() as journal:
        http = as_box(app, Box(new.data / "identity"))
        file = journal.carried.next()
        assert file is not None
        sealed = file.sealed
        (paper,) = journal.handovers.unreported()
        assert paper.evidence is not None
        told = {"adoption": json.loads(paper.body), "handover": json.loads(paper.evidence)}

        def deliver() -> bytes:
            body = {"upload": upload(http, sealed.path.read_bytes()), "sealed_digest": sealed.sealed_digest}
            return bytes(http.post("/v1/records", json=body).content)

        assert json.loads(deliver())["reason"] == "other_box"
        assert [http.post("/v1/swaps", json=told).json()["outcome"] for _ in range(2)] == ["ADOPTED"] * 2
        journal.carried.delivered(sealed.record_digest, deliver())
        assert journal.carried.counts().unsent == 0 and not sealed.path.exists()
