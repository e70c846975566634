"""The centre: records of 2 MB a second into PostgreSQL, the load on the same two cores; a province's day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figure import About, Figure, figure
from benchmarks.results import CHECKOUT, FOLDER

BOXES, RECORDS = 8, 24
"""Boxes that send at the same time, and the records of each."""
WHOLE, AS_A_BOX = 2 << 20, 256 << 10
"""Chunks: the record in one piece, and what a box sends (`firmware.uplink.upload`)."""
FINGER_BYTES, PORTRAIT_BYTES = 170_000, 300_000
DISK = "/var/tmp"  # noqa: S108  a folder of its own in it; the server's user must be able to reach it
PEAK_PER_S = 28
"""Three shifts of the national plant in one: 500,000 a day are 7 a second on average."""


ACK_S = 2


@dataclass(frozen=True, slots=True)
class Run:
    """`ingest_ms` and `load_ms`: CPU of the receiving processes and of the sending one, a record."""

    per_s: float
    p99_s: float
    ingest_ms: float
    load_ms: float


def accept() -> list[Figure]:
    """Records of 2 MB into one ingest process and into two, and the bare peer beside them."""
    with _bench() as bench:
        one, two = bench.run(1, WHOLE), bench.run(2, WHOLE)
        chunks, peer = bench.run(1, AS_A_BOX), bench.bare()
    return [
        figure("centre.accept_per_s", one.per_s, "1/s", PEAK_PER_S, "bare TLS + fsync", peer.per_s),
        figure("centre.accept_ratio", one.per_s / peer.per_s, ""),
        figure("centre.ack_p99_s", one.p99_s, "s", ACK_S, "bare TLS + fsync", peer.p99_s),
        figure("centre.ingest_ms", one.ingest_ms, "ms", None, "bare TLS + fsync", peer.ingest_ms),
        figure("centre.accept_per_s.two", two.per_s, "1/s", PEAK_PER_S),
        figure("centre.ack_p99_s.two", two.p99_s, "s", ACK_S),
        figure("centre.accept_per_s.chunks_256k", chunks.per_s, "1/s"),
        figure("centre.ack_p99_s.chunks_256k", chunks.p99_s, "s", ACK_S),
        figure("centre.ingest_ms.chunks_256k", chunks.ingest_ms, "ms"),
    ]


def province_day() -> list[Figure]:
    """22 boxes × 300 citizens from 07:00 to 24:00 on a virtual clock: what the centre then counts."""
    from benchmarks.records_day import CITIZENS, a_day

    day = a_day()
    return [
        figure("centre.province_day", day.accepted, "records", CITIZENS),
        figure("centre.province_day_held", day.held, "records", 0),
        figure("centre.province_day_replays", day.replays, "records"),
        figure("centre.province_day_out_of_order", day.released, "records"),
        figure("centre.province_day_units", day.units, "units"),
        figure("centre.province_day_ms", day.turn_ms, "ms"),
    ]


class _Bench:
    """A PostgreSQL server and sets of sealed records, each for one run."""

    def __init__(self, folder: Path, new_database: Callable[[], str]) -> None:
        self._folder = folder
        self._new_database = new_database

    def run(self, processes: int, chunk: int) -> Run:
        from support.centre import serving_process

        with self._station() as (station, boxes), ExitStack() as stack:
            served = [stack.enter_context(serving_process(station)) for _ in range(processes)]
            return _run(boxes, chunk, {process.pid: port for process, port in served})

    def bare(self) -> Run:
        with self._station() as (station, boxes):
            command = [sys.executable, "-m", "benchmarks.records_load", "bare", str(station.folder)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT) as process:
                try:
                    assert process.stdout is not None
                    port = json.loads(process.stdout.readline())["port"]
                    return _run(boxes, 0, {process.pid: port})
                finally:
                    process.terminate()

    @contextmanager
    def _station(self) -> Iterator[tuple[Any, Path]]:
        from support.centre import TestStation

        class OnThisServer(TestStation):
            """Of its own: another figure's station is not on a server that has ended."""

            databases = staticmethod(self._new_database)

        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            test = OnThisServer(Path(name), datetime.now(UTC))
            boxes = Path(name) / "boxes"
            for number in range(BOXES):
                _fill(test, boxes, number)
            yield test.station, boxes


def _run(boxes: Path, chunk: int, ports: Mapping[int, int]) -> Run:
    """Send everything to the processes that listen at these ports, by process id."""
    command = [sys.executable, "-m", "benchmarks.records_load", "send", str(boxes), str(chunk)]
    before = _cpu_s(ports)
    done = subprocess.run(
        [*command, *map(str, ports.values())], check=True, capture_output=True, cwd=CHECKOUT
    )
    told, spent = json.loads(done.stdout), _cpu_s(ports) - before
    if told["kinds"] not in (["ACCEPTED"], ["bare"]) or told["records"] != BOXES * RECORDS:
        raise AssertionError(f"not all was accepted: {told['kinds']} {told['failed']}")
    took, count = sorted(told["took_s"]), told["records"]
    return Run(
        count / told["whole_s"],
        took[round(0.99 * count) - 1],
        1000 * spent / count,
        1000 * told["cpu_s"] / count,
    )


def _cpu_s(processes: Iterable[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in processes]
    return sum(each.user + each.system for each in times)


def _fill(test: Any, boxes: Path, number: int) -> None:
    """One enrolled box with its chain of sealed records, their cards signed."""
    from support import record
    from support.centre import Box

    from centre.core import Keys

    box = test.enrol(f"BOX-{number:02}", test.now)
    folder = boxes / box.name
    folder.parent.mkdir(exist_ok=True)
    box.folder.rename(folder)
    box = Box(folder)
    files = _files()
    previous = record.FIRST
    keys = Keys.read(test.station.pki)
    with test.station.opened() as engine:
        for sequence in range(1, RECORDS + 1):
            sections = _person(f"0013040{number:02}{sequence:03}", box.name)
            sections |= {"sequence": sequence, "previous_digest": previous}
            sections["chip"] = _chip(engine, keys.document_signer, sections, test.now)
            sealed = _seal(box, sections, files)
            previous = sealed.record_digest
            (folder / f"{sequence:04}.age").write_bytes(sealed.data)


def _person(number: str, box: str) -> dict[str, Any]:
    from support import record

    return {
        "record_id": uuid.uuid4().hex,
        "subject": {**record.subject(), "number": record.stated(number)},
        "assignment": record.assignment(box),
    }


def _chip(engine: Any, signer: Any, sections: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    from hashlib import sha256

    from support import record

    from centre import chain, ledger

    issue = ledger.Issue(
        sections["record_id"], sections["subject"]["number"]["value"], "first_issue",
        sections["assignment"]["box"], 1, 1, {1: bytes(32), 2: bytes(32)},
    )  # fmt: skip
    with chain.turn(engine) as turn:
        ef_sod = ledger.grant(turn, issue, signer, now)
    return {**record.manifest()["chip"], "sod_sha256": sha256(ef_sod).hexdigest()}


def _seal(box: Any, sections: Mapping[str, Any], files: Mapping[str, bytes]) -> Any:
    from support import record

    from firmware.records.format.manifest import files_table
    from firmware.records.format.seal import seal

    manifest = record.manifest(**sections, files=files_table(files))
    return seal(manifest, files, box.signer, (box.folder / "recipients.txt").read_text().split())


def _files() -> dict[str, bytes]:
    from support import record

    sizes = {name: FINGER_BYTES if name.startswith("fingers/") else 2000 for name in record.files()}
    sizes["portrait.jp2"] = PORTRAIT_BYTES
    return {name: os.urandom(size) for name, size in sizes.items()}


@contextmanager
def _bench() -> Iterator[_Bench]:
    """Server, uploads and archive beside the results, on a disk whose fsync costs what it costs."""
    sys.path.append(str(CHECKOUT / "tests"))  # its made-up records and its PostgreSQL server
    from support import postgres

    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder, postgres.running(where=DISK) as server:
        yield _Bench(Path(folder), server.new_database)


FIGURES: Sequence[Callable[[], Figure | list[Figure]]] = (accept, province_day)

LOAD = "the boxes: one process sends for all"
DAY = "boxes, clock and wire"
ABOUT: Mapping[str, About] = {
    "centre.accept_per_s": About(
        f"records of 2 MB a second into one ingest process, PostgreSQL, {BOXES} boxes",
        more=True, cpu=True, simulated=LOAD,
    ),
    "centre.accept_per_s.two": About("the same into two", more=True, cpu=True, simulated=LOAD),
    "centre.accept_per_s.chunks_256k": About(
        "one process, in chunks of 256 KiB", more=True, cpu=True, simulated=LOAD
    ),
    "centre.accept_ratio": About("records a second ÷ bare TLS + fsync of the same bytes", more=True),
    "centre.ack_p99_s": About(
        "a record's first byte to its signed receipt, 99 of 100", cpu=True, simulated=LOAD
    ),
    "centre.ingest_ms": About("CPU of the ingest process a record", cpu=True, simulated=LOAD),
    "centre.province_day": About("accepted of 22 boxes × 300 citizens", more=True, simulated=DAY),
    "centre.province_day_held": About("of them held at the end", simulated=DAY),
    "centre.province_day_replays": About("sent twice: the same receipt", more=True, simulated=DAY),
    "centre.province_day_out_of_order": About("held for an older one, then released", simulated=DAY),
    "centre.province_day_units": About("units in the day's league table", more=True, simulated=DAY),
    "centre.province_day_ms": About("one turn: verdict, ledger, receipt", cpu=True, simulated=DAY),
}  # fmt: skip
