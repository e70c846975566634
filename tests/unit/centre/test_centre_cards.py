"""Cards at the centre: each that was signed is issued or void by the record that speaks of it."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient
from support import record
from support.centre import Box, TestStation, without_card
from support.ingest import kind, reason, signed_card

from firmware.records.format.receipt import ReceiptKind


def test_a_card_that_this_centre_never_signed_is_held(
    http: TestClient, box: Box, station: TestStation
) -> None:
    sealed = box.seal()
    assert kind(http, sealed) is ReceiptKind.HELD
    assert reason(station, sealed) == "sod_unknown"


def test_a_card_signed_for_another_record_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    sealed = box.seal(chip=signed_card(http, "f" * 32))
    assert kind(http, sealed) is ReceiptKind.HELD
    assert reason(station, sealed) == "sod_of_another"


def test_a_voided_card_cannot_come_back_as_the_live_one(
    http: TestClient, box: Box, station: TestStation
) -> None:
    record_id = record.manifest()["record_id"]
    lost = signed_card(http, record_id)
    signed_card(http, record_id, attempt=2, lost=[1])
    sealed = box.seal(chip=lost)
    assert kind(http, sealed) is ReceiptKind.HELD
    assert reason(station, sealed) == "sod_void card_unaccounted"


def test_a_torn_card_and_its_successor_are_accepted_together(http: TestClient, box: Box) -> None:
    record_id = record.manifest()["record_id"]
    torn = signed_card(http, record_id)
    live = signed_card(http, record_id, attempt=2, lost=[1])
    void = {
        "attempt": 1,
        "sod_sha256": torn["sod_sha256"],
        "officers": ["O-1"],
        "at": record.AT,
    }
    assert kind(http, box.seal(chip=live, void_cards=[void])) is ReceiptKind.ACCEPTED
    assert http.get("/v1/counts").json()["grants"] == {"open": 0, "void": 1, "issued": 1}


def void(chip: dict[str, Any], **changes: Any) -> dict[str, Any]:
    card = {
        "attempt": chip["attempt"],
        "sod_sha256": chip["sod_sha256"],
        "officers": ["O-1"],
        "at": record.AT,
    }
    return {**card, **changes}


def test_a_void_card_that_was_never_signed_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    live = signed_card(http, record.manifest()["record_id"], attempt=2)
    unknown = void(live, attempt=1, sod_sha256="0f" * 32)
    sealed = box.seal(chip=live, void_cards=[unknown])
    assert kind(http, sealed) is ReceiptKind.HELD
    assert reason(station, sealed) == "void_card_unknown"


def test_a_card_that_was_issued_can_be_neither_issued_nor_voided_again(
    http: TestClient, box: Box, station: TestStation
) -> None:
    record_id = record.manifest()["record_id"]
    card = signed_card(http, record_id)
    first = box.seal(chip=card)
    assert kind(http, first) is ReceiptKind.ACCEPTED
    again = box.seal(chip=card, sequence=2, previous_digest=first.record_digest)
    assert kind(http, again) is ReceiptKind.HELD
    assert reason(station, again) == "record_id_known sod_used"
    place = {"sequence": 3, "previous_digest": again.record_digest, "record_id": record_id}
    voiding = box.seal(**without_card(void_cards=[void(card)], **place))
    assert kind(http, voiding) is ReceiptKind.HELD
    assert reason(station, voiding) == "record_id_known void_card_issued"
    assert http.get("/v1/counts").json()["grants"] == {"open": 0, "void": 0, "issued": 1}


def test_a_record_that_is_silent_about_a_signed_card_is_held(
    http: TestClient, box: Box, station: TestStation
) -> None:
    sections = without_card()
    signed_card(http, sections["record_id"])
    sealed = box.seal(**sections)
    assert kind(http, sealed) is ReceiptKind.HELD
    assert reason(station, sealed) == "card_unaccounted"
