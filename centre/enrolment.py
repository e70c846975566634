"""Certificates for boxes: the first one, its renewal, and the short-lived ones of their TLS keys.

A box's first request comes by hand (`kiosk-centre sign-box`) or over the network with a one-time code. From
then on the box signs for itself. Each answer is kept: asked the same again, the centre says the same, so a
lost answer costs nothing and a replayed request prolongs nothing.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, Engine, insert, select, update

from centre import boxes, db, epochs, pki
from centre.cases import stamp
from centre.errors import CentreSetupError, Refused
from centre.pki import TLS_USES, AgeRole, Pki, Role
from firmware.records.format.enrolment import TLS, CertificateRequest, Enrolment, requested
from firmware.records.format.errors import FormatError

ANCHORS = {  # what a box trusts: file name on the box → certificate of the centre
    "tls-ca.pem": Role.TLS_CA,
    "csca.pem": Role.CSCA,
    "box-ca.pem": Role.BOX_CA,
    "receipt.pem": Role.RECEIPT,
    "extract.pem": Role.EXTRACT,
    "orders.pem": Role.ORDERS,
}
TLS_DAYS = 7
CODE_BYTES = 20
"""160 random bits: nobody guesses one, however often he asks."""


def anchors(keys: Pki) -> dict[str, str]:
    """Whom a box trusts and whom it writes to, as files of its folder."""
    certificates = {name: keys.certificate_pem(role).decode() for name, role in ANCHORS.items()}
    return certificates | {f"{role}.txt": f"{keys.age_recipient(role)}\n" for role in AgeRole}


@dataclass(frozen=True)
class Registrar:
    """Signs for the box CA, over one database."""

    engine: Engine
    pki: Pki
    clock: Callable[[], datetime]

    def code(self, box: str, hours: float) -> str:
        """A one-time code for `box` to enrol itself with; it is said once and kept as its hash."""
        if not pki.BOX_ID.fullmatch(box):
            raise CentreSetupError(f"{box!r} is no box id: use A-Z, 0-9 and hyphens, as in BOX-01")
        made = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode()
        until = stamp(self.clock() + timedelta(hours=hours))
        row = {"code_sha256": _digest(made.encode()), "box": box, "until": until, "used_at": ""}
        with db.writing(self.engine) as connection:
            connection.execute(insert(db.enrolment_codes).values(**row))
        return made

    def sign_box(self, request: bytes) -> Enrolment:
        """Enrol the box of a request that a person vouches for. Raises CentreSetupError."""
        try:
            box, key = requested(request)
        except FormatError as exc:
            raise CentreSetupError(str(exc)) from exc
        with db.writing(self.engine) as connection:
            return self._enrolled(connection, box, key)

    def enrol(self, code: str, request: bytes) -> Enrolment:
        """Enrol the box that the code is for; the same code and key again get the same certificate.

        Raises Refused: 403 code_unknown | code_over | code_used, 400 bad_request.
        """
        digest, table = _digest(code.encode()), db.enrolment_codes
        with db.deciding(self.engine) as (connection, _):
            row = connection.execute(select(table).where(table.c.code_sha256 == digest)).one_or_none()
            if row is None:
                raise Refused(403, "code_unknown", "no box is enrolled by this code")
            key = _asked(request, row.box)
            if row.used_at:
                return self._again(connection, row.box, row.certificate, key)
            if row.until <= stamp(self.clock()):
                raise Refused(403, "code_over", "the code's time is over")
            made = self._enrolled(connection, row.box, key)
            used = {"used_at": stamp(self.clock()), "certificate": made.files["box.crt.pem"].encode()}
            connection.execute(update(table).where(table.c.code_sha256 == digest).values(**used))
            return made

    def certify(self, signed: bytes) -> bytes:
        """The certificate (PEM) that a box asks for: for a TLS key, or its identity anew.

        Raises Refused: 400 bad_request, 403 signature | box_unknown.
        """
        try:
            asked, own = CertificateRequest.read(signed, self.pki.certificate(Role.BOX_CA), self.clock())
        except FormatError as exc:
            raise Refused(403, "signature", str(exc)) from exc
        key, fingerprint = _asked(asked.request, asked.box), own.fingerprint(SHA256()).hex()
        with db.deciding(self.engine) as (connection, _):
            kept = _kept(connection, asked.kind, fingerprint, key)
            if kept is not None:
                return kept
            if boxes.fingerprint(connection, asked.box) != fingerprint:
                raise Refused(403, "box_unknown", "this certificate is not the enrolled one of a box")
            return self._certified(connection, asked.kind, asked.box, fingerprint, key)

    # --- inside --------------------------------------------------------------------------------------

    def _certified(
        self, connection: Connection, kind: str, box: str, fingerprint: str, key: ec.EllipticCurvePublicKey
    ) -> bytes:
        now = self.clock()
        short = kind == TLS
        made = (
            pki.certify_box(self.pki, box, key, now, TLS_DAYS, TLS_USES)
            if short
            else pki.certify_box(self.pki, box, key, now)
        )
        pem = made.public_bytes(Encoding.PEM)
        row = {
            "identity_sha256": fingerprint,
            "kind": kind,
            "key_sha256": _key_digest(key),
            "box": box,
            "certificate_sha256": made.fingerprint(SHA256()).hex(),
            "certificate": pem,
            "until": stamp(made.not_valid_after_utc),
        }
        connection.execute(insert(db.box_certificates).values(**row))
        if not short:
            boxes.enrol(connection, box, made, now)
        return pem

    def _enrolled(self, connection: Connection, box: str, key: ec.EllipticCurvePublicKey) -> Enrolment:
        now = self.clock()
        certificate = pki.certify_box(self.pki, box, key, now)
        epoch = boxes.enrol(connection, box, certificate, now)
        return self._said(box, epoch, certificate.public_bytes(Encoding.PEM))

    def _again(
        self, connection: Connection, box: str, pem: bytes, key: ec.EllipticCurvePublicKey
    ) -> Enrolment:
        certificate = x509.load_pem_x509_certificate(pem)
        current = boxes.fingerprint(connection, box) == certificate.fingerprint(SHA256()).hex()
        if certificate.public_key() != key or not current:
            raise Refused(403, "code_used", "this code has enrolled its box")
        return self._said(box, epochs.working(connection, box), pem)

    def _said(self, box: str, epoch: int, pem: bytes) -> Enrolment:
        return Enrolment(box, epoch, {"box.crt.pem": pem.decode(), **anchors(self.pki)})


def _asked(request: bytes, box: str) -> ec.EllipticCurvePublicKey:
    try:
        return requested(request, box)[1]
    except FormatError as exc:
        raise Refused(400, "bad_request", str(exc)) from exc


def _kept(
    connection: Connection, kind: str, fingerprint: str, key: ec.EllipticCurvePublicKey
) -> bytes | None:
    """What was answered to this very question."""
    table = db.box_certificates.c
    query = select(table.certificate).where(
        table.identity_sha256 == fingerprint, table.kind == kind, table.key_sha256 == _key_digest(key)
    )
    kept: bytes | None = connection.execute(query).scalars().first()
    return kept


def _key_digest(key: ec.EllipticCurvePublicKey) -> str:
    return _digest(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()
