"""The first and the last moments of a box whose keys are in a TPM: cut off in the making, and retired."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.centre import TestStation
from support.tpm import BADGE, PIN, SoftTpm, soft_tpm
from typer.testing import CliRunner

from drivers.tpm.tpm import MOST_TRIES, Tpm
from firmware.box.errors import IdentityError, PinWrong
from firmware.box.identity import Identity
from firmware.box.init import InTpm, begin, take
from firmware.box.unlock import Unlocking
from firmware.cli_box import app as box_commands
from firmware.records.errors import StoreLocked
from firmware.records.format.swap import Retirement

BOX, OFFICER = "BOX-07", "NV-0001"


class Cut(Exception):
    """The power goes."""


@dataclass
class Bench:
    """A blank box and its TPM."""

    data: Path
    chip: SoftTpm

    @property
    def identity(self) -> Identity:
        return Identity(self.data / "identity", self.chip.tcti, self._runtime)

    @property
    def _runtime(self) -> Path:
        return self.data.parent / "run"

    def begin(self, pin: str = PIN) -> bytes:
        return begin(self.data / "identity", BOX, InTpm(self.chip.tcti, self._runtime, BADGE, pin))

    def boot(self) -> None:
        shutil.rmtree(self._runtime, ignore_errors=True)
        self.chip.power_cycle()

    def enrol(self, station: TestStation) -> None:
        take(self.identity, station.station.sign_box(self.begin(), station.now).to_json())

    def retire(self, proof: Path) -> int:
        site = self.data.parent / "site.toml"
        site.write_text(
            f'[station]\ndata = "{self.data}"\n'
            f'[tpm]\ntcti = "{self.chip.tcti}"\nruntime = "{self._runtime}"\n'
        )
        arguments = ["retire", "--out", str(proof), "--officer", OFFICER, "--config", str(site)]
        return CliRunner().invoke(box_commands, arguments).exit_code


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with soft_tpm() as chip:
        yield Bench(tmp_path / "box", chip)


def cut_before_arming(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(tpm: Tpm, lockout_auth: bytes) -> None:
        raise Cut

    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(Tpm, "prepare", cut)
        bench.begin()


@pytest.mark.parametrize("power", ["stays", "goes"])
def test_keys_that_were_made_before_the_cut_are_kept_and_the_tpm_is_armed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, power: str
) -> None:
    cut_before_arming(bench, monkeypatch)
    assert not bench.chip.tpm().is_prepared()
    keys = (bench.identity.folder / "tpm.json").read_bytes()
    if power == "goes":
        bench.boot()
    bench.begin()
    assert bench.chip.tpm().is_prepared()
    assert (bench.identity.folder / "tpm.json").read_bytes() == keys
    assert not bench.identity.locked
    assert bench.identity.lock is not None and bench.identity.lock.left() == MOST_TRIES


def test_only_the_officer_of_the_first_time_goes_on_after_a_cold_boot(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before_arming(bench, monkeypatch)
    bench.boot()
    with pytest.raises(PinWrong):
        bench.begin("000000")
    assert not bench.chip.tpm().is_prepared()


def test_an_officer_who_unlocks_an_unarmed_box_arms_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_before_arming(bench, monkeypatch)
    bench.boot()
    Unlocking(bench.identity.folder, bench.chip.tpm(), bench.data.parent / "run").unlock(BADGE, PIN)
    assert bench.chip.tpm().is_prepared()


def test_a_cut_between_the_two_steps_of_arming_leaves_nobody_locked_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The TPM's limits are set before its owner: what is cut off in between is done again."""
    import tpm2_pytss

    def cut(*_: object, **__: object) -> None:
        raise Cut

    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(tpm2_pytss.ESAPI, "hierarchy_change_auth", cut)
        bench.begin()
    bench.boot()
    bench.begin()
    assert bench.chip.tpm().is_prepared()
    assert bench.chip.tpm().tries().left == MOST_TRIES


# --- the last moments --------------------------------------------------------------------------------


@pytest.fixture
def station(tmp_path: Path) -> TestStation:
    return TestStation(tmp_path, datetime.now(UTC) - timedelta(days=1))


def test_a_retired_box_names_its_tpm_in_the_proof_and_has_cleared_it(
    bench: Bench, station: TestStation, tmp_path: Path
) -> None:
    bench.enrol(station)
    authority, kept = bench.identity.certificate("box-ca"), tmp_path / "kept"
    shutil.copytree(bench.identity.folder, kept)
    assert bench.retire(tmp_path / "proof.json") == 0
    proof = Retirement.read((tmp_path / "proof.json").read_bytes(), authority, datetime.now(UTC))
    assert {"the TPM", "identity/tpm.json", "identity/unlock.json"} <= set(proof.erased)
    assert [path.name for path in bench.data.iterdir()] == ["retirement.json"]
    assert not bench.chip.tpm().is_prepared()
    with pytest.raises((IdentityError, StoreLocked)):  # a copy of the disk is of no use
        Identity(kept, bench.chip.tcti, tmp_path / "run").prove(simulated=True)
        Identity(kept, bench.chip.tcti, tmp_path / "run").keys(simulated=True)


def test_a_box_whose_tpm_is_not_there_is_not_called_erased(
    bench: Bench, station: TestStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.enrol(station)

    def cut(tpm: Tpm, lockout_auth: bytes) -> None:
        raise IdentityError("another TPM")

    with monkeypatch.context() as patched:
        patched.setattr(Tpm, "clear", cut)
        assert bench.retire(tmp_path / "proof.json") == 1
    assert (bench.identity.folder / "identity.json").is_file()
    assert bench.retire(tmp_path / "proof.json") == 0
    assert not (bench.data / "identity").exists()


def test_a_box_that_a_cold_boot_locked_in_mid_retirement_is_unlocked_and_goes_on(
    bench: Bench, station: TestStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.enrol(station)

    def cut(tpm: Tpm, lockout_auth: bytes) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(Tpm, "clear", cut)
        assert bench.retire(tmp_path / "proof.json") == 1
    bench.boot()
    assert bench.retire(tmp_path / "proof.json") == 1  # locked: nothing is called erased
    assert bench.identity.lock is not None
    bench.identity.lock.unlock(BADGE, PIN)
    assert bench.retire(tmp_path / "proof.json") == 0
    assert not bench.chip.tpm().is_prepared()
