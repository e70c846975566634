"""The parent: asks the child for scores, templates and comparisons, and replaces one that dies or hangs."""

from __future__ import annotations

import logging
import socket
import subprocess
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from drivers.api import Clock, Deadline, FingerImage
from firmware.quality.nbis.runtime import Runtime
from firmware.quality.nbis.serve import FRAME, LENGTH, MAX_REPLY, MAX_REQUEST, Op, Status

log = logging.getLogger(__name__)

FAILED_CODE = 255  # ISO/IEC 29794-1: the computation failed; never to be read as score 0
HIGHEST = 100
PPI = 500  # NFIQ 2 is defined at this resolution only
LOAD_S = 15.0  # 0.5 s on a PC; a Pi reads 80 MB from its card first
SMALLEST_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}


class ScorerError(Exception):
    """Whatever a request may raise."""


class ScoreFailed(ScorerError):
    """This picture or template cannot be scored (NFIQ 2 code 255); another one may."""

    code = FAILED_CODE


class ScorerLost(ScorerError):
    """No child could be started or loaded, or it died, hung or broke the protocol; the next request starts
    another one.
    """


class FingerScorer:
    """NFIQ 2 and matching by one child process, which is started when first asked.

    One call at a time, from whichever thread.

    Every method ends within `timeout_s` (a start within `LOAD_S`) and raises only ScorerError. Each loss is
    logged; one that goes on, because no child can be loaded, is logged once.
    """

    def __init__(self, runtime: Runtime, timeout_s: float = 5.0, clock: Clock = time.monotonic) -> None:
        self._runtime = runtime
        self._timeout_s = timeout_s
        self._clock = clock
        self._child: _Child | None = None
        self._told = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is no child."""
        return self._child.pid if self._child else None

    def unavailable(self) -> str | None:
        """None when a child is loaded and lives; otherwise the reason. Starts one when there is none."""
        if self._child is not None and self._child.ended:
            self._lose(ScorerLost("idle: the child ended"))
        try:
            self._ready()
        except ScorerLost as exc:
            return str(exc)
        return None

    def nfiq2(self, image: FingerImage) -> int:
        """Return the NFIQ 2.3 score, 0..100 (ISO/IEC 29794-4). Raises ScoreFailed where NFIQ 2 gives none."""
        score = self._ask(Op.SCORE, pgm(image), 1)[0]
        if score > HIGHEST:
            raise self._lose(ScorerLost(f"score: {score} is none"))
        return score

    def template(self, image: FingerImage) -> bytes:
        """Return a finger minutiae record (ISO/IEC 19794-2:2011). Raises ScoreFailed without minutiae."""
        return self._ask(Op.TEMPLATE, pgm(image))

    def compare(self, a: bytes, b: bytes) -> int:
        """Return the similarity (Bozorth3; from 0, no upper end) of two minutiae records."""
        reply = self._ask(Op.COMPARE, LENGTH.pack(len(a)) + a + b, LENGTH.size)
        return int(LENGTH.unpack(reply)[0])

    def close(self) -> None:
        """End the child; the next request starts another."""
        if self._child:
            self._child.end()
            self._child = None

    def _ask(self, op: Op, payload: bytes, size: int | None = None) -> bytes:
        if len(payload) > MAX_REQUEST:
            raise ScoreFailed(f"{len(payload)} bytes are too many")
        child = self._ready()
        try:
            status, reply = child.ask(op, payload, Deadline.after(self._timeout_s, self._clock))
            if status == Status.DONE and size is not None and len(reply) != size:
                raise ScorerLost(f"{op.name.lower()}: a reply of {len(reply)} bytes")
        except ScorerLost as lost:
            self._lose(lost)
            raise
        if status == Status.FAILED:
            raise ScoreFailed(reply.decode(errors="replace"))
        return reply

    def _ready(self) -> _Child:
        if self._child is None:
            try:
                self._child = _loaded(self._runtime, Deadline.after(LOAD_S, self._clock))
            except ScorerLost as lost:
                self._lose(lost)
                raise
            self._told = ""
        return self._child

    def _lose(self, lost: ScorerLost) -> ScorerLost:
        self.close()
        if str(lost) != self._told:
            self._told = str(lost)
            log.warning("NFIQ 2 is lost: %s", lost)
        return lost


def _loaded(runtime: Runtime, deadline: Deadline) -> _Child:
    child = _Child(runtime)
    try:
        child.loaded(deadline)
    except ScorerLost:
        child.end()
        raise
    return child


class _Child:
    """One process and the socket that is its standard input."""

    def __init__(self, runtime: Runtime) -> None:
        with ExitStack() as undo:
            try:
                self._socket, theirs = socket.socketpair()
                undo.callback(self._socket.close)
                with theirs:
                    self._process = _started(runtime, theirs)
            except OSError as exc:
                raise ScorerLost(f"cannot start NFIQ 2: {exc}") from exc
            undo.pop_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def loaded(self, deadline: Deadline) -> None:
        status, reason = self._reply("load", deadline)
        if status != Status.DONE:
            raise ScorerLost(f"nbis-python does not load: {reason.decode(errors='replace')}")

    def ask(self, op: Op, payload: bytes, deadline: Deadline) -> tuple[Status, bytes]:
        doing = op.name.lower()
        try:
            self._socket.settimeout(_left_s(deadline))
            self._socket.sendall(FRAME.pack(op, len(payload)) + payload)
        except OSError as exc:
            raise self._lost(doing, exc) from exc
        return self._reply(doing, deadline)

    def end(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _reply(self, doing: str, deadline: Deadline) -> tuple[Status, bytes]:
        try:
            status, length = FRAME.unpack(self._receive(FRAME.size, deadline))
            if status not in tuple(Status) or length > MAX_REPLY:
                raise ScorerLost(f"{doing}: not a reply")
            return Status(status), self._receive(length, deadline)
        except (OSError, EOFError) as exc:
            raise self._lost(doing, exc) from exc

    def _receive(self, size: int, deadline: Deadline) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._socket.settimeout(_left_s(deadline))
            part = self._socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _lost(self, doing: str, error: OSError | EOFError) -> ScorerLost:
        if isinstance(error, TimeoutError):
            return ScorerLost(f"{doing}: no answer in time")
        return ScorerLost(f"{doing}: the child ended")


def _started(runtime: Runtime, channel: socket.socket) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        runtime.command,
        stdin=channel.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=SMALLEST_ENVIRONMENT,
        cwd="/",
    )


def pgm(image: FingerImage) -> bytes:
    """Return the picture as binary PGM. Raises ScoreFailed where NFIQ 2 is not defined for it."""
    pixels = image.pixels
    if image.ppi != PPI:
        raise ScoreFailed(f"NFIQ 2 is defined at {PPI} ppi, this is {image.ppi}")
    if pixels.ndim != 2 or pixels.dtype != "uint8":
        raise ScoreFailed("a grey picture of 8 bits is wanted")
    height, width = pixels.shape
    return b"P5\n%d %d\n255\n" % (width, height) + pixels.tobytes()


def _left_s(deadline: Deadline) -> float:
    if deadline.over:
        raise TimeoutError
    return deadline.left_s
