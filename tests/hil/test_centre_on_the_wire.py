"""Box and centre as two programs over mutual TLS on loopback."""

from __future__ import annotations

import base64
import hashlib
import signal
import socket
import ssl
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from support import postgres, record
from support.centre import FAST, PERSON, Box, TestStation, serving_process, without_card
from support.wire import CuttingProxy

from firmware.issue.errors import SignerRefused, SignerUnavailable
from firmware.issue.ports import SigningRequest
from firmware.records.format.receipt import ReceiptKind
from firmware.records.format.seal import Sealed
from firmware.uplink.client import CentreClient, anonymous_tls, tls_context
from firmware.uplink.errors import (
    CentreRefused,
    CentreUnreachable,
    CentreWrong,
    PersonUnknown,
    Stopped,
    UplinkError,
)
from firmware.uplink.registry import Registry, Source
from firmware.uplink.signing import CentreSigner
from firmware.uplink.tus import ChunkSize
from firmware.uplink.upload import Uploader

LONG_AGO = timedelta(days=800)
CHUNK_BYTES = ChunkSize().best
PORTRAIT = bytes(range(256)) * 4096  # 1 MiB: several chunks


def today() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def station(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestStation]:
    folder = tmp_path_factory.mktemp("station")
    if request.param == "sqlite":
        yield TestStation(folder, today())
        return
    with postgres.session() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestStation, "databases", staticmethod(server.new_database))
        made = TestStation(folder, today())
        patch.undo()
        yield made


@pytest.fixture(scope="module")
def port(station: TestStation) -> Iterator[int]:
    with station.served() as chosen:
        yield chosen


@pytest.fixture
def box(station: TestStation) -> Box:
    return station.enrol(f"BOX-{uuid.uuid4().hex[:8].upper()}")


@pytest.fixture
def client(box: Box, port: int) -> Iterator[CentreClient]:
    with box.client(port) as one:
        yield one


def uploader(client: CentreClient, box: Box) -> Uploader:
    return Uploader(client, box.folder / "links", box.certificate("receipt.pem"))


def on_disk(sealed: Sealed, folder: Path) -> Path:
    path = folder / f"{sealed.sealed_digest}.age"
    path.write_bytes(sealed.data)
    return path


def large(box: Box) -> Sealed:
    """A record of several chunks, of a case that may come again in this module's one registry."""
    return box.seal(PORTRAIT, **without_card(case="correction"))


def answer_to(port: int, tls: ssl.SSLContext) -> bytes:
    """The first bytes of what the centre answers to a request over `tls`; none when it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        try:
            with tls.wrap_socket(line, server_hostname="127.0.0.1") as talk:
                talk.sendall(b"GET /v1/health HTTP/1.1\r\nHost: centre\r\nConnection: close\r\n\r\n")
                return talk.recv(12)
        except (ssl.SSLError, ConnectionError):
            return b""


# --- who gets in -----------------------------------------------------------------------------------


def test_the_enrolled_box_gets_in(client: CentreClient, port: int) -> None:
    assert answer_to(port, client.tls) == b"HTTP/1.1 200"
    health = client.get_json("/v1/health")
    assert (health["status"], health["development"]) == ("ok", True)


def test_without_a_client_certificate_the_answer_is_that_there_is_none(box: Box, port: int) -> None:
    """Only enrolment is open then: test_centre_enrolment."""
    assert answer_to(port, anonymous_tls(box.folder / "tls-ca.pem")) == b"HTTP/1.1 403"


def test_a_box_whose_certificate_is_still_to_come_tries_again_later(box: Box, port: int) -> None:
    anonymous = CentreClient(f"https://127.0.0.1:{port}", anonymous_tls(box.folder / "tls-ca.pem"))
    with anonymous as client, pytest.raises(CentreUnreachable):
        client.get_json("/v1/health")


def test_a_certificate_of_another_authority_gets_no_answer(box: Box, port: int, tmp_path: Path) -> None:
    stranger = TestStation(tmp_path, today() - timedelta(days=1)).enrol(box.name)
    tls = tls_context(
        box.folder / "tls-ca.pem", stranger.folder / "box.crt.pem", stranger.folder / "box.key.pem"
    )
    assert answer_to(port, tls) == b""
    client = CentreClient(f"https://127.0.0.1:{port}", tls, FAST)
    with client, pytest.raises((CentreWrong, CentreUnreachable)):
        client.get("/v1/health")


def test_an_expired_certificate_gets_no_answer(station: TestStation, port: int) -> None:
    expired = station.enrol("BOX-EXPIRED", today() - LONG_AGO)
    with expired.client(port) as client, pytest.raises((CentreWrong, CentreUnreachable)):
        client.get("/v1/health")
    assert answer_to(port, client.tls) == b""


def test_a_replaced_certificate_is_refused(station: TestStation, port: int) -> None:
    before, _after = station.enrol("BOX-TWICE"), station.enrol("BOX-TWICE")
    with before.client(port) as client, pytest.raises(CentreRefused) as refused:
        client.get("/v1/health")
    assert (refused.value.status, refused.value.reason) == (403, "box_unknown")


def test_a_centre_of_another_authority_is_not_ours(box: Box, tmp_path: Path) -> None:
    other = TestStation(tmp_path, today() - timedelta(days=1))
    with other.served() as port, box.client(port) as client, pytest.raises(CentreWrong, match="TLS"):
        client.get("/v1/health")


def test_a_centre_with_an_expired_certificate_is_not_ours(tmp_path: Path) -> None:
    old = TestStation(tmp_path, today() - LONG_AGO)
    box = old.enrol("BOX-01", today())
    with old.served() as port, box.client(port) as client, pytest.raises(CentreWrong, match="TLS"):
        client.get("/v1/health")


def test_nobody_listening_is_unreachable(box: Box) -> None:
    with box.client(1) as client, pytest.raises(CentreUnreachable):
        client.get("/v1/health")


# --- registry --------------------------------------------------------------------------------------


def test_the_registry_answers_the_person(client: CentreClient, box: Box, tmp_path: Path) -> None:
    registry = Registry(client, tmp_path / "extract", box.certificate("extract.pem"), box.identity)
    person = registry.lookup(record.NUMBER)
    assert person.fields["full_name"] == PERSON["full_name"]
    assert person.fingers == {"right_index": bytes(range(4))}
    assert person.source is Source.REGISTRY


def test_an_unknown_number_is_said_to_be_unknown(client: CentreClient, box: Box, tmp_path: Path) -> None:
    registry = Registry(client, tmp_path / "extract", box.certificate("extract.pem"), box.identity)
    with pytest.raises(PersonUnknown):
        registry.lookup("001304999999")


def test_the_extract_answers_when_the_centre_is_gone(client: CentreClient, box: Box, tmp_path: Path) -> None:
    certificate = box.certificate("extract.pem")
    Registry(client, tmp_path / "extract", certificate, box.identity).refresh()
    with box.client(1) as nobody:
        offline = Registry(nobody, tmp_path / "extract", certificate, box.identity)
        assert offline.lookup(record.NUMBER).source is Source.EXTRACT
        with pytest.raises(CentreUnreachable):
            offline.lookup("001304999999")


# --- signing ---------------------------------------------------------------------------------------


def order(box: Box, number: str = "001304000025", **changes: object) -> SigningRequest:
    whole = {
        "record_id": uuid.uuid4().hex,
        "number": number,
        "case": "first_issue",
        "box": box.name,
        "epoch": 1,
        "attempt": 1,
        "data_group_hashes": {1: b"\x11" * 32, 2: b"\x22" * 32},
    }
    return SigningRequest(**{**whole, **changes})  # type: ignore[arg-type]


def test_the_signer_gives_the_same_bytes_twice_and_refuses_another_record(
    client: CentreClient, box: Box
) -> None:
    signer, first = CentreSigner(client), order(box)
    ef_sod = signer.sign(first)
    assert signer.sign(first) == ef_sod
    with pytest.raises(SignerRefused) as refused:
        signer.sign(order(box))
    assert refused.value.reason == "open_elsewhere"


def test_a_second_attempt_gets_a_new_sod(client: CentreClient, box: Box) -> None:
    signer, first = CentreSigner(client), order(box, number="001304000033")
    again = order(box, number=first.number, record_id=first.record_id, attempt=2)
    assert signer.sign(first) != signer.sign(again)


def test_an_abandoned_record_frees_its_case(client: CentreClient, box: Box) -> None:
    signer, first = CentreSigner(client), order(box, number="001304000041")
    signer.sign(first)
    assert signer.give_up(first.record_id, [1]) == 1
    assert signer.sign(order(box, number=first.number))


def test_a_silent_centre_leaves_the_signer_unavailable(box: Box) -> None:
    with box.client(1) as nobody, pytest.raises(SignerUnavailable):
        CentreSigner(nobody).sign(order(box))


# --- upload ----------------------------------------------------------------------------------------


def test_a_record_goes_across_and_its_receipt_is_verified(
    client: CentreClient, box: Box, tmp_path: Path
) -> None:
    sealed = large(box)
    path = on_disk(sealed, tmp_path)
    seen: list[tuple[int, int]] = []
    send = uploader(client, box).send
    receipt = send(path, sealed.record_digest, sealed.sealed_digest, lambda *now: seen.append(now)).receipt
    assert receipt.kind is ReceiptKind.ACCEPTED
    assert seen[-1] == (len(sealed.data), len(sealed.data))
    again = send(path, sealed.record_digest, sealed.sealed_digest).receipt
    assert again == receipt


def test_an_upload_cut_half_way_goes_on_where_it_stopped(
    port: int, box: Box, client: CentreClient, tmp_path: Path
) -> None:
    sealed = large(box)
    path = on_disk(sealed, tmp_path)
    proxy = CuttingProxy(port, cut_after=int(2.5 * CHUNK_BYTES))
    with proxy.running() as cut, box.client(cut) as broken, pytest.raises(CentreUnreachable):
        uploader(broken, box).send(path, sealed.record_digest, sealed.sealed_digest)
    seen: list[int] = []
    receipt = uploader(client, box).send(
        path, sealed.record_digest, sealed.sealed_digest, lambda done, _all: seen.append(done)
    )
    assert receipt.receipt.kind is ReceiptKind.ACCEPTED
    assert seen[0] > CHUNK_BYTES


def test_a_lost_receipt_is_asked_for_and_not_sent_again(
    client: CentreClient, box: Box, tmp_path: Path
) -> None:
    sealed = large(box)
    path = on_disk(sealed, tmp_path)
    first = uploader(client, box).send(path, sealed.record_digest, sealed.sealed_digest)
    link = box.folder / "links" / f"{sealed.sealed_digest}.upload"
    link.write_text(f"/files/{uuid.uuid4()}")  # as it lies there when the answer was cut off
    seen: list[int] = []
    again = uploader(client, box).send(
        path, sealed.record_digest, sealed.sealed_digest, lambda done, _all: seen.append(done)
    )
    assert (again, seen) == (first, [])
    assert not link.exists()


def test_a_centre_killed_in_the_middle_keeps_what_it_acknowledged(
    tmp_path: Path,
) -> None:
    station = TestStation(tmp_path, today())
    box = station.enrol()
    sealed = large(box)
    path = on_disk(sealed, tmp_path)
    stop = threading.Event()

    def after_two(done: int, _all: int) -> None:
        if done >= 2 * CHUNK_BYTES:
            stop.set()

    with serving_process(station.station) as (process, port), box.client(port) as client:
        with pytest.raises(Stopped):
            send = uploader(client, box).send
            send(path, sealed.record_digest, sealed.sealed_digest, after_two, stop.wait)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    seen: list[int] = []
    with station.served() as port, box.client(port) as client:
        uploader(client, box).send(
            path, sealed.record_digest, sealed.sealed_digest, lambda done, _all: seen.append(done)
        )
    assert seen[0] == 3 * CHUNK_BYTES


def test_a_chunk_with_a_wrong_checksum_is_refused(box: Box, port: int) -> None:
    tls = tls_context(box.folder / "tls-ca.pem", box.folder / "box.crt.pem", box.folder / "box.key.pem")
    tus = {"Tus-Resumable": "1.0.0"}
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=tls) as http:
        url = http.post("/files", headers={**tus, "Upload-Length": "4"}).headers["Location"]
        wrong = hashlib.sha256(b"good").digest()
        checksum = f"sha256 {base64.b64encode(wrong).decode()}"
        headers = {**tus, "Upload-Offset": "0", "Upload-Checksum": checksum}
        headers["Content-Type"] = "application/offset+octet-stream"
        assert http.patch(url, content=b"evil", headers=headers).status_code == 460
        assert http.head(url, headers=tus).headers["Upload-Offset"] == "0"


def test_another_boxs_record_is_refused_and_stays(
    station: TestStation, box: Box, client: CentreClient, tmp_path: Path
) -> None:
    sealed = large(station.enrol(f"BOX-{uuid.uuid4().hex[:8].upper()}"))
    path = on_disk(sealed, tmp_path)
    with pytest.raises(CentreRefused) as refused:
        uploader(client, box).send(path, sealed.record_digest, sealed.sealed_digest)
    assert (refused.value.status, refused.value.reason) == (403, "other_box")
    assert path.read_bytes() == sealed.data


def test_the_log_holds_no_personal_data(tmp_path: Path) -> None:
    station, log = TestStation(tmp_path, today()), tmp_path / "log"
    box = station.enrol()
    sealed = large(box)
    path = on_disk(sealed, tmp_path)
    with serving_process(station.station, log) as (_process, port), box.client(port) as client:
        registry = Registry(client, tmp_path / "extract", box.certificate("extract.pem"), box.identity)
        registry.lookup(record.NUMBER)
        with pytest.raises(PersonUnknown):
            registry.lookup("001304999999")
        CentreSigner(client).sign(order(box, number=record.NUMBER))
        with pytest.raises(CentreRefused):
            client.post("/v1/sign", {"number": record.NUMBER, "full_name": record.NAME})
        uploader(client, box).send(path, sealed.record_digest, sealed.sealed_digest)
    written = log.read_text()
    assert sealed.record_digest in written  # it is the log, and it does say something
    for personal in (record.NUMBER, "001304999999", record.NAME, "2004-05-06"):
        assert personal not in written


def test_every_error_of_the_wire_is_an_uplink_error() -> None:
    for kind in (CentreUnreachable, CentreRefused, CentreWrong, PersonUnknown, Stopped):
        assert issubclass(kind, UplinkError)
