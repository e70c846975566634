"""The signed receipts that were given, for each sealed file of a record one; and who may see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select

from centre import db
from centre.inherited import Inherited, Right


def find(connection: Connection, box: str, **digests: str) -> bytes | None:
    """The receipt, if the record is this box's or of one whose place it took."""
    row = connection.execute(_RECEIPTS[frozenset(digests)], digests).first()
    if row is None or Inherited(connection, box).right(row.box, row.epoch) is Right.NONE:
        return None
    return bytes(row.body)


def keep(connection: Connection, body: bytes, **digests: str) -> None:
    """The receipt of a record and its sealed file, by both digests."""
    connection.execute(_KEEP, {**digests, "body": body})


def _receipts_by(*names: str) -> Select[Any]:
    of_record = db.records.c.record_digest == db.receipts.c.record_digest
    query = select(db.receipts.c.body, db.records.c.box, db.records.c.epoch).join(db.records, of_record)
    for name in names:
        query = query.where(db.receipts.c[name] == bindparam(name))
    return query.order_by(db.receipts.c.sealed_digest)


_RECEIPTS = {
    frozenset(names): _receipts_by(*names)
    for names in (("record_digest",), ("sealed_digest",), ("record_digest", "sealed_digest"))
}
_KEEP = insert(db.receipts)
