"""Which boxes the centre knows, each by the one certificate that opens anything for it."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import Connection, delete, insert, select

from centre import db, epochs
from centre.cases import stamp
from centre.errors import CentreSetupError


def enrol(connection: Connection, box: str, certificate: x509.Certificate, at: datetime) -> int:
    """Let `box` in with exactly this certificate, any former one no longer; the epoch that it works under."""
    remove(connection, box)
    fingerprint = certificate.fingerprint(SHA256()).hex()
    connection.execute(
        insert(db.boxes).values(box=box, certificate_sha256=fingerprint, enrolled_at=stamp(at))
    )
    return epochs.working(connection, box)


def remove(connection: Connection, box: str) -> bool:
    """Let `box` in no more; whether it was there."""
    return connection.execute(delete(db.boxes).where(db.boxes.c.box == box)).rowcount > 0


def fingerprint(connection: Connection, box: str) -> str | None:
    """SHA-256 (hex) of the certificate that is let in; None: no such box is."""
    query = select(db.boxes.c.certificate_sha256).where(db.boxes.c.box == box)
    found: str | None = connection.execute(query).scalars().first()
    return found


def need_expected(connection: Connection, box: str, at: datetime) -> None:
    """Raises CentreSetupError unless `box` is let in, or a one-time code is out by which it will be."""
    code = db.enrolment_codes.c
    out = select(code.box).where(code.box == box, code.used_at == "", code.until > stamp(at))
    if connection.execute(out).first() is None:
        need_enrolled(connection, box)


def need_enrolled(connection: Connection, box: str) -> None:
    """Raises CentreSetupError for a box that is not let in."""
    if connection.execute(select(db.boxes.c.box).where(db.boxes.c.box == box)).first() is None:
        raise CentreSetupError(f"{box} is not enrolled here, or was retired")
