"""What the centre does, without HTTP: each public method blocks and is one transaction."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pyrage
from cryptography import x509
from sqlalchemy import Connection, Engine, bindparam, exists, func, insert, or_, select

from centre import chain, db, epochs, held, ingest, league, ledger, papers, receipts, registry, swaps
from centre.archive import Archive
from centre.cases import stamp
from centre.errors import CentreSetupError, Refused
from centre.ingest import Arrival
from centre.inherited import Inherited, Right
from centre.ledger import Issue
from centre.pki import AgeRole, Credential, Pki, Role
from centre.uploads import BoxUploads
from centre.wire import Peer
from firmware.records.format import receipt
from firmware.records.format.enrolment import TLS
from firmware.records.format.errors import SchemaRefused, SealRefused, SignatureRefused
from firmware.records.format.seal import OpenedRecord, open_sealed

ADMITTED_S = 1.0
"""A record comes in ten requests and more; a replaced certificate is refused so much later."""
MAX_ADMITTED = 10_000
log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys and anchors that the running centre works with."""

    document_signer: Credential
    receipts: Credential
    extracts: Credential
    box_ca: x509.Certificate
    identity: pyrage.x25519.Identity
    is_development: bool

    @classmethod
    def read(cls, pki: Pki) -> Keys:
        """Raises CentreSetupError when something is missing."""
        return cls(
            pki.credential(Role.DOCUMENT_SIGNER),
            pki.credential(Role.RECEIPT),
            pki.credential(Role.EXTRACT),
            pki.certificate(Role.BOX_CA),
            pyrage.x25519.Identity.from_str(pki.age_identity(AgeRole.CENTRE)),
            pki.is_development,
        )


class Centre:
    """Registry, signer and ingest over one database and one folder of sealed records."""

    def __init__(
        self, engine: Engine, keys: Keys, archive: Path, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._engine = engine
        self._keys = keys
        self._archive = Archive(archive)
        self._clock = clock
        self._admitted: dict[str, float] = {}

    def was_admitted(self, peer: Peer) -> bool:
        """Whether `admit` let this certificate in less than ADMITTED_S ago; asks nobody."""
        return monotonic() < self._admitted.get(peer.fingerprint, 0.0)

    def admit(self, peer: Peer) -> str:
        """The id of the enrolled box with exactly this certificate, or with one of its TLS keys'.

        Raises Refused(403).
        """
        with db.glancing(self._engine) as connection:
            shown = {"box": peer.box, "shown": peer.fingerprint, "now": stamp(self._clock())}
            enrolled = connection.execute(_BOX, shown).first()
        if enrolled is None:
            raise Refused(403, "box_unknown", "this certificate is not the enrolled one of a box")
        if len(self._admitted) > MAX_ADMITTED:
            self._admitted.clear()
        self._admitted[peer.fingerprint] = monotonic() + ADMITTED_S
        return peer.box

    def health(self) -> dict[str, Any]:
        with db.glancing(self._engine) as connection:
            connection.execute(select(1))
        return {
            "status": "ok",
            "time": stamp(self._clock()),
            "development": self._keys.is_development,
        }

    def person(self, box: str, number: str) -> registry.Person:
        """The person of `number`; the look-up is on record. Raises Refused(404)."""
        with db.writing(self._engine) as connection:
            self._looked_up(connection, box, number)
            person = registry.find(connection, number)
        if person is None:
            raise Refused(404, "person_unknown")
        return person

    def extract(self, box: str) -> bytes:
        """A signed extract of the whole registry; the look-up is on record."""
        with db.writing(self._engine) as connection:
            self._looked_up(connection, box, "*")
        with db.reading(self._engine) as connection:
            persons = registry.everyone(connection)
            return registry.make_extract(persons, self._keys.extracts, self._clock())

    def paper(self, box: str, kind: str) -> bytes:
        """The box's newest assignment or lease as it was signed. Raises Refused(404)."""
        with db.glancing(self._engine) as connection:
            body = papers.newest(connection, kind, box)
        if body is None:
            raise Refused(404, f"no_{kind}")
        return body

    def sign(self, box: str, issue: Issue) -> bytes:
        """EF.SOD for `issue`. Raises Refused(403) for another box's request, Refused(409) epoch_closed
        | epoch_unknown for a box that another has replaced, and as `ledger.grant`.
        """
        if issue.box != box:
            raise Refused(403, "other_box", "the request is in another box's name")
        with chain.turn(self._engine) as turn:
            epochs.need_open(turn.connection, box, issue.epoch)
            return ledger.grant(turn, issue, self._keys.document_signer, self._clock())

    def give_up(self, box: str, record_id: str, attempts: frozenset[int]) -> int:
        """Void the open grants of a record's attempts; how many. Raises Refused(403) for another box's."""
        with chain.turn(self._engine) as turn:
            if not ledger.is_of(turn.connection, record_id, box):
                raise Refused(403, "other_box", "these grants are another box's")
            return ledger.give_up(turn, record_id, attempts, box, self._clock())

    def swap(self, box: str, adoption: Any, handover: Any) -> dict[str, Any]:
        """Take in what `box` says of the place that it took. Raises Refused as `swaps.report`."""
        at = self._clock()
        claim = swaps.Claim.read(adoption, handover, self._keys.box_ca, at)
        with chain.turn(self._engine) as turn:
            answer = swaps.report(turn, box, claim, at)
        log.info("%s in the place of %s: %s", answer["by"], answer["box"], answer["outcome"])
        return answer

    def decide(self, record_digest: str, accept: bool, by: str, why: str) -> None:
        """A person's word on a held record. Raises CentreSetupError as `held.decide`."""
        with db.reading(self._engine) as connection:
            row = held.find(connection, record_digest)
            sealed = connection.execute(_SEALED, {"digest": record_digest}).scalars().first()
        if sealed is None:
            raise CentreSetupError(f"record {record_digest} has no sealed file")
        manifest = self._archived(record_digest, sealed, row.received_at)
        with chain.turn(self._engine) as turn:
            held.decide(turn, record_digest, manifest, accept, by, why, self._clock())

    def take_in(self, box: str, uploads: BoxUploads, upload: str, sealed_digest: str) -> bytes:
        """The signed receipt (JSON) for the record in a completed upload; the same on each repeat.

        Raises Refused: 404 upload_unknown, 422 sealed_digest | seal | signature | schema | simulated,
        403 other_box. A refused upload is forgotten; the record stays on the box.
        """
        known = self.receipt(box, sealed_digest=sealed_digest)
        if known is None:
            try:
                known = self._receive(box, uploads, upload, sealed_digest)
            except Refused:
                uploads.delete_upload(upload)
                raise
        uploads.delete_upload(upload)
        return known

    def accept(self, opened: OpenedRecord, sealed_digest: str, by: str | None = None) -> bytes:
        """One transaction: the verdict on a record that held, its place in the ledger, the signed receipt.

        `by` is the box that brought it, when that is not the one that made it.
        """
        arrival = Arrival.of(opened, sealed_digest, self._clock(), by or opened.box)
        with chain.turn(self._engine) as turn:
            known = receipts.find(turn.connection, opened.box, sealed_digest=sealed_digest)
            if known is not None:
                return known
            verdict = ingest.take_in(turn, arrival)
            body = receipt.sign(verdict, self._keys.receipts.key).to_json()
            digests = {"record_digest": opened.record_digest, "sealed_digest": sealed_digest}
            receipts.keep(turn.connection, body, **digests)
        log.info("record %s of %s: %s", opened.record_digest, opened.box, verdict.kind)
        return body

    def receipt(self, box: str, **digests: str) -> bytes | None:
        """The receipt of this box's record, or of one whose place it took, by either digest or both."""
        with db.glancing(self._engine) as connection:
            return receipts.find(connection, box, **digests)

    def counts(self) -> dict[str, Any]:
        """Records by status, by box and by capturing unit (most first), and grants by state."""
        records = db.records.c
        with db.reading(self._engine) as connection:
            return {
                "records": _tally(connection, records.status),
                "boxes": _tally(connection, records.box),
                "units": _tally(connection, records.unit),
                "held": _tally(connection, records.reason, records.status == "HELD"),
                "grants": ledger.counts(connection),
            }

    def rebuild(self) -> tuple[int, int]:
        """Make the league's rows again from the archive; accepted records, and rows that were otherwise.

        Raises CentreSetupError when a sealed file is missing, does not open or is another record's.
        """
        with db.writing(self._engine) as connection:
            return league.rebuild(connection, self._archived)

    def _archived(self, record_digest: str, sealed_digest: str, received_at: str) -> ingest.Manifest:
        at = datetime.fromisoformat(received_at)
        digests = record_digest, sealed_digest
        return self._archive.manifest(digests, self._keys.identity, self._keys.box_ca, at)

    def _receive(self, box: str, uploads: BoxUploads, upload: str, sealed_digest: str) -> bytes:
        path = uploads.completed(upload)
        sealed = _read(path)
        if path is None or sealed is None:
            return self._taken_meanwhile(box, sealed_digest)
        if hashlib.sha256(sealed).hexdigest() != sealed_digest:
            raise Refused(422, "sealed_digest", "the file that arrived has another digest")
        opened = self._open(sealed)
        if opened.box != box and not self._speaks_for(box, opened):
            raise Refused(403, "other_box", "the record is another box's")
        if opened.manifest["simulated"] and not self._keys.is_development:
            raise Refused(422, "simulated", "a simulated record is nothing for a production centre")
        if not self._archive.keep(path, sealed_digest):
            return self._taken_meanwhile(box, sealed_digest)
        return self.accept(opened, sealed_digest, box)

    def _speaks_for(self, box: str, opened: OpenedRecord) -> bool:
        with db.reading(self._engine) as connection:
            right = Inherited(connection, box).right(opened.box, opened.manifest["assignment"]["epoch"])
            return right is not Right.NONE

    def _taken_meanwhile(self, box: str, sealed_digest: str) -> bytes:
        """The receipt, when another process has just taken this upload in and forgotten it."""
        known = self.receipt(box, sealed_digest=sealed_digest)
        if known is None:
            raise Refused(404, "upload_unknown", "no finished upload of this box has that id")
        return known

    def _open(self, sealed: bytes) -> OpenedRecord:
        try:
            return open_sealed(sealed, [self._keys.identity], self._keys.box_ca, self._clock())
        except SealRefused as exc:
            raise Refused(422, "seal", str(exc)) from exc
        except SignatureRefused as exc:
            raise Refused(422, "signature", str(exc)) from exc
        except SchemaRefused as exc:
            raise Refused(422, "schema", str(exc)[:2000]) from exc

    def _looked_up(self, connection: Connection, box: str, number: str) -> None:
        row = {"at": stamp(self._clock()), "box": box, "number": number}
        connection.execute(insert(db.lookups).values(**row))


def _read(path: Path | None) -> bytes | None:
    try:
        return path.read_bytes() if path else None
    except FileNotFoundError:
        return None


_SHOWN = db.box_certificates.c
_OF_TLS_KEY = exists().where(
    _SHOWN.box == db.boxes.c.box,
    _SHOWN.identity_sha256 == db.boxes.c.certificate_sha256,
    _SHOWN.kind == TLS,
    _SHOWN.certificate_sha256 == bindparam("shown"),
    _SHOWN.until > bindparam("now"),
)
_BOX = select(db.boxes.c.box).where(
    db.boxes.c.box == bindparam("box"),
    or_(db.boxes.c.certificate_sha256 == bindparam("shown"), _OF_TLS_KEY),
)
_SEALED = select(db.receipts.c.sealed_digest).where(db.receipts.c.record_digest == bindparam("digest"))


def _tally(connection: Connection, column: Any, *where: Any) -> dict[str, int]:
    query = select(column, func.count()).where(*where).group_by(column)
    rows = connection.execute(query.order_by(func.count().desc(), column))
    return {str(row[0]): int(row[1]) for row in rows}
