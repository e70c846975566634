"""Nothing of training passes at a centre of production: no key, no record, no paper, no place, no stick."""

from __future__ import annotations

import shutil
import ssl
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.types import ASGIApp
from support import record
from support.centre import Box, TestStation, as_box, deliver
from support.places import UNIT, Station
from support.provisioning import no_development

from centre import pki
from centre.errors import CentreSetupError
from centre.papers import Place
from centre.serve import tls_context
from centre.stick import Wanted, write
from firmware.box.errors import IdentityError
from firmware.box.identity import Identity
from firmware.box.init import begin, request_for, take
from firmware.box.warrants import PaperRefused, Papers
from firmware.records.format.enrolment import TLS, CertificateRequest
from firmware.records.format.manifest import files_table
from firmware.records.format.seal import Sealed, seal
from firmware.records.journal import Journal
from firmware.uplink.client import tls_context as box_tls

BOX = record.BOX


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestStation:
    """A centre whose authorities are not of development."""
    (tmp_path / "production").mkdir()
    made = TestStation(tmp_path / "production")
    shutil.rmtree(made.station.folder / "pki")
    with no_development(monkeypatch):
        pki.create(made.station.folder / "pki", made.now)
    assert not made.station.pki.is_development
    return made


@pytest.fixture
def app(production: TestStation) -> Any:
    with production.asgi() as application:
        yield application


@pytest.fixture
def training(tmp_path: Path) -> TestStation:
    (tmp_path / "training").mkdir()
    return TestStation(tmp_path / "training")


@pytest.fixture
def real(app: ASGIApp, production: TestStation) -> Station:
    """A box of the production centre."""
    return Station.at(app, production, BOX)


@pytest.fixture
def trainee(app: ASGIApp, training: TestStation) -> Station:
    """A training box of the same name, whoever lets it in at the production centre's door."""
    box = training.enrol(BOX)
    training.station.assign(BOX, UNIT, now=training.now)
    return Station(box, as_box(app, box), training)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def sealed_for(production: TestStation, box: Box, simulated: bool) -> Sealed:
    """A training box's record, sealed to the production centre."""
    manifest = record.manifest(assignment=record.assignment(BOX), simulated=simulated)
    manifest["files"] = files_table(record.files())
    recipient = production.station.pki.age_recipient(pki.AgeRole.CENTRE)
    return seal(manifest, record.files(), box.signer, [recipient])


def test_the_boxes_of_a_production_centre_bear_its_own_organisation(real: Station) -> None:
    certificate = real.box.certificate("box.crt.pem")
    assert not pki.is_development(certificate)
    assert pki.organisation_of(certificate) == "TEST AUTHORITY"
    assert not Identity(real.box.folder).development


# --- keys -----------------------------------------------------------------------------------------


def shakes_hands(production: TestStation, box: Box, trusts: Path) -> None:
    """TLS in memory: raise ssl.SSLError unless both sides take each other."""
    client = box_tls(trusts, box.folder / "box.crt.pem", box.folder / "box.key.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = tls_context(production.station.pki).wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(4):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_a_training_boxs_certificate_opens_no_line(real: Station, training: TestStation) -> None:
    now = datetime.now(UTC)  # OpenSSL goes by the machine's clock
    trusts = real.box.folder / "tls-ca.pem"
    real.station.now = training.now = now
    shakes = [(real.station.enrol(BOX, now), True), (training.enrol(BOX, now), False)]
    for box, taken in shakes:
        if taken:
            shakes_hands(real.station, box, trusts)
            continue
        with pytest.raises(ssl.SSLError, match=r"(?i)certificate.verify.failed"):
            shakes_hands(real.station, box, trusts)


def test_behind_the_door_it_is_unknown(trainee: Station) -> None:
    for path in ("/v1/health", f"/v1/registry/{record.NUMBER}", "/v1/registry/extract", "/v1/box/assignment"):
        assert refusal(trainee.http.get(path)) == (403, "box_unknown")
    assert refusal(trainee.asks_for_card("ab" * 16)) == (403, "box_unknown")


def test_its_key_is_renewed_by_no_other_centre(real: Station, trainee: Station) -> None:
    signer = trainee.box.signer
    request = request_for(BOX, signer.key).public_bytes(Encoding.DER)
    asked = CertificateRequest(TLS, BOX, request).signed(signer).to_json()
    headers = {"Content-Type": "application/json"}
    assert refusal(real.http.post("/v1/box/tls", content=asked, headers=headers)) == (403, "signature")


def test_a_production_centre_gives_out_no_training_key(production: TestStation, tmp_path: Path) -> None:
    place = Place("province-1", "UNIT-7", "UNIT-7", profile="production")
    wanted = Wanted(BOX, place, "https://127.0.0.1:1", "iso7816-scp03", training_key=True)
    with pytest.raises(CentreSetupError, match="its own key"):
        write(production.station, wanted, tmp_path, production.now)
    wanted = Wanted(BOX, place, "https://127.0.0.1:1", "iso7816-scp03")
    with pytest.raises(CentreSetupError, match="--officers"):
        write(production.station, wanted, tmp_path, production.now)
    assert not (tmp_path / "idkiosk-provision").exists()


# --- records --------------------------------------------------------------------------------------


@pytest.mark.parametrize("simulated", [True, False])
def test_its_records_are_refused_whoever_brings_them(
    real: Station, trainee: Station, production: TestStation, simulated: bool
) -> None:
    """Also one that says it is real, sealed to the production centre and brought by a production box."""
    forged = sealed_for(production, trainee.box, simulated)
    assert refusal(deliver(real.http, forged)) == (422, "signature")
    own = trainee.box.seal(simulated=simulated, assignment=record.assignment(BOX))
    assert refusal(deliver(real.http, own)) == (422, "seal")
    with production.turn() as turn:
        assert turn.connection.exec_driver_sql("SELECT COUNT(*) FROM records").scalar_one() == 0


def test_a_simulated_record_is_refused_even_of_a_production_box(real: Station) -> None:
    assert refusal(deliver(real.http, real.makes(simulated=True))) == (422, "simulated")
    real.made.clear()
    assert real.sends(real.makes(simulated=False))[0] == "ACCEPTED"


# --- places ---------------------------------------------------------------------------------------


def test_it_takes_no_production_boxs_place_and_hands_none_over(
    real: Station, trainee: Station, app: ASGIApp, production: TestStation, training: TestStation
) -> None:
    stranger = Station(training.enrol("BOX-99"), real.http, training)
    spare = Station.at(app, production, "BOX-98")
    handover = trainee.hands_over(0)
    evidence = {"known_by": "handover", "evidence": sha256(handover).hexdigest()}
    for answer in (
        real.reports(stranger.takes(trainee)),
        spare.reports(spare.takes(real, **evidence), handover),
    ):
        assert answer.status_code == 422, answer.text
        assert "not from this box authority" in answer.json()["detail"], answer.text
    with pytest.raises(CentreSetupError):
        production.station.retire_box(BOX, trainee.retires(0), production.now)


# --- on the box -----------------------------------------------------------------------------------


def why(identity: Identity, paper: bytes, folder: Path, production_box: bool = True) -> str:
    keys = identity.keys(simulated=not production_box)
    with Journal(folder, keys, lambda: record.NOW) as journal, pytest.raises(PaperRefused) as refused:
        Papers(identity, production_box).take(journal, paper)
    return refused.value.reason


def test_a_production_box_takes_no_paper_of_training(
    real: Station, trainee: Station, production: TestStation, tmp_path: Path
) -> None:
    """Neither a training centre's, nor its own centre's for training."""
    identity = Identity(real.box.folder)
    foreign = trainee.station.station.assign(BOX, UNIT, now=record.NOW)
    assert why(identity, foreign, tmp_path / "a") == "paper_forged"
    own = production.station.assign(BOX, UNIT, now=record.NOW)  # UNIT is a place of training
    assert why(identity, own, tmp_path / "b") == "paper_of_another_profile"


def test_an_enrolled_production_box_takes_no_enrolment_of_training(
    production: TestStation, training: TestStation, tmp_path: Path
) -> None:
    request = begin(tmp_path / "identity", BOX)
    take(Identity(tmp_path / "identity"), production.station.sign_box(request, production.now).to_json())
    answer = training.station.sign_box(request, training.now)
    with pytest.raises(IdentityError, match="another centre"):
        take(Identity(tmp_path / "identity"), answer.to_json())
    assert not Identity(tmp_path / "identity").development


def test_the_keys_of_the_two_centres_have_nothing_in_common(
    production: TestStation, training: TestStation
) -> None:
    for role in pki.Role:
        certificates: list[x509.Certificate] = [
            one.station.pki.certificate(role) for one in (production, training)
        ]
        assert [pki.is_development(each) for each in certificates] == [False, True]
    secret = training.station.pki.age_identity(pki.AgeRole.RECOVERY)
    assert str(pyrage.x25519.Identity.from_str(secret).to_public()) != production.station.pki.age_recipient(
        pki.AgeRole.RECOVERY
    )
