"""The world of a measured kiosk, in the benchmark's own process: centre, pcscd, cards, fingers, a sitter.

It is as eager as no person can be: a finger lies on the glass as soon as the sensor looks for one, and is
gone as soon as it looks for none. So what a visit takes is the software's time and the devices'.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any, Self

import usb.core

from benchmarks.figure import say
from drivers.api import CameraControls, Frame, Pixels
from drivers.virtual.camera import VirtualCamera
from drivers.virtual.card.card import VirtualCard
from drivers.virtual.pcscd import PrivatePcscd
from drivers.virtual.sensor_registers import Mode, Register
from drivers.virtual.skin import POSITIONS, Finger, impression
from drivers.virtual.usb_bus import Handle
from drivers.virtual.usb_sensor import VENDOR_WRITE, VirtualSensor
from drivers.virtual.vpcd import VpcdSlot
from firmware.sim.citizen import qr_picture
from firmware.sim.office import VirtualOffice, Wishes
from firmware.sim.people import Citizen

PLUG = Handle(1)
TOUCHES = (1, 2)
DRY = 0.05
ASIDE_DEG = 30.0


class EagerSensor(VirtualSensor):
    """A virtual sensor under a hand that waits for it: `offer` is the next touch."""

    def __init__(self) -> None:
        super().__init__()
        self._hand = threading.Lock()
        self._next: Pixels | None = None
        self._looks = False

    def offer(self, touch: Pixels) -> None:
        with self._hand:
            self._next = touch
            self._touch()

    def control(self, kind: int, request: int, value: int, index: int, sent: bytes, timeout: int) -> bytes:
        data = array("B", sent)
        count = self.ctrl_transfer(PLUG, kind, request, value, index, data, timeout)
        if (kind, value) == (VENDOR_WRITE, Register.MODE):
            self._turned_to(sent[0])
        return bytes(data[:count])

    def interrupt(self, endpoint: int, size: int, timeout: int) -> bytes:
        return self._read(self.intr_read, endpoint, size, timeout)

    def bulk(self, endpoint: int, size: int, timeout: int) -> bytes:
        return self._read(self.bulk_read, endpoint, size, timeout)

    def _read(self, read: Callable[..., int], endpoint: int, size: int, timeout: int) -> bytes:
        data = array("B", bytes(size))
        return bytes(data[: read(PLUG, endpoint, 0, data, timeout)])

    def _turned_to(self, mode: int) -> None:
        with self._hand:
            self._looks = mode == Mode.FINGER_ON
            if mode == Mode.FINGER_OFF:
                self.lift()
            self._touch()

    def _touch(self) -> None:
        if self._looks and self._next is not None:
            self.place(self._next)
            self._next = None


class OutsideWorld:
    """Everything that is not the kiosk, for `count` citizens. A context manager.

    `address` is where `benchmarks.remote` finds it, `site` the kiosk's TOML file, `env` what its processes
    need to find this pcscd.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._office = VirtualOffice(Wishes(citizens=count, seed=77, folder=folder))
        self._folder = folder
        self._stack = ExitStack()
        self._light = (0.0, 0.0)
        self._card_s = self._hand_s = 0.0
        self._touches: dict[tuple[int, str, int], Pixels] = {}
        self.sensor = EagerSensor()
        self.camera = VirtualCamera(light=lambda: self._light, paced=True)
        self.address, self.site = str(folder / "world.socket"), folder / "site.toml"

    def __enter__(self) -> Self:
        say("a centre with its keys, a pcscd, a registry")
        with ExitStack() as opening:
            opening.enter_context(self._office)
            self._pcscd = opening.enter_context(PrivatePcscd())
            self._slot = opening.enter_context(VpcdSlot(self._pcscd.ports[0]))
            self._grow_fingers()
            self._write_site()
            Path(self.address).unlink(missing_ok=True)
            listener = opening.enter_context(Listener(self.address, family="AF_UNIX"))
            threading.Thread(target=self._listen, args=(listener,), daemon=True).start()
            self._stack = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def people(self) -> list[Citizen]:
        return self._office.people

    @property
    def env(self) -> Mapping[str, str]:
        return self._pcscd.env

    def touch_of(self, number: int, position: str, n: int) -> Pixels:
        """What the sensor would see: the same picture for the kiosk and for its peer."""
        return self._touches[number, position, (n - 1) % len(TOUCHES) + 1]

    # --- verbs -------------------------------------------------------------------------------------

    @property
    def _verbs(self) -> Mapping[str, Callable[..., Any]]:
        sitter = self.camera.sitter
        return {
            "sensor.control": self.sensor.control,
            "sensor.interrupt": self.sensor.interrupt,
            "sensor.bulk": self.sensor.bulk,
            "camera.open": lambda: self.camera.__enter__() and None,
            "camera.set_controls": self._set_controls,
            "camera.preview": lambda light: self._frame(self.camera.preview, light),
            "camera.still": lambda light: self._frame(self.camera.still, light),
            "touch": lambda number, position, n: self.sensor.offer(self.touch_of(number, position, n)),
            "qr": lambda number: self.camera.show_picture(qr_picture(self.people[number].qr())),
            "no_qr": lambda: self.camera.show_picture(None),
            "sit": lambda number: sitter.sit(self.people[number].seed),
            "sit_aside": lambda number: sitter.sit(self.people[number].seed, yaw=ASIDE_DEG),
            "leave": sitter.leave,
            "card": self._lay_card,
            "no_card": self._slot.remove,
            "spent": lambda: (self._card_s, self._hand_s),
        }

    def _set_controls(self, wanted: CameraControls) -> None:
        self.camera.set_controls(wanted)

    def _frame(self, take: Callable[[float], Frame], light: tuple[float, float]) -> Frame:
        self._light = light
        return take(1.0)

    def _lay_card(self) -> None:
        """A blank card is laid down by a hand of its own: that pcscd looks twice first is not waited for."""
        threading.Thread(target=self._lay, args=(self._office.station.blank(),), daemon=True).start()

    def _lay(self, card: VirtualCard) -> None:
        setattr(card, "transmit", self._counted(card.transmit))  # noqa: B010  it is a method, to a type checker
        began = time.perf_counter()
        self._slot.insert(card)
        self._hand_s += time.perf_counter() - began

    def _counted(self, transmit: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        """What the card itself takes for a command is the card's time."""

        def counted(apdu: bytes) -> bytes:
            began = time.perf_counter()
            try:
                return transmit(apdu)
            finally:
                self._card_s += time.perf_counter() - began

        return counted

    def _grow_fingers(self) -> None:
        """Make every touch before anybody is measured."""
        for number, person in enumerate(self.people):
            say(f"the fingers of citizen {number + 1}")
            for position in POSITIONS:
                for n in TOUCHES:
                    grown = impression(Finger(person.seed, position), n, dry=DRY)
                    self._touches[number, position, n] = grown

    # --- wire --------------------------------------------------------------------------------------

    def _listen(self, listener: Listener) -> None:
        with suppress(OSError):  # the listener is closed: the world ends
            while True:
                threading.Thread(target=self._serve, args=(listener.accept(),), daemon=True).start()

    def _serve(self, wire: Connection) -> None:
        verbs = self._verbs
        with wire, suppress(EOFError, OSError):
            while True:
                verb, words = wire.recv()
                wire.send(_answer(verbs[verb], words))

    def _write_site(self) -> None:
        reader, badge = self._pcscd.readers
        station = self._office.config().station
        lines = (
            "[station]",
            *(f'{key} = "{getattr(station, key)}"' for key in ("data", "home_unit", "capture_unit", "team")),
            "[centre]",
            f'url = "{self._office.centre.url}"',
            "[chip]",
            f'reader = "{reader}"',
            "[badge]",
            f'reader = "{badge}"',
        )
        self.site.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _answer(verb: Callable[..., Any], words: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "done", verb(*words)
    except usb.core.USBError as error:
        return "usb", (error.errno, str(error.strerror))
    except Exception as bug:  # noqa: BLE001  told to the kiosk's side, which stops there
        return "bug", repr(bug)
