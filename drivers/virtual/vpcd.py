"""A virtual card behind real pcscd: the card's end of vpcd's wire.

vpcd listens, the card connects: a connection is a card in the slot. Two bytes of length, then the
payload; one byte alone is a control (0 off, 1 on, 2 reset, 4 ATR: only the last is answered).
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from drivers.virtual.card.card import CardLifted, CardMute, VirtualCard

TIMEOUT_S = 5.0
LOOK = b"\x00\x01\x04"  # get ATR: how vpcd sees whether a card is there


class VpcdSlot:
    """The slot at `port`; the world's verbs belong to one thread, the card answers on its own."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._address = host, port
        self._wire: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def insert(self, card: VirtualCard) -> None:
        """Put the card in. Into an empty slot that takes up to two of pcscd's looks (0.8 s); a card that
        lies there is swapped at once, faster than pcscd looks.

        Raises OSError when no vpcd listens there.
        """
        swapped = self._thread is not None and self._thread.is_alive()
        self.remove()
        if not swapped:
            self._await_seen_empty()
        self._wire = socket.create_connection(self._address, TIMEOUT_S)
        self._wire.settimeout(None)
        self._thread = threading.Thread(target=_serve, args=(self._wire, card), name="vpcd card", daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Take the card out, which keeps what it holds."""
        if self._wire is not None:
            with suppress(OSError):  # the other end, or the card's thread, was first
                self._wire.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()
        if self._wire is not None:
            self._wire.close()
        self._wire = self._thread = None

    @property
    def holds_card(self) -> bool:
        """Whether a card lies there; one that was torn away does not."""
        return self._thread is not None and self._thread.is_alive()

    def _await_seen_empty(self) -> None:
        """Queue as a card that says nothing, until vpcd has looked twice and done nothing else between.

        pcscd 1.9 reports a card only if it saw the slot empty before. Where a command failed because
        the card had left, and while it starts, it takes the slot for empty without having looked: a
        card laid down before its next look it would never notice. One look may be a client's.
        """
        while (self._said_to_nobody(), self._said_to_nobody()) != (LOOK, LOOK):
            pass

    def _said_to_nobody(self) -> bytes:
        """All that vpcd says to a silent card before it hangs up on it."""
        with socket.create_connection(self._address, TIMEOUT_S) as nobody:
            nobody.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: nobody.recv(256), b""))


def _serve(wire: socket.socket, card: VirtualCard) -> None:
    """Answer until the wire ends or the card is lifted; a mute card keeps its place."""
    try:
        while (message := _receive(wire)) is not None:
            answer = _act(card, message)
            if answer is not None:
                wire.sendall(len(answer).to_bytes(2, "big") + answer)
    except CardLifted:
        wire.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # pcscd has gone: so has the slot
    finally:
        card.power_off()


def _act(card: VirtualCard, message: bytes) -> bytes | None:
    if len(message) > 1:
        try:
            return card.transmit(message)
        except CardMute:
            return None
    return _control(card, message)


def _control(card: VirtualCard, message: bytes) -> bytes | None:
    if message == b"\x00":
        card.power_off()
    elif message in (b"\x01", b"\x02"):
        card.power_on()
    elif message == b"\x04":
        return card.atr
    return None


def _receive(wire: socket.socket) -> bytes | None:
    head = _read(wire, 2)
    return None if head is None else _read(wire, int.from_bytes(head, "big"))


def _read(wire: socket.socket, size: int) -> bytes | None:
    """`size` bytes, None when the wire ends. vpcd sends length and payload in two segments: without
    an immediate acknowledgement of the first, Nagle holds the second back for 40 ms."""
    data = bytearray()
    while len(data) < size:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = wire.recv(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)
