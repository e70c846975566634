"""A reader in process: a `ChipReader` over whatever card the world puts on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from drivers.errors import DeviceGone, DeviceTimeout, UserRetry
from drivers.virtual.card.card import CardLifted, CardMute, VirtualCard

if TYPE_CHECKING:
    from drivers.api import DeviceInfo


class VirtualReader:
    """The driver's calls belong to one thread; the world's verbs may come from any other.

    With `bits_per_s` an APDU takes the air time of its bytes (ISO/IEC 14443: 106000, 424000, …), and
    a card that is lifted meanwhile takes its answer along.
    """

    def __init__(self, bits_per_s: int | None = None) -> None:
        self._bits_per_s = bits_per_s
        self._changed = threading.Condition()
        self._card: VirtualCard | None = None
        self._session: VirtualCard | None = None
        self._open = False
        self._plugged = True

    # --- the world ---

    def put(self, card: VirtualCard) -> None:
        """Lay the card on the reader, in place of any other."""
        self._change(card)

    def lift(self) -> None:
        self._change(None)

    @property
    def holds_card(self) -> bool:
        """Whether a card lies there; one that was torn away does not."""
        with self._changed:
            return self._card is not None

    def unplug(self) -> None:
        """Pull the reader's cable: every call raises DeviceGone until `plug` and a new opening."""
        with self._changed:
            self._plugged = self._open = False
            if self._session is not None:
                self._session.power_off()
            self._session = None
            self._changed.notify_all()

    def plug(self) -> None:
        with self._changed:
            self._plugged = True

    # --- the driver ---

    @property
    def info(self) -> DeviceInfo:
        from drivers.api import DeviceInfo  # numpy stays out of processes that only move APDUs

        return DeviceInfo("chip", "virtual reader", virtual=True)

    def __enter__(self) -> Self:
        with self._changed:
            self._open = self._plugged
            self._demand_open("open")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.disconnect()
        self._open = False

    def await_card(self, present: bool, timeout_s: float) -> bool:
        with self._changed:
            self._demand_open("await card")
            there = self._wait(lambda: (self._card is not None) == present, timeout_s)
            self._demand_open("await card")
            return there

    def connect(self, timeout_s: float = 5.0) -> bytes:  # noqa: ARG002 (answers at once)
        with self._changed:
            self._demand_open("connect")
            if self._card is None:
                raise UserRetry("place_card")
            self._session = self._card
            return self._card.power_on()

    def disconnect(self) -> None:
        with self._changed:
            if self._session is not None:
                self._session.power_off()
            self._session = None

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:  # noqa: ARG002 (at once)
        with self._changed:
            self._demand_open("transmit")
            card = self._session
            if card is None or card is not self._card:
                self._session = None
                raise UserRetry("hold_card_still")
            answer = self._exchange(card, apdu)
            self._take_air_time(card, len(apdu) + len(answer))
            return answer

    # --- helpers, the lock held ---

    def _exchange(self, card: VirtualCard, apdu: bytes) -> bytes:
        try:
            return card.transmit(apdu)
        except CardLifted as exc:
            self._set(None)
            raise UserRetry("hold_card_still") from exc
        except CardMute as exc:
            self._session, self._open = None, False  # as a reader stuck in its transmit
            raise DeviceTimeout("chip", "transmit") from exc

    def _take_air_time(self, card: VirtualCard, moved_bytes: int) -> None:
        if not self._bits_per_s:
            return
        if self._wait(lambda: self._card is not card, moved_bytes * 8 / self._bits_per_s):
            raise UserRetry("hold_card_still")

    def _wait(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        self._changed.wait_for(lambda: happened() or not self._open, timeout_s)
        return happened()

    def _demand_open(self, doing: str) -> None:
        if not self._open:
            raise DeviceGone("chip", doing)

    def _change(self, card: VirtualCard | None) -> None:
        with self._changed:
            self._set(card)

    def _set(self, card: VirtualCard | None) -> None:
        """A new card is a new session, and so is the same card put back."""
        if self._card is not None:
            self._card.power_off()
        self._card, self._session = card, None
        self._changed.notify_all()
