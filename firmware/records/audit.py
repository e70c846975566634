"""The audit log: a hash chain with signed checkpoints; its head travels in each record and in its receipt."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records.clock import JournalClock
from firmware.records.database import Database, Readable
from firmware.records.format.signing import Signer

GENESIS = "0" * 64
CHECKPOINT_EVERY = 256
SIGNED_ACTS = ("seal", "rebuilt")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """Row `n` (or the one that should stand there) is not what was written."""

    n: int
    what: str


class Audit:
    """Rows (actor, act, record, moment, detail), each with the digest of the one before it."""

    def __init__(self, db: Database, signer: Signer, clock: JournalClock) -> None:
        self._db = db
        self._signer = signer
        self._clock = clock

    def append(
        self, actor: str, act: str, record_id: str | None = None, detail: Mapping[str, Any] | None = None
    ) -> str:
        """Add a row, in the caller's transaction if there is one; return the new head.

        `actor` is an officer's id or a part of the box, never a citizen. Raises ValueError when `detail`
        holds a personal number: the log is not encrypted.
        """
        text = rfc8785.dumps(dict(detail or {})).decode()
        if _NUMBER.search(f"{actor} {text}"):
            raise ValueError("an audit row must not hold a personal number")
        with self._db.transaction() as connection:
            n, previous = self._tip(connection)
            row = {
                "n": n + 1,
                "at": self._clock.stamp(),
                "actor": actor,
                "act": act,
                "record_id": record_id,
                "detail": text,
                "previous": previous,
            }
            digest = _digest(row)
            connection.execute(
                "INSERT INTO audit VALUES (:n, :at, :actor, :act, :record_id, :detail, :previous, :digest)",
                {**row, "digest": digest},
            )
            connection.execute(
                "INSERT INTO audit_tip VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET n = excluded.n,"
                " digest = excluded.digest",
                (n + 1, digest),
            )
            if (n + 1) % CHECKPOINT_EVERY == 0:
                self.checkpoint()
        return digest

    def head(self) -> str:
        """The digest of the newest row; all zeros when there is none."""
        with self._db.reading() as connection:
            return self._tip(connection)[1]

    def details(self, act: str) -> list[str]:
        """The details (JSON) of every row of this act, oldest first."""
        with self._db.reading() as connection:
            rows = connection.execute("SELECT detail FROM audit WHERE act = ? ORDER BY n", (act,)).fetchall()
        return [row["detail"] for row in rows]

    def checkpoint(self) -> None:
        """Sign the head with the box's key; does nothing when it is signed already."""
        with self._db.transaction() as connection:
            n, digest = self._tip(connection)
            at = self._clock.stamp()
            signature = self._signer.key.sign(
                _statement(self._signer.box, n, digest, at), ec.ECDSA(hashes.SHA256())
            )
            connection.execute(
                "INSERT INTO checkpoint VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (n, digest, at, signature),
            )

    def verify(self) -> list[AuditProblem]:
        """See `verify`."""
        return verify(self._db, self._signer.box, self._signer.key.public_key())

    def _tip(self, connection: sqlite3.Connection) -> tuple[int, str]:
        row = connection.execute("SELECT n, digest FROM audit ORDER BY n DESC LIMIT 1").fetchone()
        return (row["n"], row["digest"]) if row else (0, GENESIS)


def verify(db: Readable, box: str, key: ec.EllipticCurvePublicKey) -> list[AuditProblem]:
    """Every row, checkpoint and head that does not hold or is missing; empty when the log is whole.

    A row missing at the end is found by the mark of the newest one; a tail that somebody cut off together
    with its mark, by the heads that the sealed records carry.
    """
    with db.reading() as connection:
        tip = connection.execute("SELECT n, digest FROM audit_tip").fetchone()
        heads = connection.execute(
            "SELECT sequence, audit_head FROM sealed WHERE rebuilt = 0 ORDER BY sequence"
        ).fetchall()
        signed = connection.execute("SELECT * FROM checkpoint ORDER BY n").fetchall()
        rows = connection.execute("SELECT * FROM audit ORDER BY n").fetchall()  # last: it only grows
    digests = {0: GENESIS, **{row["n"]: row["digest"] for row in rows}}
    known, with_checkpoint = set(digests.values()), {row["n"] for row in signed}
    newest = tip["n"] if tip else 0
    return [
        *_broken_rows(rows),
        *_ended_early(rows, tip, digests),
        *(
            AuditProblem(row["n"], "its checkpoint is missing")
            for row in rows
            if row["n"] <= newest and _is_signed(row) and row["n"] not in with_checkpoint
        ),
        *(
            AuditProblem(row["n"], "the checkpoint does not match its row")
            for row in signed
            if digests.get(row["n"]) != row["digest"] or not _holds(row, box, key)
        ),
        *(
            AuditProblem(len(rows) + 1, f"the head in record {head['sequence']} is not in the log")
            for head in heads
            if head["audit_head"] not in known
        ),
    ]


def _ended_early(
    rows: list[sqlite3.Row], tip: sqlite3.Row | None, digests: Mapping[int, str]
) -> list[AuditProblem]:
    """The row that was the newest when `tip` was read must be there: the log only grows."""
    if tip is None:
        return [AuditProblem(len(rows), "the mark of the newest row is missing")] if rows else []
    if tip["n"] not in digests:
        return [AuditProblem(tip["n"], "a row is missing")]
    if digests[tip["n"]] != tip["digest"]:
        return [AuditProblem(tip["n"], "is not the row that was marked as the newest")]
    return []


def _is_signed(row: sqlite3.Row) -> bool:
    """Whether a checkpoint is made with this row."""
    return row["n"] % CHECKPOINT_EVERY == 0 or row["act"] in SIGNED_ACTS


def _holds(row: sqlite3.Row, box: str, key: ec.EllipticCurvePublicKey) -> bool:
    statement = _statement(box, row["n"], row["digest"], row["at"])
    try:
        key.verify(row["signature"], statement, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _broken_rows(rows: list[sqlite3.Row]) -> list[AuditProblem]:
    problems = []
    expected, previous = 1, GENESIS
    for row in rows:
        if row["n"] != expected:
            problems.append(AuditProblem(expected, "a row is missing"))
        elif row["previous"] != previous:
            problems.append(AuditProblem(row["n"], "does not follow the row before it"))
        if _digest({key: row[key] for key in row.keys() if key != "digest"}) != row["digest"]:  # noqa: SIM118
            problems.append(AuditProblem(row["n"], "was changed"))
        expected, previous = row["n"] + 1, row["digest"]
    return problems


def _digest(row: Mapping[str, Any]) -> str:
    return sha256(json.dumps(dict(row), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _statement(box: str, n: int, digest: str, at: str) -> bytes:
    return rfc8785.dumps(
        {"type": "idkiosk-audit-checkpoint/1", "box": box, "n": n, "digest": digest, "at": at}
    )
