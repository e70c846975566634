"""A production box takes nothing virtual and nothing of development, and says what to do instead."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support import record
from support.centre import TestStation
from support.softhsm import PIN, softhsm

from centre.papers import Place
from centre.station import Station
from config import catalogue
from config.schema import Config, Signer, Token
from firmware import preflight
from firmware.box.identity import Identity
from firmware.box.warrants import Papers
from firmware.issue.card_keys import CARD_KEYS
from firmware.preflight import MODELS, examine, in_memory
from firmware.quality.nbis import runtime
from firmware.records.journal import Journal
from firmware.sim.card_keys import write_card_keys

Change = Callable[[Config], Config]


def refusals(config: Config) -> tuple[str, ...]:
    """What is said, without the codes."""
    return tuple(refusal.text for refusal in examine(config))


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box's folder as the centre's enrolment wrote it."""
    folder = tmp_path_factory.mktemp("preflight")
    return TestStation(folder).enrol().folder


@pytest.fixture
def lab(tmp_path: Path, enrolled: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A training box that has everything; nothing of this machine's own set-up is seen."""
    data, tools = tmp_path / "data", tmp_path / "tools"
    shutil.copytree(enrolled, data / "identity")
    (tools / "models").mkdir(parents=True)
    for name in MODELS:
        (tools / "models" / name).touch()
    nbis = runtime.place(tools)
    (nbis / "glibc").mkdir(parents=True)
    (nbis / runtime.STAMP).touch()
    monkeypatch.setattr(preflight, "VPCD", (tmp_path / "vpcd",))
    config = Config()
    station = replace(
        config.station,
        profile="training",
        data=str(data),
        tools=str(tools),
        home_unit="UNIT-79",
        capture_unit="UNIT-80",
        team="TEAM-3",
    )
    return replace(
        config,
        station=station,
        display=replace(config.display, kind="fb0"),
        chip=replace(config.chip, dialect="lds-plain"),
        centre=replace(config.centre, url="https://centre.example:8443"),
    )


@pytest.fixture
def field(lab: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same box as a production box would be: its own identity, its keys elsewhere, a real dialect.

    Files stand for the TPM here: tests/hil/test_tpm_box.py has a real box's.
    """
    about = Path(lab.station.data) / "identity" / "identity.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "development": False}))
    monkeypatch.setattr(preflight, "FILE_KEYS", ())
    monkeypatch.setattr(preflight, "KEYS_OF_PRODUCTION", "file")
    write_card_keys(Path(lab.station.data) / "identity")
    chip = replace(lab.chip, dialect="iso7816-scp03")
    return replace(lab, station=replace(lab.station, profile="production"), chip=chip)


def test_each_check_has_its_code_and_remedy() -> None:
    for check in (*preflight.EVERY_BOX, *preflight.PRODUCTION):
        assert catalogue.entry(f"preflight{check.__name__}") is not None, check.__name__


def test_a_whole_training_box_may_run(lab: Config) -> None:
    assert refusals(lab) == ()


def test_a_whole_production_box_may_run(field: Config) -> None:
    assert refusals(field) == ()


def test_the_lab_box_in_production_is_refused_for_each_thing_of_the_lab(lab: Config) -> None:
    said = "\n".join(refusals(replace(lab, station=replace(lab.station, profile="production"))))
    for part in ("development identity", "key in hardware", "dialect"):
        assert part in said


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda c: replace(c, chip=replace(c.chip, dialect="unheard-of")), "lds-plain"),
        (lambda c: replace(c, station=replace(c.station, data="/nonexistent")), "enrol this box"),
        (lambda c: replace(c, station=replace(c.station, tools="/nonexistent")), "deploy/models/fetch"),
    ],
)
def test_what_every_box_must_have(lab: Config, broken: Change, says: str) -> None:
    assert any(says in reason for reason in refusals(broken(lab)))


@pytest.mark.parametrize(
    "name", ["box.key.pem", "box.crt.pem", "tls-ca.pem", "csca.pem", "receipt.pem", "extract.pem"]
)
def test_a_file_that_a_visit_would_miss_is_missed_before_it(lab: Config, name: str) -> None:
    (Path(lab.station.data) / "identity" / name).unlink()
    assert len(refusals(lab)) == 1


def remove_scorer(config: Config) -> Config:
    (runtime.place(Path(config.station.tools)) / runtime.STAMP).unlink()
    return config


def remove_card_keys(config: Config) -> Config:
    (Path(config.station.data) / "identity" / CARD_KEYS).unlink()
    return config


def forget_the_cards_key(config: Config) -> Config:
    path = Path(config.station.data) / "identity" / CARD_KEYS
    path.write_text(path.read_text().replace("\n30 =", "\n31 ="))
    return config


def make_development(config: Config) -> Config:
    about = Path(config.station.data) / "identity" / "identity.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "development": True}))
    return config


def install_vpcd(config: Config) -> Config:
    preflight.VPCD[0].touch()
    return config


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (make_development, "development identity"),
        (remove_scorer, "estimates"),
        (install_vpcd, "vsmartcard-vpcd"),
        (lambda c: replace(c, chip=replace(c.chip, dialect="lds-plain")), "for a lab's cards"),
        (remove_card_keys, "issuer's keys"),
        (forget_the_cards_key, "KVN 30"),
        (lambda c: replace(c, display=replace(c.display, kind="memory")), "[display] kind"),
        (lambda c: replace(c, camera=replace(c.camera, driver="pictures")), "[camera] driver"),
        (lambda c: replace(c, station=replace(c.station, home_unit="UNIT-00")), "[station] home_unit"),
        (lambda c: replace(c, station=replace(c.station, capture_unit="UNIT-00")), "[station] capture_unit"),
        (lambda c: replace(c, station=replace(c.station, team="TEAM-0")), "[station] team"),
        (lambda c: replace(c, centre=replace(c.centre, url="https://localhost:8443")), "[centre] url"),
        (lambda c: replace(c, centre=replace(c.centre, url="http://centre.example")), "[centre] url"),
    ],
)
def test_a_production_box_refuses(field: Config, broken: Change, says: str) -> None:
    reasons = refusals(broken(field))
    assert len(reasons) == 1
    assert says in reasons[0]


def test_a_signed_assignment_says_where_a_production_box_stands(field: Config, enrolled: Path) -> None:
    nowhere = replace(field.station, home_unit="UNIT-00", capture_unit="UNIT-00", team="TEAM-0")
    unsaid, identity = replace(field, station=nowhere), Identity(Path(field.station.data) / "identity")
    assert len(refusals(unsaid)) == 3
    place = Place("T-79", "U-7901", "U-7905", "TEAM-4", "thôn Đoài", profile="production")
    paper = Station(enrolled.parent / "centre").assign(identity.box, place, now=record.NOW)
    with Journal(Path(nowhere.data) / "records", identity.keys(True), lambda: record.NOW) as journal:
        assert len(refusals(unsaid)) == 3
        Papers(identity, production=True).take(journal, paper)
    assert refusals(unsaid) == ()


@pytest.mark.parametrize("name", ["box.key.pem", "card-keys.toml"])
def test_a_key_in_a_file_is_refused_by_its_name(
    field: Config, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "FILE_KEYS", (name,))
    assert len(refusals(field)) == 1


def test_keys_in_files_are_nothing_for_production(field: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "KEYS_OF_PRODUCTION", "tpm")
    (reason,) = refusals(field)
    assert "kiosk box init --tpm" in reason


def test_what_unlocks_a_box_stays_in_memory(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("disk / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\ndisk /run/disk ext4 rw 0 0\n")
    assert in_memory(Path("/run/idkiosk"), mounts)
    assert not in_memory(Path("/run/disk/idkiosk"), mounts)
    assert not in_memory(Path("/var/lib/idkiosk"), mounts)


FILES = {"certificate": "ds.pem", "key": "ds"}
NO_TOKEN, SET_TOKEN = Token(), Token("softhsm.so", "kiosk", "pin")


def signs(config: Config, profile: str, signer: Signer, token: Token = NO_TOKEN) -> str:
    station = replace(config.station, profile=profile)
    return "\n".join(refusals(replace(config, station=station, signer=signer, token=token)))


def test_a_document_signers_key_in_a_file_is_for_a_virtual_station_only(lab: Config, field: Config) -> None:
    signer = Signer("file", **FILES)
    assert "in a file" in signs(field, "production", signer)
    assert "in a file" in signs(lab, "training", signer)
    assert signs(lab, "virtual", signer) == ""


def test_a_box_whose_token_signs_starts_without_a_lease_and_only_enrols(lab: Config, field: Config) -> None:
    signer = Signer("pkcs11", **FILES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preflight, "card_keys", lambda *_: None)
        patch.setattr(preflight, "token_of", lambda _: None)
        chip = replace(field.chip, dialect="lds-plain")
        said = signs(replace(field, chip=chip), "production", signer, SET_TOKEN)
    assert said.count("[") == 1, said
    assert "for a lab's cards" in said
    assert signs(lab, "training", signer, SET_TOKEN) == ""


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_token_signer_is_told_all_it_needs_before_a_visit(lab: Config, name: str) -> None:
    said = signs(
        lab, "training", Signer("pkcs11", **{**FILES, name: ""}), Token("softhsm.so", "kiosk", "pin")
    )
    assert said == f"[signer] kind = 'pkcs11' needs {name}"
    assert "needs a [token]" in signs(lab, "training", Signer("pkcs11", **FILES))


def test_a_token_is_set_whole(lab: Config) -> None:
    assert "pin_file" in signs(lab, "training", Signer(), Token("softhsm.so", "kiosk"))


def test_the_keys_of_cards_may_be_in_a_token_which_is_asked_before_a_visit(
    field: Config, tmp_path: Path
) -> None:
    (Path(field.station.data) / "identity" / CARD_KEYS).unlink()
    with softhsm(tmp_path) as hsm:
        (tmp_path / "pin").write_text(PIN)
        token = Token(str(hsm.module), hsm.label, str(tmp_path / "pin"))
        assert "no_key" in signs(field, "production", Signer(), token)
        hsm.aes_key("scp03-30", bytes(range(16)))
        assert signs(field, "production", Signer(), token) == ""
        (tmp_path / "pin").write_text("00000000")
        assert "pin_wrong" in signs(field, "production", Signer(), token)
