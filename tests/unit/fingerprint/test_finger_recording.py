"""A recording of a real U.are.U 4500, played back strictly, yields the recorded picture bit for bit."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.data import data_folder
from support.finger_contract import Bench, check_session

from drivers.errors import DriverError
from drivers.fingerprint.uru4000 import Uru4000
from drivers.virtual import pcapng
from drivers.virtual.pcapng import RecordingError
from drivers.virtual.usb_replay import Replay

RECORDED_SEED = 0x51EA2124


class RecordedHands:
    def place(self) -> None: ...
    def lift(self) -> None: ...


@pytest.fixture
def tape() -> Path:
    return data_folder("usb") / "uru4000-4500" / "capture.pcapng"


def player(tape: Replay, seed: int = RECORDED_SEED, poll_s: float = 5.0) -> Uru4000:
    return Uru4000(backend=tape, host_seed=lambda: seed, poll_s=poll_s)


def test_the_recorded_picture_comes_out_bit_for_bit(tape: Path) -> None:
    replay = Replay(tape)
    image = check_session(Bench(player(replay), RecordedHands()))
    wanted = cv2.imread(str(tape.with_name("capture.png")), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(image.pixels, wanted)
    assert replay.ended


def test_a_recorded_sensor_is_not_called_virtual(tape: Path) -> None:
    assert not player(Replay(tape)).info.virtual


def test_another_seed_is_not_what_was_recorded(tape: Path) -> None:
    with player(Replay(tape), seed=1, poll_s=0.2) as sensor:
        assert sensor.await_finger(True, 2.0)
        with pytest.raises(DriverError, match="recorded"):
            sensor.frame(2.0)


def test_another_order_is_not_what_was_recorded(tape: Path) -> None:
    with player(Replay(tape), poll_s=0.2) as sensor, pytest.raises(DriverError, match="recorded"):
        sensor.await_finger(False, 2.0)


def test_when_the_tape_has_ended_the_device_is_gone(tape: Path) -> None:
    replay = Replay(tape)
    check_session(Bench(player(replay), RecordedHands()))
    with pytest.raises(DriverError), player(replay):
        pass


def block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


HEADER = block(pcapng.SECTION_HEADER, pcapng.LITTLE_ENDIAN + bytes(12))
INTERFACE = block(pcapng.INTERFACE_DESCRIPTION, struct.pack("<HHI", pcapng.USB_LINUX_MMAPPED, 0, 0))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "pcapng"),
        (b"GIF89a" * 40, "pcapng"),
        (HEADER + b"\0", "cut off"),
        (HEADER + struct.pack("<III", 6, 8, 0), "claims"),
        (HEADER + struct.pack("<III", 6, 0xFFFFFFF0, 0), "claims"),
        (HEADER + block(pcapng.INTERFACE_DESCRIPTION, bytes(8)), "usbmon"),
        (HEADER + INTERFACE + block(pcapng.ENHANCED_PACKET, bytes(8)), "cut off"),
        (HEADER + INTERFACE + block(pcapng.ENHANCED_PACKET, struct.pack("<5I", 0, 0, 0, 99, 99)), "cut off"),
        (HEADER + INTERFACE, "descriptors"),
    ],
)
def test_a_bad_recording_says_what_is_wrong(tmp_path: Path, raw: bytes, why: str) -> None:
    path = tmp_path / "bad.pcapng"
    path.write_bytes(raw)
    with pytest.raises(RecordingError, match=why):
        Replay(path)


def test_a_cut_recording_never_yields_packets_that_are_not_there(tape: Path, tmp_path: Path) -> None:
    whole = tape.read_bytes()
    path = tmp_path / "cut.pcapng"
    for size in range(0, len(whole), 997):
        path.write_bytes(whole[:size])
        with pytest.raises(RecordingError):
            pcapng.read(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pcapng"
    with path.open("wb") as file:
        file.truncate(pcapng.MAX_FILE_SIZE + 1)
    with pytest.raises(RecordingError, match="larger"):
        pcapng.read(path)
