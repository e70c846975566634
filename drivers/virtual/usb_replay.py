# ruff: noqa: ARG002, N803 (pyusb names the arguments)
"""A USB recording played back to pyusb, as strictly as it was recorded.

Each request has to come in the recorded order, of the recorded type and length and with the recorded
bytes. One that comes too early waits until it is its turn or its time is over; one that differs is
stalled. When the tape has ended the device is gone. The recorded timing is not replayed.
"""

from __future__ import annotations

import errno
import struct
from array import array
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Condition

from drivers.virtual import pcapng
from drivers.virtual.pcapng import RecordingError, Transfer, UsbPacket
from drivers.virtual.usb_bus import Handle, UsbBus, fill, usb_error

CANCELLED = {-errno.ENOENT, -errno.ECONNRESET}
GET_DESCRIPTOR = bytes([0x80, 0x06])  # USB 2.0, 9.4.3
DEVICE, CONFIGURATION = 1, 2


@dataclass(slots=True, eq=False)
class _Request:
    """A request of the host; `urb` once it was found on the tape, `answer` once that says how it ended."""

    transfer: Transfer
    endpoint: int
    length: int
    setup: bytes = bytes(8)
    data: bytes = b""
    urb: int | None = None
    answer: UsbPacket | None = None
    differs: str | None = None


class Replay(UsbBus):
    """A pyusb backend with the recorded device plugged in. Raises RecordingError on a bad tape."""

    virtual = False

    def __init__(self, recording: Path) -> None:
        packets = pcapng.read(recording)
        super().__init__(_descriptor(packets, DEVICE), _descriptor(packets, CONFIGURATION))
        self._tape = _after_enumeration(packets)
        self._at = 0
        self._requests: list[_Request] = []
        self._moved = Condition()

    @property
    def ended(self) -> bool:
        """Whether everything on the tape has happened."""
        with self._moved:
            return self._at == len(self._tape)

    def ctrl_transfer(
        self,
        dev_handle: Handle,
        bmRequestType: int,
        bRequest: int,
        wValue: int,
        wIndex: int,
        data: array[int],
        timeout: int,
    ) -> int:
        setup = struct.pack("<BBHHH", bmRequestType, bRequest, wValue, wIndex, len(data))
        incoming = bmRequestType & 0x80
        sent = b"" if incoming else bytes(data)
        request = _Request(Transfer.CONTROL, incoming, len(data), setup, sent)
        answer = self._perform(request, timeout)
        return fill(data, answer.data) if incoming else answer.length

    def bulk_read(self, dev_handle: Handle, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        return self._read(_Request(Transfer.BULK, ep, len(buff)), buff, timeout)

    def intr_read(self, dev_handle: Handle, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        return self._read(_Request(Transfer.INTERRUPT, ep, len(buff)), buff, timeout)

    def _read(self, request: _Request, buff: array[int], timeout: int) -> int:
        return fill(buff, self._perform(request, timeout).data)

    def _perform(self, request: _Request, timeout: int) -> UsbPacket:
        """Return the recorded completion of `request`, or raise what it, or its absence, means to pyusb."""
        with self._moved:
            if self._at == len(self._tape):
                raise usb_error(errno.ENODEV, "the recording has ended")
            self._requests.append(request)
            self._wind()
            self._moved.wait_for(lambda: request.answer or request.differs, timeout / 1000)
            self._requests.remove(request)
        if request.differs:
            raise usb_error(errno.EPIPE, request.differs)
        if request.answer is None or request.answer.status in CANCELLED:
            raise usb_error(errno.ETIMEDOUT, "Operation timed out")
        if request.answer.status < 0:
            raise usb_error(-request.answer.status, "the recorded request failed")
        return request.answer

    def _wind(self) -> None:
        """Move the tape on as far as the host's requests allow."""
        while self._at < len(self._tape):
            packet = self._tape[self._at]
            moved = self._submitted(packet) if packet.kind == "S" else self._completed(packet)
            if not moved:
                break
            self._at += 1
        self._moved.notify_all()

    def _submitted(self, packet: UsbPacket) -> bool:
        for request in self._requests:
            if request.urb is None and request.transfer == packet.transfer:
                request.differs = _difference(request, packet)
                request.urb = packet.urb
                return request.differs is None
        return False

    def _completed(self, packet: UsbPacket) -> bool:
        for request in self._requests:
            if request.urb == packet.urb and request.answer is None:
                request.answer = packet
                return True
        return packet.status in CANCELLED


def _difference(request: _Request, packet: UsbPacket) -> str | None:
    """Say how the host's request is not the recorded one."""
    mine = (request.endpoint, request.length, request.setup, request.data)
    taped = (packet.endpoint, packet.length, packet.setup, packet.data)
    return None if mine == taped else f"recorded {taped}, asked {mine}"


def _descriptor(packets: list[UsbPacket], kind: int) -> bytes:
    """Return the longest answer to GET_DESCRIPTOR(kind) on the tape."""
    asked = {p.urb: p.setup for p in packets if p.kind == "S" and p.setup[:2] == GET_DESCRIPTOR}
    answers = [b""]
    for submitted, packet in pairwise(packets):
        if submitted.urb in asked and packet.kind == "C" and submitted.setup[3:4] == bytes([kind]):
            answers.append(packet.data)
    longest = max(answers, key=len)
    if not longest:
        raise RecordingError("the recording does not begin with the device's descriptors")
    return longest


def _after_enumeration(packets: list[UsbPacket]) -> list[UsbPacket]:
    """Drop the descriptor requests at the start, which the operating system made."""
    at = 0
    while at < len(packets) and packets[at].setup[:2] == GET_DESCRIPTOR:
        at += 2
    return packets[at:]
