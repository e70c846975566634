"""The station's recovery identity, behind twelve digits: the real thing, a second of scrypt each."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import swap

from firmware.box.adopt import open_recovery
from firmware.box.stick import SwapRefused


def test_twelve_digits_open_it_however_they_are_typed(tmp_path: Path) -> None:
    path = tmp_path / "recovery-identity.age"
    path.write_bytes(swap.locked_recovery())
    opened = open_recovery(path, "1234 5678-9012")
    assert str(opened) == str(swap.centre().recovery)


def test_a_wrong_digit_does_not(tmp_path: Path) -> None:
    path = tmp_path / "recovery-identity.age"
    path.write_bytes(swap.locked_recovery())
    with pytest.raises(SwapRefused) as refused:
        open_recovery(path, "123456789013")
    assert refused.value.reason == "recovery_code_wrong"


@pytest.mark.parametrize(
    "code", ["", "12345678901", "1234567890123", "abcdefghijkl", "１２３４５６７８９０１２"]
)
def test_what_is_no_code_is_not_tried(code: str, tmp_path: Path) -> None:
    with pytest.raises(SwapRefused) as refused:
        open_recovery(tmp_path / "nowhere", code)
    assert refused.value.reason == ("recovery_needed" if not code else "recovery_code_wrong")


def test_a_file_that_is_gone_or_rubbish(tmp_path: Path) -> None:
    with pytest.raises(SwapRefused) as refused:
        open_recovery(tmp_path / "nowhere", swap.CODE)
    assert refused.value.reason == "recovery_missing"
    (tmp_path / "rubbish").write_bytes(b"rubbish")
    with pytest.raises(SwapRefused) as refused:
        open_recovery(tmp_path / "rubbish", swap.CODE)
    assert refused.value.reason == "recovery_code_wrong"
