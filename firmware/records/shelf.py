"""What a report reads: one box's database and folders, from its journal or beside a running kiosk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records.database import Readable, ReadOnlyDatabase
from firmware.records.format.errors import SignatureRefused
from firmware.records.format.signing import common_name

DATABASE, DRAFTS, OUTBOX, CARRIED = "journal.db", "drafts", "outbox", "carried"


@dataclass(frozen=True, slots=True)
class Shelf:
    """`certificate` is the box's: no secret is needed to read a report."""

    db: Readable
    folder: Path
    certificate: x509.Certificate

    @property
    def box(self) -> str:
        return common_name(self.certificate)

    @property
    def key(self) -> ec.EllipticCurvePublicKey:
        """What the box's sidecars and checkpoints are verified with. Raises SignatureRefused."""
        key = self.certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SignatureRefused("the box certificate holds no elliptic-curve key")
        return key

    @property
    def drafts(self) -> Path:
        return self.folder / DRAFTS

    @property
    def outbox(self) -> Path:
        return self.folder / OUTBOX


@contextlib.contextmanager
def beside(folder: Path, certificate: x509.Certificate) -> Iterator[Shelf]:
    """Open the store in `folder` for reading only; a kiosk may hold it and goes on.

    Raises StoreMissing, StoreDamaged, StoreError (also for the schema of another version).
    """
    with contextlib.closing(ReadOnlyDatabase(folder / DATABASE)) as db:
        yield Shelf(db, folder, certificate)
