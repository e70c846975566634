"""Two boxes, a stick and the centre in one folder that can be put back as it was at any moment."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import httpx
import pyrage
from cryptography.hazmat.primitives.serialization import Encoding

from centre.papers import Place, Terms
from centre.pki import AgeRole, Pki, Role
from centre.station import Station
from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import load_profile
from drivers.worker import Stop
from firmware.app import courier
from firmware.box.lease import Here, Leases
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.issue.features import features_of
from firmware.issue.ports import DocumentSigner, IssueJournal, Order
from firmware.issue.signers import FileSigner
from firmware.issue.transaction import Transaction
from firmware.records.journal import Journal
from firmware.uplink.client import CentreClient
from firmware.uplink.signing import CentreSigner
from firmware.uplink.tus import ChunkSize
from firmware.uplink.upload import Uploader
from support import box as one_box
from support import record, swap
from support.centre import Box, TestStation, as_box
from support.dialects import MasterKeys
from support.people import CAPTURED, PERSON, jp2
from support.tears import DyingReader

OLD, NEW = "BOX-01", "BOX-99"
STICK, DISK, ORDER = "stick", "disk", "order"
BLANKS, LEASED = 10, 20
PLACE = Place("province-1", "unit-7", "unit-9", "team-3")
CASES = ("first_issue",)
Files = dict[str, bytes]


def number(person: int) -> str:
    """Of citizen 1, 2, …: made up."""
    return f"0013040001{person:02}"


@cache
def card_image(kind: str, person: int) -> bytes:
    """The frozen card of a citizen: small, and all that this dialect takes."""
    features = features_of(load_profile(kind))
    fingers = [Finger(2, bytes(range(200, 248)) * 4, 16, 12, Compression.RAW, 500)] if features.dg3 else ()
    subject = {**PERSON, "number": number(person)}
    return CardImage.of(subject, jp2(), CAPTURED, features, fingers).to_bytes()


@dataclass
class World:
    """`line`: who signs, the centre ("centre") or each box under its lease ("lease")."""

    root: Path
    kind: str
    line: str

    def __post_init__(self) -> None:
        self.station = Station(self.root / "centre")
        self.old = swap.SwapBox(self.root / OLD, OLD, one_box.Clock())
        self.new = swap.SwapBox(self.root / NEW, NEW, one_box.Clock())

    @property
    def stick(self) -> Path:
        return self.root / "stick"

    @property
    def pki(self) -> Pki:
        return self.station.pki

    def recovery(self) -> pyrage.x25519.Identity:
        return pyrage.x25519.Identity.from_str(self.pki.age_identity(AgeRole.RECOVERY))

    # --- as files --------------------------------------------------------------------------------------

    def files(self, below: str = "") -> Files:
        """All that a power cut leaves of it."""
        folder = self.root / below
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    @classmethod
    def again(cls, root: Path, kind: str, line: str, files: Files) -> World:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(content)
        (root / "stick").mkdir(exist_ok=True)
        (root / "stick" / "recovery-identity.age").write_bytes(b"made up")
        return cls(root, kind, line)

    # --- the line --------------------------------------------------------------------------------------

    @contextmanager
    def centre(self) -> Iterator[Any]:
        """The centre's application, on its clock."""
        with self.station.opened() as engine:
            yield self.station.app(engine, lambda: record.NOW)

    def client(self, app: Any, box: swap.SwapBox, seen: Callable[[], None] = lambda: None) -> CentreClient:
        """The box's own client; its requests reach the centre in this process. `seen`: after each answer."""
        inner = as_box(app, Box(box.data / "identity"))._transport
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return CentreClient("https://testserver", tls, transport=_Watched(inner, seen))

    def courier(self, box: swap.SwapBox, journal: Journal, client: CentreClient) -> courier.Delivered:
        """One round of the box's own courier."""
        uploader = Uploader(client, box.data / "uploads", box.identity.certificate("receipt"))
        uploader._chunk = ChunkSize(between_cuts=1.0)  # several chunks for a small record
        line: Any = courier.Line(_nothing(), uploader, CentreSigner(client), client)
        desk: Any = SimpleNamespace(store=SimpleNamespace(call=lambda ask: ask(journal)))
        done: courier.Delivered = courier.deliver(desk).call(line, Stop())
        return done

    # --- the chip --------------------------------------------------------------------------------------

    def signer(self, box: swap.SwapBox, journal: Journal, client: CentreClient | None) -> DocumentSigner:
        """The centre over the line, or the document signer in the box under its lease."""
        if self.line == "centre":
            assert client is not None
            return CentreSigner(client)
        ds = self.pki.certificate_path(Role.DOCUMENT_SIGNER)
        here = Here(record.NOW, None, ds_sha256(self.pki), CASES)
        leases = Leases(box.papers, lambda: here)

        def leave(request: Any) -> None:
            leases.count(lambda ask: ask(journal), request)

        key = self.pki.key_path(Role.DOCUMENT_SIGNER)
        return FileSigner(key, ds, lambda: record.NOW, leave, "virtual")

    def transaction(
        self,
        reader: DyingReader,
        journal: Journal,
        signer: DocumentSigner,
        watched: IssueJournal | None = None,
    ) -> Transaction:
        """As the kiosk makes it."""

        def order(record_id: str) -> Order:
            draft = journal.draft(record_id)
            value = draft.parts["subject"]["number"]["value"]
            return Order(value, draft.case, str(draft.assignment["box"]), int(draft.assignment["epoch"]))

        csca = (self.pki.certificate(Role.CSCA),)
        dialect = open_dialect(self.kind, reader, MasterKeys(), BlockMemory())
        return Transaction(
            dialect, watched or journal, signer, csca, order, lambda: record.NOW, lambda _: None
        )

    # --- the citizens ------------------------------------------------------------------------------------

    def begin(self, box: swap.SwapBox, journal: Journal) -> str:
        place = {**record.assignment(box.name), "epoch": box.papers.epoch(journal)}
        return journal.begin(CASES[0], "7/2024", place)


def ds_sha256(pki: Pki) -> str:
    return sha256(pki.certificate(Role.DOCUMENT_SIGNER).public_bytes(Encoding.DER)).hexdigest()


def parts(person: int, box: str) -> list[tuple[str, Any, Files]]:
    """All that this citizen gives, as it comes out at this box: nothing is the same at another."""
    made = []
    for part, value, blobs in one_box.parts():
        if part == "subject":
            value = {
                **value,
                "number": record.stated(number(person)),
                "residence": record.stated(box, "citizen"),
            }
        if part.startswith("finger/"):
            value = record.finger(part.removeprefix("finger/"), 60 + person + 10 * (box == NEW))
        room = 40_000 if part == "portrait" and person == 2 else 0
        marked = {
            name: data + f" of citizen {person} at {box}".encode() + bytes(room)
            for name, data in blobs.items()
        }
        made.append((part, value, marked))
    return made


def _nothing() -> Any:
    return None


class _Watched(httpx.BaseTransport):
    """The way to the centre; somebody looks after each answer, before the box has it."""

    def __init__(self, inner: httpx.BaseTransport, seen: Callable[[], None]) -> None:
        self._inner, self._seen = inner, seen

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        self._seen()
        return response


@cache
def _founded(line: str) -> TemporaryDirectory[str]:
    """A centre and two boxes with their papers: keys take time to make."""
    folder = TemporaryDirectory(prefix="swap-world-")
    root = Path(folder.name)
    station = TestStation(root)
    world = World(root, "", line)
    for box, place in ((world.old, PLACE), (world.new, Place(PLACE.pool, role="spare"))):
        box.data.mkdir()
        shutil.move(station.enrol(box.name).folder, box.data / "identity")
        terms = Terms(LEASED, CASES, record.NOW + timedelta(days=3), ds_sha256(world.pki))
        papers = [station.station.assign(box.name, place, now=record.NOW)]
        papers.append(station.station.lease(box.name, terms, now=record.NOW))
        with box.journal() as journal:
            for paper in papers:
                box.papers.take(journal, paper)
            if box is world.old:
                journal.stock.load(BLANKS, ["O-1"])
    return folder


def founded(root: Path, kind: str, line: str) -> World:
    return World.again(root, kind, line, World(Path(_founded(line).name), kind, line).files())
