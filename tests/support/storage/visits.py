"""A day at one box: made-up citizens, their cards and a centre, served from wherever the journal stands.

`Town.work` looks at the journal and does what comes next, as the kiosk does after any start. What stands
outside the box (cards, the centre's ledger, the signer's grants) survives its power cuts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects.catalog import open_dialect
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from firmware.issue.transaction import Transaction
from firmware.records.format.manifest import FIRST
from firmware.records.format.receipt import Receipt, ReceiptKind, sign
from firmware.records.format.seal import OpenedRecord, open_sealed
from firmware.records.states import HAS_DRAFT, RecordState
from support import box, record
from support.dialects import MasterKeys
from support.issue import IMAGE, ORDER
from support.office import sod_on
from support.signer import NOW, TestSigner, state

S = RecordState
UNTIL = record.NOW.replace(year=2027)
SECOND_TOUCH = ("finger/right_index", record.finger("right_index", 90))


@dataclass(frozen=True)
class Plan:
    """What this citizen's visit is like; numbers are parts accepted before it happens."""

    card: bool = True
    better: bool = False  # one finger is taken twice
    waits: int | None = None  # goes, and comes back with the ticket
    ends: tuple[str, int] | None = None  # refuse | abandon
    loses: bool = False  # the first card is carried away in the middle of EF.SOD


DAYS = {
    "a card, a card lost": (Plan(better=True), Plan(loses=True)),
    "a ticket, one who leaves, no card": (Plan(waits=7), Plan(ends=("abandon", 3)), Plan(card=False)),
    "refused, then a card after a ticket": (Plan(ends=("refuse", 16)), Plan(waits=16, better=True)),
}


@dataclass
class Citizen:
    """`cards` as they lie on the table or in a pocket, the newest last."""

    plan: Plan
    record_id: str | None = None
    cards: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Saved:
    """What no power cut of the box changes."""

    citizens: tuple[Citizen, ...]
    granted: tuple[tuple[tuple[str, int], bytes], ...]
    ledger: tuple[tuple[OpenedRecord, str], ...]


@dataclass
class Centre:
    """Takes a record once, in the box's order; a repeat gets the same receipt."""

    ledger: list[tuple[OpenedRecord, str]] = field(default_factory=list)

    def takes(self, data: bytes, sealed_digest: str) -> bytes:
        keys = record.keys()
        opened = open_sealed(data, [keys.centre], keys.box_ca, record.NOW)
        digests = [(old.record_digest, sealed) for old, sealed in self.ledger]
        if (opened.record_digest, sealed_digest) not in digests:
            self._append(opened, sealed_digest)
            digests.append((opened.record_digest, sealed_digest))
        receipt = Receipt(
            kind=ReceiptKind.ACCEPTED,
            record_digest=opened.record_digest,
            sealed_digest=sealed_digest,
            position=1 + digests.index((opened.record_digest, sealed_digest)),
            box=record.BOX,
            sequence=opened.manifest["sequence"],
            audit_head=opened.manifest["audit_head"],
            at=record.NOW,
        )
        return sign(receipt, keys.receipt_key).to_json()

    def _append(self, opened: OpenedRecord, sealed_digest: str) -> None:
        manifest = opened.manifest
        assert manifest["record_id"] not in [old.manifest["record_id"] for old, _ in self.ledger], "twice"
        assert manifest["sequence"] == len(self.ledger) + 1, "a gap in the box's numbers"
        last = self.ledger[-1][0].record_digest if self.ledger else FIRST
        assert manifest["previous_digest"] == last, "the chain is broken"
        self.ledger.append((opened, sealed_digest))


class _Card(VirtualCard):
    """Tells of every change of its memory; one that is to be lost leaves with the first bytes of EF.SOD."""

    changed: Callable[[bytes], None]
    leaves = False
    _last = b""

    def transmit(self, apdu: bytes) -> bytes:
        answer = super().transmit(apdu)
        saved = self.to_bytes()
        if saved != self._last:
            self._last = saved
            self.changed(saved)
            if self.leaves and sod_on(saved):
                self.lift_after(0)
        return answer


class Town:
    """`moved()` hears whenever something outside the box has changed."""

    def __init__(self, plans: tuple[Plan, ...]) -> None:
        self.citizens = [Citizen(plan) for plan in plans]
        self.signer = TestSigner()
        self.centre = Centre()
        self.moved: Callable[[], None] = lambda: None

    def saved(self) -> Saved:
        people = tuple(replace(citizen) for citizen in self.citizens)
        return Saved(people, tuple(self.signer.granted.items()), tuple(self.centre.ledger))

    @classmethod
    def restored(cls, saved: Saved) -> Town:
        town = cls(())
        town.citizens = [replace(citizen) for citizen in saved.citizens]
        town.signer.granted.update(saved.granted)
        town.centre.ledger[:] = saved.ledger
        return town

    # --- a day's work --------------------------------------------------------------------------------

    def work(self, journal: Any) -> None:
        """Serve everybody, and deliver what there is."""
        if not journal.blanks().taken_in:
            journal.load_blanks()
        while True:
            for record_id in journal.unsealed():
                journal.seal(record_id)
            self._deliver(journal)
            if (citizen := self._next(journal)) is None:
                return
            while self._one_thing(journal, citizen):
                pass

    def _next(self, journal: Any) -> Citizen | None:
        """Whoever stands there; else who has not come yet; else who holds a ticket."""
        fresh = next((citizen for citizen in self.citizens if citizen.record_id is None), None)
        if (open_record := journal.open_record()) is not None:
            here = next((each for each in self.citizens if each.record_id == open_record), fresh)
            assert here is not None, "a record of nobody"
            here.record_id = open_record
            return here
        if fresh is not None:
            fresh.record_id = journal.begin("first_issue", "7/2024", record.assignment())
            self.moved()
            return fresh
        for citizen in self.citizens:
            draft = journal.draft(citizen.record_id)
            if draft.waiting is not None:
                assert journal.resume(draft.ticket) == citizen.record_id
                return citizen
        return None

    def _one_thing(self, journal: Any, citizen: Citizen) -> bool:
        """Do the next thing of a visit; False: the place is free."""
        record_id, plan = citizen.record_id or "", citizen.plan
        draft = journal.draft(record_id)
        if draft.state not in HAS_DRAFT or draft.waiting is not None:
            return False
        done = len(draft.parts)
        if draft.state is S.COMPLETE:
            journal.leave(record_id)
            journal.seal(record_id)
        elif draft.state is S.DRAFT and plan.ends and done >= plan.ends[1]:
            getattr(journal, plan.ends[0])(record_id, "left")
        elif draft.state in (S.DRAFT, S.FROZEN) and draft.ticket is None and done == plan.waits:
            journal.wait(record_id, "signer", UNTIL)
        elif draft.state is S.DRAFT:
            self._fill(journal, record_id, plan, draft)
        elif not plan.card:
            journal.complete_without_card(record_id)
        else:
            self._issue(journal, record_id, citizen)
        return True

    def _fill(self, journal: Any, record_id: str, plan: Plan, draft: Any) -> None:
        for part, value, blobs in _parts():
            if part not in draft.parts:
                if draft.step != (step := part.partition("/")[0].upper()):
                    journal.step(record_id, step)
                journal.accept(record_id, part, value, blobs)
                return
        part, value = SECOND_TOUCH
        if plan.better and draft.parts[part] != value:
            journal.accept(record_id, part, value, {f"{part.replace('finger', 'fingers')}.png": b"better"})
            return
        journal.freeze(record_id, IMAGE.to_bytes() if plan.card else None)

    # --- the card ------------------------------------------------------------------------------------

    def _issue(self, journal: Any, record_id: str, citizen: Citizen) -> None:
        attempt = journal.attempt(record_id)
        lost = citizen.plan.loses and attempt.number == 1
        transaction, card = self._desk(journal, citizen, attempt.number)
        card.leaves = lost
        try:
            if not (lost and attempt.issuing):
                for step in (transaction.write, transaction.verify, transaction.lock):
                    step(record_id)
                return
        except UserRetry as retry:
            # a card that tells no serial is not known again once another one got the same keys
            if not lost and (retry.reason != "card_foreign" or attempt.number == 1):
                raise
        transaction.lost(record_id, box.OFFICERS)

    def _desk(self, journal: Any, citizen: Citizen, number: int) -> tuple[Transaction, _Card]:
        while len(citizen.cards) < number:
            citizen.cards += (blank_card().to_bytes(),)
            self.moved()

        def changed(saved: bytes) -> None:
            citizen.cards = (*citizen.cards[: number - 1], saved, *citizen.cards[number:])
            self.moved()

        card = _Card.from_bytes(citizen.cards[number - 1])
        assert isinstance(card, _Card)
        card.changed = changed
        reader = VirtualReader()
        reader.__enter__()
        reader.put(card)
        dialect = open_dialect("lds-plain", reader, MasterKeys(), BlockMemory())
        trust = (state()[0].certificate,)
        return Transaction(
            dialect, journal, _Granting(self), trust, lambda _: ORDER, lambda: NOW, lambda _: None
        ), card

    # --- the centre ----------------------------------------------------------------------------------

    def _deliver(self, journal: Any) -> None:
        while (file := journal.next_sealed()) is not None:
            receipt = self.centre.takes(file.path.read_bytes(), file.sealed_digest)
            self.moved()
            journal.delivered(file.record_id, receipt)


@dataclass
class _Granting:
    """The centre's signer; a grant is in its ledger before its answer is here."""

    town: Town

    def sign(self, request: Any) -> bytes:
        sod = self.town.signer.sign(request)
        self.town.moved()
        return sod


@cache
def _parts() -> tuple[tuple[str, Any, dict[str, bytes]], ...]:
    return ("work/citizen", 1, {}), *box.parts()
