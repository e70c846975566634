"""A box whose keys are in its TPM: locked after a cold boot, and of no use to whoever copies its disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import record
from support.tpm import BADGE, PIN, SoftTpm, TpmBox, soft_tpm

from drivers.tpm.tpm import MOST_TRIES
from firmware.box.errors import BadgeUnknown, IdentityError, LockedOut, PinWrong
from firmware.box.identity import Identity
from firmware.box.officers import Officer, hashed
from firmware.records.errors import KeysGone, StoreLocked
from firmware.records.format import cms
from firmware.records.format.signing import sign_detached

OTHER = "024680"


@pytest.fixture(scope="module")
def chip() -> Iterator[SoftTpm]:
    with soft_tpm() as made:
        yield made


@pytest.fixture(scope="module")
def made(chip: SoftTpm, tmp_path_factory: pytest.TempPathFactory) -> TpmBox:
    return TpmBox.make(tmp_path_factory.mktemp("tpm-box"), chip)


@pytest.fixture
def box(made: TpmBox) -> TpmBox:
    """Unlocked, as a technician leaves it."""
    made.boot()
    made.lock.unlock(BADGE, PIN)
    return made


def test_an_unlocked_box_signs_and_reads(box: TpmBox) -> None:
    identity = box.identity()
    keys = identity.keys(simulated=True)
    authority = identity.certificate("box-ca")
    assert (
        cms.verify(sign_detached(b"a manifest", keys.signer), b"a manifest", authority, record.NOW)
        == keys.box
    )
    assert str(keys.identity) == str(identity.unlocking())
    identity.prove(simulated=True)


def test_nothing_secret_lies_in_its_folder(box: TpmBox) -> None:
    names = {path.name for path in box.folder.iterdir()}
    assert not names & {"box.key.pem", "drafts.age", "officers.json"}
    text = b"".join(path.read_bytes() for path in box.folder.iterdir())
    assert b"PRIVATE KEY" not in text and b"AGE-SECRET-KEY" not in text
    assert PIN.encode() not in text


def test_a_restart_of_the_process_asks_nobody(box: TpmBox) -> None:
    assert not box.identity().locked
    box.identity().keys(simulated=True)


def test_a_cold_boot_locks_the_box(box: TpmBox) -> None:
    box.boot()
    identity = box.identity()
    assert identity.locked
    for ask in (
        identity.unlocking,
        lambda: identity.keys(True),
        lambda: sign_detached(b"x", identity.signer()),
    ):
        with pytest.raises(StoreLocked) as locked:
            ask()
        assert locked.value.reason == "box_locked"
    identity.prove(simulated=True)


def test_what_memory_kept_before_a_cold_boot_is_not_believed(box: TpmBox) -> None:
    """A runtime folder that lies on a disk by mistake keeps a file; its boot is over."""
    assert not box.lock.locked()
    assert replace(box.lock, boot=lambda: "another boot").locked()


def test_an_officers_pin_unlocks_it_after_a_cold_boot(box: TpmBox) -> None:
    box.boot()
    box.lock.unlock(BADGE, PIN)
    assert not box.identity().locked
    box.identity().keys(simulated=True)


def test_a_wrong_pin_is_counted_and_a_right_one_makes_it_forgotten(box: TpmBox) -> None:
    box.boot()
    for _ in range(3):
        with pytest.raises(PinWrong) as refused:
            box.lock.unlock(BADGE, OTHER)
    assert refused.value.left < MOST_TRIES - 1
    box.lock.unlock(BADGE, PIN)
    assert box.chip.tpm().tries().left == MOST_TRIES


def test_a_pin_that_is_guessed_at_locks_the_tpm() -> None:
    with soft_tpm() as chip, TpmBox.made(chip) as box:
        box.boot()
        for left in reversed(range(box.chip.tpm().tries().left)):
            with pytest.raises(PinWrong) as refused:
                box.lock.unlock(BADGE, OTHER)
            assert refused.value.left == left
        with pytest.raises(LockedOut) as locked:
            box.lock.unlock(BADGE, PIN)
        assert locked.value.wait_s > 0
        assert box.lock.locked()


def test_a_stranger_does_not_unlock_it(box: TpmBox) -> None:
    box.boot()
    with pytest.raises(BadgeUnknown):
        box.lock.unlock("BADGE-99", PIN)


def test_a_second_officer_is_admitted_by_an_unlocked_box_only(box: TpmBox) -> None:
    box.lock.admit("BADGE-02", OTHER)
    box.boot()
    with pytest.raises(StoreLocked):
        box.lock.admit("BADGE-03", OTHER)
    box.lock.unlock("BADGE-02", OTHER)
    box.lock.dismiss("BADGE-02")
    with pytest.raises(BadgeUnknown):
        box.lock.unlock("BADGE-02", OTHER)
    assert box.lock.badges() == (BADGE,)
    with pytest.raises(ValueError, match="somebody"):
        box.lock.dismiss(BADGE)


def test_a_disk_in_another_box_can_neither_sign_nor_read(box: TpmBox, tmp_path: Path) -> None:
    shutil.copytree(box.folder, tmp_path / "identity")
    with soft_tpm() as another:
        clone = TpmBox(tmp_path / "identity", another, tmp_path / "run").identity()
        assert clone.lock is not None
        with pytest.raises(IdentityError, match="another box's TPM"):
            clone.lock.unlock(BADGE, PIN)
        with pytest.raises(IdentityError, match="another box's TPM"):
            clone.prove(simulated=True)


def test_a_disk_with_all_that_memory_held_is_of_no_use_in_another_box(box: TpmBox, tmp_path: Path) -> None:
    shutil.copytree(box.folder, tmp_path / "identity")
    with soft_tpm() as another:
        thief = TpmBox(tmp_path / "identity", another, tmp_path / "run")
        thief.lock._keep(box.lock.secret())
        clone = thief.identity()
        with pytest.raises(IdentityError, match="another box's TPM"):
            clone.unlocking()
        with pytest.raises(IdentityError, match="another box's TPM"):
            sign_detached(b"a manifest", clone.signer())


def test_a_tpm_that_fails_is_the_stores_failure(box: TpmBox) -> None:
    box.chip.power_off()
    try:
        with pytest.raises(KeysGone):
            sign_detached(b"x", box.identity().signer())
        with pytest.raises(KeysGone):
            box.identity().unlocking()
    finally:
        box.chip.power_on()


def test_the_staffs_pins_cannot_be_guessed_from_the_disk(box: TpmBox) -> None:
    staff = [Officer("BADGE-01", "OFF-1", "Cán bộ Một", "officer", hashed(PIN))]
    box.identity().keep_officers(staff)
    assert list(box.identity().officers().values()) == staff
    assert b"BADGE-01" not in (box.folder / "officers.age").read_bytes()
    box.boot()
    with pytest.raises(StoreLocked):
        box.identity().officers()


def test_an_erased_box_signs_nothing_whoever_kept_its_files(tmp_path: Path) -> None:
    with soft_tpm() as chip, TpmBox.made(chip) as box:
        shutil.copytree(box.folder, tmp_path / "copy")
        assert box.identity().erase()[0] == "the TPM"
        copy = TpmBox(tmp_path / "copy", chip, box.runtime)
        with pytest.raises(IdentityError, match="TPM"):
            copy.lock.unlock(BADGE, PIN)


def test_an_erasure_that_was_cut_off_is_finished_by_the_next(tmp_path: Path) -> None:
    with soft_tpm() as chip, TpmBox.made(chip) as box:
        box.lock.clear()
        box.lock.lock()
        assert "tpm.json" in box.identity().erase()
        assert box.identity().erase() == ("the TPM",)
        assert not (box.folder / "unlock.json").exists()


@pytest.mark.parametrize("name", ["tpm.json", "unlock.json", "box.crt.pem"])
def test_a_missing_file_is_named(box: TpmBox, tmp_path: Path, name: str) -> None:
    shutil.copytree(box.folder, tmp_path / "identity")
    (tmp_path / "identity" / name).unlink()
    with pytest.raises(IdentityError, match=name):
        TpmBox(tmp_path / "identity", box.chip, box.runtime).identity().prove(simulated=True)


@pytest.mark.parametrize("name", ["tpm.json", "unlock.json"])
@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '{"signing": 3}', '[{"badge": 1}]'])
def test_a_damaged_file_is_an_identity_that_cannot_be_used(
    box: TpmBox, tmp_path: Path, name: str, text: str
) -> None:
    shutil.copytree(box.folder, tmp_path / "identity")
    (tmp_path / "identity" / name).write_text(text)
    with pytest.raises(IdentityError):
        TpmBox(tmp_path / "identity", box.chip, box.runtime).identity().prove(simulated=True)


def test_a_box_whose_tpm_is_not_named_says_so(box: TpmBox) -> None:
    with pytest.raises(IdentityError, match=r"\[tpm\] tcti"):
        Identity(box.folder).signer()


def test_keys_of_an_unheard_of_kind_are_refused(box: TpmBox, tmp_path: Path) -> None:
    shutil.copytree(box.folder, tmp_path / "identity")
    about = tmp_path / "identity" / "identity.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "keys": "cloud"}))
    with pytest.raises(IdentityError, match="cloud"):
        Identity(tmp_path / "identity").signer()
