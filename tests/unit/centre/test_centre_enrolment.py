"""A box gets its certificates: by hand, by a one-time code, and then by its own signature."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from support import record
from support.centre import TestStation, as_box, speaking

from centre.cli_box import app as box_commands
from centre.enrolment import TLS_DAYS
from centre.errors import CentreSetupError
from centre.pki import LEAF_DAYS, TLS_USES, certify_box
from firmware.records.format import cms
from firmware.records.format.enrolment import IDENTITY, TLS, CertificateRequest, Enrolment
from firmware.records.format.errors import SignatureRefused
from firmware.records.format.signing import Signer, sign_detached

Key = ec.EllipticCurvePrivateKey


@pytest.fixture
def nobody(app: ASGIApp) -> TestClient:
    """Speaks over TLS and shows no certificate."""
    return speaking(app, None)


def key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def csr(key: Key, box: str = record.BOX) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def der(key: Key, box: str = record.BOX) -> bytes:
    return x509.load_pem_x509_csr(csr(key, box)).public_bytes(Encoding.DER)


def text(key: Key, box: str = record.BOX) -> str:
    return base64.b64encode(der(key, box)).decode()


def asked(signer: Signer, key: Key, kind: str = TLS, box: str = record.BOX) -> bytes:
    return CertificateRequest(kind, box, der(key, box)).signed(signer).to_json()


def certificate(answer: Any) -> x509.Certificate:
    assert answer.status_code == 200, answer.text
    return x509.load_pem_x509_certificate(answer.json()["certificate"].encode())


def reason(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def health(app: ASGIApp, shown: x509.Certificate) -> int:
    return speaking(app, shown).get("/v1/health").status_code


# --- who shows nothing -----------------------------------------------------------------------------


def test_without_a_certificate_nothing_answers_but_enrolment(app: Any, nobody: TestClient) -> None:
    open_ones = set()
    for route in app.routes:
        assert isinstance(route, Route | Mount)
        path = route.path.replace("{", "").replace("}", "")
        methods = (getattr(route, "methods", None) or {"POST", "PATCH", "HEAD", "GET", "DELETE"}) - {"HEAD"}
        for method in methods:
            answer = nobody.request(method, path, json={})
            if answer.status_code != 403 or answer.json()["reason"] != "no_certificate":
                open_ones.add(path)
    assert open_ones == {"/v1/box/enrol", "/v1/box/tls"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"code": 1}', b"\xff" * 100])
@pytest.mark.parametrize("path", ["/v1/box/enrol", "/v1/box/tls"])
def test_a_strangers_bytes_are_refused_with_a_reason(nobody: TestClient, path: str, body: bytes) -> None:
    assert nobody.post(path, content=body).status_code in (400, 403)


@pytest.mark.parametrize("path", ["/v1/box/enrol", "/v1/box/tls"])
def test_a_strangers_question_is_short(nobody: TestClient, path: str) -> None:
    assert nobody.post(path, content=b" " * (65 << 10)).status_code == 413


# --- by hand ---------------------------------------------------------------------------------------


def test_a_person_signs_a_box_that_made_its_own_key(station: TestStation, app: ASGIApp) -> None:
    own = key()
    made = Enrolment.read(station.station.sign_box(csr(own), station.now).to_json())
    shown = x509.load_pem_x509_certificate(made.files["box.crt.pem"].encode())
    assert shown.public_key() == own.public_key()
    assert health(app, shown) == 200
    enrolled = {path.name for path in station.enrol("BOX-33").folder.iterdir()}
    assert set(made.files) == enrolled - {"box.key.pem", "identity.json"}


def test_signing_a_box_again_ends_its_former_certificate(station: TestStation, app: ASGIApp) -> None:
    former = station.enrol().certificate("box.crt.pem")
    station.station.sign_box(csr(key()), station.now)
    assert health(app, former) == 403


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"nonsense",
        csr(ec.generate_private_key(ec.SECP384R1())),
        csr(key(), "box seven"),
        csr(key())[:-80],
    ],
)
def test_what_is_no_request_of_a_box_is_not_signed(station: TestStation, request_: bytes) -> None:
    with pytest.raises(CentreSetupError):
        station.station.sign_box(request_, station.now)


# --- by a code -------------------------------------------------------------------------------------


def test_a_code_enrols_its_box_once(station: TestStation, app: ASGIApp, nobody: TestClient) -> None:
    code, own = station.station.enrolment_code(record.BOX, 1, station.now), key()
    answer = nobody.post("/v1/box/enrol", json={"code": code, "request": text(own)})
    made = Enrolment.read(answer.content)
    assert health(app, x509.load_pem_x509_certificate(made.files["box.crt.pem"].encode())) == 200
    other = nobody.post("/v1/box/enrol", json={"code": code, "request": text(key())})
    assert reason(other) == (403, "code_used")


def test_a_lost_answer_is_given_again_and_enrols_nothing_twice(
    station: TestStation, nobody: TestClient
) -> None:
    body = {
        "code": station.station.enrolment_code(record.BOX, 1, station.now),
        "request": text(key()),
    }
    first, second = (nobody.post("/v1/box/enrol", json=body) for _ in range(2))
    assert first.status_code == 200 and first.content == second.content


def test_a_code_is_of_one_box_and_one_time(station: TestStation, nobody: TestClient) -> None:
    code = station.station.enrolment_code("BOX-33", 1, station.now)
    asking = {"code": code, "request": text(key())}
    assert reason(nobody.post("/v1/box/enrol", json=asking)) == (400, "bad_request")
    station.now += timedelta(hours=2)
    asking = {"code": code, "request": text(key(), "BOX-33")}
    assert reason(nobody.post("/v1/box/enrol", json=asking)) == (403, "code_over")
    asking = {"code": "A" * 32, "request": text(key(), "BOX-33")}
    assert reason(nobody.post("/v1/box/enrol", json=asking)) == (403, "code_unknown")


def test_no_code_lies_in_the_database(station: TestStation) -> None:
    code = station.station.enrolment_code(record.BOX, 1, station.now)
    with station.turn() as turn:
        rows = turn.connection.exec_driver_sql("SELECT * FROM enrolment_codes").all()
    assert len(rows) == 1 and code not in str(rows)


# --- by its own signature --------------------------------------------------------------------------


def test_a_boxs_tls_key_speaks_for_it_for_days(
    station: TestStation, app: ASGIApp, nobody: TestClient
) -> None:
    box = station.enrol()
    shown = certificate(nobody.post("/v1/box/tls", content=asked(box.signer, key())))
    assert health(app, shown) == 200
    assert shown.not_valid_after_utc == station.now.replace(microsecond=0) + timedelta(days=TLS_DAYS)
    assert health(app, box.certificate("box.crt.pem")) == 200
    with ExitStack() as later:
        station.now += timedelta(days=TLS_DAYS, minutes=1)
        assert health(later.enter_context(station.asgi()), shown) == 403


def test_a_replayed_request_prolongs_nothing(station: TestStation, nobody: TestClient) -> None:
    signed = asked(station.enrol().signer, key())
    first = certificate(nobody.post("/v1/box/tls", content=signed))
    station.now += timedelta(days=3)
    assert certificate(nobody.post("/v1/box/tls", content=signed)) == first


def test_a_tls_keys_certificate_signs_nothing_in_its_boxs_name(
    station: TestStation, nobody: TestClient
) -> None:
    box, own = station.enrol(), key()
    short = Signer(own, certificate(nobody.post("/v1/box/tls", content=asked(box.signer, own))))
    with pytest.raises(SignatureRefused, match="TLS"):
        cms.verify(sign_detached(b"x", short), b"x", box.certificate("box-ca.pem"), station.now)
    for kind in (TLS, IDENTITY):
        assert reason(nobody.post("/v1/box/tls", content=asked(short, key(), kind))) == (403, "signature")


def test_a_box_renews_its_identity_by_it(station: TestStation, app: ASGIApp, nobody: TestClient) -> None:
    box = station.enrol()
    signed = asked(box.signer, box.signer.key, IDENTITY)
    renewed = certificate(nobody.post("/v1/box/tls", content=signed))
    assert renewed.not_valid_after_utc == station.now.replace(microsecond=0) + timedelta(days=LEAF_DAYS)
    assert certificate(nobody.post("/v1/box/tls", content=signed)) == renewed
    next_ = Signer(box.signer.key, renewed)
    shown = certificate(nobody.post("/v1/box/tls", content=asked(next_, key())))
    assert health(app, shown) == health(app, renewed) == 200


def test_tls_keys_of_a_former_identity_speak_no_more(
    station: TestStation, app: ASGIApp, nobody: TestClient
) -> None:
    shown = certificate(nobody.post("/v1/box/tls", content=asked(station.enrol().signer, key())))
    station.enrol()
    assert health(app, shown) == 403


def test_a_former_identity_gets_nothing(station: TestStation, nobody: TestClient) -> None:
    former = station.enrol()
    station.enrol()
    for kind in (TLS, IDENTITY):
        answer = nobody.post("/v1/box/tls", content=asked(former.signer, key(), kind))
        assert reason(answer) == (403, "box_unknown")


def test_a_box_asks_for_itself_alone(station: TestStation, nobody: TestClient) -> None:
    box = station.enrol()
    other = CertificateRequest(TLS, "BOX-33", der(key(), "BOX-33")).signed(box.signer)
    assert reason(nobody.post("/v1/box/tls", content=other.to_json())) == (403, "signature")
    smuggled = CertificateRequest(TLS, record.BOX, der(key(), "BOX-33")).signed(box.signer)
    assert reason(nobody.post("/v1/box/tls", content=smuggled.to_json())) == (400, "bad_request")


def test_a_request_that_a_stranger_signed_or_changed_is_refused(
    station: TestStation, nobody: TestClient
) -> None:
    box, own = station.enrol(), key()
    stranger = Signer(own, box.certificate("box.crt.pem"))
    assert reason(nobody.post("/v1/box/tls", content=asked(stranger, own))) == (403, "signature")
    signed = json.loads(asked(box.signer, own))
    signed["certificate_request"]["kind"] = IDENTITY
    assert reason(nobody.post("/v1/box/tls", content=json.dumps(signed).encode()))[0] == 403


def test_a_certificate_for_tls_alone_is_marked_so(station: TestStation) -> None:
    made = certify_box(station.station.pki, record.BOX, key().public_key(), station.now, 7, TLS_USES)
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == list(TLS_USES)


def test_the_commands_sign_a_box_and_say_a_code(station: TestStation, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    (tmp_path / "box.csr.pem").write_bytes(csr(key()))
    folder, out = str(station.station.folder), str(tmp_path / "answer.json")
    request = ["--request", str(tmp_path / "box.csr.pem"), "--out", out]
    url = ["--database", station.station.database_url] if station.station.database_url else []
    said = CliRunner().invoke(box_commands, ["sign-box", folder, *request, *url])
    assert said.exit_code == 0, said.output
    assert Enrolment.read(Path(out).read_bytes()).seal in said.output
    said = CliRunner().invoke(box_commands, ["enrolment-code", folder, "--box", "BOX-33", *url])
    assert len(said.output.strip()) == 32


def test_an_enrolled_box_still_speaks_by_its_own_certificate(station: TestStation, app: ASGIApp) -> None:
    assert as_box(app, station.enrol()).get("/v1/health").status_code == 200
