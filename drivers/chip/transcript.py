"""What passed between terminal and card, written down and played back byte for byte.

As text it is one event a line: `=` the ATR after a reset, `~` bytes that the terminal drew, `>` a command,
`<` its answer, `!` the error that came instead. It holds keys and personal data; what people and files may
see of it is `drivers.chip.masking`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from drivers.errors import (
    DeviceFault,
    DeviceGone,
    DeviceRefused,
    DeviceTimeout,
    DriverError,
    ProtocolError,
    UserRetry,
)
from drivers.passing import PassingReader

if TYPE_CHECKING:
    from drivers.api import ChipReader, DeviceInfo

T = TypeVar("T")

HEADER = "card transcript 1"
MOST_EVENTS = 100_000
LONGEST_LINE = 2 * (65536 + 16)
_FAULTS: dict[str, type[DeviceFault]] = {
    kind.__name__: kind for kind in (DeviceGone, DeviceTimeout, ProtocolError, DeviceRefused)
}


class Sort(StrEnum):
    """What an event is, by the sign its line begins with."""

    RESET = "="  # the card's ATR
    DREW = "~"  # random bytes of the terminal
    COMMAND = ">"
    ANSWER = "<"
    ERROR = "!"


@dataclass(frozen=True, slots=True)
class Event:
    """`data` is the bytes of the event; of an error, its kind and reason as ASCII."""

    sort: Sort
    data: bytes

    def line(self) -> str:
        text = self.data.decode("ascii", "replace") if self.sort is Sort.ERROR else self.data.hex().upper()
        return f"{self.sort} {text}".rstrip()


class TranscriptError(ValueError):
    """A text that is no transcript; the message names the line."""


class NotAsRecorded(ProtocolError):
    """The terminal did something else than when the transcript was taken: `doing` says where."""


def to_text(events: Iterable[Event]) -> str:
    """The whole transcript, secrets and all: for a test's folder or a file of mode 0600."""
    return "\n".join([HEADER, *(event.line() for event in events)]) + "\n"


def from_text(text: str) -> tuple[Event, ...]:
    """The events `to_text` wrote; blank lines and `#` comments are passed over. Raises TranscriptError."""
    first, *lines = text.split("\n") if text else [""]
    if first.strip() != HEADER:
        raise TranscriptError(f"line 1: not {HEADER!r}")
    if len(lines) > MOST_EVENTS:
        raise TranscriptError(f"more than {MOST_EVENTS} lines")
    numbered = enumerate(lines, start=2)
    return tuple(_event(n, line.strip()) for n, line in numbered if line.strip() and line[0] != "#")


def _event(number: int, line: str) -> Event:
    try:
        sort, text = Sort(line[0]), line[1:].strip()
        if len(line) > LONGEST_LINE:
            raise ValueError
        return Event(sort, text.encode("ascii") if sort is Sort.ERROR else bytes.fromhex(text))
    except ValueError as exc:
        raise TranscriptError(f"line {number}: no event") from exc


class Recorder(PassingReader):
    """Passes everything on to `reader` and keeps it in `events`.

    `random` draws for whoever opens the card, so that a player can give the same bytes again.
    """

    def __init__(self, reader: ChipReader, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        super().__init__(reader)
        self._random = random
        self.events: list[Event] = []

    def random(self, size: int) -> bytes:
        drawn = self._random(size)
        self._keep(Sort.DREW, drawn)
        return drawn

    def connect(self, timeout_s: float = 5.0) -> bytes:
        atr = self._noting_errors(lambda: self._device.connect(timeout_s))
        self._keep(Sort.RESET, atr)
        return atr

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        self._keep(Sort.COMMAND, apdu)
        answer = self._noting_errors(lambda: self._device.transmit(apdu, timeout_s))
        self._keep(Sort.ANSWER, answer)
        return answer

    def _noting_errors(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except UserRetry as retry:
            self._keep(Sort.ERROR, f"{UserRetry.__name__} {retry.reason}".encode())
            raise
        except DeviceFault as fault:
            self._keep(Sort.ERROR, f"{type(fault).__name__} {fault.doing}".encode("ascii", "replace"))
            raise

    def _keep(self, sort: Sort, data: bytes) -> None:
        self.events.append(Event(sort, bytes(data)))


class Player:
    """`drivers.api.ChipReader` that answers as the recorded card did, to the recorded commands only.

    Raises NotAsRecorded at the first command, reset or drawing of random bytes that is another one.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._at = 0
        self._left = False  # the recorded way

    @property
    def info(self) -> DeviceInfo:
        from drivers.api import DeviceInfo  # numpy stays out of processes that only move APDUs

        return DeviceInfo("chip", "transcript", virtual=True)

    @property
    def finished(self) -> bool:
        """Whether all of the transcript was played, and nothing else asked."""
        return self._at == len(self._events) and not self._left

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is open."""

    def random(self, size: int) -> bytes:
        drawn = self._next(Sort.DREW)
        if len(drawn) != size:
            raise self._otherwise(f"{size} random bytes, recorded are {len(drawn)}")
        return drawn

    def await_card(self, present: bool, timeout_s: float) -> bool:  # noqa: ARG002 (it always lies there)
        return present

    def connect(self, timeout_s: float = 5.0) -> bytes:  # noqa: ARG002 (answers at once)
        return self._next(Sort.RESET)

    def disconnect(self) -> None:
        """A transcript has no power to take."""

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:  # noqa: ARG002 (as above)
        recorded = self._next(Sort.COMMAND)
        if recorded != apdu:
            same = next((i for i, (a, b) in enumerate(zip(recorded, apdu, strict=False)) if a != b), None)
            where = min(len(recorded), len(apdu)) if same is None else same
            raise self._otherwise(f"command {apdu[:4].hex().upper()} differs at byte {where}")
        return self._next(Sort.ANSWER)

    def _next(self, wanted: Sort) -> bytes:
        if self._at == len(self._events):
            raise self._otherwise("the transcript has ended")
        event = self._events[self._at]
        self._at += 1
        if event.sort is Sort.ERROR and wanted in (Sort.ANSWER, Sort.RESET):
            raise _recorded_error(event.data)
        if event.sort is not wanted:
            raise self._otherwise(f"{wanted.name} where {event.sort.name} was recorded")
        return event.data

    def _otherwise(self, what: str) -> NotAsRecorded:
        self._left = True
        return NotAsRecorded("chip", f"event {self._at}: {what}")


def _recorded_error(data: bytes) -> DriverError:
    kind, _, reason = data.decode("ascii").partition(" ")
    if kind == UserRetry.__name__:
        return UserRetry(reason)
    return _FAULTS.get(kind, ProtocolError)("chip", reason)
