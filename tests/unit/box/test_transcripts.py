"""What passed between a box and its devices: enough to find a fault, nothing of what was said."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.chip.apdu import Ins
from drivers.errors import DeviceGone, DeviceTimeout, UserRetry
from drivers.virtual.card.card import OfficerCard
from drivers.virtual.card.reader import VirtualReader
from firmware.box.transcripts import MOST_BYTES, ROWS, Transcripts, exchange, files, noted, read

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
SECRET = b"012345678901"
READ = bytes((0x00, Ins.READ_BINARY, 0x00, 0x00, 0x0C))


def ring(folder: Path) -> Transcripts:
    return Transcripts(folder / "transcripts", lambda: NOW)


def fill(transcripts: Transcripts, count: int) -> None:
    for _ in range(count):
        transcripts.note(exchange("chip", READ, SECRET + b"\x90\x00", 0.0021))


def test_of_an_exchange_only_header_lengths_status_and_a_class_of_time_are_kept(tmp_path: Path) -> None:
    transcripts = ring(tmp_path)
    fill(transcripts, 1)
    transcripts.keep()
    (row,) = read(tmp_path / "transcripts")
    assert row.pop("at").startswith("2026-03-02T0")  # type: ignore[attr-defined]
    assert row == {
        "device": "chip", "cla": "00", "ins": "B0", "p1p2": "0000", "sent": 5, "came": 12, "sw": "9000",
        "within_ms": 3,
    }  # fmt: skip
    assert SECRET not in files(tmp_path / "transcripts")[0].read_bytes()
    assert SECRET not in repr(exchange("chip", READ, SECRET + b"\x90\x00", 0.1)).encode()


def test_secure_messaging_shows_the_status_inside_and_a_selection_in_clear_its_file() -> None:
    answer = b"\x87\x09\x01" + bytes(8) + b"\x99\x02\x69\x82" + b"\x8e\x08" + bytes(8) + b"\x90\x00"
    under = exchange("chip", bytes((0x0C, Ins.READ_BINARY, 0, 0, 0)), answer, 0.5).fields()
    assert (under["sw"], under["inner"], under["within_ms"]) == ("9000", "6982", 1000)
    clear = exchange("chip", bytes((0, Ins.SELECT, 2, 0x0C, 2, 0x01, 0x1E)), b"\x90\x00", 0).fields()
    assert clear["file"] == "011E"
    by_name = exchange("chip", bytes((0, Ins.SELECT, 4, 0x0C, 2, 0x31, 0x32)), b"\x90\x00", 0).fields()
    assert "file" not in by_name


def test_a_readers_exchanges_and_its_silence_are_noted(tmp_path: Path) -> None:
    transcripts, reader = ring(tmp_path), VirtualReader()
    reader.put(OfficerCard("BADGE-01"))
    with noted(lambda: reader, "badge", transcripts) as opened:
        opened.connect()
        opened.transmit(bytes.fromhex("00A4040007F04B494F534B01"))
        reader.lift()
        with pytest.raises(UserRetry):
            opened.transmit(READ)
    transcripts.keep()
    asked, silent = read(tmp_path / "transcripts")
    assert (asked["ins"], asked["sw"]) == ("A4", "9000")
    assert silent["error"] == "drivers.errors.UserRetry"


def test_a_fault_is_kept_at_once_and_the_same_one_again_is_not_news(tmp_path: Path) -> None:
    transcripts = ring(tmp_path)
    for _ in range(3):
        transcripts.fault("finger", DeviceGone("finger", "read: no such device"))
    assert len(list(read(tmp_path / "transcripts"))) == 1
    transcripts.mended("finger")
    transcripts.fault("finger", DeviceGone("finger", "read: no such device"))
    transcripts.fault("camera", DeviceTimeout("camera", "frame"))
    told = [(row["device"], row["error"]) for row in read(tmp_path / "transcripts")]
    gone = ("finger", "drivers.errors.DeviceGone")
    assert told == [gone, gone, ("camera", "drivers.errors.DeviceTimeout")]


def test_memory_and_disk_are_bounded_and_the_newest_stay(tmp_path: Path) -> None:
    transcripts, folder = ring(tmp_path), tmp_path / "transcripts"
    for n in range(12):
        fill(transcripts, 3 * ROWS)
        transcripts.fault(f"camera-{n}", DeviceGone("camera", "x" * 30_000))
        assert sum(path.stat().st_size for path in folder.iterdir()) <= MOST_BYTES
    assert [path.stem for path in files(folder)] == ["00000010", "00000011", "00000012"]
    assert list(read(folder))[-1]["device"] == "camera-11"


def test_what_a_power_cut_tore_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transcripts, folder = ring(tmp_path), tmp_path / "transcripts"
    fill(transcripts, 5)
    transcripts.keep()

    class PowerCut(BaseException):
        pass

    def cut(_: int) -> None:
        raise PowerCut

    with monkeypatch.context() as without_power:
        without_power.setattr(os, "fsync", cut)
        fill(transcripts, 5)
        with pytest.raises(PowerCut):
            transcripts.keep()
    (folder / "00000007.jsonl").write_bytes(b'{"device": "chip"}\n{"device": "ch')
    (folder / "00000008.jsonl").write_bytes(b"\xff\xfe not ours\n[1, 2]\n")
    after = ring(tmp_path)
    fill(after, 1)
    after.keep()
    assert [row.get("sw", "") for row in read(folder)][-2:] == ["", "9000"]
    assert files(folder)[-1].stem == "00000009"


def test_a_disk_that_fails_stops_no_device_and_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcripts = ring(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as without_room:
        without_room.setattr(os, "fsync", full)
        fill(transcripts, 4)
        transcripts.fault("panel", DeviceGone("panel", "write"))
    transcripts.keep()
    assert len(list(read(tmp_path / "transcripts"))) == 5


def test_a_box_without_a_folder_keeps_nothing() -> None:
    transcripts = Transcripts()
    fill(transcripts, 2)
    transcripts.keep()
