"""A centre that refuses, lies or is another; a certificate that is wrong or over: the record stays whole."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support import office
from support.bad_centre import Answer, Twist, lying_receipt, story_before
from support.kiosk import Story, story
from support.wire import http_answer, scripted_centre

from centre import pki
from centre.pki import Pki, Role
from firmware.records.format.errors import SignatureRefused
from firmware.records.format.receipt import SignedReceipt, sign
from firmware.records.journal import Journal
from statemachine.states import S

SIGN, TAKE_IN = "/v1/sign", "/v1/records"


def no_sod(s: Story) -> None:
    assert all(office.sod_on(card.to_bytes()) == b"" for card in s.cards), "no card of this visit may be live"


# --- refusing to sign ------------------------------------------------------------------------------------

REFUSALS = {
    "a card was issued": ("already_issued", "already_issued"),
    "another record has the case": ("open_elsewhere", "already_issued"),
    "an attempt is open": ("attempt_open", "already_issued"),
    "other content than before": ("attempt_changed", "signer_refused"),
    "a reason that this box does not know": ("because", "signer_refused"),
    "another box's name": ("other_box", "signer_refused"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refused_signature_is_for_the_officer(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told, reason = REFUSALS[what]
    Twist(SIGN, instead=Answer.of({"reason": told}, 409)).put_before(monkeypatch)
    with story(at="PLACE_CARD") as s:
        s.until(S.HELP)
        assert s.screen.reason == reason
        assert s.record == "FROZEN"
        no_sod(s)
        s.touch("back")
        s.comes(lambda: s.kiosk.flow.session.ticket)


def signed(ef_sod: bytes) -> Answer:
    return Answer.of({"ef_sod": base64.b64encode(ef_sod).decode()})


SODS: dict[str, tuple[Answer, S]] = {
    "a signature over nothing": (signed(b"\x77\x02\x30\x00"), S.HELP),
    "no EF.SOD": (signed(b"\x30\x00"), S.PAUSED),
    "a novel": (signed(b"\x77" * 20_000), S.PAUSED),
    "no base64": (Answer.of({"ef_sod": "%"}), S.PAUSED),
    "nothing": (Answer.of({}), S.PAUSED),
    "no JSON": (Answer(200, b"SOD"), S.PAUSED),
    "not now": (Answer.of({"reason": "busy"}, 503), S.PAUSED),
}


@pytest.mark.parametrize("what", SODS)
def test_what_no_border_would_believe_never_reaches_a_card(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, state = SODS[what]
    Twist(SIGN, instead=answer).put_before(monkeypatch)
    with story(at="PLACE_CARD") as s:
        s.until(state)
        assert s.screen.reason == ("signer_refused" if state is S.HELP else "signer")
        assert s.record == "FROZEN"
        no_sod(s)


# --- refusing the record, lying about it -------------------------------------------------------------------


def delivered_once_honest(s: Story, twist: Twist) -> None:
    """The box is well, keeps the record, and delivers it to an honest centre."""
    s.comes(lambda: twist.asked >= 1)
    s.until(S.ATTRACT)
    assert s.kiosk.last_receipts == ()
    assert s.record == "SEALED"
    assert s.ask(lambda journal: journal.counts().outbox.unsent) == 1
    twist.on = False
    s.skip(301)
    s.comes(lambda: s.kiosk.last_receipts == (s.record_id,))
    assert s.record == "PURGED"


def test_a_refused_record_stays_as_an_incident_and_the_box_serves_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twist = Twist(TAKE_IN, instead=Answer.of({"reason": "schema"}, 422)).put_before(monkeypatch)
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        s.comes(lambda: "refused" in s.acts())
        counts = s.ask(lambda journal: journal.counts().outbox)
        assert (counts.unsent, counts.refused, s.record) == (1, 1, "SEALED")
        s.until(S.ATTRACT)
        twist.on = False
        s.restart()
        s.comes(S.ATTRACT)
        assert s.record == "SEALED", "only a technician lets it be sent again"
        assert s.ask(lambda journal: journal.offer_again()) == 1
        s.restart()
        s.comes(lambda: s.kiosk.last_receipts == (s.record_id,))


LIES: dict[str, dict[str, Any]] = {
    "another record's digest": {"record_digest": "a" * 64},
    "another file's digest": {"sealed_digest": "b" * 64},
    "another number": {"sequence": 4711},
    "another box": {"box": "BOX-OTHER"},
    "another audit head": {"audit_head": "c" * 64},
}


@pytest.mark.parametrize("what", LIES)
def test_a_receipt_that_speaks_of_something_else_purges_nothing(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    twist = Twist(TAKE_IN, change=lambda answer: answer).put_before(monkeypatch)
    with story(at="PLACE_CARD") as s:
        lie = lying_receipt(lambda: s.centre.folder, **LIES[what])
        twist.change = lambda answer: lie(answer) if answer.status == 200 else answer
        s.until(S.RECEIPT)
        delivered_once_honest(s, twist)


FORGED: dict[str, Callable[[Answer], Answer]] = {
    "another key's signature": lambda answer: Answer(200, resigned(answer)),
    "no signature": lambda answer: Answer(200, answer.body.replace(b'"signature"', b'"signed"')),
    "no receipt": lambda _: Answer.of({"thanks": True}),
    "no JSON": lambda _: Answer(200, b"OK"),
    "an error": lambda _: Answer.of({}, 500),
}


def resigned(answer: Answer) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return sign(SignedReceipt.from_json(answer.body).receipt, key).to_json()


@pytest.mark.parametrize("what", FORGED)
def test_what_is_no_receipt_of_the_centre_purges_nothing(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    twist = Twist(TAKE_IN).put_before(monkeypatch)
    twist.change = lambda answer: FORGED[what](answer) if answer.status == 200 else answer
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        delivered_once_honest(s, twist)


def test_a_sealed_file_that_is_damaged_is_an_incident_and_the_next_record_is_sent() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(S.LOCK_CHIP)
        s.centre.stop()
        s.until(S.ATTRACT)
        (file,) = (s.box / "records" / "outbox").glob("*.age")
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        s.centre.start()
        s.skip(301)
        s.comes(lambda: "refused" in s.acts())
        assert s.ask(lambda journal: journal.counts().outbox.refused) == 1
        assert s.record == "SEALED"


# --- certificates -------------------------------------------------------------------------------------------


def give_certificate(s: Story, credential: pki.Credential) -> None:
    folder = s.box / "identity"
    (folder / "box.crt.pem").write_bytes(credential.certificate_pem)
    (folder / "box.key.pem").write_bytes(credential.key_pem)


def wrong_authority(s: Story, folder: Path) -> pki.Credential:
    return pki.issue_box(pki.create(folder / "pki"), office.BOX)


def over(s: Story, _: Path) -> pki.Credential:
    long_ago = datetime.now(UTC) - timedelta(days=4000)
    return pki.issue_box(Pki(s.centre.folder / "pki"), office.BOX, long_ago, days=10)


def of_nobody(s: Story, _: Path) -> pki.Credential:
    about = s.box / "identity" / "identity.json"
    about.write_text(about.read_text().replace(office.BOX, "BOX-UNKNOWN"))
    return pki.issue_box(Pki(s.centre.folder / "pki"), "BOX-UNKNOWN")


CERTIFICATES = {
    "of another authority": wrong_authority,
    "that is over": over,
    "of no enrolled box": of_nobody,
}


@pytest.mark.parametrize("what", CERTIFICATES)
def test_a_box_with_a_wrong_certificate_gets_nothing_and_keeps_everything(what: str, tmp_path: Path) -> None:
    with story(started=False) as s:
        give_certificate(s, CERTIFICATES[what](s, tmp_path))
        s._build()
        s.start()
        s.until(S.HELP)
        assert s.screen.reason in ("registry_wrong", "registry_away")
        assert s.record == "DRAFT"
        assert s.centre.counts()["grants"]["issued"] == 0


def test_a_certificate_that_ends_in_the_middle_of_a_visit_still_gives_the_receipt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The record is finished and kept; it is sealed once the box may sign again."""

    def refused(*_: object) -> None:
        raise SignatureRefused("the certificate has ended")

    with story(at="PLACE_CARD") as s:
        with monkeypatch.context() as world:
            world.setattr(Journal, "seal", refused)
            s.until(S.RECEIPT)
            s.comes(lambda: s.screen.code != "…")
            s.comes(lambda: "seal_refused" in s.acts())
            assert s.record == "COMPLETE"
            s.until(S.ATTRACT)
            assert s.ask(lambda journal: journal.open_record()) is None, "the next person can begin"
        s.restart()
        s.comes(lambda: s.kiosk.last_receipts == (s.record_id,))


def test_a_signer_that_is_not_the_centre_signs_nothing(tmp_path: Path) -> None:
    other = pki.create(tmp_path / "pki")
    kept = Path(office._kept().name) / "centre" / "pki"
    shutil.copy(Pki(kept).certificate_path(Role.BOX_CA), other.certificate_path(Role.BOX_CA))
    with scripted_centre(other, http_answer(200, b"{}")) as port, story_before(port, at="PLACE_CARD") as s:
        s.until(S.PAUSED)
        assert s.screen.reason == "signer"
        assert s.record == "FROZEN"
        no_sod(s)
