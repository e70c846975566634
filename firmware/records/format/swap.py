"""What boxes sign when one takes another's place: what was handed over, what was taken, what was erased.

`closed_at` is the number k of
the last record that the closed epoch holds: 0 when it has none, None when nobody knows (DESIGN section 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from firmware.records.format import check as c
from firmware.records.format.paper import BoxPaper
from firmware.records.format.schema import BOX

MOST_RECORDS = 20_000
"""More than a box makes in a month without a line."""
HANDOVER, DISK, ORDER = "handover", "disk", "order"
NO_RECORD = "0" * 64


@dataclass(frozen=True, slots=True)
class Held:
    """One sealed record that is not delivered yet."""

    sequence: int
    record_digest: str
    sealed_digest: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Blanks:
    """`taken_in` = `live` + `void` + `left`."""

    taken_in: int
    live: int
    void: int
    left: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A record that ended without a card after `attempts` to make one: the centre has not heard of it yet."""

    record_id: str
    case: str
    rule_pack: str
    attempts: int


_box = c.text(32, 1, BOX)
_epoch = c.integer(0, 2**31)
_count = c.integer(0, 2**53 - 1)
_closed_at = c.integer(0, 2**53 - 1)
_digest = c.text(64, 64, r"[0-9a-f]{64}")
_record_id = c.text(36, 32, r"[0-9a-f-]+")


@dataclass(frozen=True, slots=True)
class Handover(BoxPaper):
    """The old box's word: it issues nothing more under `epoch`, and this is what it gives away.

    `to` is a box's id, or "" for any spare of its pool. `head` is the record digest of number `closed_at`.
    """

    named: ClassVar[str] = HANDOVER
    box: str
    epoch: int
    closed_at: int
    head: str
    to: str
    assignment: str
    """SHA-256 (hex) of the signed assignment that goes along; "" where it never had one."""
    blanks: Blanks
    void_cards: tuple[str, ...]
    given_up: tuple[GivenUp, ...]
    sealed: tuple[Held, ...]
    drafts: tuple[str, ...]
    lease_serial: int
    lease_used: int
    audit_head: str
    at: datetime
    nested: ClassVar[Mapping[str, type]] = {"sealed": Held, "blanks": Blanks, "given_up": GivenUp}
    table: ClassVar[c.Check] = c.fields(
        {
            "type": c.must_be("idkiosk-handover/1"),
            "box": _box,
            "epoch": _epoch,
            "closed_at": _closed_at,
            "head": _digest,
            "to": c.text(32, 0, rf"(?:{BOX})?"),
            "assignment": c.text(64, 0, r"(?:[0-9a-f]{64})?"),
            "blanks": c.fields(
                {"taken_in": _count, "live": _count, "void": _count, "left": c.integer(-(2**31), 2**53 - 1)}
            ),
            "void_cards": c.listing(_digest, MOST_RECORDS),
            "given_up": c.listing(
                c.fields(
                    {
                        "record_id": _record_id,
                        "case": c.text(40),
                        "rule_pack": c.text(40),
                        "attempts": c.integer(1, 1000),
                    }
                ),
                MOST_RECORDS,
            ),
            "sealed": c.listing(
                c.fields(
                    {
                        "sequence": _count,
                        "record_digest": _digest,
                        "sealed_digest": _digest,
                        "bytes": _count,
                    }
                ),
                MOST_RECORDS,
            ),
            "drafts": c.listing(_record_id, MOST_RECORDS),
            "lease_serial": _count,
            "lease_used": _count,
            "audit_head": _digest,
            "at": c.moment,
        }
    )

    @property
    def speaker(self) -> str:
        return self.box


@dataclass(frozen=True, slots=True)
class Adoption(BoxPaper):
    """The new box's word: whose place it took, what it found, and who counted the blanks.

    `known_by`: the old box's handover, its disk, or the centre's order alone; `evidence` is SHA-256 (hex) of
    the handover or order, "" for a disk.
    """

    named: ClassVar[str] = "adoption"
    by: str
    by_epoch: int
    box: str
    epoch: int
    closed_at: int | None
    known_by: str
    evidence: str
    records: int
    drafts: tuple[str, ...]
    blanks_stated: int | None
    blanks_counted: int
    officer: str
    at: datetime
    table: ClassVar[c.Check] = c.fields(
        {
            "type": c.must_be("idkiosk-adoption/1"),
            "by": _box,
            "by_epoch": _epoch,
            "box": _box,
            "epoch": _epoch,
            "closed_at": c.nullable(_closed_at),
            "known_by": c.one_of(HANDOVER, DISK, ORDER),
            "evidence": c.text(64, 0, r"(?:[0-9a-f]{64})?"),
            "records": _count,
            "drafts": c.listing(_record_id, MOST_RECORDS),
            "blanks_stated": c.nullable(c.integer(-(2**31), 2**53 - 1)),
            "blanks_counted": _count,
            "officer": c.text(64),
            "at": c.moment,
        }
    )

    @property
    def speaker(self) -> str:
        return self.by


@dataclass(frozen=True, slots=True)
class Retirement(BoxPaper):
    """The box's last word: it has erased these, and its key with them."""

    named: ClassVar[str] = "retirement"
    box: str
    epoch: int
    closed_at: int
    erased: tuple[str, ...]
    audit_head: str
    officer: str
    at: datetime
    table: ClassVar[c.Check] = c.fields(
        {
            "type": c.must_be("idkiosk-retirement/1"),
            "box": _box,
            "epoch": _epoch,
            "closed_at": _closed_at,
            "erased": c.listing(c.text(120), 1000),
            "audit_head": _digest,
            "officer": c.text(64),
            "at": c.moment,
        }
    )

    @property
    def speaker(self) -> str:
        return self.box
