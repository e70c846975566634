"""The inside of a U.are.U 4500: its registers, what it reports and what it captures; no threads, no USB.

A command out of order, of a wrong size or to an unknown register is refused. Nobody has published what the
real one does then; being stricter than it may be keeps the driver on the recorded path.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.virtual.sensor_frames import Pixels, frame, on_glass

INFO = bytes.fromhex("1a0a1a0a01150000002000108b211130")
KEYS = (0x54CF09D0, 0x1B2E6A97, 0xC3D1580F, 0x7E4402B9)
LOW_POWER, LOW_NIBBLE, AWAKE, WEDGED = 0x80, 0x0F, 0x01, 0x85
KEPT_PACKETS = 8


class RegisterError(Exception):
    """The sensor will not do this, now or ever."""


class Register(IntEnum):
    HWSTAT = 0x07
    SCRAMBLE_INDEX = 0x33
    SCRAMBLE_KEY = 0x34
    MODE = 0x4E
    INFO = 0xF0
    AUTH_RESPONSE = 0x2000
    AUTH_CHALLENGE = 0x2010


class Mode(IntEnum):
    INIT = 0x00
    FINGER_ON = 0x10
    FINGER_OFF = 0x12
    CAPTURE = 0x20
    OFF = 0x70
    READY = 0x80


class Packet(IntEnum):
    POWER = 0x56AA
    FINGER_ON = 0x0101
    FINGER_OFF = 0x0200
    DEATH = 0x0800


class Sensor:
    """One sensor from the moment it gets power. `seen` is what lies on its glass, or None."""

    def __init__(self, seen: Pixels | None = None) -> None:
        self.mode = Mode.INIT
        self.packets: deque[bytes] = deque(maxlen=KEPT_PACKETS)
        self.seen = seen
        self.next_is_empty = False
        self.next_size: int | None = None
        self.changes_key = False
        self.hushed = False
        self.challenge: bytes | None = None
        self._trusts = False
        self._hwstat = AWAKE
        self._wedged_for = 0
        self._powered = False
        self._told = False
        self._frames = 0
        self._index: int | None = None
        self._seed = 0

    def read(self, register: int, count: int) -> bytes:
        """Return `count` registers. Raises RegisterError."""
        if (register, count) == (Register.HWSTAT, 1):
            return bytes([self._hwstat])
        if (register, count) == (Register.INFO, len(INFO)) and self._powered:
            return INFO
        if (register, count) == (Register.SCRAMBLE_KEY, 4) and self._index is not None:
            return (KEYS[self._index] ^ self._seed).to_bytes(4, "little")
        if (register, count) == (Register.AUTH_CHALLENGE, 16) and self.challenge is not None:
            return self.challenge
        raise RegisterError(f"{count} registers from {register:#x} are not read now")

    def write(self, register: int, data: bytes) -> None:
        """Act on the bytes written from `register` on. Raises RegisterError."""
        if register == Register.HWSTAT and len(data) == 1:
            self._set_power(data[0])
        elif register == Register.MODE and self._powered and data in _MODES:
            self.mode, self._told = Mode(data[0]), False
            self._report_finger()
        elif register == Register.SCRAMBLE_INDEX and self._frames and len(data) == 5 and data[0] < len(KEYS):
            self._index, self._seed = data[0], int.from_bytes(data[1:], "little")
        elif register == Register.AUTH_RESPONSE and self.challenge is not None and len(data) == 16:
            self._trusts = deciphered(data) == self.challenge
        else:
            raise RegisterError(f"{data.hex()} is not written to {register:#x} now")

    def frame(self) -> bytes:
        """Expose and send: the finger, or the lit glass."""
        seen = EMPTY_GLASS if self.seen is None or self.next_is_empty else self.seen
        size, self.next_size, self.next_is_empty = self.next_size, None, False
        number = self._frames % (len(KEYS) - 1)
        self._frames += 1
        return frame(seen, number, KEYS, self.changes_key)[:size]

    def finger(self, seen: Pixels | None) -> None:
        """Have this lie on the glass from now on."""
        self.seen = seen
        self._report_finger()

    def die(self) -> None:
        self.next_is_empty = True
        self._report(Packet.DEATH)

    def wedge(self, polls: int) -> None:
        self._hwstat, self._wedged_for = WEDGED, polls

    def doze(self) -> None:
        self._hwstat, self._powered, self.mode = LOW_POWER | AWAKE, False, Mode.INIT

    def _set_power(self, status: int) -> None:
        if self._wedged_for:
            self._wedged_for -= status & ~LOW_NIBBLE == 0
            self._hwstat = WEDGED if self._wedged_for else LOW_POWER | AWAKE
            return
        waking = self._hwstat & LOW_POWER and not status & LOW_POWER
        if waking and self.challenge is not None and not self._trusts:
            return
        self._hwstat = status | AWAKE
        self._powered = not status & LOW_POWER
        if waking:
            self._report(Packet.POWER)
            self._report(Packet.POWER)

    def _report_finger(self) -> None:
        """Tell once, after MODE asked for it, what lies on the glass."""
        packet = _FINGER_PACKETS.get((self.mode, self.seen is not None))
        if packet and not self._told and not self.hushed:
            self._told = True
            self._report(packet)

    def _report(self, packet: Packet) -> None:
        self.packets.append(packet.to_bytes(2, "big").ljust(64, b"\0"))


def deciphered(response: bytes) -> bytes:
    """What the host enciphered: the sensor's own side of AES-128."""
    return AES.decryptor().update(response)


AES = Cipher(algorithms.AES128(bytes.fromhex("79ac91795ca1478e98e00f3c598f5f4b")), modes.ECB())  # noqa: S305
_MODES = {bytes([mode]) for mode in Mode}
_FINGER_PACKETS = {(Mode.FINGER_ON, True): Packet.FINGER_ON, (Mode.FINGER_OFF, False): Packet.FINGER_OFF}
EMPTY_GLASS = np.full_like(on_glass(np.zeros((1, 1), np.uint8)), 5)
