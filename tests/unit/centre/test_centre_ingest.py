"""Taking in records: nothing well-formed is refused, nothing doubtful is simply accepted."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from support import record
from support.centre import Box, TestStation, as_box, deliver, upload, without_card

from centre import chain, db
from centre.pki import AgeRole
from firmware.records.format.receipt import ReceiptKind, SignedReceipt
from firmware.records.format.seal import Sealed, seal


@pytest.fixture
def station(tmp_path: Path) -> TestStation:
    return TestStation(tmp_path)


@pytest.fixture
def app(station: TestStation) -> Iterator[ASGIApp]:
    with station.asgi() as application:
        yield application


@pytest.fixture
def box(station: TestStation) -> Box:
    return station.enrol()


@pytest.fixture
def http(app: ASGIApp, box: Box) -> TestClient:
    return as_box(app, box)


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


def test_a_record_with_its_signed_card_is_accepted(http: TestClient, box: Box, station: TestStation) -> None:
    record_id = record.manifest()["record_id"]
    sealed = box.seal(chip=signed_card(http, record_id))
    answer = deliver(http, sealed)
    receipt = SignedReceipt.from_json(answer.content).verify(box.certificate("receipt.pem"))
    assert receipt.kind is ReceiptKind.ACCEPTED
    assert (receipt.record_digest, receipt.sealed_digest) == (
        sealed.record_digest,
        sealed.sealed_digest,
    )
    assert (receipt.box, receipt.sequence, receipt.audit_head) == ("BOX-01", 1, "ab" * 32)
    assert http.get("/v1/counts").json()["grants"] == {"open": 0, "void": 0, "issued": 1}


def test_the_archive_holds_the_sealed_file_as_it_came(
    http: TestClient, box: Box, station: TestStation
) -> None:
    sealed = box.seal(**without_card())
    deliver(http, sealed)
    name = f"{sealed.sealed_digest}.age"
    kept = station.station.folder / "records" / sealed.sealed_digest[:2] / name
    assert kept.read_bytes() == sealed.data
    assert list((station.station.folder / "uploads" / "BOX-01").iterdir()) == []
    identity = pyrage.x25519.Identity.from_str(station.station.pki.age_identity(AgeRole.CENTRE))
    assert pyrage.decrypt(kept.read_bytes(), [identity])


def test_a_repeat_gets_the_same_receipt(http: TestClient, box: Box) -> None:
    sealed = box.seal(**without_card())
    first = deliver(http, sealed).content
    assert deliver(http, sealed).content == first
    url = f"/v1/records/{sealed.record_digest}/receipt"
    assert http.get(url).content == first
    assert http.get(url, params={"sealed_digest": sealed.sealed_digest}).content == first
    assert http.get("/v1/counts").json()["records"] == {"ACCEPTED": 1}


def test_a_record_sealed_twice_keeps_its_verdict_and_place(http: TestClient, box: Box) -> None:
    sections = without_card()
    first, again = box.seal(**sections), box.seal(**sections)
    assert first.sealed_digest != again.sealed_digest
    one = SignedReceipt.from_json(deliver(http, first).content).receipt
    two = SignedReceipt.from_json(deliver(http, again).content).receipt
    assert (two.kind, two.position, two.sealed_digest) == (
        one.kind,
        one.position,
        again.sealed_digest,
    )


def test_a_lying_digest_is_refused_and_the_upload_forgotten(http: TestClient, box: Box) -> None:
    sealed = box.seal(**without_card())
    body = {"upload": upload(http, sealed.data), "sealed_digest": "00" * 32}
    assert refusal(http.post("/v1/records", json=body)) == (422, "sealed_digest")
    body["sealed_digest"] = sealed.sealed_digest
    assert refusal(http.post("/v1/records", json=body)) == (404, "upload_unknown")


def test_a_record_of_one_box_is_refused_over_the_certificate_of_another(
    app: ASGIApp, station: TestStation, box: Box
) -> None:
    other = as_box(app, station.enrol("BOX-02"))
    assert refusal(deliver(other, box.seal(**without_card()))) == (403, "other_box")
    assert other.get("/v1/counts").json()["records"] == {}


def test_the_receipt_of_another_boxs_record_is_not_given(
    app: ASGIApp, http: TestClient, station: TestStation, box: Box
) -> None:
    sealed = box.seal(**without_card())
    deliver(http, sealed)
    other = as_box(app, station.enrol("BOX-02"))
    answer = other.get(f"/v1/records/{sealed.record_digest}/receipt")
    assert refusal(answer) == (404, "record_unknown")
    body = {"upload": "0" * 36, "sealed_digest": sealed.sealed_digest}
    assert refusal(other.post("/v1/records", json=body)) == (404, "upload_unknown")


def test_a_manifest_signed_by_a_stranger_is_refused(http: TestClient, box: Box) -> None:
    recipients = (box.folder / "recipients.txt").read_text().split()
    stranger = record.keys().box
    sealed = seal(record.manifest(), record.files(), stranger, recipients)
    assert refusal(deliver(http, sealed)) == (422, "signature")


def test_bytes_that_are_no_seal_are_refused(http: TestClient) -> None:
    junk = b"age-encryption.org/v1\n" + bytes(500)
    sealed = Sealed(junk, "00" * 32, hashlib.sha256(junk).hexdigest())
    assert refusal(deliver(http, sealed)) == (422, "seal")


def test_an_expired_box_certificate_no_longer_signs(http: TestClient, box: Box, station: TestStation) -> None:
    station.now += timedelta(days=366)
    assert refusal(deliver(http, box.seal(**without_card()))) == (422, "signature")


def test_a_chain_in_order_is_accepted(http: TestClient, box: Box) -> None:
    first = box.seal(**without_card())
    assert kind(http, first) is ReceiptKind.ACCEPTED
    follower = without_card(sequence=2, previous_digest=first.record_digest, case="correction")
    assert kind(http, box.seal(**follower)) is ReceiptKind.ACCEPTED


def test_a_gap_in_the_sequence_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    third = box.seal(**without_card(sequence=3, previous_digest="ee" * 32))
    assert kind(http, third) is ReceiptKind.HELD
    assert reason(station, third) == "sequence_gap"
    follower = without_card(sequence=4, previous_digest=third.record_digest, case="correction")
    assert kind(http, box.seal(**follower)) is ReceiptKind.ACCEPTED


def chained(box: Box, *cases: str) -> list[Sealed]:
    """Records 1, 2, … of a box."""
    made: list[Sealed] = []
    for sequence, case in enumerate(cases, start=1):
        previous = made[-1].record_digest if made else record.FIRST
        made.append(box.seal(**without_card(sequence=sequence, previous_digest=previous, case=case)))
    return made


def test_a_gap_that_closes_releases_who_was_held_for_it(
    http: TestClient, box: Box, station: TestStation
) -> None:
    first, second, third = chained(box, "correction", "correction", "correction")
    assert kind(http, first) is ReceiptKind.ACCEPTED
    held = deliver(http, third).content
    assert reason(station, third) == "sequence_gap"
    assert kind(http, second) is ReceiptKind.ACCEPTED
    assert reason(station, third) == ""
    assert http.get("/v1/counts").json()["records"] == {"ACCEPTED": 3}
    assert deliver(http, third).content == held  # the receipt says what was known then, for ever
    with station.turn() as turn:
        acts = turn.connection.execute(select(db.ledger.c.act).order_by(db.ledger.c.position)).scalars()
        assert list(acts) == ["RECORDED", "RECORDED", "RECORDED", "RELEASED"]
        assert chain.broken_at(turn.connection) is None


def test_who_is_released_may_turn_out_a_duplicate(http: TestClient, box: Box, station: TestStation) -> None:
    first, second = chained(box, "first_issue", "first_issue")
    assert kind(http, second) is ReceiptKind.HELD
    assert kind(http, first) is ReceiptKind.ACCEPTED
    assert reason(station, second) == "duplicate_person"


def test_a_gap_that_closes_otherwise_releases_nobody(
    http: TestClient, box: Box, station: TestStation
) -> None:
    stray = box.seal(**without_card(sequence=2, previous_digest="ee" * 32, case="correction"))
    assert kind(http, stray) is ReceiptKind.HELD
    assert kind(http, chained(box, "correction")[0]) is ReceiptKind.HELD
    assert reason(station, stray) == "sequence_gap"


def test_the_database_itself_refuses_a_second_accepted_record_of_one_place(
    http: TestClient, box: Box, station: TestStation
) -> None:
    deliver(http, chained(box, "first_issue")[0])
    with station.turn() as turn:
        there = turn.connection.execute(select(db.records)).one()._asdict()
    for same in ("record_id", "sequence", "number"):
        other = {"record_id": "f" * 32, "sequence": 99, "number": "001304999999", "record_digest": "f" * 64}
        twin = {**there, **other, same: there[same]}
        with pytest.raises(IntegrityError), station.turn() as turn:
            turn.connection.execute(insert(db.records).values(**twin))


def test_a_wrong_link_in_the_chain_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    kind(http, box.seal(**without_card()))
    wrong = box.seal(**without_card(sequence=2, previous_digest="ee" * 32, case="correction"))
    assert kind(http, wrong) is ReceiptKind.HELD
    assert reason(station, wrong) == "chain_broken"


def test_a_late_record_that_does_not_lead_on_is_held(
    http: TestClient, box: Box, station: TestStation
) -> None:
    kind(http, box.seal(**without_card(sequence=2, previous_digest="ee" * 32)))
    late = box.seal(**without_card(case="correction"))
    assert kind(http, late) is ReceiptKind.HELD
    assert reason(station, late) == "chain_broken"


def test_a_number_used_twice_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    kind(http, box.seal(**without_card()))
    twin = box.seal(**without_card(case="correction"))
    assert kind(http, twin) is ReceiptKind.HELD
    assert reason(station, twin) == "sequence_taken"


def test_an_unknown_epoch_is_held(http: TestClient, box: Box, station: TestStation) -> None:
    sealed = box.seal(**without_card(assignment={**record.assignment(), "epoch": 7}))
    assert kind(http, sealed) is ReceiptKind.HELD
    assert reason(station, sealed) == "epoch_unknown"


def test_a_closed_epoch_is_accepted_up_to_its_last_number(
    http: TestClient, box: Box, station: TestStation
) -> None:
    with station.turn() as turn:
        turn.connection.execute(update(db.epochs).values(closed_at_number=1, closed="known"))
        turn.connection.execute(insert(db.epochs).values(box="BOX-01", epoch=2))
    first = box.seal(**without_card())
    assert kind(http, first) is ReceiptKind.ACCEPTED
    beyond = box.seal(**without_card(sequence=2, previous_digest=first.record_digest, case="correction"))
    assert kind(http, beyond) is ReceiptKind.HELD
    assert reason(station, beyond) == "epoch_closed"


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


def test_a_second_first_issue_of_a_person_is_a_duplicate(http: TestClient, box: Box) -> None:
    first = box.seal(**without_card())
    kind(http, first)
    second = without_card(sequence=2, previous_digest=first.record_digest)
    assert kind(http, box.seal(**second)) is ReceiptKind.DUPLICATE_PERSON


def test_a_record_id_that_comes_back_with_other_content_is_held(
    http: TestClient, box: Box, station: TestStation
) -> None:
    first = box.seal(**without_card(record_id="c" * 32))
    kind(http, first)
    again = box.seal(
        **without_card(
            record_id="c" * 32,
            sequence=2,
            previous_digest=first.record_digest,
            case="correction",
        )
    )
    assert kind(http, again) is ReceiptKind.HELD
    assert reason(station, again) == "record_id_known"


def test_an_upload_id_cannot_name_a_file_elsewhere(http: TestClient) -> None:
    body = {"upload": "../" * 12, "sealed_digest": "00" * 32}
    assert refusal(http.post("/v1/records", json=body)) == (400, "bad_request")
