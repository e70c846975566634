from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import support.chip_child
from support.chip import personalise

from drivers.chip import wire
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.chip.process import ChipProcess
from drivers.errors import DeviceGone, DeviceTimeout, ProtocolError, UserRetry

CHILD = Path(support.chip_child.__file__)
SELECT_LDS = bytes.fromhex("00A4040C07A0000002471001")


def process(what: str) -> ChipProcess:
    return ChipProcess(command=(sys.executable, str(CHILD), what))


def alive(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_card_is_personalised_through_the_process() -> None:
    with process("blank") as reader:
        assert reader.info.model == "virtual reader"
        assert reader.await_card(True, 1.0)
        personalise(LdsPlain(reader))


def test_what_the_person_can_mend_crosses_the_wire() -> None:
    with process("nothing") as reader:
        assert not reader.await_card(True, 0.0)
        with pytest.raises(UserRetry, match="place_card"):
            reader.connect()
        reader.disconnect()


def test_a_stuck_child_is_killed_and_the_next_opening_starts_another() -> None:
    reader = process("deaf")
    with reader:
        stuck = reader.pid
        reader.connect()
        with pytest.raises(DeviceTimeout, match="transmit"):
            reader.transmit(SELECT_LDS, timeout_s=0.1)
        assert not alive(stuck)
        with pytest.raises(DeviceGone):
            reader.transmit(SELECT_LDS)
        reader.disconnect()
    with reader:
        assert reader.await_card(True, 1.0)
        assert reader.pid != stuck


def test_a_child_that_crashes_is_a_device_gone() -> None:
    with process("crash") as reader:
        reader.connect()
        with pytest.raises(DeviceGone, match="ended"):
            reader.transmit(SELECT_LDS, timeout_s=5.0)
        with pytest.raises(DeviceGone, match="closed"):
            reader.connect()


def test_no_reader_at_opening_is_a_device_gone_and_leaves_no_process() -> None:
    reader = process("unplugged")
    with pytest.raises(DeviceGone), reader:
        pass
    assert reader.pid is None


def test_closing_ends_the_child() -> None:
    with process("blank") as reader:
        pid = reader.pid
        assert alive(pid)
    assert not alive(pid)


def test_a_child_that_says_nonsense_is_ended() -> None:
    nonsense = "import os,sys; os.write(int(sys.argv[-1]), b'\\xff' * 64)"
    with pytest.raises((DeviceGone, ProtocolError)), ChipProcess(command=(sys.executable, "-c", nonsense)):
        pass


def test_the_chip_process_does_without_numpy() -> None:
    program = "import sys, drivers.chip.serve; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_program_that_is_not_there_is_a_device_gone() -> None:
    with pytest.raises(DeviceGone, match="start"), ChipProcess(command=("/nonexistent/python",)):
        pass


def test_a_stuck_child_whose_parent_is_gone_ends_itself() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        fd = theirs.fileno()
        command = [sys.executable, str(CHILD), "deaf", "--fd", str(fd)]
        with subprocess.Popen(command, pass_fds=[fd]) as child:
            assert wire.read_reply(wire.receive(ours) or b"") == b"virtual reader"
            wire.send(ours, wire.request(wire.Op.CONNECT, 5.0))
            wire.receive(ours)
            wire.send(ours, wire.request(wire.Op.TRANSMIT, 0.01, SELECT_LDS))
            ours.close()
            assert child.wait(10.0) == -signal.SIGALRM
