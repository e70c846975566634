"""The TPM driver over a TPM 2.0 in software: what only this TPM gives, and how it says no."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from support.tpm import SoftTpm, soft_tpm

from drivers.errors import DeviceGone, DriverError
from drivers.tpm.blob import Blob
from drivers.tpm.errors import TpmRefused, Why
from drivers.tpm.tpm import MOST_SEALED, MOST_TRIES, Tpm
from firmware.records.format.signing import ExternalKey

U, LOCKOUT, PIN = os.urandom(32), os.urandom(32), os.urandom(32)


@pytest.fixture(scope="module")
def mine() -> Iterator[SoftTpm]:
    with soft_tpm() as made:
        made.tpm().prepare(LOCKOUT)
        yield made


@pytest.fixture(scope="module")
def another() -> Iterator[SoftTpm]:
    with soft_tpm() as made:
        yield made


@pytest.fixture
def tpm(mine: SoftTpm) -> Tpm:
    mine.tpm().forgive(LOCKOUT)
    return mine.tpm()


def why(error: pytest.ExceptionInfo[TpmRefused]) -> Why:
    return error.value.why


def test_its_key_signs_as_an_ordinary_key_would(tpm: Tpm) -> None:
    key = tpm.key(tpm.new_key(U), lambda: U)
    external = ExternalKey(key.public_key, key.sign_digest)
    signature = external.sign(b"a manifest", ec.ECDSA(hashes.SHA256()))
    key.public_key.verify(signature, b"a manifest", ec.ECDSA(hashes.SHA256()))


def test_a_key_without_its_auth_signs_nothing_and_no_try_is_counted(tpm: Tpm) -> None:
    key = tpm.key(tpm.new_key(U), lambda: PIN)
    with pytest.raises(TpmRefused) as refused:
        key.sign_digest(bytes(32))
    assert why(refused) is Why.AUTH_WRONG
    assert tpm.tries().left == MOST_TRIES


def test_only_a_digest_is_signed(tpm: Tpm) -> None:
    key = tpm.key(tpm.new_key(U), lambda: U)
    with pytest.raises(ValueError, match="SHA-256"):
        key.sign_digest(b"short")


@pytest.mark.parametrize("size", [1, 32, MOST_SEALED])
def test_what_is_sealed_comes_back_for_its_auth(tpm: Tpm, size: int) -> None:
    secret = os.urandom(size)
    assert tpm.unseal(tpm.seal(secret, PIN, guarded=True), PIN) == secret


@pytest.mark.parametrize("size", [0, MOST_SEALED + 1])
def test_more_than_a_tpm_holds_is_not_sealed(tpm: Tpm, size: int) -> None:
    with pytest.raises(ValueError, match="128"):
        tpm.seal(bytes(size), PIN, guarded=True)


def test_wrong_pins_are_counted_until_the_right_one_is_refused_too(tpm: Tpm) -> None:
    sealed = tpm.seal(b"secret", PIN, guarded=True)
    for left in reversed(range(MOST_TRIES)):
        with pytest.raises(TpmRefused) as refused:
            tpm.unseal(sealed, U)
        assert (why(refused), tpm.tries().left) == (Why.AUTH_WRONG, left)
    with pytest.raises(TpmRefused) as refused:
        tpm.unseal(sealed, PIN)
    assert why(refused) is Why.LOCKED_OUT
    assert tpm.tries().forgives_s > 0


def test_a_lockout_outlives_the_power(tpm: Tpm, mine: SoftTpm) -> None:
    sealed = tpm.seal(b"secret", PIN, guarded=True)
    for _ in range(MOST_TRIES):
        with pytest.raises(TpmRefused):
            tpm.unseal(sealed, U)
    mine.power_cycle()
    with pytest.raises(TpmRefused) as refused:
        tpm.unseal(sealed, PIN)
    assert why(refused) is Why.LOCKED_OUT


def test_wrong_tries_are_forgiven_for_the_lockout_secret_alone() -> None:
    with soft_tpm() as own:
        tpm = own.tpm()
        tpm.prepare(LOCKOUT)
        sealed = tpm.seal(b"secret", PIN, guarded=True)
        with pytest.raises(TpmRefused):
            tpm.unseal(sealed, U)
        for auth in (b"", U):
            with pytest.raises(TpmRefused):
                tpm.forgive(auth)
        assert tpm.tries().left < MOST_TRIES


def test_what_is_locked_out_by_pins_still_signs(tpm: Tpm) -> None:
    sealed, blob = tpm.seal(b"secret", PIN, guarded=True), tpm.new_key(U)
    for _ in range(MOST_TRIES):
        with pytest.raises(TpmRefused):
            tpm.unseal(sealed, U)
    assert len(tpm.sign(blob, U, bytes(32))) == 64


def test_objects_of_another_tpm_are_foreign(tpm: Tpm, another: SoftTpm) -> None:
    sealed, key = tpm.seal(b"secret", PIN, guarded=True), tpm.new_key(U)
    with pytest.raises(TpmRefused) as unsealed:
        another.tpm().unseal(sealed, PIN)
    with pytest.raises(TpmRefused) as signed:
        another.tpm().sign(key, U, bytes(32))
    assert why(unsealed) is why(signed) is Why.FOREIGN


def test_objects_outlive_the_power(tpm: Tpm, mine: SoftTpm) -> None:
    sealed, key = tpm.seal(b"secret", PIN, guarded=True), tpm.new_key(U)
    mine.power_cycle()
    assert tpm.unseal(sealed, PIN) == b"secret"
    assert len(tpm.sign(key, U, bytes(32))) == 64


def test_more_calls_than_the_tpm_has_room_for_leave_nothing_in_it(tpm: Tpm) -> None:
    sealed = tpm.seal(b"secret", PIN, guarded=False)
    for _ in range(12):
        with pytest.raises(TpmRefused):
            tpm.unseal(sealed, U)
        assert tpm.unseal(sealed, PIN) == b"secret"


def test_somebody_elses_tpm_is_not_taken_over(tpm: Tpm) -> None:
    with pytest.raises(TpmRefused) as refused:
        tpm.prepare(U)
    assert why(refused) is Why.OWNED


def test_a_cleared_tpm_knows_nothing_of_before() -> None:
    with soft_tpm() as own:
        tpm = own.tpm()
        tpm.prepare(LOCKOUT)
        sealed, key = tpm.seal(b"secret", PIN, guarded=True), tpm.new_key(U)
        tpm.clear(LOCKOUT)
        for ask in (lambda: tpm.unseal(sealed, PIN), lambda: tpm.sign(key, U, bytes(32))):
            with pytest.raises(TpmRefused) as refused:
                ask()
            assert why(refused) is Why.FOREIGN


def test_only_its_owner_clears_a_tpm() -> None:
    with soft_tpm() as own:
        tpm = own.tpm()
        tpm.prepare(LOCKOUT)
        sealed = tpm.seal(b"secret", PIN, guarded=False)
        for auth in (b"", U):
            with pytest.raises(TpmRefused):
                tpm.clear(auth)
        assert tpm.unseal(sealed, PIN) == b"secret"


def test_a_tpm_that_is_not_there_is_gone(tmp_path: Path) -> None:
    for tcti in (f"swtpm:path={tmp_path / 'none'}", "device:/nonexistent", "no such thing", ""):
        with pytest.raises(DeviceGone):
            Tpm(tcti).tries()


def test_a_tpm_that_was_gone_is_used_again(tpm: Tpm, mine: SoftTpm) -> None:
    sealed = tpm.seal(b"secret", PIN, guarded=True)
    mine.power_off()
    with pytest.raises(DeviceGone):
        tpm.unseal(sealed, PIN)
    mine.power_on()
    assert tpm.unseal(sealed, PIN) == b"secret"


def test_a_blob_comes_back_from_its_json(tpm: Tpm) -> None:
    blob = tpm.new_key(U)
    assert Blob.from_json(blob.to_json()) == blob


@pytest.mark.parametrize(
    "value", [None, {}, {"public": "AA=="}, {"public": "?", "private": "AA=="}, {"public": 1, "private": ""}]
)
def test_what_no_blob_looks_like_is_foreign(value: object) -> None:
    with pytest.raises(TpmRefused) as refused:
        Blob.from_json(value)
    assert why(refused) is Why.FOREIGN


def test_no_flipped_or_cut_byte_of_an_object_is_taken(tpm: Tpm) -> None:
    sealed = tpm.seal(b"secret", PIN, guarded=False)
    for name in ("public", "private"):
        whole = getattr(sealed, name)
        bent = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(0, len(whole), 7)]
        for data in (*bent, whole[:-1], whole + b"\0", b"\xff" * 40):
            with pytest.raises(DriverError):
                tpm.unseal(replace(sealed, **{name: data}), PIN)
    assert tpm.unseal(sealed, PIN) == b"secret"
