"""A scorer child that loads well and then does what its first argument says; run as a program by tests."""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys

FRAME = struct.Struct(">BI")
DONE, FAILED = 1, 2
REASON = b"OSError: libstdc++.so.6: version not found"
ANSWERS = {
    "does not load": FRAME.pack(FAILED, len(REASON)) + REASON,
    "says nothing": FRAME.pack(DONE, 0),
    "answers too much": FRAME.pack(DONE, 0) + FRAME.pack(DONE, 1 << 30),
    "answers nonsense": FRAME.pack(DONE, 0) + b"\xff" * 64,
    "answers too little": FRAME.pack(DONE, 0) + FRAME.pack(DONE, 0),
    "answers half": FRAME.pack(DONE, 0) + FRAME.pack(DONE, 4) + b"\0",
    "scores 255": FRAME.pack(DONE, 0) + FRAME.pack(DONE, 1) + b"\xff",
}


def main(manner: str) -> None:
    channel = socket.socket(fileno=os.dup(0))
    if manner == "dies at start":
        sys.exit(3)
    if manner == "dies at work":
        channel.sendall(FRAME.pack(DONE, 0))
        channel.recv(1)
        os.kill(os.getpid(), signal.SIGSEGV)
    channel.sendall(ANSWERS[manner])
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
