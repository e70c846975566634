"""A chip process over a virtual reader, for tests of the parent without pcscd: run as a program.

The first argument says what lies on the reader: nothing, blank, mute (after one APDU), deaf (stuck in C
as far as the parent can tell), crash (at the first APDU).
"""

from __future__ import annotations

import argparse
import os
import signal
import socket

from drivers.chip import serve
from drivers.virtual.card import CardMute, VirtualCard, VirtualReader, blank_card


class Deaf(VirtualCard):
    def transmit(self, apdu: bytes) -> bytes:
        signal.pause()
        raise CardMute


class Crash(VirtualCard):
    def transmit(self, apdu: bytes) -> bytes:
        os.kill(os.getpid(), signal.SIGSEGV)
        raise CardMute


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what")
    parser.add_argument("--fd", type=int)
    options = parser.parse_args()
    reader = VirtualReader()
    serve.OVERSTAY_S = 0.05
    if options.what == "blank":
        reader.put(blank_card())
    elif options.what == "deaf":
        reader.put(Deaf({}))
    elif options.what == "crash":
        reader.put(Crash({}))
    elif options.what == "unplugged":
        reader.unplug()
    with socket.socket(fileno=options.fd) as end:
        serve.serve(end, reader, lambda: "virtual reader")


if __name__ == "__main__":
    main()
