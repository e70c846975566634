"""Delivering records to a centre in this process, and asking what became of them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from sqlalchemy import select
from starlette.testclient import TestClient

from centre import db
from firmware.records.format.receipt import ReceiptKind, SignedReceipt
from firmware.records.format.seal import Sealed
from support import record
from support.centre import TestStation, deliver


def kind(http: TestClient, sealed: Sealed) -> ReceiptKind:
    answer = deliver(http, sealed)
    assert answer.status_code == 200, answer.text
    return SignedReceipt.from_json(answer.content).receipt.kind


def reason(station: TestStation, sealed: Sealed) -> str:
    with station.turn() as turn:
        query = select(db.records.c.reason).where(db.records.c.record_digest == sealed.record_digest)
        return str(turn.connection.execute(query).scalar_one())


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def signed_card(http: TestClient, record_id: str, attempt: int = 1, **more: Any) -> dict[str, Any]:
    """The chip section of a card that this centre signed for `record_id`."""
    request = {
        "record_id": record_id,
        "number": record.NUMBER,
        "case": "first_issue",
        "box": "BOX-01",
        "epoch": 1,
        "attempt": attempt,
        "hash_algorithm": "sha256",
        "data_groups": {"1": "11" * 32},
        **more,
    }
    answer = http.post("/v1/sign", json=request)
    assert answer.status_code == 200, answer.text
    digest = hashlib.sha256(base64.b64decode(answer.json()["ef_sod"])).hexdigest()
    return {**record.manifest()["chip"], "attempt": attempt, "sod_sha256": digest}
