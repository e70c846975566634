"""A file behind twelve digits is an age file, and costs each box the same to open."""

from __future__ import annotations

import pyrage
import pytest

from centre.passphrase import CHUNK, WORK, locked

SECRET = b"AGE-SECRET-KEY-1MADEUP\n"


def test_another_age_opens_it_with_its_digits_and_with_no_others() -> None:
    made = locked(SECRET, "123456789012")
    assert pyrage.passphrase.decrypt(made, "123456789012") == SECRET
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(made, "123456789013")


def test_its_cost_is_fixed_and_fits_a_box_of_one_gigabyte() -> None:
    stanza = locked(SECRET, "1").split(b"\n")[1]
    assert stanza.split()[-1] == str(WORK).encode()
    assert 128 * 8 * (1 << WORK) <= 128 << 20


def test_no_two_files_are_alike_and_a_changed_one_does_not_open() -> None:
    first, second = locked(SECRET, "1"), locked(SECRET, "1")
    assert first != second
    for at in (-1, first.index(b"---") + 6):
        changed = bytearray(first)
        changed[at] ^= 1
        with pytest.raises(pyrage.DecryptError):
            pyrage.passphrase.decrypt(bytes(changed), "1")


def test_more_than_one_chunk_is_not_written() -> None:
    with pytest.raises(ValueError, match="one chunk"):
        locked(bytes(CHUNK + 1), "1")
