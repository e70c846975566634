"""Cards that were issued offline: which lease allowed them, and what speaks against it (DESIGN section 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from centre import db, papers
from centre.cases import too_soon
from centre.inherited import Inherited, Right
from centre.ledger import Grant
from firmware.records.format.check import parse_moment
from firmware.records.format.warrants import TOKEN, Lease

Manifest = Mapping[str, Any]


def doubts(connection: Connection, manifest: Manifest, took: Inherited, at: datetime) -> list[str]:
    """Why the card of a manifest whose `chip` names a lease cannot be taken for one that was allowed."""
    claim = manifest["chip"]["lease"]
    lease = papers.lease_of(connection, claim["serial"])
    if lease is None or claim.get("holder", lease.holder) != lease.holder:
        return ["lease_unknown"]
    if not _covers(connection, lease, manifest["assignment"], took):
        return ["lease_unknown"]
    found = list(_terms(lease, claim["n"], manifest))
    if connection.execute(_USED, claim).first() is not None:
        found.append("lease_used")
    if _is_second(connection, manifest, at):
        found.append("issued_twice")
    return found


def use(connection: Connection, record_digest: str, chip: Manifest, found: list[str]) -> None:
    """Write down that this card of the lease was issued, and what speaks against it."""
    row = {"record_digest": record_digest, "sod_sha256": chip["sod_sha256"], "attempt": chip["attempt"]}
    claim = {"serial": chip["lease"]["serial"], "n": chip["lease"]["n"]}
    connection.execute(insert(db.lease_uses).values(**row, **claim, doubts=" ".join(found)))


def _covers(connection: Connection, lease: Lease, place: Manifest, took: Inherited) -> bool:
    """Whether the lease was the box's under this epoch, came with a place that it took, or with a token."""
    if lease.holder.startswith(TOKEN):
        return lease.pool == papers.pool_of(connection, place["box"], place["epoch"])
    if lease.holder == place["box"]:
        return bool(lease.epoch == place["epoch"])
    return took.right(lease.holder, lease.epoch) is not Right.NONE


def _terms(lease: Lease, n: int, manifest: Manifest) -> Iterator[str]:
    if manifest["case"] not in lease.cases:
        yield "lease_case"
    if n > lease.count:
        yield "lease_over"
    completed = parse_moment(manifest["completed_at"])
    if completed is None or completed > lease.until:
        yield "lease_ended"


def _is_second(connection: Connection, manifest: Manifest, at: datetime) -> bool:
    """Whether another record has the card of this case, or the right to make it."""
    case = manifest["case"]
    asked = {"number": manifest["subject"]["number"]["value"], "case": case, "own": manifest["record_id"]}
    return any(
        row.state == Grant.OPEN or (row.state == Grant.ISSUED and too_soon(case, row.settled_at, at))
        for row in connection.execute(_OF_CASE, asked)
    )


_G, _U = db.grants.c, db.lease_uses.c
_OF_CASE = select(_G.state, _G.settled_at).where(
    _G.number == bindparam("number"), _G.case == bindparam("case"), _G.record_id != bindparam("own")
)
_USED = select(_U.record_digest).where(
    _U.serial == bindparam("serial"), _U.n == bindparam("n"), _U.doubts == ""
)
