"""`kiosk box status | export | adopt | retire` as a technician types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import box as one_box
from support import swap
from typer.testing import CliRunner, Result

from firmware import cli_box, cli_shared

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_shared, "now", one_box.Clock())


def kiosk_box(*words: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(cli_box.app, [str(word) for word in words], input=typed)


@pytest.fixture
def old(tmp_path: Path) -> swap.SwapBox:
    made = swap.unit(tmp_path)
    with made.journal() as journal:
        journal.stock.load(10, ["O-1"])
        swap.sealed(journal)
        one_box.issuing(journal, swap.frozen(journal))
    return made


def test_a_swap_in_two_commands(old: swap.SwapBox, stick: Path, tmp_path: Path) -> None:
    new = swap.spare(tmp_path)
    out = kiosk_box("export", stick, "--officer", "O-1", "--data", old.data)
    assert out.exit_code == 0, out.stderr
    assert "epoch 1 is closed at record 1" in out.stdout
    taken = kiosk_box(
        "adopt", stick, "--officer", "O-1", "--blanks", "7", "--data", new.data, typed=f"{swap.CODE}\n"
    )
    assert taken.exit_code == 0, taken.stderr
    assert "took the place of BOX-01, epoch 1" in taken.stdout
    assert "blanks differ: books 8, counted 7" in taken.stdout
    assert swap.CODE not in taken.output
    (line,) = [line for line in taken.stdout.splitlines() if "resume now" in line]
    shown = kiosk_box("status", "--data", new.data)
    assert line in shown.stdout and "not reported yet" in shown.stdout
    given = kiosk_box("status", "--data", old.data)
    assert "HANDED OVER" in given.stdout


def test_status_reads_beside_a_running_kiosk(old: swap.SwapBox) -> None:
    with old.journal():
        shown = kiosk_box("status", "--data", old.data, "--json")
        busy = kiosk_box("export", old.data, "--officer", "O-1", "--data", old.data)
    found = json.loads(shown.stdout)
    assert (found["box"], found["epoch"], found["closed"]) == ("BOX-01", 1, False)
    assert found["own"]["unsent"] == 1 and found["assignment"]["pool"] == swap.POOL
    assert busy.exit_code == 69 and "systemctl stop" in busy.stderr


def test_a_refusal_says_code_cause_and_what_to_do_in_both_languages(
    old: swap.SwapBox, stick: Path, tmp_path: Path
) -> None:
    kiosk_box("export", stick, "--officer", "O-1", "--data", old.data)
    other = swap.spare(tmp_path, pool="province-2")
    refused = kiosk_box("adopt", stick, "--officer", "O-1", "--code", swap.CODE, "--data", other.data)
    assert refused.exit_code == 1
    assert "E-511 USB này thuộc đơn vị khác. · This stick belongs to another unit's boxes." in refused.stderr
    assert "→" in refused.stderr


def test_who_does_it_must_be_said(old: swap.SwapBox, stick: Path) -> None:
    assert kiosk_box("export", stick, "--data", old.data).exit_code == 2
    assert kiosk_box("export", stick, "--officer", "Nguyễn Văn A", "--data", old.data).exit_code == 2


def test_retire_says_what_is_left_and_then_erases(old: swap.SwapBox, stick: Path) -> None:
    proof = stick / "proof.json"
    words = ("retire", "--officer", "O-1", "--out", proof, "--data", old.data)
    refused = kiosk_box(*words)
    assert refused.exit_code == 1 and "1 unsent" in refused.stderr and "E-507" in refused.stderr
    kiosk_box("export", stick, "--officer", "O-1", "--data", old.data)
    assert kiosk_box(*words).exit_code == 0
    assert [path.name for path in old.data.iterdir()] == ["retirement.json"]
    assert kiosk_box(*words).exit_code == 0, "again does no harm"
