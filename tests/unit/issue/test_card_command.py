"""`kiosk card inspect` and `trace`: what an officer sees of a good, a torn, a forged and a foreign card."""

from __future__ import annotations

import json
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.serialization import Encoding
from support.issue import IMAGE, Desk, finished, new_card, with_file
from support.issued import takes_short_apdus_only
from support.pa import HASHES
from support.passports import passport
from support.people import PERSON
from support.signer import NOW, csca, document_signer, ef_sod, state
from typer.testing import CliRunner

from drivers.chip import security_infos
from drivers.chip.security_infos import ID_PACE, PaceInfo
from drivers.virtual.card import VirtualCard, blank_card, foreign_card
from firmware import cli_card, cli_shared
from firmware.document.lds import Fid

KEYS = ("--document-number", IMAGE.access.document_number, "--birth", IMAGE.access.birth)
KEYS = (*KEYS, "--expiry", IMAGE.access.expiry)
SECRETS = (
    IMAGE.access.document_number, IMAGE.access.birth, IMAGE.access.expiry, PERSON["number"],
    "NGUYEN", "Nghiệm", PERSON["residence"], PERSON["father_name"],
)  # fmt: skip


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> datetime:
        return NOW

    monkeypatch.setattr(cli_shared, "now", now)


def run(folder: Path, card: VirtualCard | None, *options: str, command: str = "inspect") -> Result:
    trust = folder / "trust"
    trust.mkdir(exist_ok=True)
    (trust / "csca.pem").write_bytes(state()[0].certificate.public_bytes(Encoding.PEM))
    where = [] if card is None else ["--virtual", str(folder / "card.json")]
    if card is not None:
        (folder / "card.json").write_bytes(card.to_bytes())
    return CliRunner().invoke(cli_card.app, [command, *where, "--trust", str(trust), *options])


def test_a_good_card_is_explained_without_a_word_about_the_person(tmp_path: Path) -> None:
    done = run(tmp_path, finished(), *KEYS)
    assert done.exit_code == 0, done.output
    assert "GENUINE" in done.output
    assert "THẺ THẬT" in done.output
    assert "data_group_hashes" in done.output
    assert "Made-up CSCA" in done.output
    for secret in SECRETS:
        assert secret not in done.output


def test_a_reader_for_short_apdus_only_is_learned_within_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pcscd tells of it as of a card that was lifted."""
    takes_short_apdus_only(monkeypatch)
    done = run(tmp_path, passport(), *KEYS)
    assert done.exit_code == 0, done.output


def test_the_person_is_shown_to_whoever_asks_for_it(tmp_path: Path) -> None:
    done = run(tmp_path, finished(), *KEYS, "--show")
    assert "NGUYEN<<THI<THU<NGHIEM" in done.output
    assert PERSON["father_name"] in done.output
    assert "48 × 64" in done.output


def test_the_same_as_one_json_object(tmp_path: Path) -> None:
    row = json.loads(run(tmp_path, finished(), *KEYS, "--json").output)
    assert (row["verdict"], row["protocol"], row["failed"]) == ("genuine", "BAC", [])
    assert {file["name"] for file in row["files"]} == {"DG1", "DG2", "DG13", "EF.COM", "EF.SOD"}
    assert {check["outcome"] for check in row["checks"]} == {"held", "not_made"}
    assert "person" not in row
    shown = json.loads(run(tmp_path, finished(), *KEYS, "--json", "--show").output)
    assert shown["person"]["dg13"]["father_name"] == PERSON["father_name"]


def forged() -> VirtualCard:
    content = IMAGE.files[Fid.DG2]
    return with_file(finished(), Fid.DG2, content[:-1] + b"?")


def torn() -> VirtualCard:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    card.lift_after(apdus=20)
    assert desk.asks(desk.issue) == "hold_card_still"
    return card


def foreign() -> VirtualCard:
    return with_file(finished(), Fid.SOD, ef_sod(HASHES, document_signer(csca("Elsewhere CSCA"))))


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (forged, 1, ("THẺ GIẢ", "DG2", "HỎNG · FAILED")),
        (foreign, 3, ("UNTRUSTED", "Elsewhere CSCA", "--trust")),
        (torn, 6, ("THẺ GHI DỞ", "kiosk card void", "missing")),
        (blank_card, 8, ("THẺ TRẮNG",)),
        (foreign_card, 9, ("NO eMRTD",)),
    ],
)
def test_each_other_card_is_explained_and_has_its_exit_code(
    tmp_path: Path, make: Any, code: int, says: tuple[str, ...]
) -> None:
    done = run(tmp_path, make(), *KEYS)
    assert done.exit_code == code, done.output
    for word in says:
        assert word in done.output


def test_other_keys_do_not_open_and_what_to_check_is_said(tmp_path: Path) -> None:
    done = run(tmp_path, finished(), *KEYS[:-1], "400101")
    assert done.exit_code == 7
    assert "KHÔNG MỞ ĐƯỢC" in done.output


def test_a_card_without_the_pace_of_its_can_is_not_said_to_have_another_can(tmp_path: Path) -> None:
    done = run(tmp_path, finished(), "--can", "123456")
    assert done.exit_code == 11
    for word in ("UNSUPPORTED", "MRZ", "CHƯA ĐỌC ĐƯỢC"):
        assert word in done.output
    assert "123456" not in done.output


def test_pace_that_is_not_spoken_here_is_said_beside_its_file(tmp_path: Path) -> None:
    other = security_infos.encode([PaceInfo(f"{ID_PACE}.2.2", 2, 14)])
    done = run(tmp_path, passport({Fid.CARD_ACCESS: other}), *KEYS)
    assert "not known here" in done.output
    files = json.loads(run(tmp_path, passport({Fid.CARD_ACCESS: other}), *KEYS, "--json").output)["files"]
    assert [each["name"] for each in files if "not known here" in each.get("detail", "")] == ["EF.CardAccess"]


def test_what_is_missing_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    trust = tmp_path / "csca.pem"
    trust.write_bytes(state()[0].certificate.public_bytes(Encoding.PEM))
    card = tmp_path / "card.json"
    card.write_bytes(finished().to_bytes())
    typed = "\n".join((IMAGE.access.document_number, IMAGE.access.birth, IMAGE.access.expiry)) + "\n"
    done = CliRunner().invoke(
        cli_card.app, ["inspect", "--virtual", str(card), "--trust", str(trust)], input=typed
    )
    assert done.exit_code == 0, done.output
    assert IMAGE.access.birth not in done.output


@pytest.mark.parametrize(
    "options",
    [("--can", "12345"), ("--can", "123456", "--birth", "900101"), ("--document-number", "é", *KEYS[2:])],
)
def test_what_cannot_open_any_card_is_a_usage_error(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert run(tmp_path, blank_card(), *options).exit_code == 2


def test_no_trust_store_and_no_saved_card_are_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run(tmp_path, finished(), "--trust", str(empty), *KEYS)
    assert (done.exit_code, "holds no certificate" in done.stderr) == (1, True)
    (empty / "csca.pem").write_text("nothing")
    assert "is not a certificate" in run(tmp_path, finished(), "--trust", str(empty), *KEYS).stderr
    done = run(tmp_path, None, "--virtual", str(tmp_path / "none.json"), *KEYS)
    assert (done.exit_code, "not a saved virtual card" in done.stderr) == (1, True)


# --- trace ---


def test_a_trace_shows_every_apdu_and_nothing_of_the_person(tmp_path: Path) -> None:
    done = run(tmp_path, finished(), *KEYS, command="trace")
    assert done.exit_code == 0, done.output
    assert "> 00A4040C 07 A0000002471001  SELECT" in done.output
    assert "GET CHALLENGE" in done.output
    for secret in SECRETS:
        assert secret not in done.output
        assert secret.encode().hex().upper() not in done.output


def test_a_kept_transcript_is_private_and_replays_byte_for_byte(tmp_path: Path) -> None:
    kept = tmp_path / "card.trace"
    first = run(tmp_path, finished(), *KEYS, "--record", str(kept), command="trace")
    assert first.exit_code == 0, first.output
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = run(tmp_path, None, *KEYS, "--replay", str(kept), command="trace")
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    refused = run(tmp_path, finished(), *KEYS, "--record", str(kept), command="trace")
    assert refused.exit_code == 1, "not written over"


def test_a_replay_with_other_keys_is_not_as_recorded(tmp_path: Path) -> None:
    kept = tmp_path / "card.trace"
    run(tmp_path, finished(), *KEYS, "--record", str(kept), command="trace")
    done = run(tmp_path, None, *KEYS[:-1], "400101", "--replay", str(kept), command="trace")
    assert done.exit_code == 1
    assert "not as it was recorded" in done.stderr


def test_a_box_in_production_keeps_no_secrets(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[station]\nprofile = "production"\n')
    kept = tmp_path / "card.trace"
    done = run(tmp_path, finished(), *KEYS, "--config", str(site), "--record", str(kept), command="trace")
    assert done.exit_code == 1
    assert not kept.exists()


def test_a_box_in_production_looks_at_no_virtual_card(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[station]\nprofile = "production"\n')
    done = run(tmp_path, finished(), *KEYS, "--config", str(site))
    assert (done.exit_code, "no virtual card" in done.stderr) == (2, True)
