"""A reader in process: a `ChipReader` over whatever card the world puts on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from drivers.errors import DeviceGone, DeviceTimeout, UserRetry
from drivers.virtual.card.air import Air, Taken
from drivers.virtual.card.card import CardLifted, CardMute, VirtualCard

if TYPE_CHECKING:
    from drivers.api import DeviceInfo


class VirtualReader:
    """The driver's calls belong to one thread; the world's verbs may come from any other.

    With `air` each exchange takes its time by that model, counted in `taken`; one that takes longer than
    its time-out ends as DeviceTimeout. With `paced` the time passes too, and a card that is lifted
    meanwhile takes its answer along.
    """

    def __init__(self, air: Air | None = None, paced: bool = False) -> None:
        self._air = air
        self._paced = paced
        self.taken = Taken()  # on the virtual clock, since this reader was made
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
            if self._air:
                self.taken += self._air.activation()
            return self._card.power_on()

    def disconnect(self) -> None:
        with self._changed:
            if self._session is not None:
                self._session.power_off()
            self._session = None

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        with self._changed:
            self._demand_open("transmit")
            card = self._session
            if card is None or card is not self._card:
                self._session = None
                raise UserRetry("hold_card_still")
            pages = card.pages_written
            answer = self._exchange(card, apdu)
            if self._air:
                taken = self._air.exchange(len(apdu), len(answer), card.pages_written - pages)
                self._pass(card, taken, timeout_s)
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

    def _pass(self, card: VirtualCard, taken: Taken, timeout_s: float) -> None:
        """Let the time of an exchange pass, on the virtual clock and, if paced, here."""
        self.taken += taken
        if self._paced and self._wait(lambda: self._card is not card, min(taken.air_s, timeout_s)):
            raise UserRetry("hold_card_still")
        if taken.air_s > timeout_s:
            self._session, self._open = None, False
            raise DeviceTimeout("chip", "transmit")

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
