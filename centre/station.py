"""A centre's folder: its keys, its database, its uploads and records, and what a box gets of it.

<folder>/pki/        keys and certificates (development)
<folder>/centre.db   the database, unless a URL names another
<folder>/uploads/    half-sent records, a folder for each box
<folder>/records/    sealed records as they came
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine
from starlette.applications import Starlette

from centre import boxes, chain, db, papers, pki, swaps
from centre.app import make_app
from centre.chain import Turn
from centre.core import Centre, Keys, utc_now
from centre.enrolment import Registrar, anchors
from centre.errors import CentreSetupError
from centre.files import make_folder, write_new
from centre.files_app import FilesApp
from centre.papers import Place, Terms
from centre.passphrase import locked
from centre.pki import AgeRole, Pki, Role
from firmware.records.format.enrolment import Enrolment


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
        with self.opened() as engine, db.writing(engine) as connection:
            epoch = boxes.enrol(connection, box, credential.certificate, now)
            make_folder(out, mode=0o700)
            write_new(out / "box.key.pem", credential.key_pem, mode=0o600)
            write_new(out / "box.crt.pem", credential.certificate_pem)
            for name, text in anchors(self.pki).items():
                write_new(out / name, text.encode())
            identity = {"box": box, "epoch": epoch, "development": self.pki.is_development}
            write_new(out / "identity.json", (json.dumps(identity) + "\n").encode())

    def sign_box(self, request: bytes, now: datetime | None = None) -> Enrolment:
        """Enrol the box of a request that a person vouches for. Raises CentreSetupError."""
        with self.opened() as engine:
            return self.registrar(engine, lambda: now or utc_now()).sign_box(request)

    def enrolment_code(self, box: str, hours: float, now: datetime | None = None) -> str:
        """A one-time code by which `box` enrols itself. Raises CentreSetupError for a bad id."""
        with self.opened() as engine:
            return self.registrar(engine, lambda: now or utc_now()).code(box, hours)

    def registrar(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> Registrar:
        return Registrar(engine, self.pki, clock)

    def assign(self, box: str, place: Place, new_epoch: bool = False, now: datetime | None = None) -> bytes:
        """The signed assignment of `box` to `place`; elsewhere than before, it begins a new epoch.

        Raises CentreSetupError for a box that is neither enrolled nor expected by a one-time code.
        """
        with self._deciding() as turn:
            return papers.assign(turn, self._orders, box, place, now or utc_now(), new_epoch)

    def order_swap(self, spare: str, box: str, now: datetime | None = None) -> bytes:
        """The signed order that `spare` takes the place of `box`. Raises CentreSetupError."""
        with self._deciding() as turn:
            return papers.order_swap(turn, self._orders, spare, box, now or utc_now())

    def lease(self, holder: str, terms: Terms, pool: str | None = None, now: datetime | None = None) -> bytes:
        """The signed lease for a box's id, or for `token:…` in `pool`. Raises CentreSetupError."""
        with self._deciding() as turn:
            return papers.lease(turn, self._orders, holder, terms, now or utc_now(), pool)

    def retire_box(self, box: str, proof: bytes | None = None, now: datetime | None = None) -> None:
        """Let `box` in no more; `proof` is its signed Retirement. Raises CentreSetupError."""
        with self._deciding() as turn:
            swaps.retire(turn, box, proof, self.pki.certificate(Role.BOX_CA), now or utc_now())

    def recovery(self, out: Path) -> str:
        """Write the station's recovery identity as an age file; the 12 random digits that open it.

        They are said once and kept nowhere. Raises CentreSetupError when `out` exists.
        """
        digits = f"{secrets.randbelow(10**12):012}"
        secret = f"{self.pki.age_identity(AgeRole.RECOVERY)}\n".encode()
        write_new(out, locked(secret, digits), mode=0o600)
        return digits

    @property
    def _orders(self) -> ec.EllipticCurvePrivateKey:
        return self.pki.credential(Role.ORDERS).key

    @contextmanager
    def _deciding(self) -> Iterator[Turn]:
        with self.opened() as engine, chain.turn(engine) as turn:
            yield turn

    def centre(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> Centre:
        make_folder(self.folder / "records", mode=0o700)
        return Centre(engine, Keys.read(self.pki), self.folder / "records", clock)

    def app(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> Starlette:
        """The ASGI application over this folder."""
        files = FilesApp(self.folder / "uploads")
        return make_app(self.centre(engine, clock), files, self.registrar(engine, clock))
