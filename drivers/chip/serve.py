"""The chip process: a PC/SC reader behind a socket pair. Started by `drivers.chip.process` only.

It ends when the kiosk closes its end, and by SIGALRM when a call overstays its time by a second and
nobody is left to kill it. It imports no numpy: 20 MB and 0.1 s less.
"""

from __future__ import annotations

import argparse
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.chip import wire
from drivers.chip.pcsc import PcscReader
from drivers.errors import DriverError

if TYPE_CHECKING:
    from drivers.api import ChipReader

OVERSTAY_S = 1.0


def main() -> None:
    """`--fd N` is the inherited socket, `--reader NAME` part of the reader's name."""
    parser = argparse.ArgumentParser(prog="drivers.chip.serve")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--reader", default="")
    options = parser.parse_args()
    with socket.socket(fileno=options.fd) as end:
        reader = PcscReader(options.reader)
        serve(end, reader, lambda: reader.reader)


def serve(end: socket.socket, reader: ChipReader, name: Callable[[], str]) -> None:
    """Open the reader, say hello with its name or the error, then answer requests until the end."""
    try:
        opened = reader.__enter__()
    except DriverError as error:
        wire.send(end, wire.failed(error))
        return
    with opened:
        wire.send(end, wire.done(name().encode()))
        while (message := wire.receive(end)) is not None:
            wire.send(end, answer(opened, message))


def answer(reader: ChipReader, message: bytes) -> bytes:
    op, timeout_s, data = wire.read_request(message)
    signal.setitimer(signal.ITIMER_REAL, timeout_s + OVERSTAY_S)
    try:
        return wire.done(_act(reader, op, timeout_s, data))
    except DriverError as error:
        return wire.failed(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _act(reader: ChipReader, op: wire.Op, timeout_s: float, data: bytes) -> bytes:
    if op == wire.Op.TRANSMIT:
        return reader.transmit(data, timeout_s)
    if op == wire.Op.CONNECT:
        return reader.connect(timeout_s)
    if op == wire.Op.DISCONNECT:
        reader.disconnect()
        return b""
    return bytes([reader.await_card(op == wire.Op.AWAIT_CARD, timeout_s)])


if __name__ == "__main__":
    main()
