"""One card from frozen content to live, on the virtual plain LDS card."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from support.issue import IMAGE, ORDER, RECORD, Desk, content, locked, new_card, sod_bytes
from support.people import CAPTURED, PERSON, jp2
from support.signer import csca, document_signer, ef_sod

from drivers.errors import DeviceGone
from drivers.virtual.card import foreign_card
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.errors import OutOfOrder, SignerRefused, SignerUnavailable
from firmware.issue.ports import SigningRequest


def test_a_card_becomes_live_and_its_report_says_how() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.issue()
    sod = desk.journal.now.sod
    assert content(card) == {**IMAGE.files, Fid.SOD: sod}
    assert locked(card)
    report = desk.journal.report
    assert report is not None and sod is not None
    assert report["attempt"] == 1
    assert report["sod_sha256"] == hashlib.sha256(sod).hexdigest()
    assert report["files"]["DG2"] == len(IMAGE.files[Fid.DG2])
    assert report["data_groups"] == {str(n): h.hex() for n, h in IMAGE.data_group_hashes().items()}
    assert {"read_back", "data_group_hashes", "ds_chain_to_csca", "access_opens"} <= set(report["checks"])
    assert report["apdus"] == desk.dialect.apdus
    assert report["card_serial"] is None


def test_the_journal_hears_the_steps_in_the_order_of_the_design() -> None:
    desk = Desk()
    desk.reader.put(new_card())
    desk.issue()
    assert [
        (what, *words) for what, *line in desk.journal.said for words in [[w.split(" ")[0] for w in line]]
    ] == [
        ("stage", "keys"),
        ("stage", "files"),
        ("stage", "verified"),
        ("keep_sod",),
        ("issuing",),
        ("stage", "written"),
        ("stage", "authentic"),
        ("stage", "locked"),
        ("complete",),
    ]


def test_progress_never_goes_back_and_ends_full() -> None:
    desk = Desk()
    desk.reader.put(new_card())
    for call in (desk.transaction.write, desk.transaction.verify):
        desk.seen.clear()
        call(RECORD)
        fractions = [each.fraction for each in desk.seen]
        assert fractions == sorted(fractions)
        assert (fractions[0], fractions[-1]) == (0.0, 1.0)
        assert len(fractions) > 10


def test_each_call_may_be_repeated_without_a_card() -> None:
    desk = Desk()
    desk.reader.put(new_card())
    desk.transaction.write(RECORD)
    desk.reader.lift()
    desk.transaction.write(RECORD)
    assert len(desk.signer.requests) == 1


@pytest.mark.parametrize("call", ["verify", "lock"])
def test_a_call_before_its_turn_is_a_bug(call: str) -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    with pytest.raises(OutOfOrder):
        getattr(desk.transaction, call)(RECORD)
    assert not content(card)


def test_a_card_is_not_locked_before_it_was_authenticated() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.transaction.write(RECORD)
    with pytest.raises(OutOfOrder):
        desk.transaction.lock(RECORD)
    assert not locked(card)


# --- the wrong card, or none ---


def test_without_a_card_the_person_is_asked_for_one() -> None:
    desk = Desk()
    assert desk.asks(lambda: desk.transaction.write(RECORD)) == "place_card"


def test_somebodys_bus_card_is_sent_away_untouched() -> None:
    desk = Desk()
    desk.reader.put(foreign_card())
    assert desk.asks(lambda: desk.transaction.write(RECORD)) == "card_foreign"
    assert desk.journal.said == []


@pytest.mark.parametrize("call", ["write", "verify", "lock"])
def test_a_finished_card_of_another_record_is_sent_away(call: str) -> None:
    other, finished = Desk(), new_card()
    other.reader.put(finished)
    other.issue()
    before = content(finished)
    desk, card = Desk(), new_card()
    steps = ("write", "verify", "lock")
    desk.reader.put(card)
    for step in steps[: steps.index(call)]:
        getattr(desk.transaction, step)(RECORD)
    desk.reader.put(finished)
    reason = desk.asks(lambda: getattr(desk.transaction, call)(RECORD))
    assert reason in ("card_locked", "card_foreign")
    assert content(finished) == before


def test_a_blank_where_a_card_was_begun_stays_blank() -> None:
    desk, first, second = Desk(), new_card(), new_card()
    desk.reader.put(first)
    first.lift_after(30)
    assert desk.asks(desk.issue) == "hold_card_still"
    assert desk.journal.now.stage.startswith("files apdus=")
    desk.reader.put(second)
    assert desk.asks(desk.issue) == "card_foreign"
    assert not content(second)
    desk.reader.put(first)
    desk.issue()
    assert locked(first)


def test_a_blank_never_gets_the_sod_of_a_card_that_is_issuing() -> None:
    desk, first, second = Desk(), new_card(), new_card()
    desk.reader.put(first)
    desk.transaction.write(RECORD)
    desk.journal.now = replace(desk.journal.now, stage="verified apdus=30")  # torn before the last answer
    desk.reader.put(second)
    assert desk.asks(desk.issue) == "card_foreign"
    assert not content(second)


def test_a_reader_that_vanishes_is_the_supervisors_business() -> None:
    desk = Desk()
    desk.reader.put(new_card())
    desk.reader.unplug()
    with pytest.raises(DeviceGone):
        desk.transaction.write(RECORD)


# --- the signer ---


def test_without_a_signer_the_card_waits_and_goes_on_later() -> None:
    desk, card = Desk(), new_card()
    desk.signer.fails.append(SignerUnavailable("centre"))
    desk.reader.put(card)
    with pytest.raises(SignerUnavailable):
        desk.transaction.write(RECORD)
    assert not desk.journal.now.issuing and not sod_bytes(card)
    desk.restart()
    desk.issue()
    assert locked(card)


def test_a_refusal_reaches_the_caller_with_its_reason() -> None:
    desk = Desk()
    desk.signer.fails.append(SignerRefused("open_elsewhere"))
    desk.reader.put(new_card())
    with pytest.raises(SignerRefused) as caught:
        desk.transaction.write(RECORD)
    assert caught.value.reason == "open_elsewhere"


@pytest.mark.parametrize(
    "signed",
    [
        lambda hashes: ef_sod({**hashes, 1: bytes(32)}),
        lambda hashes: ef_sod(hashes, document_signer(csca("Unknown CSCA"))),
        lambda hashes: b"\x77\x02\x30\x00",
        lambda hashes: b"",
    ],
)
def test_a_signature_that_no_border_would_believe_never_reaches_a_card(signed: Any) -> None:
    desk, card = Desk(), new_card()
    desk.signer.granted[(RECORD, 1)] = signed(IMAGE.data_group_hashes())
    desk.reader.put(card)
    with pytest.raises(SignerRefused):
        desk.transaction.write(RECORD)
    assert desk.journal.now.sod is None and not desk.journal.now.issuing
    assert not sod_bytes(card)


def test_the_signer_hears_who_asks_and_no_content() -> None:
    desk = Desk()
    desk.reader.put(new_card())
    desk.transaction.write(RECORD)
    request: SigningRequest = desk.signer.requests[0]
    body = request.to_json()
    assert body == {
        "record_id": RECORD,
        "number": ORDER.number,
        "case": ORDER.case,
        "box": ORDER.box,
        "epoch": ORDER.epoch,
        "attempt": 1,
        "hash_algorithm": "sha256",
        "data_groups": {str(n): h.hex() for n, h in IMAGE.data_group_hashes().items()},
    }
    assert SigningRequest.from_json(body) == request


@pytest.mark.parametrize("wrong", [{}, {"hash_algorithm": "sha1"}, {"data_groups": {"1": "xx"}}])
def test_a_body_that_is_no_request_is_a_value_error(wrong: dict[str, Any]) -> None:
    request = SigningRequest(RECORD, "1", "first", "B", 1, 1, {1: bytes(32)})
    body = {**request.to_json(), **wrong} if wrong else {}
    with pytest.raises(ValueError):
        SigningRequest.from_json(body)


def test_an_order_for_another_person_is_never_signed() -> None:
    desk = Desk()
    person = {**PERSON, "number": "001304000018"}
    image = CardImage.of(person, jp2(), CAPTURED)
    desk.journal.now = replace(desk.journal.now, image=image.to_bytes())
    desk.reader.put(new_card())
    with pytest.raises(OutOfOrder):
        desk.transaction.write(RECORD)
    assert desk.signer.requests == []
