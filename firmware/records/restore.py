"""A swap outlives its database: the papers lie beside it as files, and come back when it is rebuilt.

    <records>/papers/<kind>-<box>-<epoch>.json   {"body", "evidence", "place", …}: base64 of what was signed

Without them a rebuilt box would issue again in an epoch that it gave away.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records import disk, sidecar
from firmware.records.carried import BOX_CERTIFICATE, Carried
from firmware.records.database import Database
from firmware.records.errors import StoreError
from firmware.records.fence import HANDED_OVER
from firmware.records.handover import GIVEN, Paper, papers
from firmware.records.shelf import CARRIED
from firmware.records.sidecar import HEAD, SEALED, Head

PAPERS = "papers"


def keep_papers(db: Database, records: Path) -> None:
    """Write the file of every paper that has none; durable on return."""
    rows, folder = papers(db), records / PAPERS
    if rows and not folder.is_dir():
        disk.make_folder(folder)
    for row in rows:
        path = folder / f"{row.kind}-{row.box}-{row.epoch}.json"
        data = json.dumps(_about(row), sort_keys=True).encode()
        if not path.is_file() or disk.read(path) != data:
            disk.write(path, data)


def restore(db: Database, records: Path, carried: Carried) -> int:
    """Rows for the papers and the carried files that lie there; how many papers came back.

    What cannot be read stays where it is.
    """
    found = [
        paper for path in sorted((records / PAPERS).glob("*.json")) if (paper := _paper(path)) is not None
    ]
    with db.transaction() as connection:
        for paper in found:
            connection.execute(
                "INSERT INTO handover (kind, box, epoch, body, evidence, place, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (paper.kind, paper.box, paper.epoch, paper.body, paper.evidence, paper.place, paper.at),
            )
            if paper.kind == GIVEN:
                gone = json.loads(paper.body)["handover"]["drafts"]
                connection.executemany(
                    "UPDATE record SET is_open = 0, waiting_reason = NULL, waiting_until = NULL,"
                    " ended_reason = ? WHERE id = ?",
                    [(HANDED_OVER, record_id) for record_id in gone],
                )
        for below in sorted((records / CARRIED).glob(f"*/{BOX_CERTIFICATE}")):
            carried.add(_heads(below))
    return len(found)


def _about(row: Paper) -> dict[str, Any]:
    texts = {name: getattr(row, name) for name in ("kind", "box", "epoch", "at")}
    blobs = {name: getattr(row, name) for name in ("body", "evidence", "place")}
    return texts | {name: base64.b64encode(data).decode() if data else None for name, data in blobs.items()}


def _paper(path: Path) -> Paper | None:
    try:
        about = json.loads(disk.read(path))
        blobs = {
            name: base64.b64decode(about[name]) if about[name] else None for name in ("evidence", "place")
        }
        body = base64.b64decode(about["body"])
        return Paper(
            0,
            about["kind"],
            about["box"],
            int(about["epoch"]),
            body,
            **blobs,
            at=about["at"],
            reported_at=None,
        )
    except (StoreError, ValueError, KeyError, TypeError):
        return None


def _heads(certificate: Path) -> list[Head]:
    """The sidecars that this box signed, of sealed files that are still to be sent."""
    try:
        key = x509.load_der_x509_certificate(disk.read(certificate)).public_key()
    except (StoreError, ValueError):
        return []
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return []
    heads = []
    for path in sorted(certificate.parent.glob(f"*{HEAD}")):
        try:
            head = sidecar.read(path, key)
        except StoreError:
            continue
        if path.with_name(f"{head.stem}{SEALED}").is_file():
            heads.append(head)
    return heads
