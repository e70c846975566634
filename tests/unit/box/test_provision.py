"""A stick of the centre makes a blank machine a box; a damaged, exchanged or strange one makes nothing."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.provisioning import BADGE, BOX, PLACE, UNIT, Works, staff
from typer.testing import CliRunner

from centre.errors import CentreSetupError
from centre.papers import Terms
from config.load import load
from firmware.box import init, settings
from firmware.box import provision as provisioning
from firmware.box.delivery import Delivery, ProvisionRefused
from firmware.box.provision import Done, Step, provision
from firmware.box.warrants import Papers
from firmware.cli_box import app as box_commands
from firmware.records.format import provision as form
from firmware.records.journal import Journal
from firmware.uplink import durable


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Works:
    """A training centre with a stick that brings a key."""
    works = Works(tmp_path_factory.mktemp("works")).found()
    terms = Terms(50, ("first_issue",), (works.now + timedelta(days=3)).replace(microsecond=0), "ab" * 32)
    works.make(terms=terms)
    return works


@pytest.fixture
def works(made: Works, tmp_path: Path) -> Works:
    shutil.copytree(made.folder, tmp_path / "works")
    return Works(tmp_path / "works", made.now)


def refusal(works: Works, **site: object) -> str:
    with pytest.raises(ProvisionRefused) as refused:
        works.provision(replace(works.site, **site))  # type: ignore[arg-type]
    return refused.value.reason


def test_a_blank_machine_becomes_the_box_of_the_stick(works: Works) -> None:
    done = works.provision()
    assert [each.step for each in done if each.new][:7] == [
        Step.SETTINGS, Step.ANCHORS, Step.KEYS, Step.CERTIFICATE, Step.PAPERS, Step.STAFF, Step.EXTRACT,
    ]  # fmt: skip
    identity = works.identity
    identity.prove(simulated=True)
    assert (identity.box, identity.epoch, identity.development) == (BOX, 1, True)
    assert BADGE in identity.officers()
    with Journal(
        works.folder / "box" / "records", identity.keys(simulated=True), lambda: works.now
    ) as journal:
        papers = Papers(identity, production=False)
        own, lease = papers.assignment(journal), papers.lease(journal, BOX)
    assert own is not None and (own.capture_unit, own.station) == (UNIT, PLACE.station)
    assert lease is not None and lease.count == 50
    settings = load(works.site.config)
    assert (settings.station.profile, settings.station.capture_unit) == ("training", UNIT)


def test_nobody_else_reads_what_was_written(works: Works) -> None:
    works.provision()
    box = works.folder / "box"
    assert not [path for path in (box, *box.glob("identity/*")) if path.stat().st_mode & 0o077]
    assert b'"number"' not in (box / "registry.extract").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_is_the_kiosks_users(works: Works) -> None:
    """As deploy/install lays it out: the data folder is there, and its owner's alone."""
    box, etc = works.folder / "box", works.site.config
    box.mkdir(mode=0o700)
    etc.parent.mkdir()
    etc.write_text(f'[station]\nprofile = "training"\n[tpm]\nruntime = "{works.folder / "run"}"\n')
    os.chown(box, 4321, 4322)
    os.chown(etc, 0, 4322)
    assert Done(Step.OWNER, True) in works.provision()
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (box, *box.rglob("*"))} == {(4321, 4322)}
    assert (etc.stat().st_uid, etc.stat().st_gid) == (0, 4322)
    assert Done(Step.OWNER, False) in works.provision()


def test_the_same_command_again_changes_nothing(works: Works) -> None:
    works.provision()
    before = {path: path.read_bytes() for path in (works.folder / "box" / "identity").iterdir()}
    assert not any(done.new for done in works.provision())
    assert {path: path.read_bytes() for path in (works.folder / "box" / "identity").iterdir()} == before


@pytest.mark.parametrize("cut", range(1, 8))
def test_cut_between_any_two_steps_it_goes_on(works: Works, cut: int) -> None:
    steps = provision(works.delivery(), works.site)
    done = [next(steps) for _ in range(cut)]
    steps.close()  # type: ignore[attr-defined]
    again = works.provision()
    assert not any(each.new for each in again[:cut]), done
    works.identity.prove(simulated=True)
    assert not any(each.new for each in works.provision())


@pytest.mark.parametrize("cut", range(1, 4))
@pytest.mark.parametrize("whose", ["the same centre's", "another centre's"])
def test_before_it_is_enrolled_another_stick_may_be_taken(
    works: Works, tmp_path: Path, cut: int, whose: str
) -> None:
    """Nobody has heard of its keys yet: a stick that was given up binds it to nothing."""
    steps = provision(works.delivery(), works.site)
    for _ in range(cut):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    if whose == "another centre's":
        shutil.rmtree(works.folder / "centre")
        works.found()
    works.make()
    works.provision()
    works.identity.prove(simulated=True)
    assert works.identity.certificate("box-ca") == works.delivery().certificate("box-ca.pem")


def test_an_enrolled_box_takes_no_second_key(works: Works) -> None:
    works.provision()
    works.make()
    assert refusal(works) == "other_identity"


class Cut(BaseException):
    """The power goes."""


def test_cut_within_a_step_it_goes_on(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each single file that a step puts in its place."""
    allowed, writes = 0, 0

    def failing(path: Path, data: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes > allowed:
            raise Cut
        durable.replace_durably(path, data)

    for module in (provisioning, init, settings):
        monkeypatch.setattr(module, "replace_durably", failing)
    while True:
        writes = 0
        try:
            works.provision()
        except Cut:
            allowed += 1
            continue
        break
    assert allowed > 10
    monkeypatch.undo()
    works.identity.prove(simulated=True)
    assert not any(each.new for each in works.provision())


def test_what_the_machine_has_stays_and_where_it_stands_comes_from_the_centre(works: Works) -> None:
    works.site.config.parent.mkdir()
    works.site.config.write_text(
        '[station]\nprofile = "training"\nhome_unit = "OLD"\ntools = "/opt/x"\n'
        '[finger]\nserial = "S-1"\nppi = 508\n'
    )
    works.site.config.chmod(0o640)
    works.provision()
    settings = load(works.site.config)
    assert (settings.station.home_unit, settings.station.tools) == (UNIT, "/opt/x")
    assert (settings.finger.serial, settings.finger.ppi) == ("S-1", 508)
    assert works.site.config.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", [name for name in form.MOST if name not in (form.CODE, form.CARD_KEYS)])
def test_a_file_that_was_damaged_is_refused_before_anything_is_written(works: Works, name: str) -> None:
    path = works.files / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert refusal(works) in ("stick_damaged", "stick_forged", "stick_unreadable")
    assert not (works.folder / "box").exists() and not works.site.config.exists()


@pytest.mark.parametrize("name", [form.ASSIGNMENT, form.EXTRACT, form.KEY, form.MANIFEST])
def test_a_file_that_is_gone_is_refused(works: Works, name: str) -> None:
    (works.files / name).unlink()
    assert refusal(works) in ("stick_damaged", "stick_none")


def test_a_file_without_end_is_refused(works: Works) -> None:
    with (works.files / form.STAFF).open("ab") as file:
        file.truncate(form.MOST[form.STAFF] + 1)
    assert refusal(works) == "stick_damaged"


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 9999, b"\xff" * 99, b" " * (form.MAX_MANIFEST + 1)])
def test_a_table_that_is_none_is_refused(works: Works, data: bytes) -> None:
    (works.files / form.MANIFEST).write_bytes(data)
    assert refusal(works) in ("stick_unreadable", "stick_damaged")


def test_an_exchanged_signer_changes_the_seal(works: Works, tmp_path: Path) -> None:
    """Whoever makes a whole stick of their own cannot make it look like the centre's."""
    other = Works(tmp_path / "other", works.now)
    other.folder.mkdir()
    other.found().make()
    assert other.delivery().seal != works.delivery().seal
    shutil.copy(other.files / form.ORDERS, works.files / form.ORDERS)
    assert refusal(works) == "stick_forged"


def test_another_boxs_folder_under_this_name_is_refused(works: Works) -> None:
    works.files.rename(works.files.with_name("BOX-08"))
    assert refusal(works) == "stick_forged"


def test_of_several_boxes_on_a_stick_one_is_named(works: Works) -> None:
    works.make(box="BOX-08")
    assert refusal(works) == "stick_several"
    assert Delivery.read(works.stick, BOX).table.box == BOX


def test_a_machine_that_is_another_box_is_left_as_it_is(works: Works) -> None:
    works.provision()
    before = (works.folder / "box" / "identity" / "identity.json").read_bytes()
    shutil.rmtree(works.stick)
    works.make(box="BOX-08")
    assert refusal(works) == "other_identity"
    assert (works.folder / "box" / "identity" / "identity.json").read_bytes() == before


def test_a_box_of_another_centre_is_left_as_it_is(works: Works, tmp_path: Path) -> None:
    works.provision()
    other = Works(tmp_path / "other", works.now)
    other.folder.mkdir()
    other.found().make()
    with pytest.raises(ProvisionRefused) as refused:
        list(provision(other.delivery(), works.site))
    assert refused.value.reason == "other_centre"


def test_staff_that_was_changed_on_the_box_is_not_put_back(works: Works) -> None:
    works.provision()
    kept = [officer for badge, officer in works.identity.officers().items() if badge != BADGE]
    works.identity.keep_officers(kept)
    works.provision()
    assert BADGE not in works.identity.officers()


def test_a_stick_of_training_is_nothing_for_a_machine_of_production(works: Works) -> None:
    works.site.config.parent.mkdir()
    works.site.config.write_text('[station]\nprofile = "production"\n')
    assert refusal(works) == "training_refused"
    assert not (works.folder / "box").exists()


def test_a_ready_key_does_not_go_into_a_tpm(works: Works) -> None:
    assert refusal(works, tpm=True) == "key_and_tpm"


# --- at the centre ---------------------------------------------------------------------------------------


def test_made_up_staff_is_for_training_and_their_pins_are_said(works: Works) -> None:
    written = works.make(officers=b"")
    works.provision()
    officers = works.identity.officers()
    assert set(written.pins) == set(officers)
    assert all(officers[badge].knows(pin) for badge, pin in written.pins.items())


@pytest.mark.parametrize(
    "broken", [b"{}", b"[]", b"[1]", b'[{"badge": "B"}]', staff().replace(b'"officer"', b'"king"')]
)
def test_a_list_that_is_no_staff_makes_no_stick(works: Works, broken: bytes) -> None:
    with pytest.raises(CentreSetupError):
        works.make(officers=broken)


def test_pins_that_are_not_hashed_make_no_stick(works: Works) -> None:
    rows = json.loads(staff())
    rows[0]["pin"] = "135790"
    with pytest.raises(CentreSetupError, match="pin"):
        works.make(officers=json.dumps(rows).encode())


# --- the command -----------------------------------------------------------------------------------------


def said(works: Works, *more: str, typed: str = "") -> tuple[int, str]:
    site = ["--config", str(works.site.config), "--data", str(works.site.data), "--no-devices"]
    result = CliRunner().invoke(box_commands, ["provision", str(works.stick), *site, *more], input=typed)
    return result.exit_code, result.output


def test_a_wrong_seal_or_a_no_stops_it_before_anything_is_written(works: Works) -> None:
    for more, typed in ((("--seal", "AAAA-BBBB-CCCC-DDDD"), ""), ((), "n\n")):
        code, text = said(works, *more, typed=typed)
        assert code == 1 and "seal_differs" in text
        assert not (works.folder / "box").exists()


def test_each_step_has_its_line_and_what_is_next_is_said(works: Works) -> None:
    code, text = said(works, typed="y\n")
    assert works.delivery().seal in text
    assert text.count("xong · done") == 7
    # preflight knows that this desk has no face models where the settings look for them
    assert ("systemctl" in text) if code == 0 else ("NOT YET" in text)
    assert "xong · done" not in said(works, "--seal", works.delivery().seal.lower().replace("-", ""))[1]


def test_every_step_and_every_reason_has_its_words() -> None:
    from firmware.cli_box_provision import REASONS, STEPS

    assert set(STEPS) == {step.value for step in Step}
    assert all(" · " in text for text in (*STEPS.values(), *REASONS.values()))
    assert Done(Step.KEYS, True).new
