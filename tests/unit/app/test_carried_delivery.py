"""The courier of a box in another one's place: its word on that first, its own records, then the other's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support import swap

from drivers.worker import Stop
from firmware.app import courier
from firmware.app.courier import Delivered, Line
from firmware.app.desk import Desk
from firmware.records.format.receipt import SignedReceipt
from firmware.records.journal import Journal
from firmware.records.outbox import SealedFile
from firmware.uplink.errors import CentreRefused, CentreUnreachable, RecordRefused


class FarEnd:
    """A centre that writes down what comes. `known_as`: whose record a sealed file is, by its folder."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.refuses: Exception | None = None
        self.refuses_records = False

    def post_json(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.refuses is not None:
            raise self.refuses
        assert path == "/v1/swaps" and set(body) == {"adoption", "handover"}
        assert body["handover"]["handover"]["box"] == body["adoption"]["adoption"]["box"]
        self.told.append(f"adopted {body['adoption']['adoption']['box']}")
        return {"outcome": "ADOPTED"}

    def send(self, path: Path, record_digest: str, sealed_digest: str, *_: Any) -> SignedReceipt:
        head = json.loads(next(path.parent.glob(f"*{record_digest}.head.json")).read_text())["head"]
        self.told.append(f"{head['box']} {head['sequence']}")
        if self.refuses_records:
            raise RecordRefused(422, "schema")
        file = SealedFile(head["record_id"], head["sequence"], path, 0, record_digest, sealed_digest)
        return swap.centre().receipt(head["box"], file, head["audit_head"])


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """A spare's: two records of the box whose place it took, then one of its own."""
    monkeypatch.setattr("firmware.box.adopt.open_recovery", swap.quick_recovery)
    with tempfile.TemporaryDirectory() as folder:
        stick = Path(folder) / "stick"
        stick.mkdir()
        old, new = swap.unit(Path(folder)), swap.spare(Path(folder))
        with old.journal() as journal:
            swap.sealed(journal)
            swap.sealed(journal)
        old.export(stick)
        new.adopt(stick)
        with new.journal() as journal:
            swap.sealed(journal)
            yield journal


def a_round(journal: Journal, far: FarEnd) -> Delivered:
    store = SimpleNamespace(call=lambda ask: cast(Callable[[Journal], Any], ask)(journal))
    line = SimpleNamespace(client=far, uploader=far, signer=far, keep_certified=lambda _: None)
    job = courier.deliver(cast(Desk, SimpleNamespace(store=store)))
    done = job.call(cast(Line, line), Stop())
    assert isinstance(done, Delivered)
    return done


def test_the_adoption_goes_first_and_the_other_boxs_records_last(journal: Journal) -> None:
    far = FarEnd()
    done = a_round(journal, far)
    assert far.told == ["adopted BOX-01", "BOX-99 1", "BOX-01 1", "BOX-01 2"]
    assert (len(done.sent), done.failed) == (3, "")
    assert journal.carried.counts().unsent == 0 and journal.counts().outbox.unsent == 0
    assert not list((journal.shelf.folder / "carried" / "BOX-01").glob("*.age"))
    assert a_round(journal, far).sent == ()
    assert far.told.count("adopted BOX-01") == 1


def test_while_the_centre_does_not_take_the_adoption_only_own_records_go(journal: Journal) -> None:
    far = FarEnd()
    far.refuses = CentreRefused(409, "other_pool")
    done = a_round(journal, far)
    assert far.told == ["BOX-99 1"] and done.failed == "other_pool"
    assert journal.carried.counts().refused == 0, "they are no incident: they wait"
    far.refuses = None
    assert len(a_round(journal, far).sent) == 2


def test_without_a_line_nothing_is_said_to_be_reported(journal: Journal) -> None:
    far = FarEnd()
    far.refuses = CentreUnreachable("no line")
    done = a_round(journal, far)
    assert (done.sent, done.failed) == ((), "no line")
    assert len(journal.handovers.unreported()) == 1


def test_a_carried_record_that_the_centre_refuses_stays_until_it_is_offered_again(journal: Journal) -> None:
    far = FarEnd()
    far.refuses_records = True
    assert len(a_round(journal, far).refused) == 3
    assert journal.carried.counts().refused == 2
    far.refuses_records = False
    assert a_round(journal, far).sent == ()
    assert journal.offer_again("O-1") == 3
    assert len(a_round(journal, far).sent) == 3
