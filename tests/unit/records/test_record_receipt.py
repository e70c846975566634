"""The receipt: only the centre's own words about this very record are believed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import record

from firmware.records.format.errors import ReceiptRefused
from firmware.records.format.receipt import Receipt, ReceiptKind, SignedReceipt, sign

KEYS = record.keys()
RECEIPT = Receipt(ReceiptKind.HELD, "ab" * 32, "cd" * 32, 7, record.BOX, 3, "ef" * 32, record.NOW)


def test_a_receipt_is_read_back_and_verified() -> None:
    signed = sign(RECEIPT, KEYS.receipt_key)
    again = SignedReceipt.from_json(signed.to_json())
    assert again == signed and again.verify(KEYS.receipt) == RECEIPT


def test_a_stranger_signs_nothing() -> None:
    certificate, key = record.issue("stranger")
    with pytest.raises(ReceiptRefused):
        sign(RECEIPT, key).verify(KEYS.receipt)
    with pytest.raises(ReceiptRefused):
        sign(RECEIPT, KEYS.receipt_key).verify(certificate)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ReceiptKind.ACCEPTED},
        {"record_digest": "00" * 32},
        {"sealed_digest": "00" * 32},
        {"position": 8},
        {"box": "BOX-02"},
        {"sequence": 4},
        {"audit_head": "00" * 32},
        {"at": record.NOW + timedelta(seconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_is_under_the_signature(change: dict[str, Any]) -> None:
    signed = replace(sign(RECEIPT, KEYS.receipt_key), receipt=replace(RECEIPT, **change))
    with pytest.raises(ReceiptRefused, match="does not hold"):
        signed.verify(KEYS.receipt)


def test_the_moment_is_the_same_in_every_time_zone() -> None:
    here = replace(RECEIPT, at=record.NOW.astimezone(timezone(timedelta(hours=7))))
    assert here.to_bytes() == RECEIPT.to_bytes()
    with pytest.raises(ValueError, match="aware"):
        replace(RECEIPT, at=datetime(2026, 1, 1)).to_bytes()  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("key", ["receipt", "signature", *json.loads(RECEIPT.to_bytes())])
def test_a_missing_or_foreign_field_is_refused(key: str) -> None:
    value = json.loads(sign(RECEIPT, KEYS.receipt_key).to_json())
    where = value if key in value else value["receipt"]
    del where[key]
    with pytest.raises(ReceiptRefused, match=key):
        SignedReceipt.from_json(json.dumps(value).encode())
    where[key + "2"] = 1
    with pytest.raises(ReceiptRefused):
        SignedReceipt.from_json(json.dumps(value).encode())


@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        SignedReceipt.from_json(data)


@given(st.text("ABCDEFabcdef0123456789+/=\n ", max_size=150))
def test_any_signature_text_gets_an_answer(text: str) -> None:
    value = {"receipt": json.loads(RECEIPT.to_bytes()), "signature": text}
    try:
        signed = SignedReceipt.from_json(json.dumps(value).encode())
    except ReceiptRefused:
        return
    with pytest.raises(ReceiptRefused):
        signed.verify(KEYS.receipt)


def test_a_huge_or_deep_answer_is_refused_unread() -> None:
    for data in (b"[" * 8000, b"[" * 100_000, base64.b64encode(bytes(9000))):
        with pytest.raises(ReceiptRefused):
            SignedReceipt.from_json(data)
