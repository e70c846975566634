"""The right to make a card: one open issue for a case, the same bytes on a repeat, every act on record."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient
from support.centre import Box, TestStation, as_box

from centre import chain, db, ledger
from firmware.document.passive import passive_authentication
from firmware.document.sod import parse as parse_sod
from firmware.records.format.signing import lds_security_object

HASHES = {"1": "11" * 32, "2": "22" * 32, "13": "33" * 32}
RECORD, OTHER = "a" * 32, "b" * 32


def request(**changes: Any) -> dict[str, Any]:
    whole = {
        "record_id": RECORD,
        "number": "001304000017",
        "case": "first_issue",
        "box": "BOX-01",
        "epoch": 1,
        "attempt": 1,
        "hash_algorithm": "sha256",
        "data_groups": HASHES,
    }
    return {**whole, **changes}


def sod(http: TestClient, **changes: Any) -> bytes:
    answer = http.post("/v1/sign", json=request(**changes))
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["ef_sod"])


def refusal(http: TestClient, **changes: Any) -> tuple[int, str]:
    answer = http.post("/v1/sign", json=request(**changes))
    return answer.status_code, answer.json()["reason"]


def test_stock_openssl_verifies_the_sod_up_to_the_csca(
    http: TestClient, box: Box, station: TestStation, tmp_path: Path
) -> None:
    ef_sod = sod(http)
    assert ef_sod[0] == 0x77 and ef_sod[1] == 0x82
    assert int.from_bytes(ef_sod[2:4], "big") == len(ef_sod) - 4
    cms, content = tmp_path / "sod.der", tmp_path / "lds.der"
    cms.write_bytes(ef_sod[4:])
    at = str(int(station.now.timestamp()))
    verify = f"openssl cms -verify -inform DER -in {cms} -attime {at} -out {content}".split()
    anchor = ["-CAfile", str(box.folder / "csca.pem")]
    done = subprocess.run([*verify, *anchor], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert content.read_bytes() == lds_security_object(
        {int(tag): bytes.fromhex(value) for tag, value in HASHES.items()}
    )


def test_openssl_refuses_a_sod_with_one_bit_changed(
    http: TestClient, box: Box, station: TestStation, tmp_path: Path
) -> None:
    ef_sod = bytearray(sod(http))
    ef_sod[ef_sod.index(bytes.fromhex(HASHES["2"]))] ^= 1
    cms = tmp_path / "sod.der"
    cms.write_bytes(ef_sod[4:])
    at = str(int(station.now.timestamp()))
    verify = f"openssl cms -verify -inform DER -in {cms} -attime {at} -out /dev/null".split()
    anchor = ["-CAfile", str(box.folder / "csca.pem")]
    assert subprocess.run([*verify, *anchor], capture_output=True, timeout=30).returncode != 0


def test_the_same_request_gets_the_very_same_bytes(http: TestClient) -> None:
    assert sod(http) == sod(http)


def test_an_attempt_cannot_change_its_content(http: TestClient) -> None:
    sod(http)
    assert refusal(http, data_groups={**HASHES, "2": "44" * 32}) == (409, "attempt_changed")


def test_a_card_of_lds_1_8_gets_a_sod_of_version_1(http: TestClient) -> None:
    signed = parse_sod(sod(http, lds_version="0108"))
    hashes = {int(tag): bytes.fromhex(value) for tag, value in HASHES.items()}
    assert signed.content == lds_security_object(hashes, "0108")
    assert refusal(http) == (409, "attempt_changed")


def test_another_record_of_the_same_case_is_refused(http: TestClient) -> None:
    sod(http)
    assert refusal(http, record_id=OTHER) == (409, "open_elsewhere")


def test_another_case_of_the_same_number_may_be_signed(http: TestClient) -> None:
    sod(http)
    sod(http, record_id=OTHER, case="correction")


def test_a_second_attempt_needs_the_first_reported_lost(http: TestClient) -> None:
    first = sod(http)
    assert refusal(http, attempt=2) == (409, "attempt_open")
    assert sod(http, attempt=2, lost=[1]) != first


def test_a_void_attempt_is_never_signed_again(http: TestClient) -> None:
    sod(http)
    sod(http, attempt=2, lost=[1])
    assert refusal(http) == (409, "attempt_void")


def test_an_attempt_cannot_void_itself_or_a_later_one(http: TestClient) -> None:
    sod(http)
    assert sod(http, lost=[1]) == sod(http)
    assert refusal(http, attempt=2, lost=[2, 3]) == (409, "attempt_open")


def test_a_record_cannot_void_the_attempt_of_another(http: TestClient) -> None:
    sod(http)
    assert refusal(http, record_id=OTHER, attempt=2, lost=[1]) == (409, "open_elsewhere")


def test_a_refused_request_leaves_nothing_behind(http: TestClient, station: TestStation) -> None:
    sod(http)
    refusal(http, record_id=OTHER, attempt=2, lost=[1])
    with station.turn() as turn:
        assert turn.connection.execute(select(db.ledger)).all()[1:] == []


def test_a_box_signs_only_in_its_own_name(http: TestClient) -> None:
    assert refusal(http, box="BOX-02") == (403, "other_box")


def test_every_grant_and_void_is_a_row_of_an_unbroken_ledger(http: TestClient, station: TestStation) -> None:
    first = hashlib.sha256(sod(http)).hexdigest()
    second = hashlib.sha256(sod(http, attempt=2, lost=[1])).hexdigest()
    with station.turn() as turn:
        rows = turn.connection.execute(select(db.ledger).order_by(db.ledger.c.position)).all()
        assert chain.broken_at(turn.connection) is None
    assert [(row.position, row.act, row.subject) for row in rows] == [
        (1, "GRANTED", first),
        (2, "VOIDED", first),
        (3, "GRANTED", second),
    ]


def test_a_ledger_row_changed_by_hand_is_found(http: TestClient, station: TestStation) -> None:
    sod(http)
    sod(http, attempt=2, lost=[1])
    with station.turn() as turn:
        turn.connection.execute(update(db.ledger).where(db.ledger.c.position == 2).values(box="BOX-99"))
        assert chain.broken_at(turn.connection) == 2


def test_a_renewal_may_be_issued_again_only_after_a_year(http: TestClient, station: TestStation) -> None:
    given = sod(http, case="renewal")
    with station.turn() as turn:
        sha256 = hashlib.sha256(given).hexdigest()
        issued = ledger.concerning(turn.connection, RECORD, [sha256])[sha256]
        ledger.settle(turn, issued, ledger.Grant.ISSUED, "BOX-01", station.now)
    assert refusal(http, record_id=OTHER, case="renewal") == (409, "already_issued")
    station.now += timedelta(days=366)
    sod(http, record_id=OTHER, case="renewal")


@pytest.mark.parametrize(
    "change",
    [
        {"number": "12345"},
        {"case": "gift"},
        {"attempt": 0},
        {"attempt": True},
        {"hash_algorithm": "sha1"},
        {"data_groups": {}},
        {"data_groups": {"17": "11" * 32}},
        {"data_groups": {"1": "11" * 20}},
        {"record_id": "../../etc"},
        {"lost": "all"},
        {"wish": "granted"},
    ],
)
def test_a_malformed_request_is_refused_with_what_is_wrong(http: TestClient, change: dict[str, Any]) -> None:
    answer = http.post("/v1/sign", json=request(**change))
    assert answer.status_code == 400
    assert next(iter(change)) in answer.json()["detail"]


def test_a_body_beyond_the_limit_is_cut_off(http: TestClient) -> None:
    answer = http.post("/v1/sign", content=b"[" * (64 * 1024 + 1))
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_long")


def test_a_body_nested_without_end_is_refused(http: TestClient) -> None:
    answer = http.post("/v1/sign", content=b"[" * 60_000)
    assert (answer.status_code, answer.json()["reason"]) == (400, "no_json")


def give_up(http: TestClient, record_id: str, *attempts: int) -> Any:
    return http.post("/v1/void", json={"record_id": record_id, "attempts": list(attempts)})


def test_an_abandoned_record_frees_its_case(http: TestClient) -> None:
    sod(http)
    assert give_up(http, RECORD, 1).json() == {"voided": 1}
    assert give_up(http, RECORD, 1).json() == {"voided": 0}
    assert refusal(http) == (409, "attempt_void")
    sod(http, record_id=OTHER)


def test_a_box_cannot_give_up_what_another_was_granted(http: TestClient, station: TestStation) -> None:
    sod(http)
    with station.asgi() as app:
        answer = give_up(as_box(app, station.enrol("BOX-02")), RECORD, 1)
    assert (answer.status_code, answer.json()["reason"]) == (403, "other_box")
    assert refusal(http, record_id=OTHER) == (409, "open_elsewhere")


def test_of_many_records_at_once_exactly_one_is_signed(station: TestStation, box: Box) -> None:
    with station.asgi() as app, ThreadPoolExecutor(8) as pool:
        http = as_box(app, box)
        bodies = [request(record_id=f"{number:032x}") for number in range(16)]
        answers = list(pool.map(lambda body: http.post("/v1/sign", json=body), bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15


def test_passive_authentication_on_the_box_accepts_the_sod(
    http: TestClient, box: Box, station: TestStation
) -> None:
    files = {0x0101: b"DG1", 0x0102: b"DG2"}
    hashes = {"1": hashlib.sha256(b"DG1").hexdigest(), "2": hashlib.sha256(b"DG2").hexdigest()}
    found = parse_sod(sod(http, data_groups=hashes))
    passive_authentication(found, files, [box.certificate("csca.pem")], station.now)
