"""From a blank folder and one stick to the first citizen who goes home with a card, before a real centre."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support import office
from support.kiosk import Story, nothing_is_lost
from support.provisioning import BADGE, BOX, PIN, PLACE, UNIT, Works
from support.tpm import SoftTpm, soft_tpm
from typer.testing import CliRunner

from config.load import load
from config.schema import Config
from firmware.box.delivery import ProvisionRefused
from firmware.box.provision import Step, provision
from firmware.cli_box import app as box_commands
from firmware.preflight import PRODUCTION
from firmware.records.format import provision as form
from firmware.sim.card_keys import TEXT
from firmware.sim.citizen import Habits
from firmware.uplink.errors import CentreRefused
from statemachine.states import S
from ui_fb import screens as ui

DIALECT = "iso7816-scp03"


class Provisioned(Story):
    """A kiosk on the settings and the data folder that the command left; only its devices are virtual."""

    def __init__(self, works: Works, centre: office.CentreHere) -> None:
        self.works = works
        super().__init__(works.folder, office.ADULT, Habits(pause_s=0.0), panel=False)
        self.centre = centre

    def settings(self) -> Config:
        made = load(self.works.site.config)
        return replace(made, station=replace(made.station, tools=str(office.TOOLS)))

    def again(self) -> None:
        """The process ends, and a new one starts on the same disk."""
        self.kiosk.close()
        self._build()
        self.start()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[office.CentreHere]:
    """A training centre that knows ADULT, on the line."""
    office.first_morning(tmp_path)
    shutil.rmtree(tmp_path / "box")
    made = office.CentreHere(tmp_path / "centre")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


def stick(works: Works, centre: office.CentreHere, training_key: bool) -> None:
    works.make(url=centre.url, dialect=DIALECT, card_keys=TEXT.encode(), training_key=training_key)


def provisions(works: Works, *more: str, typed: str = "") -> str:
    """As a technician types it."""
    site = ["--config", str(works.site.config), "--data", str(works.site.data), "--no-devices"]
    seal = works.delivery().seal
    command = ["provision", str(works.stick), *site, "--seal", seal, *more]
    result = CliRunner().invoke(box_commands, command, input=typed)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def finds_tools(works: Works, *more: str) -> None:
    """As the set-up lays a machine out, before there is any stick."""
    works.site.config.parent.mkdir()
    lines = ["[station]", 'profile = "training"', f'tools = "{office.TOOLS}"', *more, ""]
    works.site.config.write_text("\n".join(lines))


@contextmanager
def on(works: Works, centre: office.CentreHere) -> Iterator[Provisioned]:
    office.scorer(), office.gate()  # skips where the set-up did not fetch them
    with ExitStack() as stack:
        told = Provisioned(works, centre)
        stack.callback(lambda: told.kiosk.close())  # the one that runs then
        told.start()
        yield told
        nothing_is_lost(told)


def is_served(s: Provisioned) -> None:
    """ADULT walks from the greeting to the receipt; the centre has the record, as one of training."""
    s.until(S.RECEIPT)
    s.until(S.ATTRACT)
    s.comes(lambda: s.centre.counts()["records"] == {"ACCEPTED": 1})
    assert s.centre.counts()["grants"] == {"open": 0, "void": 0, "issued": 1}
    (opened,) = s.centre.records()
    place = opened.manifest["assignment"]
    assert opened.manifest["simulated"] is True
    assert (opened.box, place["epoch"], place["capture_unit"]) == (BOX, 1, UNIT)


def test_a_training_box_serves_its_first_citizen(works: Works, centre: office.CentreHere) -> None:
    """Its key came on the stick: provisioned without a line, on the line for the first visit."""
    finds_tools(works)
    stick(works, centre, training_key=True)
    centre.stop()
    provisions(works)
    centre.start()
    with on(works, centre) as s:
        is_served(s)


# --- keys in a TPM, and a one-time code --------------------------------------------------------------


@pytest.fixture
def chip() -> Iterator[SoftTpm]:
    with soft_tpm() as made:
        yield made


def boots(works: Works, chip: SoftTpm) -> None:
    shutil.rmtree(works.folder / "run", ignore_errors=True)
    chip.power_cycle()


def with_tpm(works: Works, chip: SoftTpm) -> None:
    finds_tools(works, "[tpm]", f'tcti = "{chip.tcti}"', f'runtime = "{works.folder / "run"}"')


def test_a_box_with_a_tpm_enrols_by_its_code_asks_after_a_cold_boot_and_serves(
    works: Works, centre: office.CentreHere, chip: SoftTpm
) -> None:
    with_tpm(works, chip)
    stick(works, centre, training_key=False)
    said = provisions(works, "--tpm", "--badge", BADGE, typed=f"{PIN}\n")
    assert "xong · done" in said
    assert not list((works.folder / "box" / "identity").glob("*.key.pem"))
    boots(works, chip)
    with on(works, centre) as s:
        s.comes(ui.StartBox)
        s.badge(None)
        s.staff_reader.awaits_card()
        s.badge(BADGE)
        s.comes(S.OFFICER)
        s.types(PIN)
        s.comes(S.ATTRACT)
        s.comes(lambda: s.kiosk.flow.session.trouble == "")
        s.badge(None)
        s.screens.clear()
        s.again()
        is_served(s)
        assert "StartBox" not in s.screens


def test_a_provisioning_that_a_cold_boot_cut_off_asks_the_officer_and_goes_on(
    works: Works, centre: office.CentreHere, chip: SoftTpm
) -> None:
    with_tpm(works, chip)
    stick(works, centre, training_key=False)
    site = replace(works.site, tpm=True)
    for last in (Step.KEYS, Step.CERTIFICATE):
        for done in provision(works.delivery(), site, lambda: (BADGE, PIN)):
            if done.step is last:
                break
        boots(works, chip)
        assert works.identity.locked
    assert not all(done.new for done in works.provision(site, lambda: (BADGE, PIN)))
    works.identity.prove(simulated=True)
    assert not any(done.new for done in works.provision(site))


def test_the_code_of_a_stick_enrols_one_machine(works: Works, centre: office.CentreHere) -> None:
    stick(works, centre, training_key=False)
    works.provision()
    other = replace(works.site, config=works.folder / "other.toml", data=works.folder / "other")
    with pytest.raises(CentreRefused, match="code_used"):
        works.provision(other)
    assert not (works.folder / "other" / "identity" / "box.crt.pem").exists()
    assert form.CODE in works.delivery().table.files


# --- production --------------------------------------------------------------------------------------


@pytest.fixture
def real(works: Works, monkeypatch: pytest.MonkeyPatch) -> Iterator[office.CentreHere]:
    """A centre whose keys are not of development, on the line."""
    works.found(production=monkeypatch)
    made = office.CentreHere(works.folder / "centre")
    made.start()
    yield made
    made.stop()


def test_a_production_box_makes_its_key_in_its_tpm_and_only_there(
    works: Works, real: office.CentreHere, chip: SoftTpm
) -> None:
    with_tpm(works, chip)
    place = replace(PLACE, profile="production")
    works.make(url=real.url, training_key=False, place=place, dialect=DIALECT)
    with pytest.raises(ProvisionRefused) as refused:
        works.provision()
    assert refused.value.reason == "production_needs_tpm"
    assert not (works.folder / "box").exists()
    works.provision(replace(works.site, tpm=True), lambda: (BADGE, PIN))
    identity = works.identity
    identity.prove(simulated=False)
    assert (identity.box, identity.development, identity.about["keys"]) == (BOX, False, "tpm")
    said = [reason for check in PRODUCTION for reason in check(load(works.site.config))]
    assert not [
        reason for reason in said if "identity" in reason or ("key" in reason and "tmpfs" not in reason)
    ]
    assert not [reason for reason in said if "still" in reason], "its signed assignment says where it stands"


def test_a_production_machine_takes_nothing_of_training_again(
    works: Works, real: office.CentreHere, chip: SoftTpm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with_tpm(works, chip)
    place = replace(PLACE, profile="production")
    works.make(url=real.url, training_key=False, place=place, dialect=DIALECT)
    works.provision(replace(works.site, tpm=True), lambda: (BADGE, PIN))
    other = Works(tmp_path_factory.mktemp("training")).found()
    for how in ({"training_key": True}, {"training_key": False}):
        other.make(**how)
        with pytest.raises(ProvisionRefused) as refused:
            list(provision(other.delivery(), replace(works.site, tpm=not how["training_key"])))
        assert refused.value.reason == "training_refused"


def test_a_training_centre_that_calls_its_stick_production_is_refused(works: Works) -> None:
    works.found().make(training_key=False, place=replace(PLACE, profile="production"))
    with pytest.raises(ProvisionRefused) as refused:
        works.delivery()
    assert refused.value.reason == "stick_of_development"


def test_the_officer_of_the_first_unlocking_is_of_the_boxs_own_staff(
    works: Works, centre: office.CentreHere, chip: SoftTpm
) -> None:
    with_tpm(works, chip)
    stick(works, centre, training_key=False)
    site = replace(works.site, tpm=True)
    for who, why in ((("NV-0999", PIN), "badge_unknown"), ((BADGE, "000000"), "pin_wrong")):
        with pytest.raises(ProvisionRefused) as refused:
            works.provision(site, lambda who=who: who)  # type: ignore[misc]
        assert refused.value.reason == why
    assert not (works.folder / "box" / "identity" / "tpm.json").exists()
