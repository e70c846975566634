"""A box makes its own key, and takes only what the centre made for it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from support import record
from support.centre import TestStation

from centre import pki
from firmware.box.errors import IdentityError
from firmware.box.identity import Identity
from firmware.box.init import DEVELOPMENT, begin, take
from firmware.box.renewal import Renewal, is_due
from firmware.records.format.enrolment import Enrolment

BOX = "BOX-07"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> TestStation:
    return TestStation(tmp_path_factory.mktemp("centre"))


@pytest.fixture(scope="module")
def enrolled(station: TestStation, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Enrolment]:
    """A box that has asked, and what the centre answers."""
    folder = tmp_path_factory.mktemp("box") / "identity"
    return folder, station.station.sign_box(begin(folder, BOX), station.now)


@pytest.fixture
def asking(enrolled: tuple[Path, Enrolment], tmp_path: Path) -> Identity:
    shutil.copytree(enrolled[0], tmp_path / "identity")
    return Identity(tmp_path / "identity")


@pytest.fixture
def answer(enrolled: tuple[Path, Enrolment]) -> Enrolment:
    return enrolled[1]


def test_it_takes_the_answer_to_its_request_and_is_whole(asking: Identity, answer: Enrolment) -> None:
    take(asking, answer.to_json())
    box = Identity(asking.folder)
    assert (box.box, box.epoch, box.development) == (BOX, 1, True)
    assert box.keys(simulated=True).box == BOX
    box.prove(simulated=True)


def test_before_the_answer_it_is_no_box(asking: Identity) -> None:
    with pytest.raises(IdentityError, match="TLS files"):
        asking.prove(simulated=True)


def test_taking_the_same_again_changes_nothing(asking: Identity, answer: Enrolment) -> None:
    take(asking, answer.to_json())
    before = {path.name: path.read_bytes() for path in asking.folder.iterdir()}
    take(Identity(asking.folder), answer.to_json())
    assert {path.name: path.read_bytes() for path in asking.folder.iterdir()} == before


def test_asking_again_makes_no_second_key(asking: Identity) -> None:
    key = (asking.folder / "box.key.pem").read_bytes()
    begin(asking.folder, BOX)
    assert (asking.folder / "box.key.pem").read_bytes() == key


def test_an_enrolled_box_makes_no_new_keys(asking: Identity, answer: Enrolment) -> None:
    take(asking, answer.to_json())
    with pytest.raises(IdentityError, match="already"):
        begin(asking.folder, BOX)
    with pytest.raises(IdentityError, match=BOX):
        begin(asking.folder, "BOX-08")


def test_its_key_is_nobody_elses_to_read(asking: Identity) -> None:
    assert (asking.folder / "box.key.pem").stat().st_mode & 0o077 == 0
    assert asking.folder.stat().st_mode & 0o077 == 0


def for_another_key(station: TestStation, answer: Enrolment) -> Enrolment:
    other = pki.issue_box(station.station.pki, BOX, station.now).certificate
    return with_file(answer, "box.crt.pem", other.public_bytes(Encoding.PEM).decode())


def with_file(answer: Enrolment, name: str, text: str) -> Enrolment:
    return replace(answer, files={**answer.files, name: text})


def test_another_keys_certificate_is_not_taken(
    asking: Identity, answer: Enrolment, station: TestStation
) -> None:
    with pytest.raises(IdentityError, match="another box's key"):
        take(asking, for_another_key(station, answer).to_json())


def test_another_boxs_name_is_not_taken(asking: Identity, answer: Enrolment) -> None:
    with pytest.raises(IdentityError, match="this box is"):
        take(asking, replace(answer, box="BOX-08").to_json())


def test_a_certificate_that_the_enclosed_authority_did_not_issue_is_not_taken(
    asking: Identity, answer: Enrolment
) -> None:
    forged = with_file(answer, "box-ca.pem", answer.files["csca.pem"])
    with pytest.raises(IdentityError, match="not of its box CA"):
        take(asking, forged.to_json())


@pytest.mark.parametrize("name", ["box.crt.pem", "tls-ca.pem", "orders.pem", "service.txt"])
def test_an_answer_with_a_file_missing_is_not_taken(asking: Identity, answer: Enrolment, name: str) -> None:
    files = {one: text for one, text in answer.files.items() if one != name}
    with pytest.raises(IdentityError, match="not whole"):
        take(asking, replace(answer, files=files).to_json())


@pytest.mark.parametrize("name", ["identity.pem", "../x.pem", "officers.txt"])
def test_a_file_that_no_box_has_is_not_written(asking: Identity, answer: Enrolment, name: str) -> None:
    with pytest.raises(IdentityError):
        take(asking, with_file(answer, name, "x").to_json())
    assert not (asking.folder / name).exists()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"type": 1}', b" " * (65 << 10), b"[" * 9999])
def test_what_is_no_answer_is_not_taken(asking: Identity, data: bytes) -> None:
    with pytest.raises(IdentityError):
        take(asking, data)


def test_another_centre_does_not_take_over_an_enrolled_box(
    asking: Identity, answer: Enrolment, tmp_path: Path
) -> None:
    take(asking, answer.to_json())
    request = (asking.folder / "box.csr.pem").read_bytes()
    pki.create(tmp_path / "other", record.NOW)
    authority = pki.Pki(tmp_path / "other")
    key = asking.store.private_key().public_key()
    own = pki.certify_box(authority, BOX, key, record.NOW).public_bytes(Encoding.PEM).decode()
    box_ca = authority.certificate_path(pki.Role.BOX_CA).read_text()
    other = with_file(with_file(answer, "box.crt.pem", own), "box-ca.pem", box_ca)
    with pytest.raises(IdentityError, match="another centre"):
        take(Identity(asking.folder), other.to_json())
    assert request == (asking.folder / "box.csr.pem").read_bytes()


def test_the_development_mark_is_read_from_the_authority_not_from_the_answer() -> None:
    assert DEVELOPMENT == pki.DEVELOPMENT


def test_keys_of_one_kind_do_not_become_another(asking: Identity) -> None:
    (asking.folder / "tpm.json").write_text("{}")
    (asking.folder / "identity.json").unlink()
    with pytest.raises(IdentityError, match="another kind"):
        begin(asking.folder, BOX)


# --- renewal ---------------------------------------------------------------------------------------


def test_a_certificate_is_due_in_the_last_third_of_its_life(station: TestStation) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    made = pki.certify_box(station.station.pki, BOX, key, record.NOW, days=9)
    assert not is_due(made, record.NOW + timedelta(days=5))
    assert is_due(made, record.NOW + timedelta(days=6, hours=1))


def test_nothing_is_asked_while_nothing_is_due(asking: Identity, answer: Enrolment) -> None:
    take(asking, answer.to_json())
    nowhere = "https://127.0.0.1:1"
    box = Identity(asking.folder)
    assert Renewal(box, nowhere, lambda: record.NOW).keep()
    assert not Renewal(box, nowhere, lambda: record.NOW + timedelta(days=300)).keep()


def test_a_renewal_that_failed_rests_while_the_old_certificate_lasts(
    asking: Identity, answer: Enrolment
) -> None:
    take(asking, answer.to_json())
    at = [record.NOW + timedelta(days=300)]
    renewal = Renewal(Identity(asking.folder), "https://127.0.0.1:1", lambda: at[0])
    assert not renewal.keep()
    assert renewal.keep()
    at[0] += timedelta(minutes=6)
    assert not renewal.keep()


def test_identity_json_names_the_kind_of_keys(asking: Identity) -> None:
    assert json.loads((asking.folder / "identity.json").read_text())["keys"] == "file"
