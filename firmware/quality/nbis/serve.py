"""The child: scores fingers (NFIQ 2), extracts templates and compares them, one request at a time.

Run by path with `python -I -S serve.py SITE`, never imported as a part of the kiosk in the child: it needs
the standard library and the `nbis` package in SITE, and nothing else. Standard input is a stream socket
that carries both directions; the first reply says that the library is loaded.

    request   op (u8)      length (u32)  payload
    reply     status (u8)  length (u32)  payload      both big-endian
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
import sys
import time
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

FRAME = struct.Struct(">BI")
LENGTH = struct.Struct(">I")
MAX_REQUEST = 2 << 20  # a picture of 800 x 1000 is 0.8 MB
MAX_REPLY = 64 << 10  # a template of 255 minutiae is 1.6 kB

ADDRESS_SPACE = 1 << 30  # 0.35 GB are used on x86-64, most of it never touched
CPU_S = 20  # for one request; a Raspberry Pi 4 takes about 1.5 s


class Op(IntEnum):
    SCORE = 1  # PGM picture -> NFIQ 2 score (u8)
    TEMPLATE = 2  # PGM picture -> ISO/IEC 19794-2:2011 finger minutiae record
    COMPARE = 3  # length (u32), record, record -> similarity (u32)


class Status(IntEnum):
    DONE = 1
    FAILED = 2  # the picture or record will not do; the payload says why


class Refused(Exception):
    """This picture or record cannot be worked on; the child goes on."""


class Engine(Protocol):
    def score(self, picture: bytes) -> bytes: ...
    def template(self, picture: bytes) -> bytes: ...
    def compare(self, records: bytes) -> bytes: ...


class Nbis:
    """The engine: nbis-python at 500 ppi, every minutia kept."""

    def __init__(self) -> None:
        import nbis  # type: ignore[import-not-found]  # from SITE

        give_back_unused()  # before the model comes: a peak of 145 instead of 193 MB
        self._refusal: type[Exception] = nbis.NbisError
        self._with_nfiq2 = self._extractor(nbis, compute_nfiq2=True)
        self._minutiae_only = self._extractor(nbis, compute_nfiq2=False)

    @staticmethod
    def _extractor(nbis: Any, compute_nfiq2: bool) -> Any:
        return nbis.new_nbis_extractor(
            nbis.NbisExtractorSettings(
                min_quality=0.0,
                get_center=False,
                check_fingerprint=False,
                compute_nfiq2=compute_nfiq2,
                ppi=500.0,
            )
        )

    def score(self, picture: bytes) -> bytes:
        quality = self._extract(self._with_nfiq2, picture).quality()
        # The library turns each exception of NFIQ 2 into score 0; only the missing features tell.
        if not quality.features or not 0 <= quality.score <= 100:
            raise Refused("NFIQ 2 finds no finger that it can measure")
        return bytes([quality.score])

    def template(self, picture: bytes) -> bytes:
        minutiae = self._extract(self._minutiae_only, picture)
        try:
            return bytes(minutiae.to_iso_19794_2_2011())
        except self._refusal as exc:
            raise Refused(str(exc)) from exc

    def compare(self, records: bytes) -> bytes:
        first, second = split(records)
        try:
            score = self._minutiae_only.compare_iso_19794_2_2011(first, second)
        except self._refusal as exc:
            raise Refused(str(exc)) from exc
        return LENGTH.pack(max(0, score))

    def _extract(self, extractor: Any, picture: bytes) -> Any:
        try:
            return extractor.extract_minutiae(picture)
        except self._refusal as exc:
            raise Refused(str(exc)) from exc


def split(records: bytes) -> tuple[bytes, bytes]:
    """Take apart what `Op.COMPARE` carries. Raises Refused."""
    if len(records) < LENGTH.size:
        raise Refused("two records wanted")
    (length,) = LENGTH.unpack_from(records)
    both = records[LENGTH.size :]
    if not 0 < length < len(both):
        raise Refused("two records wanted")
    return both[:length], both[length:]


def receive(channel: socket.socket, size: int) -> bytes:
    """Return exactly `size` bytes; EOFError when the other side has gone."""
    data = bytearray()
    while len(data) < size:
        part = channel.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def answer(engine: Engine, op: int, payload: bytes) -> tuple[Status, bytes]:
    work = {Op.SCORE: engine.score, Op.TEMPLATE: engine.template, Op.COMPARE: engine.compare}
    try:
        return Status.DONE, work[Op(op)](payload)
    except Refused as exc:
        return Status.FAILED, str(exc).encode()[:200]


def serve(channel: socket.socket, engine: Engine) -> None:
    """Answer until the parent hangs up; a request that breaks the frame ends the child."""
    while True:
        try:
            op, length = FRAME.unpack(receive(channel, FRAME.size))
        except EOFError:
            return
        if length > MAX_REQUEST:
            raise ValueError(f"request of {length} bytes")
        allow_cpu_s(CPU_S)
        status, payload = answer(engine, op, receive(channel, length))
        channel.sendall(FRAME.pack(status, len(payload)) + payload)
        ctypes.CDLL(None).malloc_trim(0)


def confine() -> None:
    """Bounded memory and CPU, no core (it would hold a finger), no file written."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    allow_cpu_s(CPU_S)


def allow_cpu_s(seconds: int) -> None:
    """Let this process use that much more; then the kernel ends it, whether or not a parent lives."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


def give_back_unused(block: int = 1 << 16) -> None:
    """Return to the kernel what loading touched and nothing needs: about 95 of 130 MB.

    The library keeps 49 MB of thread-local storage that starts as zeros, and a 29 MB model that it reads
    once. A private page that is all zero reads as zero again after MADV_DONTNEED, and a file page of which
    no private copy exists is read from the file again. Only safe while no other thread runs.
    """
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    if len([*Path("/proc/self/task").iterdir()]) != 1:
        return
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    dontneed, zeros = 4, bytes(block)
    for start, end, kind in large_mappings():
        if kind == "file":
            libc.madvise(start, end - start, dontneed)
            continue
        for at in range(start, end - block + 1, block):
            if ctypes.string_at(at, block) == zeros:
                libc.madvise(at, block, dontneed)


def large_mappings(least: int = 8 << 20) -> list[tuple[int, int, str]]:
    """(start, end, "file" | "anonymous") of mappings from `least` bytes that may be given back."""
    found: list[tuple[int, int, str]] = []
    start, end, permissions, named = 0, 0, "", False
    with Path("/proc/self/smaps").open() as smaps:
        for line in smaps:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                start, end = (int(part, 16) for part in words[0].split("-"))
                permissions, named = words[1], len(words) > 5
            elif words[0] == "Anonymous:" and end - start >= least:
                if permissions == "r--p" and named and words[1] == "0":
                    found.append((start, end, "file"))
                elif permissions == "rw-p" and not named:
                    found.append((start, end, "anonymous"))
    return found


def main(site: str) -> None:
    channel = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)  # the native code may neither read nor write here
    confine()
    sys.path.insert(0, site)
    try:
        engine = Nbis()
    except (ImportError, OSError, AttributeError) as exc:
        reason = f"{type(exc).__name__}: {exc}".encode()[:400]
        channel.sendall(FRAME.pack(Status.FAILED, len(reason)) + reason)
        return
    give_back_unused()
    channel.sendall(FRAME.pack(Status.DONE, 0))
    serve(channel, engine)


if __name__ == "__main__":
    main(sys.argv[1])
