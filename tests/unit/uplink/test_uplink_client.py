"""Every wait for the centre ends, and every answer is one of the typed ones."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from support import record
from support.centre import Box, TestStation
from support.wire import http_answer, json_answer, scripted_centre

from firmware.issue.errors import SignerNotReached, SignerRefused, SignerUnavailable
from firmware.issue.ports import SigningRequest
from firmware.uplink.client import CentreClient, Timeouts, tls_context, wire_error
from firmware.uplink.errors import CentreRefused, CentreUnreachable, CentreWrong, UplinkError
from firmware.uplink.signing import CentreSigner

ORDER = SigningRequest("a" * 32, record.NUMBER, "first_issue", "BOX-01", 1, 1, {1: b"\x11" * 32})


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> TestStation:
    # TLS looks at the machine's clock
    return TestStation(tmp_path_factory.mktemp("station"), datetime.now(UTC))


@pytest.fixture(scope="module")
def box(station: TestStation) -> Box:
    return station.enrol()


@contextmanager
def answered(
    station: TestStation, box: Box, answer: bytes | None, **timeouts: float
) -> Iterator[CentreClient]:
    """A client of a centre that gives each request `answer`."""
    waits = Timeouts(**timeouts)
    with scripted_centre(station.station.pki, answer) as port, box.client(port, waits) as client:
        yield client


def asked(station: TestStation, box: Box, answer: bytes | None, **timeouts: float) -> bytes:
    with answered(station, box, answer, **timeouts) as client:
        return client.get("/v1/health")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, CentreUnreachable),
        (503, CentreUnreachable),
        (408, CentreUnreachable),
        (429, CentreUnreachable),
        (403, CentreRefused),
        (422, CentreRefused),
        (204, CentreWrong),
        (302, CentreWrong),
    ],
)
def test_each_status_is_a_typed_error(
    station: TestStation, box: Box, status: int, error: type[UplinkError]
) -> None:
    with pytest.raises(error):
        asked(station, box, http_answer(status, b""))


def test_a_refusal_carries_the_centres_reason(station: TestStation, box: Box) -> None:
    with pytest.raises(CentreRefused) as refused:
        asked(station, box, json_answer({"reason": "other_box"}, 403))
    assert (refused.value.status, refused.value.reason) == (403, "other_box")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"reason": 5}', b"\xff\xfe"])
def test_a_refusal_without_a_reason_is_still_a_refusal(station: TestStation, box: Box, body: bytes) -> None:
    with pytest.raises(CentreRefused) as refused:
        asked(station, box, http_answer(403, body))
    assert refused.value.reason == "unknown"


def test_a_silent_centre_is_left_when_the_time_is_over(station: TestStation, box: Box) -> None:
    began = time.monotonic()
    with pytest.raises(CentreUnreachable):
        asked(station, box, None, step_s=0.2, whole_s=0.4)
    assert time.monotonic() - began < 5  # ends at all; how soon exactly is the machine's affair


@pytest.mark.parametrize("answer", [b"\x00\x01 not HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nCont"])
def test_bytes_that_are_no_answer_are_a_typed_error(station: TestStation, box: Box, answer: bytes) -> None:
    with pytest.raises((CentreUnreachable, CentreWrong)):
        asked(station, box, answer)


def test_an_answer_that_ends_early_is_not_taken(station: TestStation, box: Box) -> None:
    with pytest.raises(CentreUnreachable):
        asked(station, box, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def test_an_answer_beyond_the_limit_is_cut_off(station: TestStation, box: Box) -> None:
    with (
        scripted_centre(station.station.pki, http_answer(200, bytes(2000))) as port,
        box.client(port) as client,
        pytest.raises(CentreWrong, match="longer than 1000"),
    ):
        client.get("/v1/health", most=1000)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_json_object_is_wrong(station: TestStation, box: Box, body: bytes) -> None:
    with answered(station, box, http_answer(200, body)) as client, pytest.raises(CentreWrong):
        client.get_json("/v1/health")


def test_a_plain_http_url_is_refused_at_once(box: Box) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ValueError, match="https"):
        CentreClient("http://127.0.0.1:1", tls)


def test_a_key_that_is_not_the_certificates_is_refused_at_start(station: TestStation, box: Box) -> None:
    other = station.enrol("BOX-02")
    with pytest.raises(ssl.SSLError):
        tls_context(box.folder / "tls-ca.pem", box.folder / "box.crt.pem", other.folder / "box.key.pem")


def test_only_our_authority_is_trusted(box: Box, station: TestStation) -> None:
    tls = tls_context(box.folder / "tls-ca.pem", box.folder / "box.crt.pem", box.folder / "box.key.pem")
    assert len(tls.get_ca_certs()) == 1
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert tls.check_hostname


def test_tls_trouble_deep_in_the_causes_is_found() -> None:
    outer = OSError("outer")
    outer.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    assert isinstance(wire_error(outer), CentreWrong)
    ragged = OSError("outer")
    ragged.__cause__ = ssl.SSLEOFError(8, "EOF occurred")
    assert isinstance(wire_error(ragged), CentreUnreachable)


@pytest.mark.parametrize("answer", [{}, {"ef_sod": 5}, {"ef_sod": "%%%"}, {"ef_sod": ""}, {"ef_sod": "MIIB"}])
def test_an_answer_without_an_ef_sod_leaves_the_signer_unavailable(
    station: TestStation, box: Box, answer: dict[str, object]
) -> None:
    with answered(station, box, json_answer(answer)) as client, pytest.raises(SignerUnavailable):
        CentreSigner(client).sign(ORDER)


def test_the_signers_refusal_carries_the_reason(station: TestStation, box: Box) -> None:
    answer = json_answer({"reason": "already_issued"}, 409)
    with answered(station, box, answer) as client, pytest.raises(SignerRefused) as refused:
        CentreSigner(client).sign(ORDER)
    assert refused.value.reason == "already_issued"


def test_a_centre_that_nothing_reached_cannot_have_signed(station: TestStation, box: Box) -> None:
    with box.client(nobodys_port()) as client, pytest.raises(SignerNotReached):
        CentreSigner(client).sign(ORDER)
    answer = json_answer({"reason": "no_certificate"}, 401)
    with answered(station, box, answer) as client, pytest.raises(SignerNotReached):
        CentreSigner(client).sign(ORDER)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", http_answer(503, b"")]
)
def test_a_centre_whose_answer_was_lost_may_have_signed(
    station: TestStation, box: Box, answer: bytes
) -> None:
    with answered(station, box, answer) as client, pytest.raises(SignerUnavailable) as raised:
        CentreSigner(client).sign(ORDER)
    assert not isinstance(raised.value, SignerNotReached)


def nobodys_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
