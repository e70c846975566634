"""Our client before a tus server that somebody else wrote: `@tus/server` of the tus project, on Node."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from support.centre import Box, TestStation
from support.wire import CuttingProxy

from centre.pki import Pki, Role
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreRefused, CentreUnreachable
from firmware.uplink.upload import Uploader

PACKAGES = ("@tus/server@2.4.5", "@tus/file-store@2.1.1")
DATA = Random(1).randbytes(1_000_000)  # noqa: S311  bytes, not a secret
DIGEST = sha256(DATA).hexdigest()
SERVER = """
import https from "node:https"
import fs from "node:fs"
import { Server } from "@tus/server"
import { FileStore } from "@tus/file-store"
const [folder, key, cert] = process.argv.slice(2)
const datastore = new FileStore({ directory: folder })
const tus = new Server({ path: "/files", datastore, relativeLocation: true })
const options = { key: fs.readFileSync(key), cert: fs.readFileSync(cert), minVersion: "TLSv1.3" }
const server = https.createServer(options, (asked, answer) => tus.handle(asked, answer))
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })))
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's script beside its packages; skips where they cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("node or npm is not installed: @tus/server cannot be run")
    folder = tmp_path_factory.mktemp("tus")
    (folder / "package.json").write_text('{"private": true}')
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not answer: @tus/server cannot be fetched")
    if done.returncode:
        pytest.skip(f"npm cannot fetch @tus/server: {done.stderr.decode()[-300:]}")
    script = folder / "server.mjs"
    script.write_text(SERVER)
    return script


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> TestStation:
    return TestStation(tmp_path_factory.mktemp("station"), datetime.now(UTC))


@pytest.fixture(scope="module")
def box(station: TestStation) -> Box:
    return station.enrol()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def port(program: Path, station: TestStation, store: Path) -> Iterator[int]:
    pki: Pki = station.station.pki
    keys = [str(pki.key_path(Role.TLS_SERVER)), str(pki.certificate_path(Role.TLS_SERVER))]
    with subprocess.Popen(["node", str(program), str(store), *keys], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], 30)
            assert ready, "@tus/server did not get ready"
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()


def send(client: CentreClient, box: Box, path: Path, seen: list[int]) -> None:
    """Up to where only our own centre has an answer: the receipt."""
    uploader = Uploader(client, path.parent / "links", box.certificate("receipt.pem"))
    uploader.send(path, "ab" * 32, DIGEST, lambda done, _all: seen.append(done))


def arrived(store: Path) -> bytes:
    (file,) = (path for path in store.iterdir() if path.suffix != ".json")
    return file.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "record.age").write_bytes(DATA)
    return tmp_path / "record.age"


def test_it_takes_our_upload_byte_for_byte(port: int, box: Box, path: Path, store: Path) -> None:
    seen: list[int] = []
    with box.client(port) as client, pytest.raises(CentreRefused) as refused:
        send(client, box, path, seen)
    assert refused.value.reason == "unknown", "it knows nothing of receipts"
    assert seen[-1] == len(DATA)
    assert arrived(store) == DATA


def test_it_goes_on_where_the_line_was_cut(
    port: int, box: Box, path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[int] = []
    after: list[int] = []
    proxy = CuttingProxy(port, cut_after=len(DATA) // 2)
    with proxy.running() as cut, box.client(cut) as broken, pytest.raises(CentreUnreachable):
        send(broken, box, path, before)
    link = path.parent / "links" / f"{DIGEST}.upload"
    place = link.read_text()
    monkeypatch.setattr(Uploader, "_earlier", lambda *_: None)  # it has no receipts to ask for
    with box.client(port) as client, pytest.raises(CentreRefused):
        send(client, box, path, after)
    assert before and after[0] > before[-1]
    assert link.read_text() == place
    assert arrived(store) == DATA
