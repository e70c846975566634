"""What stands around a kiosk in a story: a centre over real TLS, an enrolled box, made-up people.

Keys, templates, models and scores are made once for all stories of a run.
"""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyrage
import pytest
from cryptography import x509
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from centre import db, registry
from centre.serve import Server, listening
from centre.station import Station
from config.load import load
from config.schema import Config
from drivers.api import FingerImage
from drivers.virtual.skin import Finger, impression
from firmware.box.officers import write_officers
from firmware.quality.nbis.client import FingerScorer, ScoreFailed
from firmware.quality.nbis.runtime import ScorerMissing, locate
from firmware.quality.portrait import PortraitGate
from firmware.quality.portrait_models import FaceModels, ModelsMissingError
from firmware.records.format.rules import local_day
from firmware.records.format.seal import OpenedRecord, open_sealed
from firmware.sim.card_keys import write_card_keys
from firmware.sim.officer import PINS, staff
from firmware.sim.people import Citizen, citizen, registry_row

BOX = "BOX-STORY-01"
OFFICER, OTHER_OFFICER, TECHNICIAN = PINS
TODAY = local_day(datetime.now(UTC))
ADULT = citizen(1000, TODAY)
NEXT = citizen(1001, TODAY)
WITHOUT_TEMPLATES = citizen(1002, TODAY)
STRANGER = citizen(1003, TODAY)
"""Nobody has put the stranger into the registry."""
TOOLS = Path(load().station.tools).resolve()


def _child() -> Citizen:
    """Ten years old."""
    grown = citizen(1004, TODAY)
    born = TODAY.replace(year=TODAY.year - 10, day=1)
    sex = 2 + "MF".index(grown.fields["sex"])
    number = f"{grown.number[:3]}{sex}{born.year % 100:02}{grown.number[6:]}"
    return replace(grown, fields={**grown.fields, "birth_date": born.isoformat(), "number": number})


CHILD = _child()


class Remembering:
    """NFIQ 2 that is asked once for each picture: stories show the same fingers again and again."""

    def __init__(self, scorer: FingerScorer) -> None:
        self._scorer = scorer
        self._known: dict[tuple[str, bytes, bytes], Any] = {}
        self._lock = threading.Lock()

    def nfiq2(self, image: FingerImage) -> int:
        return int(self._once("score", image.pixels.tobytes(), b"", lambda: self._scorer.nfiq2(image)))

    def template(self, image: FingerImage) -> bytes:
        made: bytes = self._once(
            "template", image.pixels.tobytes(), b"", lambda: self._scorer.template(image)
        )
        return made

    def compare(self, a: bytes, b: bytes) -> int:
        return int(self._once("compare", a, b, lambda: self._scorer.compare(a, b)))

    def unavailable(self) -> str | None:
        return self._scorer.unavailable()

    def close(self) -> None:
        """The next story asks the same child."""

    def _once(self, what: str, a: bytes, b: bytes, ask: Callable[[], Any]) -> Any:
        with self._lock:
            if (what, a, b) not in self._known:
                self._known[what, a, b] = ask()
            return self._known[what, a, b]


@cache
def scorer() -> Remembering:
    """The one of this run; skips with a reason where NFIQ 2 is not set up."""
    try:
        return Remembering(FingerScorer(locate(TOOLS)))
    except ScorerMissing as exc:
        pytest.skip(f"NFIQ 2 is not set up: {exc}")


@cache
def gate() -> PortraitGate:
    """The one of this run; skips with a reason where the face models are not set up."""
    try:
        return PortraitGate(FaceModels(TOOLS / "models"))
    except ModelsMissingError as exc:
        pytest.skip(f"the face models are not set up: {exc}")


def _template(seed: int, position: str) -> bytes:
    for touch in range(5):
        try:
            return scorer().template(FingerImage(impression(Finger(seed, position), touch)))
        except ScoreFailed:
            continue
    raise AssertionError(f"no template of the made-up {position}")


@cache
def _kept() -> TemporaryDirectory[str]:
    """centre/ and box/ as on a station's first morning."""
    kept = TemporaryDirectory(prefix="office-")
    folder = Path(kept.name)
    station = Station(folder / "centre")
    station.init()
    station.enrol_box(BOX, folder / "box" / "identity")
    write_officers(folder / "box" / "identity" / "officers.json", staff())
    write_card_keys(folder / "box" / "identity")
    with_templates = [registry_row(person, _template) for person in (ADULT, NEXT, CHILD)]
    rows = [*with_templates, registry_row(WITHOUT_TEMPLATES, None)]
    engine = station.engine()
    with db.writing(engine) as connection:
        registry.store(connection, [registry.check_person(row, "story") for row in rows])
    engine.dispose()
    return kept


def first_morning(folder: Path) -> None:
    """Put centre/ and box/ into `folder`."""
    shutil.copytree(_kept().name, folder, dirs_exist_ok=True)


def config(box: Path, url: str) -> Config:
    """The configuration of a virtual station over the folder `box`."""
    plain = load()
    station = replace(plain.station, data=str(box), tools=str(TOOLS), team="TEAM-STORY")
    return replace(plain, station=station, centre=replace(plain.centre, url=url, timeout_s=5.0))


class _Server(Server):
    """Lets kept connections fall when it goes, as a cut line does."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


@dataclass
class CentreHere:
    """The centre's own application and TLS over `folder`, on a thread; it can go and come back."""

    folder: Path
    port: int = 0

    def __post_init__(self) -> None:
        self._running: ExitStack | None = None
        self._answering = threading.Event()
        self._answering.set()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> None:
        """Serve, on the same port as before; returns once it listens."""
        station, ready = Station(self.folder), threading.Event()
        with ExitStack() as running:
            engine = station.engine()
            running.callback(engine.dispose)
            listener = running.enter_context(listening("127.0.0.1", self.port))
            self.port = listener.getsockname()[1]
            server = _Server(self._patient(station.app(engine)), station.pki, ready.set)
            thread = threading.Thread(target=server.run, args=([listener],), name="centre", daemon=True)
            thread.start()
            running.callback(self._end, server, thread)
            assert ready.wait(20)
            self._running = running.pop_all()

    def stop(self) -> None:
        """Be gone as when the line is cut; allowed when it is not running."""
        self.answers()
        if self._running is not None:
            self._running.close()
            self._running = None

    def falls_silent(self) -> None:
        """Take questions and answer none, until it answers again."""
        self._answering.clear()

    def answers(self) -> None:
        self._answering.set()

    def _patient(self, app: ASGIApp) -> Any:
        async def wait(scope: Scope, receive: Receive, send: Send) -> None:
            await run_in_threadpool(self._answering.wait)
            await app(scope, receive, send)

        return wait

    @staticmethod
    def _end(server: Server, thread: threading.Thread) -> None:
        server.should_exit = server.force_exit = True
        thread.join(20)

    # --- what it holds -----------------------------------------------------------------------------

    def counts(self) -> dict[str, Any]:
        station = Station(self.folder)
        engine = station.engine()
        try:
            return station.centre(engine).counts()
        finally:
            engine.dispose()

    def records(self) -> list[OpenedRecord]:
        """Every record that came, opened with the centre's own key."""
        secret = (self.folder / "pki" / "recipients-identity.txt").read_text().split()[-1]
        authority = x509.load_pem_x509_certificate((self.folder / "pki" / "box-ca.crt.pem").read_bytes())
        identity = pyrage.x25519.Identity.from_str(secret)
        files = sorted(path for path in (self.folder / "records").rglob("*") if path.is_file())
        return [open_sealed(path.read_bytes(), [identity], authority, datetime.now(UTC)) for path in files]


def sod_on(saved: bytes) -> bytes:
    """EF.SOD of a saved virtual card up to its last byte written; empty: none of it reached the card."""
    applications = json.loads(saved)["applications"]
    content: str = next(
        (
            each["state"]["files"]["011D"]["content"]
            for each in applications
            if "011D" in each["state"]["files"]
        ),
        "",
    )
    return bytes.fromhex(content).rstrip(b"\0")
