"""A centre's folder: its keys, its database, its uploads and records, and what a box gets of it.

<folder>/pki/        keys and certificates (development)
<folder>/centre.db   the database, unless a URL names another
<folder>/uploads/    half-sent records, a folder for each box
<folder>/records/    sealed records as they came
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import Engine, delete, insert, select
from starlette.applications import Starlette

from centre import db, pki
from centre.app import make_app
from centre.cases import stamp
from centre.core import Centre, Keys, utc_now
from centre.errors import CentreSetupError
from centre.files import make_folder, write_new
from centre.files_app import FilesApp
from centre.pki import AgeRole, Pki, Role

ANCHORS = {  # what a box trusts: file name on the box → certificate of the centre
    "tls-ca.pem": Role.TLS_CA,
    "csca.pem": Role.CSCA,
    "box-ca.pem": Role.BOX_CA,
    "receipt.pem": Role.RECEIPT,
    "extract.pem": Role.EXTRACT,
    "orders.pem": Role.ORDERS,
}
FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class Station:
    """One centre on one disk. `database_url`, when given, is a SQLAlchemy URL."""

    folder: Path
    database_url: str | None = None

    @property
    def pki(self) -> Pki:
        return Pki(self.folder / "pki")

    def init(self, now: datetime | None = None) -> None:
        """Make keys, valid from `now`, and the database. Raises CentreSetupError if it has keys."""
        if (self.folder / "pki").exists():
            raise CentreSetupError(f"{self.folder} is a centre already; nothing was changed")
        make_folder(self.folder, mode=0o700)
        pki.create(self.folder / "pki", now)
        self.engine().dispose()

    def engine(self) -> Engine:
        """The open database. Raises CentreSetupError when the folder is no centre."""
        if not self.pki.certificate_path(Role.BOX_CA).exists():
            raise CentreSetupError(f"{self.folder} is no centre yet: run `kiosk-centre init` on it")
        return db.open_database(self.database_url or f"sqlite:///{self.folder / 'centre.db'}")

    @contextmanager
    def opened(self) -> Iterator[Engine]:
        """`engine`, whose connections are closed at the end of the block."""
        engine = self.engine()
        try:
            yield engine
        finally:
            engine.dispose()

    def enrol_box(self, box: str, out: Path, now: datetime | None = None) -> None:
        """Give `box` a key and certificate and write into `out` exactly what it needs.

        Enrolling a box again replaces its certificate: the old one no longer opens anything.
        Raises CentreSetupError for a bad id or when `out` holds an identity already.
        """
        now = now or utc_now()
        credential = pki.issue_box(self.pki, box, now)
        make_folder(out, mode=0o700)
        write_new(out / "box.key.pem", credential.key_pem, mode=0o600)
        write_new(out / "box.crt.pem", credential.certificate_pem)
        for name, role in ANCHORS.items():
            write_new(out / name, self.pki.certificate_path(role).read_bytes())
        for age in AgeRole:
            write_new(out / f"{age}.txt", f"{self.pki.age_recipient(age)}\n".encode())
        identity = {"box": box, "epoch": FIRST_EPOCH, "development": self.pki.is_development}
        write_new(out / "identity.json", (json.dumps(identity) + "\n").encode())
        fingerprint = credential.certificate.fingerprint(SHA256()).hex()
        with self.opened() as engine, db.writing(engine) as connection:
            connection.execute(delete(db.boxes).where(db.boxes.c.box == box))
            connection.execute(
                insert(db.boxes).values(box=box, certificate_sha256=fingerprint, enrolled_at=stamp(now))
            )
            known = select(db.epochs).where(db.epochs.c.box == box)
            if connection.execute(known).first() is None:
                connection.execute(insert(db.epochs).values(box=box, epoch=FIRST_EPOCH))

    def centre(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> Centre:
        make_folder(self.folder / "records", mode=0o700)
        return Centre(engine, Keys.read(self.pki), self.folder / "records", clock)

    def app(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> Starlette:
        """The ASGI application over this folder."""
        return make_app(self.centre(engine, clock), FilesApp(self.folder / "uploads"))
