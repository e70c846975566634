"""The chip reader in a child process: a thread stuck in a C call cannot be ended, a process can."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from drivers.api import Deadline, DeviceInfo
from drivers.chip import wire
from drivers.errors import DeviceGone, DeviceTimeout, ProtocolError

OPEN_TIMEOUT_S = 10.0  # a new Python, on a Pi's card
DISCONNECT_TIMEOUT_S = 2.0
END_TIMEOUT_S = 2.0
GRACE_S = 0.5  # over the time a child was given to say "no card came"


class ChipProcess:
    """`drivers.api.ChipReader` over PC/SC that no mute card and no wedged pcscd can hang.

    Every call has a deadline; a child that misses it is killed and DeviceTimeout raised, and the
    reader is closed until it is entered again. `reader` is part of the reader's name. `env` is set in
    the child on top of ours (PCSCLITE_CSOCK_NAME must be there before its first context).
    """

    def __init__(
        self,
        reader: str = "",
        virtual: bool = False,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
    ) -> None:
        self._command = command or (sys.executable, "-m", "drivers.chip.serve", "--reader", reader)
        self._env = {**os.environ, **(env or {})}
        self._model = reader
        self._virtual = virtual
        self._child: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("chip", self._model, virtual=self._virtual)

    @property
    def pid(self) -> int | None:
        """Of the child, while there is one."""
        return self._child.pid if self._child else None

    def __enter__(self) -> Self:
        ours, theirs = socket.socketpair()
        self._end = ours
        with theirs:
            try:
                self._child = self._start(theirs.fileno())
            except OSError as exc:
                raise self._ended("start") from exc
        self._model = self._hello()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close our end: the child resets the card and ends, or is killed."""
        self._close(END_TIMEOUT_S)

    def await_card(self, present: bool, timeout_s: float) -> bool:
        op = wire.Op.AWAIT_CARD if present else wire.Op.AWAIT_NO_CARD
        return self._ask(op, timeout_s, "await card", grace_s=GRACE_S) == b"\x01"

    def connect(self, timeout_s: float = 5.0) -> bytes:
        return self._ask(wire.Op.CONNECT, timeout_s, "connect")

    def disconnect(self) -> None:
        if self._end is not None:
            self._ask(wire.Op.DISCONNECT, DISCONNECT_TIMEOUT_S, "disconnect")

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        return self._ask(wire.Op.TRANSMIT, timeout_s, "transmit", apdu)

    def _start(self, fd: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._command, "--fd", str(fd)],
            pass_fds=[fd],
            env=self._env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the kiosk, which then closes this
        )

    def _hello(self) -> str:
        try:
            return self._reply(Deadline.after(OPEN_TIMEOUT_S), "open").decode()
        except BaseException:
            self._close(END_TIMEOUT_S)
            raise

    def _ask(
        self, op: wire.Op, timeout_s: float, doing: str, data: bytes = b"", grace_s: float = 0.0
    ) -> bytes:
        if self._end is None:
            raise DeviceGone("chip", f"{doing}: closed")
        deadline = Deadline.after(timeout_s + grace_s)
        try:
            self._end.settimeout(max(deadline.left_s, 0.001))
            wire.send(self._end, wire.request(op, timeout_s, data))
        except TimeoutError as exc:
            raise self._overdue(doing) from exc
        except OSError as exc:
            raise self._ended(doing) from exc
        return self._reply(deadline, doing)

    def _reply(self, deadline: Deadline, doing: str) -> bytes:
        if self._end is None:
            raise DeviceGone("chip", f"{doing}: closed")
        try:
            message = wire.receive(self._end, lambda: deadline.left_s)
        except TimeoutError as exc:
            raise self._overdue(doing) from exc
        except (OSError, ProtocolError) as exc:
            raise self._ended(doing) from exc
        if message is None:
            raise self._ended(doing)
        return wire.read_reply(message)

    def _overdue(self, doing: str) -> DeviceTimeout:
        self._close(0.0)
        return DeviceTimeout("chip", doing)

    def _ended(self, doing: str) -> DeviceGone:
        self._close(0.0)
        return DeviceGone("chip", f"{doing}: its process has ended")

    def _close(self, patience_s: float) -> None:
        if self._end is not None:
            self._end.close()
        if self._child is not None:
            _end(self._child, patience_s)
        self._end = self._child = None


def _end(child: subprocess.Popen[bytes], patience_s: float) -> None:
    """Wait for the child to end by itself, then kill it."""
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
