"""The line: what a bad one costs beyond the bytes that are needed, and how long a full outbox takes to empty.

Box and centre are two programs over mutual TLS on loopback, SQLite, folders on a real disk.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.figure import About, Figure, figure, say
from benchmarks.results import CHECKOUT
from firmware.app import courier
from firmware.app.courier import Line
from firmware.app.desk import Desk
from firmware.box.identity import Identity
from firmware.records.journal import Journal
from firmware.uplink.client import CentreClient
from firmware.uplink.signing import CentreSigner
from firmware.uplink.upload import Uploader

RECORD_BYTES = 2_000_000
WASTED_OVER = 20
"""Records over the bad line."""
BETWEEN_CUTS = 1_000_000
"""Mean bytes up the line between two cuts, exponentially distributed: every second record is cut, or more."""
DRAINED, FULL = 100, 1000
"""Records that are really sent, and the outbox that is spoken of: the measured time is multiplied."""
BUFFER_BYTES = 16 << 10
NEEDED = "sealed bytes alone"


def waste() -> Figure:
    """Bytes that go up a line which is cut every megabyte, by those of the sealed records."""
    with _box(WASTED_OVER) as (folder, journal, port):
        needed = journal.counts().outbox.unsent_bytes
        line = CutLine(port, random.Random(7))  # noqa: S311  a story, not a secret
        with line.running() as cut:
            _drain(folder, journal, cut)
    say(f"{line.cuts} cuts over {needed / 1e6:.0f} MB")
    return figure("records.link_waste", line.up_bytes / needed, "", 1.05, NEEDED, 1.0)


def drain() -> Figure:
    """An outbox of 1000 records after three days without a line: 100 are sent, the time times ten."""
    with _box(DRAINED) as (folder, journal, port):
        peer = _bare(folder)
        began = time.perf_counter()
        _drain(folder, journal, port)
        took = time.perf_counter() - began
    scale = FULL / DRAINED
    return figure("records.drain_1000_s", scale * took, "s", None, "bare TLS + fsync", scale * peer)


@dataclass
class CutLine:
    """Carries bytes to `target`; each connection ends once its share of the way up is used.

    What the box's kernel still holds then never went out, and is not counted.
    """

    target: int
    random: random.Random
    up_bytes: int = field(default=0, init=False)
    cuts: int = field(default=0, init=False)

    @contextmanager
    def running(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield listener.getsockname()[1]

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                share = self.random.expovariate(1 / BETWEEN_CUTS)
                threading.Thread(target=self._carry, args=(near, share), daemon=True).start()

    def _carry(self, near: socket.socket, share: float) -> None:
        with near, socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := near.recv(min(BUFFER_BYTES, 1 + int(share))):
                    self.up_bytes += len(data)
                    share -= len(data)
                    far.sendall(data)
                    if share <= 0:
                        self.cuts += 1
                        break
            for end in (near, far):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(BUFFER_BYTES):
            target.sendall(data)


@contextmanager
def _box(records: int) -> Iterator[tuple[Path, Journal, int]]:
    """An enrolled box's folder, its journal with so many sealed records, and a centre's port."""
    sys.path.insert(0, str(CHECKOUT / "tests"))
    from support.campaign import enrol
    from support.centre import TestStation

    scratch = CHECKOUT / "var"
    scratch.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=scratch, prefix="line-")))
        test = TestStation(folder, datetime.now(UTC))
        box = test.enrol(now=test.now)
        identity = Identity(box.folder)
        keys = identity.keys(simulated=True)
        journal = stack.enter_context(Journal(folder / "records", keys, lambda: datetime.now(UTC)))
        noise = random.Random(11)  # noqa: S311  bytes, not a secret
        say(f"sealing {records} records of {RECORD_BYTES / 1e6:g} MB")
        for number in range(1, records + 1):
            enrol(journal, identity.box, number, noise.randbytes(RECORD_BYTES))
        yield box.folder, journal, stack.enter_context(test.served())


def _drain(folder: Path, journal: Journal, port: int) -> None:
    """The courier's rounds until nothing is left; pauses after a failed one are not waited for."""
    from drivers.worker import Stop

    identity = Identity(folder)
    desk = cast(Desk, SimpleNamespace(store=SimpleNamespace(call=lambda ask: ask(journal))))
    with CentreClient(f"https://127.0.0.1:{port}", identity.tls()) as client:
        uploader = Uploader(client, folder / "uploads", identity.certificate("receipt"))
        line = Line(cast(Any, None), uploader, CentreSigner(client))
        while journal.next_sealed() is not None:
            told = courier.deliver(desk).call(line, Stop())
            if told.refused or not (told.moved or told.failed):
                raise AssertionError(f"the centre does not take them: {told}")


def _bare(folder: Path) -> float:
    """Seconds for the same files by whoever only writes them down (`records_load`)."""
    outbox = folder.parent / "records" / "outbox"
    boxes = folder.parent / "boxes" / folder.name
    boxes.parent.mkdir()
    boxes.symlink_to(folder)
    for file in outbox.glob("*.age"):
        (folder / file.name).hardlink_to(file)
    load = [sys.executable, "-m", "benchmarks.records_load"]
    command = [*load, "bare", str(folder.parent / "centre")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT) as receiver:
        try:
            assert receiver.stdout is not None
            port = json.loads(receiver.stdout.readline())["port"]
            send = [*load, "send", str(boxes.parent), "0", str(port)]
            done = subprocess.run(send, check=True, capture_output=True, cwd=CHECKOUT)
        finally:
            receiver.terminate()
    return float(json.loads(done.stdout)["whole_s"])


FIGURES: Sequence[Callable[[], Figure | list[Figure]]] = (waste, drain)
ABOUT: Mapping[str, About] = {
    "records.link_waste": About(
        "Bytes up the line (TLS, HTTP, and what was sent twice) by the bytes of the sealed records: "
        f"{WASTED_OVER} records of 2 MB, the line cut every 1 MB on average, exponentially.",
        simulated="the line: a proxy on loopback that ends connections",
    ),
    "records.drain_1000_s": About(
        f"1000 records of 2 MB from a full outbox to their receipts: {DRAINED} were sent, the time times 10. "
        "The line is loopback; one of 20 Mbit/s alone would take 800 s.",
        cpu=True,
        simulated="the line: loopback",
    ),
}
