"""Records on the box: what a durable step costs beside a bare commit, a seal, and memory over a campaign.

The journal is the product's own, on this machine's disk; its people, pictures and keys are made up.
"""

from __future__ import annotations

import gc
import itertools
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pyrage
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.figure import About, Figure, figure, say
from benchmarks.results import FOLDER
from firmware.memory import give_back
from firmware.records.clock import stamp
from firmware.records.format.receipt import Receipt, ReceiptKind, sign
from firmware.records.format.schema import FINGERS
from firmware.records.format.signing import Signer
from firmware.records.journal import Journal
from firmware.records.keys import BoxKeys

BOX = "BOX-BENCH-01"
COMMITS = 150
SEALS = 7
CAMPAIGN = 20_000
BUDGET_S = 150.0
VISIT = timedelta(seconds=288)
"""300 citizens a day."""
WARM = 300
SAMPLE_EVERY = 50
FINGER_BYTES, PORTRAIT_BYTES = 180_000, 200_000
"""About 2 MB a record."""
PIECE = b"x" * 600
"""A part of a record without pictures: what a step of the visit keeps."""
START = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


class VirtualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True)
class Keys:
    """A box's keys, and the centre's receipt key."""

    box: BoxKeys
    receipt: ec.EllipticCurvePrivateKey


def commit() -> list[Figure]:
    """Journal commits beside a bare SQLite FULL commit of the same bytes, in turn, on the disk."""
    with _folder(on_disk=True) as folder, _journal(folder) as (journal, _, _):
        record_id = _begin(journal)
        bare, parts = _bare(folder / "bare.db", PIECE), itertools.count()
        acts: dict[str, Callable[[], object]] = {
            "bare": bare,
            "step": lambda: journal.step(record_id, "FINGERS"),
            "audit": lambda: journal.audit.append("kiosk", "bench", record_id, {"text": PIECE.decode()}),
            "part": lambda: journal.accept(record_id, f"work/bench{next(parts)}", PIECE.decode()),
        }
        took = _p50_ms(acts)
    ratio = "a bare SQLite FULL commit, ms"
    return [
        figure("records.commit_ratio", took["audit"] / took["bare"], "×", 1.5, ratio, took["bare"]),
        figure("records.commit_ratio.step", took["step"] / took["bare"], "×", None, ratio, took["bare"]),
        figure("records.commit_ratio.accept", took["part"] / took["bare"], "×", None, ratio, took["bare"]),
    ]


def seal() -> Figure:
    """COMPLETE to SEALED for a record of 2 MB, on the disk: median."""
    took = []
    with _folder(on_disk=True) as folder, _journal(folder) as (journal, clock, _):
        for _ in range(SEALS):
            record_id = _complete(journal, clock, FINGER_BYTES, PORTRAIT_BYTES)
            began = time.perf_counter()
            path = journal.seal(record_id)
            took.append(1000 * (time.perf_counter() - began))
            size = path.stat().st_size
    say(f"{size} bytes a sealed record")
    return figure("records.seal_ms", statistics.median(took), "ms")


def memory() -> list[Figure]:
    """Resident memory while citizens come and go at the journal, on a virtual clock: its slope."""
    points: list[tuple[int, float]] = []
    process, until_s = psutil.Process(), time.monotonic() + BUDGET_S
    with _folder(on_disk=False) as folder, _journal(folder) as (journal, clock, keys):
        for citizen in range(1, CAMPAIGN + 1):
            _visit(journal, clock, keys, citizen)
            if citizen % SAMPLE_EVERY == 0:
                gc.collect()
                give_back()
                points.append((citizen, process.memory_info().rss / 1e6))
            if time.monotonic() > until_s:
                break
    seen = [point for point in points if point[0] > WARM]
    if len(seen) < 2:
        return [figure("records.rss_slope_mb", None, f"MB per {CAMPAIGN}", 10.0)]
    slope = statistics.linear_regression(*zip(*seen, strict=True)).slope * CAMPAIGN
    say(f"{citizen} of {CAMPAIGN} citizens in {BUDGET_S:g} s; {seen[0][1]:.1f} → {seen[-1][1]:.1f} MB")
    return [
        figure("records.rss_slope_mb", slope, f"MB per {CAMPAIGN}", 10.0),
        figure("records.rss_slope_mb.citizens", citizen, "citizens"),
    ]


FIGURES = (commit, seal, memory)
ABOUT: Mapping[str, About] = {
    "records.commit_ratio": About(
        "an audit row of 600 bytes with its place in the hash chain, p50, over a bare insert of the same"
        " bytes with WAL and synchronous=FULL; `.step`: the note of a step; `.accept`: a part of a draft,"
        " which is an encrypted file of its own, synced with its folder, before the row"
    ),
    "records.seal_ms": About(
        "number, sign, zip, open and compare, encrypt, write, sync, read back, commit, destroy the draft",
        cpu=True,
        simulated="the pictures are random bytes",
    ),
    "records.rss_slope_mb": About(
        f"growth of the resident memory over {CAMPAIGN} citizens by regression, {WARM} left out at the start;"
        f" `.citizens`: how many there was time for in {BUDGET_S:g} s",
        simulated="journal only, small pictures, files in memory, virtual clock",
        limit=64.0,
        limit_of="what a box of 1 GB can spare",
    ),
}


# --- commits ---------------------------------------------------------------------------------------


def _p50_ms(acts: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """In turn, so that whatever else the machine does meets all of them."""
    took: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(COMMITS):
        for name, act in acts.items():
            began = time.perf_counter()
            act()
            took[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(times) for name, times in took.items()}


def _bare(path: Path, data: bytes) -> Callable[[], object]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE bare (n INTEGER PRIMARY KEY, data BLOB)")
    return lambda: connection.execute("INSERT INTO bare (data) VALUES (?)", (data,))


# --- citizens --------------------------------------------------------------------------------------


def _begin(journal: Journal) -> str:
    assignment = {
        "home_unit": "unit-7", "capture_unit": "unit-9", "box": BOX, "epoch": 1, "team": "team-3",
        "shift": "2026-03-02-A", "officers": ["O-1"],
    }  # fmt: skip
    return journal.begin("first_issue", "7/2024", assignment)


def _complete(journal: Journal, clock: VirtualClock, finger_bytes: int, portrait_bytes: int) -> str:
    """A record whose card is live; with `finger_bytes` 0 all fingers are excepted."""
    record_id, at = _begin(journal), stamp(clock())
    scorer = {"name": "preview", "version": "1", "estimate": True}
    for part, value in _words(at).items():
        journal.accept(record_id, part, value)
    for name in FINGERS:
        finger, files = _finger(name, at, scorer, finger_bytes)
        journal.accept(record_id, f"finger/{name}", finger, files)
    scores = {"sharpness": 0.9, "inter_eye_distance_px": 131}
    portrait = {"image": "portrait.jp2", "scores": scores, "scorer": scorer, "attempts": 1, "at": at}
    journal.accept(record_id, "portrait", portrait, {"portrait.jp2": secrets.token_bytes(portrait_bytes)})
    journal.step(record_id, "CONFIRM")
    journal.freeze(record_id, b"card image" * 100)
    sod = secrets.token_bytes(1000)
    journal.keep_sod(record_id, 1, sod)
    journal.issuing(record_id, 1, sha256(sod).digest())
    report = {
        "card_serial": None, "dialect": "bench", "data_groups": {"1": "11" * 32},
        "read_back": True, "passive_authentication": True, "locked": True,
    }  # fmt: skip
    journal.complete(record_id, 1, report)
    return record_id


def _finger(name: str, at: str, scorer: Any, size: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    if not size:
        exception = {"reason": "missing", "permanence": "permanent", "officers": ["O-1", "O-2"], "at": at}
        empty = {"position": name, "image": None, "score": None, "scorer": None, "attempts": []}
        return {**empty, "exception": exception}, {}
    image = f"fingers/{name}.png"
    taken = {"position": name, "image": image, "score": 60, "scorer": scorer, "ppi": 500, "exception": None}
    return {**taken, "attempts": [{"at": at, "score": 60}]}, {image: secrets.token_bytes(size)}


def _words(at: str) -> dict[str, Any]:
    fields = {
        "number": "001304000017", "full_name": "Nguyễn Thị Thử Nghiệm", "birth_date": "2004-05-06",
        "sex": "F", "nationality": "Việt Nam", "residence": "Số 1 đường Thử, phường Mẫu, Hà Nội",
    }  # fmt: skip
    stated = {"source": "registry", "previous": None, "seen": True, "confirmed": True}
    return {
        "subject": {name: {"value": value, **stated} for name, value in fields.items()},
        "proof": {"method": "finger", "finger": "right_index", "score": 61.5, "at": at},
        "consent": {"given": True, "text_version": "2026-1", "at": at},
        "eid_request": {"wanted": False, "at": at},
    }


def _visit(journal: Journal, clock: VirtualClock, keys: Keys, citizen: int) -> None:
    """A record is made, sealed, and its receipt comes."""
    clock.at += VISIT
    journal.seal(_complete(journal, clock, 0, 500))
    file = journal.next_sealed()
    assert file is not None
    head = _head(journal, file.record_id)
    receipt = Receipt(
        ReceiptKind.ACCEPTED,
        file.record_digest,
        file.sealed_digest,
        citizen,
        BOX,
        file.sequence,
        head,
        clock(),
    )
    journal.delivered(file.record_id, sign(receipt, keys.receipt))


def _head(journal: Journal, record_id: str) -> str:
    with journal.shelf.db.reading() as connection:
        row = connection.execute("SELECT audit_head FROM sealed WHERE record_id = ?", (record_id,)).fetchone()
    return str(row[0])


# --- a box -----------------------------------------------------------------------------------------


@contextmanager
def _folder(on_disk: bool) -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108  files that need no disk
    FOLDER.mkdir(parents=True, exist_ok=True)
    place = FOLDER if on_disk or not memory.is_dir() else memory
    with tempfile.TemporaryDirectory(dir=place, prefix="records-box-") as name:
        yield Path(name)


@contextmanager
def _journal(folder: Path) -> Iterator[tuple[Journal, VirtualClock, Keys]]:
    keys, clock = _keys(), VirtualClock()
    with closing(Journal(folder / "records", keys.box, clock)) as journal:
        journal.stock.load(100_000, ["O-1"])
        yield journal, clock, keys


def _keys() -> Keys:
    ca, ca_key = _certificate("Bench CA", None)
    box, box_key = _certificate(BOX, (ca, ca_key))
    receipt, receipt_key = _certificate("Bench receipts", None)
    identities = [pyrage.x25519.Identity.generate() for _ in range(3)]
    return Keys(
        BoxKeys(
            signer=Signer(box_key, box),
            box_ca=ca,
            receipt_certificate=receipt,
            centre_recipients=(str(identities[0].to_public()),),
            identity=identities[1],
            recovery_recipient=str(identities[2].to_public()),
            simulated=True,
        ),
        receipt_key,
    )


def _certificate(
    name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=issuer is not None, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=issuer is None, crl_sign=issuer is None,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key
