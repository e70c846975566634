"""Boxes that take each other's places before a real centre: papers signed by their own keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from starlette.testclient import TestClient
from starlette.types import ASGIApp

from centre.papers import Place
from firmware.records.format.receipt import ReceiptKind, SignedReceipt
from firmware.records.format.seal import Sealed
from firmware.records.format.swap import NO_RECORD, Adoption, Blanks, Handover, Retirement
from support import record
from support.centre import Box, TestStation, as_box, deliver, without_card

POOL = "hanoi"
SPARE = Place(POOL, role="spare")
UNIT = Place(POOL, "unit-7", "unit-9", "team-3", "S-1")


@dataclass
class Station:
    """One box at work: its chain of records, and what it says of places."""

    box: Box
    http: TestClient
    station: TestStation
    epoch: int = 1
    made: list[Sealed] = field(default_factory=list)

    @classmethod
    def at(cls, app: ASGIApp, station: TestStation, name: str, place: Place = SPARE) -> Station:
        box = station.enrol(name)
        station.station.assign(name, place, now=station.now)
        return cls(box, as_box(app, box), station)

    @property
    def name(self) -> str:
        return self.box.name

    def makes(self, number: str = record.NUMBER, **sections: Any) -> Sealed:
        """The next record of the chain, of a person with this number; no card unless `chip` is given."""
        assignment = {**record.assignment(self.name), "epoch": self.epoch, **sections.pop("assignment", {})}
        previous = self.made[-1].record_digest if self.made else record.FIRST
        place = {"sequence": len(self.made) + 1, "previous_digest": previous, "assignment": assignment}
        whole = without_card(**place, subject={**record.subject(), "number": record.stated(number)})
        if sections.get("chip"):
            whole |= {"issued_here": True, "files": {**whole["files"], "chip/report.json": {}}}
        self.made.append(self.box.seal(**{**whole, **sections}))
        return self.made[-1]

    def sends(self, sealed: Sealed) -> tuple[ReceiptKind, str]:
        """The verdict, and why it is what it is."""
        answer = deliver(self.http, sealed)
        assert answer.status_code == 200, answer.text
        receipt = SignedReceipt.from_json(answer.content).verify(self.box.certificate("receipt.pem"))
        status, reason = self.station.verdict(sealed)
        assert status == receipt.kind
        return receipt.kind, reason

    def hands_over(self, closed_at: int | None = None, to: str = "", epoch: int | None = None) -> bytes:
        k = len(self.made) if closed_at is None else closed_at
        head = self.made[k - 1].record_digest if 0 < k <= len(self.made) else NO_RECORD
        return (
            Handover(
                box=self.name, epoch=self.epoch if epoch is None else epoch, closed_at=k, head=head, to=to,
                assignment="", blanks=Blanks(0, 0, 0, 0), void_cards=(), given_up=(), sealed=(), drafts=(),
                lease_serial=0, lease_used=0, audit_head=NO_RECORD, at=self.station.now,
            ).signed(self.box.signer).to_json()
        )  # fmt: skip

    def takes(self, place: Station, **changes: Any) -> bytes:
        """Its word that it took that place; by handover unless `changes` say otherwise."""
        fields: dict[str, Any] = {
            "by": self.name, "by_epoch": self.epoch, "box": place.name, "epoch": place.epoch,
            "closed_at": len(place.made), "known_by": "disk", "evidence": "", "records": 0, "drafts": (),
            "blanks_stated": None, "blanks_counted": 0, "officer": "O-1", "at": self.station.now,
        }  # fmt: skip
        return Adoption(**{**fields, **changes}).signed(self.box.signer).to_json()

    def reports(self, adoption: bytes, handover: bytes | None = None) -> Any:
        body = {"adoption": json.loads(adoption), "handover": json.loads(handover) if handover else None}
        return self.http.post("/v1/swaps", json=body)

    def replaces(self, place: Station, handover: bytes | None = None, **changes: Any) -> Any:
        """Take a place by its handover, or by what lay on its disk, and say so; the centre's answer."""
        if handover is not None:
            changes |= {"known_by": "handover", "evidence": sha256(handover).hexdigest()}
        answer = self.reports(self.takes(place, **changes), handover)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def retires(self, closed_at: int | None = None) -> bytes:
        return (
            Retirement(
                box=self.name, epoch=self.epoch, closed_at=len(self.made) if closed_at is None else closed_at,
                erased=("key",), audit_head=NO_RECORD, officer="O-1", at=self.station.now,
            ).signed(self.box.signer).to_json()
        )  # fmt: skip

    def asks_for_card(self, record_id: str, number: str = record.NUMBER, **more: Any) -> Any:
        """The answer to a signing request."""
        request = {
            "record_id": record_id, "number": number, "case": "first_issue", "box": self.name,
            "epoch": self.epoch, "attempt": 1, "hash_algorithm": "sha256", "data_groups": {"1": "11" * 32},
        }  # fmt: skip
        return self.http.post("/v1/sign", json={**request, **more})


def chip(sod: bytes, attempt: int = 1, **more: Any) -> dict[str, Any]:
    """The chip section of a card with this EF.SOD."""
    digest = sha256(sod).hexdigest()
    return {**record.manifest()["chip"], "attempt": attempt, "sod_sha256": digest, **more}
