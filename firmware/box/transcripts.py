"""What passed between the box and its devices lately, for an incident bundle: no content, so nobody's data.

A ring in memory; at a device's fault and at the end of a card's transaction it becomes a file:

    <data>/transcripts/00000042.jsonl     one exchange or one fault a line, at most 64 kB; the newest stay

Of a card's exchange only the header of the command, the file that it selects in clear, both lengths, the
status words and a class of time are ever kept, not even in memory; of a fault its kind and what the driver
was doing. A file that a power cut tore is none: it never got its name.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers.chip.apdu import Ins
from drivers.errors import DeviceFault, DriverError, UserRetry
from drivers.passing import PassingReader
from firmware.records import disk
from firmware.records.errors import StoreError

if TYPE_CHECKING:
    from drivers.api import ChipReader

MOST_BYTES, FILE_BYTES = 256 << 10, 64 << 10
FILES = MOST_BYTES // FILE_BYTES - 1
"""How many stay: while one more is being written the bound holds too."""
ROWS = 420
CLASSES_MS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000)
"""An exchange took at most so long."""
ENDING = ".jsonl"
_EXCHANGE = ("cla", "ins", "p1p2", "file", "sent", "came", "sw", "inner", "within_ms")
NAMES = frozenset(("at", "device", *_EXCHANGE, "error", "message"))
"""What a row may hold; nothing else leaves a file."""
Clock = Callable[[], datetime]
Row = Mapping[str, Any]


class Transcripts:
    """The ring. Any thread may call; without a `folder` nothing is ever kept."""

    def __init__(self, folder: Path | None = None, now: Clock = lambda: datetime.now(UTC)) -> None:
        self._folder, self._now = folder, now
        self._rows: deque[tuple[float, _Noted]] = deque(maxlen=ROWS)
        self._lock, self._keeping = threading.Lock(), threading.Lock()
        self._faults: dict[str, str] = {}

    def note(self, row: _Noted) -> None:
        self._rows.append((time.monotonic(), row))

    def fault(self, device: str, fault: DriverError) -> None:
        """Note a device's fault and keep what came before it; the same fault again is not news."""
        said = f"{type(fault).__name__} {fault}"
        with self._lock:
            if self._faults.get(device) == said:
                return
            self._faults[device] = said
        self.note(_failed(device, fault))
        self.keep()

    def mended(self, device: str) -> None:
        with self._lock:
            self._faults.pop(device, None)

    def keep(self) -> None:
        """Make a file of what was noted since the last one. A disk that fails is not this one's business."""
        if self._folder is None:
            return
        with self._keeping:
            rows = [self._rows.popleft() for _ in range(len(self._rows))]
            if not rows:
                return
            try:
                self._write(self._folder, rows)
            except StoreError:
                room = max(0, ROWS - len(self._rows))
                self._rows.extendleft(reversed(rows[len(rows) - min(room, len(rows)) :]))

    def _write(self, folder: Path, rows: Iterable[tuple[float, _Noted]]) -> None:
        now, passed = self._now(), time.monotonic()
        lines = [
            json.dumps({"at": (now - timedelta(seconds=passed - at)).isoformat(), **row.fields()})
            for at, row in rows
        ]
        if not folder.is_dir():
            disk.make_folder(folder)
        there = files(folder)
        number = int(there[-1].stem) + 1 if there else 1
        with disk.translated("thin out transcripts"):
            for old in there[: max(0, len(there) + 1 - FILES)]:
                old.unlink(missing_ok=True)
        disk.write(folder / f"{number:08d}{ENDING}", _newest(lines))


def _newest(lines: list[str]) -> bytes:
    """As many of the last lines as a file may hold."""
    kept: deque[bytes] = deque()
    room = FILE_BYTES
    for line in reversed(lines):
        data = f"{line}\n".encode()
        room -= len(data)
        if room < 0:
            break
        kept.appendleft(data)
    return b"".join(kept)


def files(folder: Path) -> list[Path]:
    """The files of the ring, oldest first."""
    found = folder.glob(f"*{ENDING}") if folder.is_dir() else ()
    return sorted(path for path in found if path.stem.isdecimal() and len(path.stem) == 8)


def read(folder: Path) -> Iterator[Row]:
    """Every row that is whole, oldest first, as far as it is one of a ring; the rest is passed over."""
    for path in files(folder):
        with path.open("rb") as file:
            data = file.read(FILE_BYTES)
        for line in data.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield {key: value for key, value in row.items() if key in NAMES}


# --- what is noted ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its answer, without their data. `inner`: the status that secure messaging carries."""

    device: str
    header: bytes
    file: bytes
    sent: int
    came: int
    sw: bytes
    inner: bytes
    within_ms: int

    def fields(self) -> Row:
        cla, ins, p1p2 = (_hex(each) for each in (self.header[:1], self.header[1:2], self.header[2:4]))
        row = {
            "device": self.device, "cla": cla, "ins": ins, "p1p2": p1p2, "file": _hex(self.file),
            "sent": self.sent, "came": self.came, "sw": _hex(self.sw), "inner": _hex(self.inner),
            "within_ms": self.within_ms,
        }  # fmt: skip
        return {key: value for key, value in row.items() if value != ""}


@dataclass(frozen=True, slots=True)
class Fault:
    """What a device or a person's card did instead of answering."""

    device: str
    error: str
    message: str

    def fields(self) -> Row:
        return {"device": self.device, "error": self.error, "message": self.message}


_Noted = Exchange | Fault


def _failed(device: str, error: DriverError) -> Fault:
    kind = type(error)
    doing = error.doing if isinstance(error, DeviceFault) else str(error)
    return Fault(device, f"{kind.__module__}.{kind.__name__}", doing)


def exchange(device: str, apdu: bytes, answer: bytes, took_s: float) -> Exchange:
    """Nothing but slices: it is done for every command of a card."""
    data, sw = answer[:-2], answer[-2:]
    return Exchange(
        device, apdu[:4], _file(apdu), len(apdu), len(data), sw, _inner(apdu, data), _class_ms(took_s)
    )


def _file(apdu: bytes) -> bytes:
    """The file that a SELECT in clear names by its identifier (ISO/IEC 7816-4:2020, 11.2.2)."""
    named = len(apdu) >= 7 and apdu[:2] == bytes((0, Ins.SELECT)) and apdu[2] != 4 and apdu[4] == 2
    return apdu[5:7] if named else b""


def _inner(apdu: bytes, data: bytes) -> bytes:
    """The status in data object 99, which stands before the MAC (ICAO 9303-11, 9.8.4)."""
    secured = apdu[:1] and apdu[0] & 0x0C == 0x0C
    return data[-12:-10] if secured and data[-14:-12] == b"\x99\x02" and data[-10:-8] == b"\x8e\x08" else b""


def _class_ms(took_s: float) -> int:
    return next((most for most in CLASSES_MS if 1000 * took_s <= most), CLASSES_MS[-1])


def _hex(data: bytes) -> str:
    return data.hex().upper()


class NotedReader(PassingReader):
    """Passes everything on and notes each exchange."""

    def __init__(self, reader: ChipReader, name: str, transcripts: Transcripts) -> None:
        super().__init__(reader)
        self._name, self._transcripts = name, transcripts

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        began = time.perf_counter()
        try:
            answer = self._device.transmit(apdu, timeout_s)
        except (UserRetry, DeviceFault) as error:
            self._transcripts.note(_failed(self._name, error))
            raise
        took_s = time.perf_counter() - began
        self._transcripts.note(exchange(self._name, apdu, answer, took_s))
        return answer


@contextmanager
def noted(
    opens: Callable[[], AbstractContextManager[ChipReader]], name: str, transcripts: Transcripts
) -> Iterator[ChipReader]:
    """The reader that `opens` opens, its exchanges noted."""
    with opens() as reader:
        yield NotedReader(reader, name, transcripts)
