"""A centre for tests: in this process over its ASGI face, or as its own program on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import select
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from sqlalchemy import select as sql_select
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from centre import chain, db, pki, registry
from centre.station import Station
from centre.wire import PEER_CERTIFICATE
from firmware.box.identity import Identity
from firmware.records.format.manifest import files_table
from firmware.records.format.seal import Sealed, seal
from firmware.records.format.signing import Signer
from firmware.uplink.client import CentreClient, Timeouts, tls_context
from support import record
from support.portal import portal

START_TIMEOUT_S = 60.0
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK_BYTES = 1 << 20
NewDatabase = Callable[[], str | None]
PERSON = {
    "number": record.NUMBER,
    "full_name": record.NAME,
    "birth_date": "2004-05-06",
    "sex": "F",
    "nationality": "Việt Nam",
    "fingers": {"right_index": "AAECAw=="},
}
FAST = Timeouts(connect_s=5.0, step_s=5.0, whole_s=10.0)


@dataclass(frozen=True)
class Box:
    """One enrolled box: its folder as `enrol-box` wrote it."""

    folder: Path

    @property
    def name(self) -> str:
        return str(json.loads((self.folder / "identity.json").read_text())["box"])

    @property
    def signer(self) -> Signer:
        key = load_pem_private_key((self.folder / "box.key.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return Signer(key, self.certificate("box.crt.pem"))

    def certificate(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / name).read_bytes())

    @property
    def identity(self) -> pyrage.x25519.Identity:
        """What opens its registry extract."""
        return Identity(self.folder).unlocking()

    def seal(self, portrait: bytes = b"a face", **changes: Any) -> Sealed:
        """A sealed record of this box; `changes` replace sections of the manifest."""
        changes.setdefault("assignment", record.assignment(self.name))
        recipients = (self.folder / "recipients.txt").read_text().split()
        manifest = record.manifest(**changes)
        files = {**record.files(), "portrait.jp2": portrait}
        files = {name: data for name, data in files.items() if name in manifest["files"]}
        manifest["files"] = files_table(files)
        return seal(manifest, files, self.signer, recipients)

    def client(self, port: int, timeouts: Timeouts = FAST) -> CentreClient:
        tls = tls_context(
            self.folder / "tls-ca.pem", self.folder / "box.crt.pem", self.folder / "box.key.pem"
        )
        return CentreClient(f"https://127.0.0.1:{port}", tls, timeouts)


def without_card(**changes: Any) -> dict[str, Any]:
    """Sections of a record that leaves no card behind, with its own id."""
    files = {name: data for name, data in record.files().items() if name != "chip/report.json"}
    return {
        "record_id": uuid.uuid4().hex,
        "issued_here": False,
        "chip": None,
        "files": files_table(files),
        **changes,
    }


@dataclass
class TestStation:
    """A centre's folder with one person in the registry, its clock at `now`.

    `databases` makes the URL of an empty database, or None for SQLite in the folder.
    """

    __test__ = False
    databases: ClassVar[NewDatabase] = staticmethod(lambda: None)
    folder: Path
    now: datetime = record.NOW
    station: Station = field(init=False)

    def __post_init__(self) -> None:
        url = self.databases()
        shutil.copytree(_template(self.now).name, self.folder / "centre")
        self.station = Station(self.folder / "centre", url)
        if url:
            _import_person(self.station)

    def enrol(self, box: str = record.BOX, now: datetime | None = None) -> Box:
        out = self.folder / f"{box}-{uuid.uuid4().hex[:6]}"
        self.station.enrol_box(box, out, now or self.now)
        return Box(out)

    @contextmanager
    def turn(self) -> Iterator[chain.Turn]:
        """A transaction beside the centre's own."""
        with self.station.opened() as engine, chain.turn(engine) as turn:
            yield turn

    def verdict(self, sealed: Sealed) -> tuple[str, str]:
        """A record's status at the centre now, and why."""
        records = db.records.c
        with self.turn() as turn:
            query = sql_select(records.status, records.reason)
            row = turn.connection.execute(query.where(records.record_digest == sealed.record_digest)).one()
        return row.status, row.reason

    @contextmanager
    def asgi(self) -> Iterator[ASGIApp]:
        """The application in this process, on the test's clock."""
        with self.station.opened() as engine:
            yield self.station.app(engine, lambda: self.now)

    @contextmanager
    def served(self) -> Iterator[int]:
        """`kiosk-centre serve` as its own process; yields the port once it is ready."""
        with serving_process(self.station) as (_process, port):
            yield port


@contextmanager
def serving_process(
    station: Station, log: Path = Path("/dev/null"), program: str = "centre"
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The process, its log going to `log`, and its port; ended when the block ends."""
    command = [sys.executable, "-m", program, "serve", str(station.folder), "--port", "0"]
    command += ["--database", station.database_url] if station.database_url else []
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            yield process, _port(process)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(process: subprocess.Popen[bytes]) -> int:
    """The port of the ready line, awaited as an event of the pipe."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
    line = process.stdout.readline() if ready else b""
    if not line:
        raise AssertionError("kiosk-centre did not get ready")
    return int(json.loads(line)["port"])


@cache
def _template(now: datetime) -> TemporaryDirectory[str]:
    """A centre's folder to copy from: keys take time to make."""
    folder = TemporaryDirectory(prefix="centre-")
    station = Station(Path(folder.name))
    pki.create(station.folder / "pki", now)
    _import_person(station)
    return folder


def _import_person(station: Station) -> None:
    with station.opened() as engine, db.writing(engine) as connection:
        registry.store(connection, [registry.check_person(PERSON, "test")])


def as_box(app: ASGIApp, box: Box) -> TestClient:
    """A client that speaks as `box`: its certificate stands where the TLS layer puts it."""
    return speaking(app, box.certificate("box.crt.pem"))


def speaking(app: ASGIApp, certificate: x509.Certificate | None) -> TestClient:
    """A client that shows `certificate`, or none."""
    der = certificate.public_bytes(Encoding.DER) if certificate else None

    async def with_peer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {**scope.get("state", {}), PEER_CERTIFICATE: der}
        await app(scope, receive, send)

    client = TestClient(with_peer, raise_server_exceptions=True)
    client.portal = portal()
    return client


def upload(http: TestClient, data: bytes) -> str:
    """Bring `data` across, in chunks of a megabyte as a box does; the upload's id."""
    made = http.post("/files", headers={**TUS, "Upload-Length": str(len(data))})
    assert made.status_code == 201, made.text
    for offset in range(0, len(data), CHUNK_BYTES):
        chunk = data[offset : offset + CHUNK_BYTES]
        checksum = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
        sent = http.patch(
            made.headers["Location"],
            content=chunk,
            headers={
                **TUS,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                "Upload-Checksum": f"sha256 {checksum}",
            },
        )
        assert sent.status_code == 204, sent.text
    return str(made.headers["Location"]).rpartition("/")[2]


def deliver(http: TestClient, sealed: Sealed) -> Any:
    """The answer to a record: its receipt, or why it is refused."""
    body = {"upload": upload(http, sealed.data), "sealed_digest": sealed.sealed_digest}
    return http.post("/v1/records", json=body)
