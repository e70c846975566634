"""A record's cards at the centre: its grants become VOID and ISSUED, and what cannot be right is said.

A card comes from a grant of the centre, or from a lease: then its row is made when the record arrives. The
card of a held record is in the citizen's hand too, so its grant does not stay open; but a record from beyond
the end of its epoch settles nothing, for the box that took the place may bring the rightful one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from centre import db, leases, ledger
from centre.chain import Turn
from centre.inherited import Inherited, Right
from centre.ledger import Grant

Manifest = Mapping[str, Any]


def settle(turn: Turn, digest: str, manifest: Manifest, took: Inherited, at: datetime) -> list[str]:
    """Move the grants of the record with this digest; the reasons to doubt its cards."""
    record = _Cards(turn, manifest, at)
    chip = manifest["chip"]
    leased = chip is not None and "lease" in chip and chip["sod_sha256"] not in record.grants
    reasons = leases.doubts(turn.connection, manifest, took, at) if leased else []
    if leased:
        leases.use(turn.connection, digest, chip, reasons)
    allowed = leased and not reasons
    reasons = [*record.void(allowed), *reasons]
    if allowed:
        record.issue_leased()
    elif chip is not None and not leased:
        reasons += record.issue(took)
    return [*reasons, "card_unaccounted"] if record.left else reasons


def take(turn: Turn, manifest: Manifest, at: datetime) -> None:
    """A person has accepted the record: its card is issued, its void cards are void, whatever was doubted."""
    record, chip = _Cards(turn, manifest, at), manifest["chip"]
    record.void(allowed=False)
    grant = record.grants.get(chip["sod_sha256"]) if chip else None
    if grant is not None:
        ledger.settle(turn, grant, Grant.ISSUED, record.box, at)
    elif chip is not None and "lease" in chip:
        record.issue_leased()


def give_back(turn: Turn, record_id: str, by: str, at: datetime) -> None:
    """A person has rejected the only record of this id: none of its cards counts, its case is free again."""
    live = select(db.grants).where(db.grants.c.record_id == record_id, db.grants.c.state != Grant.VOID)
    for grant in turn.connection.execute(live).all():
        ledger.revoke(turn, grant, by, at)


class _Cards:
    """One record's cards and what the centre granted for them; `left` is what stays open so far."""

    def __init__(self, turn: Turn, manifest: Manifest, at: datetime) -> None:
        self._turn, self._manifest, self._at = turn, manifest, at
        self.box = str(manifest["assignment"]["box"])
        self._chip, self._id = manifest["chip"], manifest["record_id"]
        self._void = {card["sod_sha256"]: card for card in manifest["void_cards"]}
        live = [self._chip["sod_sha256"]] if self._chip else []
        self.grants = ledger.concerning(turn.connection, self._id, [*self._void, *live])
        self.left = {sod for sod, grant in self.grants.items() if self._is_open(grant)}

    def void(self, allowed: bool) -> list[str]:
        """The record's void cards are void. `allowed`: those that nobody granted came from its lease."""
        reasons = []
        for sod, card in self._void.items():
            grant = self.grants.get(sod)
            if grant is None and allowed:
                self._enter(card, Grant.VOID)
            elif grant is None or grant.record_id != self._id:
                reasons.append("void_card_unknown")
            elif grant.state == Grant.ISSUED:
                reasons.append("void_card_issued")
            else:
                self._settle(grant, Grant.VOID)
        return reasons

    def issue(self, took: Inherited) -> list[str]:
        """The card that the centre granted is live."""
        grant = self.grants.get(self._chip["sod_sha256"])
        doubt = _doubt(self._manifest, grant, took)
        if grant is not None and doubt is None:
            self._settle(grant, Grant.ISSUED)
        return [doubt] if doubt else []

    def issue_leased(self) -> None:
        """The card of a lease is live. What the centre signed for this attempt never reached the box."""
        for sod in sorted(self.left):
            if self.grants[sod].attempt == self._chip["attempt"]:
                self._settle(self.grants[sod], Grant.VOID)
        self._enter(self._chip, Grant.ISSUED)

    def _settle(self, grant: Row[Any], state: Grant) -> None:
        ledger.settle(self._turn, grant, state, self.box, self._at)
        self.left.discard(grant.sod_sha256)

    def _enter(self, card: Manifest, state: Grant) -> None:
        row = _leased(self._manifest, card, self._chip["lease"]["serial"])
        ledger.enter(self._turn, row, state, self._at)

    def _is_open(self, grant: Row[Any]) -> bool:
        return bool(grant.record_id == self._id and grant.state == Grant.OPEN)


def _leased(manifest: Manifest, card: Manifest, serial: int) -> dict[str, Any]:
    """The row of a card that was issued under a lease."""
    return {
        "sod_sha256": card["sod_sha256"],
        "number": manifest["subject"]["number"]["value"],
        "case": manifest["case"],
        "record_id": manifest["record_id"],
        "box": manifest["assignment"]["box"],
        "epoch": manifest["assignment"]["epoch"],
        "attempt": card["attempt"],
        "content_sha256": "",
        "ef_sod": b"",
        "lease": serial,
        "lease_n": card.get("lease", {}).get("n"),
    }


def _doubt(manifest: Manifest, grant: Row[Any] | None, took: Inherited) -> str | None:
    """Why the centre cannot take this card for the one that it granted to this record."""
    if grant is None:
        return "sod_unknown"
    number = manifest["subject"]["number"]["value"]
    stated = (manifest["record_id"], number, manifest["case"], manifest["chip"]["attempt"])
    if (grant.record_id, grant.number, grant.case, grant.attempt) != stated:
        return "sod_of_another"
    if took.right(grant.box, grant.epoch) is Right.NONE:
        return "sod_of_another"
    if grant.state != Grant.OPEN:
        return "sod_void" if grant.state == Grant.VOID else "sod_used"
    return None
