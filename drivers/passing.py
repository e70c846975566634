"""A device that passes everything on to another: the base of what records its traffic or bounds it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from drivers.api import ChipReader, Device, DeviceInfo  # noqa: F401 (ChipReader: named in a string)

D = TypeVar("D", bound="Device")


class Passing(Generic[D]):
    """`drivers.api.Device`; the calls of its kind are the subclass's."""

    def __init__(self, device: D) -> None:
        self._device = device

    @property
    def info(self) -> DeviceInfo:
        return self._device.info

    def __enter__(self) -> Self:
        self._device.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._device.__exit__(kind, error, trace)


class PassingReader(Passing["ChipReader"]):
    """`drivers.api.ChipReader`."""

    def await_card(self, present: bool, timeout_s: float) -> bool:
        return self._device.await_card(present, timeout_s)

    def connect(self, timeout_s: float = 5.0) -> bytes:
        return self._device.connect(timeout_s)

    def disconnect(self) -> None:
        self._device.disconnect()

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        return self._device.transmit(apdu, timeout_s)
