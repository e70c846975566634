"""What was accepted, by unit and business day, and how good its data is: right, complete, clean, alive.

A business day begins at 05:00 in Vietnam: teams work from 06:00 until two or three the next morning, and
what a night shift finishes belongs to the evening it began on. The day is that of the record's completion on
the box, not of its arrival: a box that was offline for three days counts on the days it worked.

`measures` holds one row a record; only those that are accepted count. The rows say nothing that the sealed
files do not: `rebuild` makes them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from centre import db
from firmware.records.format.check import parse_moment
from firmware.records.format.data_quality import VIRTUES, measure
from firmware.records.format.receipt import ReceiptKind
from firmware.records.format.rules import VIETNAM

Manifest = Mapping[str, Any]
DAY_BEGINS = timedelta(hours=5)
KEYS = ("unit", "day")


def business_day(moment: str) -> str:
    """YYYY-MM-DD of the business day in Vietnam that a UTC moment of a record belongs to."""
    at = parse_moment(moment)
    if at is None:
        raise ValueError("no UTC moment")
    return (at.astimezone(VIETNAM) - DAY_BEGINS).date().isoformat()


def row(manifest: Manifest, record_digest: str) -> dict[str, Any]:
    """The record's row of `measures`; of a manifest that the schema finds no problem in."""
    quality = measure(manifest)
    parts = {virtue: getattr(quality, virtue) for virtue in VIRTUES}
    return {
        "record_digest": record_digest,
        "unit": manifest["assignment"]["capture_unit"],
        "day": business_day(manifest["completed_at"]),
        **{f"{virtue}_made": part.made for virtue, part in parts.items()},
        **{f"{virtue}_held": part.made - len(part.failed) for virtue, part in parts.items()},
    }


def enter(connection: Connection, entry: Mapping[str, Any]) -> None:
    connection.execute(_ENTER, dict(entry))


def table(connection: Connection, by: Sequence[str], day: str | None = None) -> list[dict[str, Any]]:
    """Accepted records and the four shares (0..100, rounded down) for each of `by`, the most first.

    `by` is a choice of KEYS; with `day`, only that business day. Within a day the first has `rank` 1.
    """
    columns = [db.measures.c[key] for key in by]
    query = (
        select(*columns, func.count().label("accepted"), *_SUMS)
        .join(db.records, db.records.c.record_digest == db.measures.c.record_digest)
        .where(db.records.c.status == ReceiptKind.ACCEPTED)
        .group_by(*columns)
    )
    if day is not None:
        query = query.where(db.measures.c.day == day)
    rows = [_line(found._asdict(), by) for found in connection.execute(query)]
    rows.sort(key=lambda line: (line.get("day", ""), -line["accepted"], line.get("unit", "")))
    return _ranked(rows)


def rebuild(connection: Connection, archived: Callable[[str, str, str], Manifest]) -> tuple[int, int]:
    """Make the rows of all accepted records again; how many there are, and how many were otherwise before.

    `archived` gives a manifest by record digest, sealed digest and moment of arrival, from the sealed file;
    what it raises ends the whole.
    """
    before = {found.record_digest: found._asdict() for found in connection.execute(select(db.measures))}
    records = changed = 0
    for found in connection.execute(_ACCEPTED).all():
        entry = row(
            archived(found.record_digest, found.sealed_digest, found.received_at), found.record_digest
        )
        records += 1
        if before.get(found.record_digest) != entry:
            changed += 1
            connection.execute(delete(db.measures).where(_M.record_digest == found.record_digest))
            enter(connection, entry)
    return records, changed


_M = db.measures.c
_ACCEPTED = (
    select(
        db.records.c.record_digest,
        db.records.c.received_at,
        func.min(db.receipts.c.sealed_digest).label("sealed_digest"),
    )
    .join(db.receipts, db.receipts.c.record_digest == db.records.c.record_digest)
    .where(db.records.c.status == ReceiptKind.ACCEPTED)
    .group_by(db.records.c.record_digest, db.records.c.received_at)
)
_ENTER = insert(db.measures)
_SUMS = [
    func.sum(db.measures.c[f"{virtue}_{part}"]).label(f"{virtue}_{part}")
    for virtue in VIRTUES
    for part in ("made", "held")
]


def _line(found: Mapping[str, Any], by: Sequence[str]) -> dict[str, Any]:
    shares = {
        virtue: 100 * int(found[f"{virtue}_held"]) // int(found[f"{virtue}_made"]) for virtue in VIRTUES
    }
    return {**{key: found[key] for key in by}, "accepted": found["accepted"], **shares}


def _ranked(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(_with_rank(rows)) if rows and "unit" in rows[0] else rows


def _with_rank(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Units with as many records share a rank."""
    for _day, lines in groupby(rows, key=lambda line: line.get("day")):
        rank, last = 0, None
        for place, line in enumerate(lines, start=1):
            if line["accepted"] != last:
                rank, last = place, line["accepted"]
            yield {"rank": rank, **line}
