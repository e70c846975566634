"""`kiosk records export` to a stick that is pulled half-way, full, or not there: said for each record."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from support import box, record
from typer.testing import CliRunner, Result

from firmware import cli_records
from firmware.records import disk
from firmware.records.journal import Journal


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A box's data folder with three unsent records; its kiosk is running."""
    folder = tmp_path / "data"
    (folder / "identity").mkdir(parents=True)
    pem = record.keys().box.certificate.public_bytes(Encoding.PEM)
    (folder / "identity" / "box.crt.pem").write_bytes(pem)
    with Journal(folder / "records", box.box_keys(), box.Clock()) as journal:
        for _ in range(3):
            box.sealed(journal)
        yield folder


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def exported(data: Path, stick: Path, *options: str) -> Result:
    return CliRunner().invoke(cli_records.app, ["export", str(stick), "--data", str(data), *options])


def pulled_after(monkeypatch: pytest.MonkeyPatch, stick: Path, files: int, code: int) -> None:
    """The stick is gone, or full, once so many files were written to it."""
    write, written = disk.write, 0

    def writing(path: Path, content: bytes) -> None:
        nonlocal written
        if path.parent == stick:
            if written >= files:
                with disk.translated("write a file"):
                    raise OSError(code, os.strerror(code))
            written += 1
        write(path, content)

    monkeypatch.setattr(disk, "write", writing)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENODEV, errno.ENOSPC, errno.EROFS])
def test_a_stick_pulled_half_way_has_whole_records_only_and_the_rest_is_said(
    data: Path, stick: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    pulled_after(monkeypatch, stick, 3, code)
    done = exported(data, stick)
    assert done.exit_code == 1
    first, *others = done.stdout.splitlines()
    assert "copied and read back" in first
    assert len(others) == 2 and all("NOT copied" in line for line in others)
    whole = [path for path in stick.iterdir() if path.suffix == ".age"]
    assert [path.name for path in whole] == [first.split()[0]]
    assert whole[0].read_bytes() == (data / "records" / "outbox" / whole[0].name).read_bytes()
    assert not list(stick.glob("*.tmp"))


def test_the_next_export_copies_the_rest(data: Path, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        pulled_after(context, stick, 3, errno.EIO)
        exported(data, stick)
    done = exported(data, stick)
    assert done.exit_code == 0
    assert len(list(stick.iterdir())) == 6
    assert sorted(path.name for path in stick.iterdir()) == sorted(
        path.name for path in (data / "records" / "outbox").iterdir()
    )


def test_what_is_said_can_be_read_by_a_program(
    data: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled_after(monkeypatch, stick, 3, errno.EIO)
    rows = [json.loads(line) for line in exported(data, stick, "--json").stdout.splitlines()]
    assert [row["problem"] is None for row in rows] == [True, False, False]


def test_a_stick_that_is_not_there_is_one_line(data: Path, tmp_path: Path) -> None:
    done = exported(data, tmp_path / "nowhere" / "stick")
    assert done.exit_code == 1 and len(done.stderr.splitlines()) == 1


def test_a_box_without_records_says_so(tmp_path: Path, stick: Path) -> None:
    folder = tmp_path / "data"
    (folder / "identity").mkdir(parents=True)
    pem = record.keys().box.certificate.public_bytes(Encoding.PEM)
    (folder / "identity" / "box.crt.pem").write_bytes(pem)
    Journal(folder / "records", box.box_keys(), box.Clock()).close()
    done = exported(folder, stick)
    assert (done.exit_code, done.stdout) == (0, "không còn hồ sơ chưa gửi · nothing is unsent\n")
    listed = CliRunner().invoke(cli_records.app, ["list", "--data", str(folder)])
    assert (listed.exit_code, listed.stdout) == (0, "chưa có hồ sơ nào · no records yet\n")
    assert CliRunner().invoke(cli_records.app, ["list", "--json", "--data", str(folder)]).stdout == ""


def test_a_journal_of_another_version_says_what_to_do(data: Path) -> None:
    other = sqlite3.connect(data / "records" / "journal.db")
    other.execute("PRAGMA user_version = 1")
    other.close()
    done = CliRunner().invoke(cli_records.app, ["list", "--data", str(data)])
    assert done.exit_code == 1
    assert "version 1" in done.stderr and "Start the kiosk" in done.stderr
    assert "storage card" not in done.stderr
