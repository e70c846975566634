"""What the kiosk and its chip process say to each other: length-prefixed messages over a socket pair.

A request is operation (1 byte), time-out in ms (4) and data; a reply is an outcome (1 byte) and data:
bytes when done, else the reason or what was being done. Both ends are ours and of one version.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from enum import IntEnum

from drivers.errors import (
    DeviceFault,
    DeviceGone,
    DeviceRefused,
    DeviceTimeout,
    DriverError,
    ProtocolError,
    UserRetry,
)

LARGEST_MESSAGE = 128 * 1024  # an extended APDU and its header are half of it
_LENGTH = struct.Struct(">I")
_REQUEST = struct.Struct(">BI")


class Op(IntEnum):
    AWAIT_CARD = 1
    AWAIT_NO_CARD = 2
    CONNECT = 3
    DISCONNECT = 4
    TRANSMIT = 5


class Outcome(IntEnum):
    DONE = 0
    USER_RETRY = 1
    GONE = 2
    TIMEOUT = 3
    PROTOCOL = 4
    REFUSED = 5


_FAULTS: dict[Outcome, type[DeviceFault]] = {
    Outcome.GONE: DeviceGone,
    Outcome.TIMEOUT: DeviceTimeout,
    Outcome.PROTOCOL: ProtocolError,
    Outcome.REFUSED: DeviceRefused,
}


def request(op: Op, timeout_s: float, data: bytes = b"") -> bytes:
    return _REQUEST.pack(op, round(timeout_s * 1000)) + data


def read_request(message: bytes) -> tuple[Op, float, bytes]:
    op, timeout_ms = _REQUEST.unpack_from(message)
    return Op(op), timeout_ms / 1000, message[_REQUEST.size :]


def done(data: bytes) -> bytes:
    return bytes([Outcome.DONE]) + data


def failed(error: DriverError) -> bytes:
    """The reply that carries a driver's error."""
    if isinstance(error, UserRetry):
        return bytes([Outcome.USER_RETRY]) + error.reason.encode()
    for outcome, kind in _FAULTS.items():
        if isinstance(error, kind):
            return bytes([outcome]) + error.doing.encode()
    return bytes([Outcome.PROTOCOL]) + str(error).encode()


def read_reply(message: bytes) -> bytes:
    """The data of a reply, or the error that it carries, raised."""
    outcome, data = Outcome(message[0]), message[1:]
    if outcome == Outcome.DONE:
        return data
    text = data.decode(errors="replace")
    if outcome == Outcome.USER_RETRY:
        raise UserRetry(text)
    raise _FAULTS[outcome]("chip", text)


def send(end: socket.socket, message: bytes) -> None:
    end.sendall(_LENGTH.pack(len(message)) + message)


def receive(end: socket.socket, left_s: Callable[[], float] | None = None) -> bytes | None:
    """The next message, None when the other end has closed. Raises TimeoutError when `left_s` is 0."""
    head = _read(end, _LENGTH.size, left_s)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if not 1 <= length <= LARGEST_MESSAGE:
        raise ProtocolError("chip", f"message of {length} bytes")
    return _read(end, length, left_s)


def _read(end: socket.socket, size: int, left_s: Callable[[], float] | None) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        if left_s is not None:
            left = left_s()
            if left <= 0:
                raise TimeoutError
            end.settimeout(left)
        part = end.recv(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)
