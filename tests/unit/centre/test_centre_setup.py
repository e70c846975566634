"""Keys, registry and command: what is made is right, and a refusal says what to do."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.centre import PERSON, TestStation
from typer.testing import CliRunner

from centre import cli, pki
from centre.enrolment import ANCHORS
from centre.errors import CentreSetupError
from centre.pki import Pki, Role
from centre.registry import check_person, load_persons
from centre.serve import ready_file


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> TestStation:
    return TestStation(tmp_path_factory.mktemp("station"))


@pytest.fixture(scope="module")
def keys(station: TestStation) -> Pki:
    return station.station.pki


@pytest.mark.parametrize("role", Role)
def test_every_certificate_marks_itself_as_development(keys: Pki, role: Role) -> None:
    assert pki.is_development(keys.certificate(role))


@pytest.mark.parametrize("role", Role)
def test_every_private_key_is_for_its_owner_alone(keys: Pki, role: Role) -> None:
    assert stat.S_IMODE(keys.key_path(role).stat().st_mode) == 0o600
    assert keys.credential(role).key.public_key() == keys.certificate(role).public_key()


def test_the_document_signer_may_sign_and_nothing_else(keys: Pki) -> None:
    signer = keys.certificate(Role.DOCUMENT_SIGNER)
    signer.verify_directly_issued_by(keys.certificate(Role.CSCA))
    usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign
    with pytest.raises(x509.ExtensionNotFound):
        signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)


def test_a_box_gets_exactly_what_it_needs(station: TestStation) -> None:
    box = station.enrol("BOX-07")
    names = {path.name for path in box.folder.iterdir()}
    own = {"box.key.pem", "box.crt.pem", "identity.json", "recipients.txt"}
    own |= {"recovery.txt", "service.txt"}
    assert names == own | set(ANCHORS)
    secrets = [path for path in box.folder.iterdir() if b"SECRET" in path.read_bytes().upper()]
    assert secrets == []
    assert stat.S_IMODE((box.folder / "box.key.pem").stat().st_mode) == 0o600
    identity = json.loads((box.folder / "identity.json").read_text())
    assert identity == {"box": "BOX-07", "epoch": 1, "development": True}


def test_a_box_certificate_is_for_clients_and_names_the_box(station: TestStation) -> None:
    certificate = station.enrol("BOX-08").certificate("box.crt.pem")
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH in usage
    assert ExtendedKeyUsageOID.SERVER_AUTH not in usage
    assert pki.common_name(certificate) == "BOX-08"


@pytest.mark.parametrize("box", ["", "box-01", "-BOX", "BOX-", "A" * 33, "../X", "BOX 1"])
def test_a_bad_box_id_is_refused(station: TestStation, tmp_path: Path, box: str) -> None:
    with pytest.raises(CentreSetupError, match="BOX-01"):
        station.station.enrol_box(box, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_identity_is_never_written_over(station: TestStation) -> None:
    box = station.enrol("BOX-09")
    key = (box.folder / "box.key.pem").read_bytes()
    with pytest.raises(CentreSetupError, match="exists already"):
        station.station.enrol_box("BOX-09", box.folder)
    assert (box.folder / "box.key.pem").read_bytes() == key


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": "123"}, "12 digits"),
        ({"sex": "X"}, "M or F"),
        ({"birth_date": "6/5/2004"}, "YYYY-MM-DD"),
        ({"full_name": ""}, "full_name is missing"),
        ({"full_name": "x" * 501}, "full_name"),
        ({"shoe_size": "43"}, "unknown field 'shoe_size'"),
        ({"fingers": {"sixth": "AAAA"}}, "unknown finger 'sixth'"),
        ({"fingers": {"right_index": "%"}}, "no base64"),
        ({"fingers": {"right_index": ""}}, "right_index"),
        ({"fingers": []}, "fingers"),
    ],
)
def test_a_wrong_person_is_refused_with_place_and_key(change: dict[str, Any], said: str) -> None:
    entries = [PERSON, {**PERSON, **change}]
    with pytest.raises(CentreSetupError) as refused:
        load_persons(json.dumps(entries).encode())
    assert "person 2" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"{}", b"[", b"\xff", b"[5]"])
def test_a_file_that_is_no_list_of_persons_is_refused(data: bytes) -> None:
    with pytest.raises(CentreSetupError):
        load_persons(data)


def test_names_are_kept_in_nfc() -> None:
    person = check_person({**PERSON, "full_name": "Nguye\u0302\u0303n"}, "test")
    assert person["full_name"] == "Nguy\u1ec5n"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, [*arguments])
    return result.exit_code, result.output + str(result.exception or "")


def test_a_new_centre_can_enrol_its_first_box_in_one_go(tmp_path: Path) -> None:
    centre, box = str(tmp_path / "centre"), tmp_path / "box"
    assert run("init", centre, "--box", "BOX-01", "--out", str(box))[0] == 0
    assert json.loads((box / "identity.json").read_text())["box"] == "BOX-01"


def test_a_first_box_needs_a_place_for_its_identity(tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "centre"), "--box", "BOX-01")[0] != 0
    assert not (tmp_path / "centre").exists()


def test_the_command_makes_enrols_imports_extracts_and_counts(tmp_path: Path) -> None:
    folder, people = str(tmp_path / "centre"), tmp_path / "people.json"
    people.write_text(json.dumps([PERSON]))
    assert run("init", folder)[0] == 0
    assert run("enrol-box", folder, "--box", "BOX-01", "--out", str(tmp_path / "box"))[0] == 0
    assert "1 persons" in run("registry", "import", folder, str(people))[1]
    assert run("registry", "extract", folder, "--out", str(tmp_path / "extract"))[0] == 0
    assert (tmp_path / "extract").read_bytes().count(b"\n") == 2
    status, output = run("counts", folder)
    assert status == 0
    assert json.loads(output)["grants"] == {"open": 0, "void": 0, "issued": 0}


def test_a_second_init_changes_nothing(station: TestStation) -> None:
    before = station.station.pki.key_path(Role.CSCA).read_bytes()
    status, output = run("init", str(station.station.folder))
    assert status != 0 and "nothing was changed" in output
    assert station.station.pki.key_path(Role.CSCA).read_bytes() == before


@pytest.mark.parametrize("command", [["counts"], ["serve"]])
def test_a_folder_that_is_no_centre_says_what_to_do(tmp_path: Path, command: list[str]) -> None:
    status, output = run(*command, str(tmp_path))
    assert status != 0
    assert "kiosk-centre init" in output


def test_a_missing_file_is_named(station: TestStation, tmp_path: Path) -> None:
    status, output = run("registry", "import", str(station.station.folder), str(tmp_path / "none.json"))
    assert status != 0 and "none.json" in output


def test_the_ready_file_holds_the_whole_line(tmp_path: Path) -> None:
    ready_file(tmp_path / "ready")({"host": "127.0.0.1", "port": 4711})
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]
    assert json.loads((tmp_path / "ready").read_text())["port"] == 4711


def test_an_address_in_use_says_what_to_do(station: TestStation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, output = run("serve", str(station.station.folder), "--port", port)
    assert status != 0 and "--port" in output


def test_giving_up_a_card_that_was_never_signed_is_refused(station: TestStation) -> None:
    folder = str(station.station.folder)
    status, output = run("void", folder, "--record", "a" * 32, "--attempt", "1", "--by", "O-1")
    assert status != 0 and "no open grant" in output
