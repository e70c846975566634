"""One box before one centre over a bad line: citizens are completed, and it is told what the centre holds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from centre import db
from centre.station import Station
from drivers.worker import Stop
from firmware.app import courier
from firmware.app.courier import Delivered, Line
from firmware.app.desk import Desk
from firmware.box.identity import Identity
from firmware.records.journal import Journal
from firmware.uplink.client import CentreClient, Timeouts
from firmware.uplink.pace import Retry
from firmware.uplink.signing import CentreSigner
from firmware.uplink.upload import Uploader
from support import box, record
from support.bad_line import BadLine, CentreHere, Clock, Draw, Fate, Killed
from support.centre import Box, TestStation

MEMORY = Path("/dev/shm")
PORTRAIT_BYTES = 300_000
"""Three chunks: a record can be cut in the middle."""
MANY_ROUNDS = 2000
URL = "https://centre.example"


class _Stop(Stop):
    """Waits on the virtual clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, seconds: float) -> bool:
        return self._clock.wait(seconds)


class Campaign:
    """`completed` are the digests of every record that this box has finished, in order."""

    def __init__(self, folder: Path, seed: int, draw: Draw, most_kbit_s: int) -> None:
        kept, enrolled = _first_day()
        shutil.copytree(kept.name, folder, dirs_exist_ok=True)
        self.random = Random(seed)  # noqa: S311  a story, not a secret
        self.clock, self.wall = Clock(), box.Clock()
        self._identity = Identity(folder / enrolled.folder.name)
        certificate = enrolled.certificate("box.crt.pem").public_bytes(Encoding.DER)
        self._folder, self._most_kbit_s = folder, most_kbit_s
        self._centre_folder = folder / "centre"
        self._keys = self._identity.keys(simulated=True)
        self.centre = CentreHere(Station(self._centre_folder), certificate, lambda: record.NOW)
        self.line = BadLine(self.centre, self.clock, self.random, draw)
        self._retry = Retry(self.random.random, 300)
        self.completed: list[str] = []
        self.deaths = 0
        self._up()

    def _up(self) -> None:
        self.journal = Journal(self._folder / "records", self._keys, self.wall)
        timeouts = Timeouts(whole_s=10.0)
        self._client = CentreClient(URL, self._identity.tls(), timeouts, self.line, self.clock)
        receipts = self._identity.certificate("receipt")
        uploader = Uploader(self._client, self._folder / "uploads", receipts, self._most_kbit_s)
        self._ours = Line(cast(Any, None), uploader, CentreSigner(self._client), self._client)

    def close(self) -> None:
        self._client.close()
        self.journal.close()
        self.centre.close()

    # --- what happens -------------------------------------------------------------------------------

    def citizen(self) -> None:
        """One more is enrolled, and the record sealed."""
        portrait = self.random.randbytes(PORTRAIT_BYTES)
        path = enrol(self.journal, self._identity.box, len(self.completed) + 1, portrait)
        self.completed.append(path.name.partition("-")[2].removesuffix(".age"))

    def hasten(self) -> None:
        """Somebody asks for the youngest unsent record to go first."""
        waiting = box.outbox(self.journal)
        if waiting:
            self.journal.hasten(waiting[-1].record_id, "O-1")

    def walk(self) -> Delivered | None:
        """One round of the courier; None when the box died over it."""
        desk = cast(Desk, SimpleNamespace(store=SimpleNamespace(call=lambda ask: ask(self.journal))))
        try:
            told: Delivered = courier.deliver(desk).call(self._ours, _Stop(self.clock))
        except Killed:
            self.deaths += 1
            self.power_cut()
            return None
        assert set(told.refused) == set(), "a network makes no record bad"
        if told.failed:
            self.clock.wait(self._retry.failed(told.moved))
        else:
            self._retry.went_well()
        return told

    def power_cut(self) -> None:
        self.journal.close()
        self._up()

    def walk_until_empty(self) -> None:
        for _ in range(MANY_ROUNDS):
            if self.journal.next_sealed() is None:
                return
            self.walk()
        raise AssertionError("for ever sending")

    # --- what is seen -------------------------------------------------------------------------------

    def at_the_centre(self) -> dict[str, str]:
        """Status by record digest; a digest or a record that is there twice is an AssertionError."""
        with self.centre.reading() as connection:
            rows = connection.execute(select(db.records)).all()
        found = {row.record_digest: row.status for row in rows}
        assert len(found) == len(rows) == len({row.record_id for row in rows}), "twice"
        return found

    def nothing_unfinished_is_there(self) -> None:
        assert set(self.at_the_centre()) <= set(self.completed)

    def all_are_there_once(self) -> None:
        """Everything completed is accepted, its file is kept byte for byte, and the box is empty."""
        assert self.at_the_centre() == dict.fromkeys(self.completed, "ACCEPTED")
        counts = self.journal.counts()
        assert (counts.outbox.unsent, counts.outbox.delivered) == (0, len(self.completed))
        files = list((self._centre_folder / "records").rglob("*.age"))
        assert len(files) == len(self.completed)
        assert all(sha256(file.read_bytes()).hexdigest() == file.stem for file in files)
        assert not list((self._folder / "records" / "outbox").glob("*.age"))
        assert not list((self._folder / "uploads").glob("*"))
        assert self.journal.audit.verify() == []


def enrol(journal: Journal, name: str, number: int, portrait: bytes) -> Path:
    """The sealed record of one more citizen, of a box that issues no cards."""
    record_id = journal.begin("first_issue", "7/2024", record.assignment(name))
    for part, value, blobs in box.parts():
        if part == "subject":
            value = {**value, "number": record.stated(f"0013040{number:05}")}
        if part == "portrait":
            blobs = {"portrait.jp2": portrait}
        journal.accept(record_id, part, value, blobs)
    journal.freeze(record_id, None)
    journal.complete_without_card(record_id)
    return journal.seal(record_id)


def good() -> Fate:
    return Fate.GOOD


def in_turn(*fates: Fate) -> Draw:
    """These, one a request; good ones after them."""
    left = iter(fates)
    return lambda: next(left, Fate.GOOD)


@contextmanager
def campaign(seed: int, draw: Draw = good, most_kbit_s: int = 0) -> Iterator[Campaign]:
    """A new box and a new centre, in memory where the machine has such a folder."""
    with ExitStack() as stack:
        place = MEMORY if MEMORY.is_dir() else None
        folder = stack.enter_context(TemporaryDirectory(dir=place, prefix="campaign-"))
        one = Campaign(Path(folder), seed, draw, most_kbit_s)
        stack.callback(one.close)
        yield one


@cache
def _first_day() -> tuple[TemporaryDirectory[str], Box]:
    """centre/ and the box's identity, to copy from."""
    kept = TemporaryDirectory(prefix="first-day-")
    test = TestStation(Path(kept.name))
    return kept, test.enrol()
