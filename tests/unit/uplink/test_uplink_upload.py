"""A record leaves the box only for a receipt that is the centre's, and for this record and this file."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import record
from support.centre import Box, TestStation
from support.wire import http_answer, scripted_centre

from centre.pki import Role, create
from firmware.records.format import receipt
from firmware.records.format.receipt import Receipt, ReceiptKind, SignedReceipt
from firmware.uplink.errors import (
    CentreRefused,
    CentreUnreachable,
    CentreWrong,
    SealedFileDamaged,
    Stopped,
)
from firmware.uplink.upload import Uploader

DATA = b"sealed bytes"
SEALED = hashlib.sha256(DATA).hexdigest()
RECORD = "ab" * 32


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> TestStation:
    # TLS looks at the machine's clock
    return TestStation(tmp_path_factory.mktemp("station"), datetime.now(UTC))


@pytest.fixture(scope="module")
def box(station: TestStation) -> Box:
    return station.enrol()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "record.age"
    path.write_bytes(DATA)
    return path


def signed(station: TestStation, **changes: Any) -> SignedReceipt:
    whole: dict[str, Any] = {
        "kind": ReceiptKind.ACCEPTED,
        "record_digest": RECORD,
        "sealed_digest": SEALED,
        "position": 1,
        "box": "BOX-01",
        "sequence": 1,
        "audit_head": "cd" * 32,
        "at": record.NOW,
    }
    key = station.station.pki.credential(Role.RECEIPT).key
    return receipt.sign(Receipt(**{**whole, **changes}), key)


def sent(
    station: TestStation, box: Box, path: Path, body: bytes, links: Path, status: int = 200
) -> SignedReceipt:
    """Send with an earlier link, so that the scripted centre is asked for the receipt first."""
    links.mkdir(exist_ok=True)
    (links / f"{SEALED}.upload").write_text("/files/0")
    answer = http_answer(status, body)
    with scripted_centre(station.station.pki, answer) as port, box.client(port) as client:
        return Uploader(client, links, box.certificate("receipt.pem")).send(path, RECORD, SEALED)


def test_a_good_receipt_is_given_back_and_the_link_forgotten(
    station: TestStation, box: Box, path: Path, tmp_path: Path
) -> None:
    good = signed(station)
    assert sent(station, box, path, good.to_json(), tmp_path / "links") == good
    assert list((tmp_path / "links").iterdir()) == []


@pytest.mark.parametrize("change", [{"record_digest": "00" * 32}, {"sealed_digest": "00" * 32}])
def test_a_receipt_for_something_else_is_wrong(
    station: TestStation, box: Box, path: Path, tmp_path: Path, change: dict[str, str]
) -> None:
    body = signed(station, **change).to_json()
    with pytest.raises(CentreWrong, match="another"):
        sent(station, box, path, body, tmp_path / "links")
    assert path.read_bytes() == DATA


def test_a_receipt_by_another_key_is_wrong(
    station: TestStation, box: Box, path: Path, tmp_path: Path
) -> None:
    forged = receipt.sign(signed(station).receipt, record.keys().receipt_key).to_json()
    with pytest.raises(CentreWrong, match="signature"):
        sent(station, box, path, forged, tmp_path / "links")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"receipt": {}, "signature": "x"}'])
def test_what_is_no_receipt_is_wrong(
    station: TestStation, box: Box, path: Path, tmp_path: Path, body: bytes
) -> None:
    with pytest.raises(CentreWrong):
        sent(station, box, path, body, tmp_path / "links")


def test_a_refusal_of_the_receipt_is_a_refusal(
    station: TestStation, box: Box, path: Path, tmp_path: Path
) -> None:
    with pytest.raises(CentreRefused):
        sent(station, box, path, b'{"reason": "box_unknown"}', tmp_path / "links", status=403)


def test_a_file_that_is_not_the_sealed_one_is_not_sent(box: Box, path: Path, tmp_path: Path) -> None:
    path.write_bytes(DATA + b"!")
    with box.client(1) as nobody, pytest.raises(SealedFileDamaged, match="not the file"):
        Uploader(nobody, tmp_path, box.certificate("receipt.pem")).send(path, RECORD, SEALED)


def test_a_file_that_is_gone_is_said_to_be_gone(box: Box, tmp_path: Path) -> None:
    with box.client(1) as nobody, pytest.raises(SealedFileDamaged, match="cannot be read"):
        uploader = Uploader(nobody, tmp_path, box.certificate("receipt.pem"))
        uploader.send(tmp_path / "none.age", RECORD, SEALED)


def test_nobody_there_leaves_the_record_for_later(box: Box, path: Path, tmp_path: Path) -> None:
    with box.client(1) as nobody, pytest.raises(CentreUnreachable):
        Uploader(nobody, tmp_path, box.certificate("receipt.pem")).send(path, RECORD, SEALED)


def test_a_wrong_centre_is_an_incident_not_a_retry(box: Box, path: Path, tmp_path: Path) -> None:
    stranger = create(tmp_path / "pki")
    with scripted_centre(stranger, http_answer(200, b"")) as port, box.client(port) as client:
        uploader = Uploader(client, tmp_path, box.certificate("receipt.pem"))
        with pytest.raises(CentreWrong, match="TLS"):
            uploader.send(path, RECORD, SEALED)


def test_a_stop_ends_the_upload_before_its_next_request(box: Box, path: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with box.client(1) as nobody, pytest.raises(Stopped):
        uploader = Uploader(nobody, tmp_path, box.certificate("receipt.pem"))
        uploader.send(path, RECORD, SEALED, pause=stop.wait)
