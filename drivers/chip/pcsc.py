"""A real reader behind pcscd, through pyscard's low-level calls (PC/SC part 5; pcsclite.h).

No call here can be ended from outside while pcscd keeps it: run this in `drivers.chip.process`. It must
stay importable without numpy, so types from `drivers.api` are named for the type checker only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import IntEnum
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from drivers.errors import DeviceFault, DeviceGone, DeviceRefused, DeviceTimeout, DriverError, UserRetry

if TYPE_CHECKING:
    from drivers.api import DeviceInfo

T = TypeVar("T")

SETTLE_S = 0.6  # pcscd looks at a slot every 0.4 s when its driver does not report changes


class Code(IntEnum):
    """Return codes that mean something to us (pcsclite.h)."""

    SUCCESS = 0
    INVALID_HANDLE = 0x80100003
    UNKNOWN_READER = 0x80100009
    TIMEOUT = 0x8010000A
    SHARING_VIOLATION = 0x8010000B
    NO_SMARTCARD = 0x8010000C
    PROTO_MISMATCH = 0x8010000F
    COMM_ERROR = 0x80100013
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    NO_SERVICE = 0x8010001D
    SERVICE_STOPPED = 0x8010001E
    NO_READERS_AVAILABLE = 0x8010002E
    UNSUPPORTED_CARD = 0x80100065
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069


SERVICE_LOST = {Code.INVALID_HANDLE, Code.COMM_ERROR, Code.NO_SERVICE, Code.SERVICE_STOPPED}
READER_LOST = {Code.UNKNOWN_READER, Code.READER_UNAVAILABLE, Code.NO_READERS_AVAILABLE}
CARD_LOST = {Code.NO_SMARTCARD, Code.NOT_TRANSACTED, Code.RESET_CARD, Code.REMOVED_CARD}
CARD_SILENT = {
    Code.UNSUPPORTED_CARD,
    Code.UNRESPONSIVE_CARD,
    Code.UNPOWERED_CARD,
    Code.PROTO_MISMATCH,
}


class ServiceLost(DeviceGone):
    """pcscd ended or was restarted: the context is void, a new one may work."""


class PcscReader:
    """`drivers.api.ChipReader` over the first reader whose name contains `name`.

    A restart of pcscd is survived: `await_card` and `connect` establish a new context once, and raise
    DeviceGone when there is no service. A session that was open then is lost (DeviceGone).
    """

    def __init__(self, name: str = "", virtual: bool = False) -> None:
        self._wanted = name
        self._virtual = virtual
        self._scard: ModuleType | None = None
        self._context: int | None = None
        self._card: int | None = None
        self._protocol: int = 0
        self._settled_s: float | None = None  # after a loss: when pcscd must have seen it
        self.reader = ""  # its whole name, once open

    @property
    def info(self) -> DeviceInfo:
        from drivers.api import DeviceInfo  # imports numpy, which the child process never needs

        return DeviceInfo("chip", self.reader or self._wanted, virtual=self._virtual)

    def __enter__(self) -> Self:
        import smartcard.scard

        self._scard = smartcard.scard
        try:
            self._establish()
        except DriverError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._scard is not None:
            self._let_go()
            self._release()
        self._scard = None

    def await_card(self, present: bool, timeout_s: float) -> bool:
        until_s = time.monotonic() + timeout_s
        return self._surviving_restart(lambda: self._settle(until_s) and self._await(present, until_s))

    def connect(self, timeout_s: float = 5.0) -> bytes:
        self.disconnect()
        until_s = time.monotonic() + timeout_s
        if not self._surviving_restart(lambda: self._settle(until_s)):
            raise DeviceTimeout("chip", "connect: the lost card is still being let go")
        return self._surviving_restart(self._connect)

    def disconnect(self) -> None:
        """Power the card down and let go; whatever that answers, the session is over."""
        if self._settled_s is None:
            self._let_go()

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:  # noqa: ARG002 (pcscd takes none)
        if self._card is None or self._settled_s is not None:
            raise UserRetry("hold_card_still")
        code, answer = self._api.SCardTransmit(self._card, self._pci, list(apdu))
        if code == Code.SUCCESS and not answer:  # some readers' word for a card that went meanwhile
            code = Code.NOT_TRANSACTED
        self._demand(code, "transmit")
        return bytes(answer)

    # --- steps ---

    @property
    def _api(self) -> ModuleType:
        if self._scard is None:
            raise DeviceGone("chip", "not open")
        return self._scard

    def _establish(self) -> None:
        """A new context, and the reader's name in it."""
        self._release()
        code, context = self._api.SCardEstablishContext(self._api.SCARD_SCOPE_USER)
        self._demand(code, "reach pcscd")
        self._context = context
        code, readers = self._api.SCardListReaders(context, [])
        self._demand(code, "list readers")
        named = [reader for reader in readers if self._wanted in reader]
        if not named:
            raise DeviceGone("chip", f"no reader named {self._wanted!r} among {readers}")
        self.reader = named[0]

    @property
    def _pci(self) -> int:
        t1 = self._protocol == self._api.SCARD_PROTOCOL_T1
        pci: int = self._api.SCARD_PCI_T1 if t1 else self._api.SCARD_PCI_T0
        return pci

    def _settle(self, until_s: float) -> bool:
        """After a loss, let pcscd see it; False if that takes longer than `until_s`.

        A power-down or reset of a card that has left, before pcscd looked, makes pcscd 1.9 take the slot
        for empty, and then miss a card that lies there when it does look.
        """
        if self._settled_s is None:
            return True
        seen = self._await(False, min(until_s, self._settled_s))
        if not seen and until_s < self._settled_s:
            return False
        self._let_go()
        return True

    def _let_go(self) -> None:
        if self._card is not None and self._scard is not None:
            self._scard.SCardDisconnect(self._card, self._scard.SCARD_UNPOWER_CARD)
        self._card = self._settled_s = None

    def _release(self) -> None:
        self._card = self._settled_s = None
        if self._context is not None:
            self._api.SCardReleaseContext(self._context)
        self._context = None

    def _surviving_restart(self, job: Callable[[], T]) -> T:
        try:
            if self._context is None:
                self._establish()
            return job()
        except ServiceLost:
            self._establish()
            return job()

    def _await(self, present: bool, until_s: float) -> bool:
        known = self._api.SCARD_STATE_UNAWARE
        while True:
            left_ms = max(0, round((until_s - time.monotonic()) * 1000))
            code, states = self._api.SCardGetStatusChange(self._context, left_ms, [(self.reader, known)])
            if code & 0xFFFFFFFF == Code.TIMEOUT:
                return False
            self._demand(code, "await card")
            known = states[0][1]
            if known & (self._api.SCARD_STATE_UNKNOWN | self._api.SCARD_STATE_UNAVAILABLE):
                raise DeviceGone("chip", f"reader {self.reader!r} has gone")
            if bool(known & self._api.SCARD_STATE_PRESENT) == present:
                return True
            if not left_ms:
                return False

    def _connect(self) -> bytes:
        api = self._api
        code, card, protocol = api.SCardConnect(
            self._context,
            self.reader,
            api.SCARD_SHARE_EXCLUSIVE,
            api.SCARD_PROTOCOL_T0 | api.SCARD_PROTOCOL_T1,
        )
        if code & 0xFFFFFFFF in CARD_LOST | CARD_SILENT:
            self._settled_s = time.monotonic() + SETTLE_S
            raise UserRetry("place_card")
        self._demand(code, "connect")
        self._card, self._protocol = card, protocol
        code, _, _, _, atr = api.SCardStatus(card)
        self._demand(code, "read the ATR")
        return bytes(atr)

    def _demand(self, code: int, doing: str) -> None:
        """Raise what a return code other than success stands for."""
        code &= 0xFFFFFFFF
        if code == Code.SUCCESS:
            return
        if code in CARD_LOST | CARD_SILENT:
            self._settled_s = time.monotonic() + SETTLE_S
            raise UserRetry("hold_card_still")
        if code in SERVICE_LOST:
            self._release()
        raise _fault(code)("chip", f"{doing}: PC/SC {code:#010x}")


def _fault(code: int) -> type[DeviceFault]:
    if code in SERVICE_LOST:
        return ServiceLost
    return DeviceGone if code in READER_LOST else DeviceRefused
