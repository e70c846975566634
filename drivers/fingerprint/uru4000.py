"""Driver of the U.are.U 4000, 4000B and 4500 finger sensors.

The sensor is a set of byte registers reached by vendor control requests. It reports power and finger by
interrupt packets and sends frames over bulk: 289 × 384 pixels, scrambled, about 7.5 a second. Its maker has
published nothing; registers, values and order follow what libfprint's `uru4000` driver documents and what a
recording of a 4500 shows. The resolution is labelled 500 ppi and has to be calibrated before a score
is trusted.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import wait
from enum import IntEnum
from functools import partial
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.api import Clock, Deadline, DeviceInfo, FingerImage, Pixels
from drivers.errors import DeviceFault, DeviceTimeout, ProtocolError
from drivers.fingerprint.frame import picture
from drivers.fingerprint.link import CONTROL_TIMEOUT_S, KEPT_INTERRUPTS, UsbLink
from drivers.fingerprint.models import Model, find

log = logging.getLogger(__name__)

PPI = 500
NEARLY = 0.01
FRAME_READ_SIZE = 111_424  # what is asked for; a frame is a little shorter
START_TRIES = 3
POLLS = 100
POLL_S = 0.010
POWERED_TIMEOUT_S = 0.3
SILENCE_S = 1.0  # an empty glass and a sensor that hangs say the same: nothing
REGISTER_S = 0.1  # a call whose time is nearly over still gets this long for a register


class Register(IntEnum):
    HWSTAT = 0x07
    SCRAMBLE_INDEX = 0x33  # key number, then the host's seed (32 bits, little-endian)
    SCRAMBLE_KEY = 0x34  # 32 bits, little-endian; XOR the seed
    MODE = 0x4E
    DEVICE_INFO = 0xF0  # 16 bytes
    AUTH_RESPONSE = 0x2000  # 16 bytes
    AUTH_CHALLENGE = 0x2010  # 16 bytes


class Mode(IntEnum):
    AWAIT_FINGER_ON = 0x10
    AWAIT_FINGER_OFF = 0x12
    CAPTURE = 0x20
    OFF = 0x70


class Signal(IntEnum):
    """First two bytes of an interrupt packet, big-endian."""

    POWERED = 0x56AA
    FINGER_ON = 0x0101
    FINGER_OFF = 0x0200
    DEATH = 0x0800  # the next scan is likely empty


AUTH_KEY = bytes.fromhex("79ac91795ca1478e98e00f3c598f5f4b")
"""Of the second Microsoft reader, the same in each: published by libfprint. It proves a driver, no person."""
LOW_POWER = 0x80  # HWSTAT
WEDGED = 0x84  # LOW_POWER, and something is wrong
AWAKE = 0x01


class Uru4000:
    """A `FingerSensor`. Entering finds, opens and wakes it; leaving puts it to sleep.

    `ppi` is its true resolution: pictures are brought to 500.
    `clock` and `pause` are time's; `poll_s` bounds how long leaving waits for the last interrupt read.
    """

    def __init__(
        self,
        *,
        vendor: int | None = None,
        product: int | None = None,
        serial: str | None = None,
        backend: Any = None,
        host_seed: Callable[[], int] | None = None,
        clock: Clock = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        poll_s: float = 0.1,
        ppi: int = PPI,
    ) -> None:
        self._wanted = (vendor, product, serial)
        self._backend = backend
        self._host_seed = host_seed or (lambda: secrets.randbits(32))
        self._clock = clock
        self._pause = pause
        self._poll_s = poll_s
        self._ppi = ppi
        self._model = Model(vendor or 0, product or 0, "U.are.U")
        self._link: UsbLink | None = None
        self._mode: Mode | None = None
        self._next_is_empty = False
        self._resting = False
        self._answered_at = 0.0

    @property
    def info(self) -> DeviceInfo:
        """The model is known once the sensor was opened; the serial is the one it was asked for by."""
        virtual = bool(getattr(self._backend, "virtual", False))
        return DeviceInfo("finger", self._model.name, self._wanted[2], virtual)

    def __enter__(self) -> Self:
        """Raises DeviceGone, DeviceRefused (no permission, in use), DeviceTimeout, ProtocolError."""
        self._model, device = find(*self._wanted, self._backend)
        link = UsbLink(device, self._poll_s)
        try:
            link.open()
            self._link, self._mode, self._next_is_empty, self._resting = link, None, False, False
            self._start()
        except BaseException:
            self._link = None
            link.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        link, self._link = self._open_link, None
        try:
            link.write_registers(Register.MODE, bytes([Mode.OFF]))
        except DeviceFault as fault:
            log.info("not put to sleep: %s", fault)
        finally:
            link.close()

    def await_finger(self, on: bool, timeout_s: float) -> bool:
        """True once a finger lies (`on`) or none does (not `on`); False if that did not happen in time.

        A repeated call goes on waiting for the same thing, so no signal between two calls is lost; it first
        asks the sensor, once a second, whether it is still there and awake; one that fell asleep is woken.
        """
        deadline = Deadline.after(timeout_s, self._clock)
        self._rise()
        mode, wanted = (
            (Mode.AWAIT_FINGER_ON, Signal.FINGER_ON) if on else (Mode.AWAIT_FINGER_OFF, Signal.FINGER_OFF)
        )
        if self._mode is not mode:
            self._take_waiting_signals()
            self._set_mode(mode, deadline)
        elif self._clock() - self._answered_at >= SILENCE_S:
            self._keep_awake(mode, deadline)
        if not self._await_signal(wanted, deadline):
            return False
        self._mode = None  # it is told once: the next wait has to ask again
        return True

    def frame(self, timeout_s: float) -> FingerImage:
        """Return the next frame: (290, 384) for a 4500, ridges dark on light; blank if the finger has left.

        Raises DeviceTimeout, DeviceGone, or ProtocolError on a short or contradictory frame.
        """
        deadline = Deadline.after(timeout_s, self._clock)
        self._rise()
        self._take_waiting_signals()
        raw = self._read_frame(deadline)
        if self._next_is_empty:
            self._next_is_empty = False
            raw = self._read_frame(deadline)
        pixels = 255 - picture(raw, partial(self._scramble_key, deadline))
        return _at_500((pixels[::-1, ::-1] if self._model.turned else pixels).copy(), self._ppi)

    def rest(self, timeout_s: float) -> None:
        """Switch the scanner off until it is wanted; one that is off already is asked whether it is there."""
        if self._resting:
            self._hwstat()
            return
        self._set_mode(Mode.OFF, Deadline.after(timeout_s, self._clock))
        self._resting = True

    # --- start ---------------------------------------------------------------------------------

    def _rise(self) -> None:
        if self._resting:
            self._resting, self._mode = False, None
            self._take_waiting_signals()
            self._start()

    def _start(self) -> None:
        for _ in range(START_TRIES):
            self._wake(self._hwstat())
            if self._await_signal(Signal.POWERED, Deadline.after(POWERED_TIMEOUT_S, self._clock)):
                log.debug("info %s", self._open_link.read_registers(Register.DEVICE_INFO, 16).hex())
                return
        raise DeviceTimeout("finger", "start: it never reported power")

    def _wake(self, status: int) -> None:
        """Send it to low power and back: only then does it report that it is ready."""
        if status & WEDGED == WEDGED:
            status = self._poll_hwstat(status & 0x0F, lambda now: bool(now & AWAKE))
        if not status & LOW_POWER:
            self._write_hwstat(status | LOW_POWER)
        self._poll_hwstat(status & 0x0F, lambda now: not now & LOW_POWER)

    def _poll_hwstat(self, wanted: int, reached: Callable[[int], bool]) -> int:
        for poll in range(POLLS):
            if poll:
                self._pause(POLL_S)  # no interrupt tells when a register has settled
                self._authenticate()
            self._write_hwstat(wanted)
            if reached(status := self._hwstat()):
                return status
        raise DeviceTimeout("finger", f"start: HWSTAT stays at {status:#04x}")

    def _authenticate(self) -> None:
        """The second Microsoft reader wakes only for a driver that enciphers its challenge (AES-128)."""
        if self._model.authenticates:
            challenge = self._open_link.read_registers(Register.AUTH_CHALLENGE, 16)
            self._open_link.write_registers(Register.AUTH_RESPONSE, _enciphered(challenge))

    def _hwstat(self, timeout_s: float = CONTROL_TIMEOUT_S) -> int:
        status = self._open_link.read_registers(Register.HWSTAT, 1, timeout_s)[0]
        self._answered_at = self._clock()
        return status

    def _keep_awake(self, mode: Mode, deadline: Deadline) -> None:
        """Ask whether it is there; one that fell asleep would never tell of a finger, and is woken."""
        if self._hwstat(_register_s(deadline)) & LOW_POWER:
            log.warning("the finger sensor fell asleep while it waited: woken")
            self._start()
            self._set_mode(mode, deadline)

    def _write_hwstat(self, status: int) -> None:
        self._open_link.write_registers(Register.HWSTAT, bytes([status]))

    # --- capture -------------------------------------------------------------------------------

    def _read_frame(self, deadline: Deadline) -> bytes:
        """The read has to be pending when capture begins: the sensor has no memory for a frame."""
        pending = self._open_link.begin_bulk_read(FRAME_READ_SIZE, deadline.left_s)
        if self._mode is not Mode.CAPTURE:
            try:
                self._set_mode(Mode.CAPTURE, deadline)
            except DeviceFault:
                wait([pending])
                raise
        return pending.result()

    def _scramble_key(self, deadline: Deadline, number: int) -> int:
        seed = self._host_seed()
        index = bytes([number]) + seed.to_bytes(4, "little")
        self._open_link.write_registers(Register.SCRAMBLE_INDEX, index, _register_s(deadline))
        answer = self._open_link.read_registers(Register.SCRAMBLE_KEY, 4, _register_s(deadline))
        return int.from_bytes(answer, "little") ^ seed

    def _set_mode(self, mode: Mode, deadline: Deadline) -> None:
        self._mode = None
        self._open_link.write_registers(Register.MODE, bytes([mode]), _register_s(deadline))
        self._mode, self._answered_at = mode, self._clock()

    # --- signals -------------------------------------------------------------------------------

    def _await_signal(self, wanted: Signal, deadline: Deadline) -> bool:
        while (packet := self._open_link.next_interrupt(deadline.left_s)) is not None:
            if self._heard(packet) == wanted:
                return True
            if deadline.over:
                break
        return False

    def _take_waiting_signals(self) -> None:
        """What an earlier mode reported is over, but for a DEATH: the next frame is empty still."""
        for _ in range(KEPT_INTERRUPTS):
            if (packet := self._open_link.next_interrupt(0)) is None:
                return
            self._heard(packet)

    def _heard(self, packet: bytes) -> int:
        if len(packet) < 2:
            raise ProtocolError("finger", f"interrupt packet of {len(packet)} bytes")
        signal = int.from_bytes(packet[:2], "big")
        self._next_is_empty |= signal == Signal.DEATH
        return signal

    @property
    def _open_link(self) -> UsbLink:
        if self._link is None:
            raise RuntimeError("the sensor is used outside its with block")
        return self._link


def _at_500(pixels: Pixels, ppi: int) -> FingerImage:
    """The picture at the resolution that NFIQ 2 and WSQ are defined for; within 1 % it is left as it is."""
    if abs(ppi / PPI - 1) <= NEARLY:
        return FingerImage(pixels, PPI)
    size = (round(pixels.shape[1] * PPI / ppi), round(pixels.shape[0] * PPI / ppi))
    return FingerImage(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8), PPI)


def _enciphered(challenge: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES128(AUTH_KEY), modes.ECB()).encryptor()  # noqa: S305  one block, no secret
    return encryptor.update(challenge) + encryptor.finalize()


def _register_s(deadline: Deadline) -> float:
    return min(CONTROL_TIMEOUT_S, max(REGISTER_S, deadline.left_s))
