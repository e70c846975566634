"""Taking in records: nothing well-formed is refused, nothing doubtful is simply accepted."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pyrage
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from support import record
from support.centre import Box, TestStation, as_box, deliver, upload, without_card
from support.ingest import kind, reason, refusal, signed_card

from centre.pki import AgeRole
from firmware.records.format.receipt import ReceiptKind, SignedReceipt
from firmware.records.format.seal import Sealed, seal


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
