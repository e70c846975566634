"""The journal of one box: the one name that the app uses for records (DESIGN sections 5 and 6).

    <folder>/journal.db     SQLite: states, steps, attempts, stock, audit; nothing personal
    <folder>/drafts/        the vault: unsealed parts, encrypted under a key of each record
    <folder>/outbox/        sealed records and their sidecars

Synchronous; every call is durable when it returns. One process holds it; the store worker calls it, and the
issue worker may call the `IssueJournal` methods beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from firmware.records import disk, restore
from firmware.records.adoption import Adoptions
from firmware.records.attempts import Attempt, Attempts
from firmware.records.audit import GENESIS, Audit
from firmware.records.authority import Authorities
from firmware.records.carried import Carried
from firmware.records.clock import Clock, JournalClock
from firmware.records.counts import Counts, counts, newest
from firmware.records.database import Database
from firmware.records.drafts import Draft, Drafts
from firmware.records.errors import StoreDamaged
from firmware.records.format.receipt import SignedReceipt
from firmware.records.format.signing import Signer
from firmware.records.handover import Handovers
from firmware.records.keys import BoxKeys
from firmware.records.outbox import Outbox, SealedFile
from firmware.records.rebuild import Rebuilder, Rebuilt, set_aside
from firmware.records.sealing import Sealer
from firmware.records.second_medium import Copies, SecondMedium
from firmware.records.shelf import CARRIED, DATABASE, DRAFTS, OUTBOX, Shelf
from firmware.records.states import HAS_DRAFT, RecordState
from firmware.records.stock import Blanks, Stock
from firmware.records.tries import Tries
from firmware.records.vault import Vault
from firmware.records.waiting import Waiting
from firmware.records.warrants import Warrants

S = RecordState
ROOM_BYTES = 8 << 20
"""A file as large as a record with all that it takes to make one, written to see whether it fits."""


class Journal:
    """Opens, checks and mends the store of one box; a context manager.

    `rebuilt` is None, or what happened when a damaged database had to be set aside. `tries`: officers' wrong
    PINs; `warrants`: what the centre signed; `authorities`: by whose right cards are made; `copies`: second
    copies of unsent records; `handovers`, `adoptions`, `carried`: swaps, and other boxes' records.
    """

    def __init__(self, folder: Path, keys: BoxKeys, clock: Clock, second_copy: Path | None = None) -> None:
        """Raises StoreBusy while another process holds it, and StoreError."""
        disk.make_folder(folder)
        self._second_copy = second_copy
        self._keys = keys
        self._folder = folder
        self._vault = Vault(folder / DRAFTS, keys.identity, [keys.recovery_recipient])
        self.rebuilt: Rebuilt | None = None
        aside = None
        try:
            self._db = Database(folder / DATABASE)
        except StoreDamaged:
            aside = set_aside(folder / DATABASE, clock())
            self._db = Database(folder / DATABASE)
        try:
            self._wire(folder / OUTBOX, clock)
            if self.audit.head() == GENESIS:
                self._fill(folder / OUTBOX, aside)
            self._mend()
        except BaseException:
            self._db.close()
            raise

    def _wire(self, outbox: Path, clock: Clock) -> None:
        keys, db, vault = self._keys, self._db, self._vault
        self._clock = JournalClock(clock, newest(db))
        self.audit = Audit(db, keys.signer, self._clock)
        self.stock = Stock(db, self.audit, self._clock)
        self.tries = Tries(db, self.audit)
        self.warrants = Warrants(db, self.audit, self._clock)
        self.authorities = Authorities(vault)
        self._drafts = Drafts(db, vault, self.audit, self._clock, keys.box)
        self._waiting = Waiting(db, vault, self.audit, self._clock, self._drafts)
        self._attempts = Attempts(db, vault, self.audit, self._clock, self._drafts, self.warrants)
        self._outbox = Outbox(db, outbox, keys, self.audit, self._clock, self._drafts)
        self.carried = Carried(db, self._folder / CARRIED, keys, self.audit, self._clock)
        kept = partial(restore.keep_papers, db, self._folder)
        self.handovers = Handovers(
            db, vault, self.audit, self._clock, self._drafts, self._outbox, self.stock, keys, kept
        )
        self.adoptions = Adoptions(
            db, vault, self.audit, self._clock, self._waiting, self.carried, self.handovers, self.stock, keys
        )
        second = SecondMedium(self._second_copy, outbox, not keys.simulated) if self._second_copy else None
        self.copies = Copies(db, self.audit, second)
        self._sealer = Sealer(
            db, vault, self.audit, self._clock, self._drafts, self._attempts, self._outbox, self.copies, keys
        )

    def certify(self, renewed: Signer) -> None:
        self._keys.certify(renewed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def now(self) -> datetime:
        """The box's clock in UTC, never behind what the journal says."""
        return self._clock.now()

    @property
    def shelf(self) -> Shelf:
        """This store as `report` reads it."""
        return Shelf(self._db, self._folder, self._keys.signer.certificate)

    # --- drafts -------------------------------------------------------------------------------------

    def begin(self, case: str, rule_pack: str, assignment: Mapping[str, Any]) -> str:
        """See `Drafts.begin`."""
        return self._drafts.begin(case, rule_pack, assignment)

    def accept(self, record_id: str, part: str, value: Any, blobs: Mapping[str, bytes] | None = None) -> None:
        """See `Drafts.accept`."""
        self._drafts.accept(record_id, part, value, blobs)

    def draft(self, record_id: str) -> Draft:
        """See `Drafts.draft`."""
        return self._drafts.draft(record_id)

    def part(self, record_id: str, name: str) -> Any:
        """See `Drafts.part`."""
        return self._drafts.part(record_id, name)

    def blob(self, record_id: str, name: str) -> bytes:
        """See `Drafts.blob`."""
        return self._drafts.blob(record_id, name)

    def state(self, record_id: str) -> RecordState:
        return self._drafts.state(record_id)

    def step(self, record_id: str, step: str) -> None:
        """See `Drafts.step`."""
        self._drafts.step(record_id, step)

    def steps(self, record_id: str) -> list[dict[str, str]]:
        return self._drafts.steps(record_id)

    def open_record(self) -> str | None:
        """The record that was at the kiosk when it stopped: restart in `draft(id).step`."""
        return self._drafts.open_record()

    def leave(self, record_id: str) -> None:
        """See `Drafts.leave`."""
        self._drafts.leave(record_id)

    def freeze(self, record_id: str, card_image: bytes | None) -> None:
        """See `Drafts.freeze`."""
        self._drafts.freeze(record_id, card_image)

    def wait(self, record_id: str, reason: str, until: datetime) -> str:
        """See `Waiting.wait`."""
        return self._waiting.wait(record_id, reason, until)

    def waiting(self) -> list[tuple[str, str]]:
        """See `Waiting.waiting`."""
        return self._waiting.waiting()

    def resume(self, ticket: str) -> str:
        """See `Waiting.resume`."""
        return self._waiting.resume(ticket)

    def expire(self) -> list[str]:
        """See `Waiting.expire`."""
        return self._waiting.expire()

    def refuse(self, record_id: str, reason: str, actor: str = "kiosk") -> None:
        """End a DRAFT or FROZEN record because it may not go on; its content is destroyed."""
        self._drafts.end(record_id, S.REFUSED, reason, actor)

    def abandon(self, record_id: str, reason: str, actor: str = "kiosk") -> None:
        """End a DRAFT or FROZEN record because the person left; its content is destroyed."""
        self._drafts.end(record_id, S.ABANDONED, reason, actor)

    # --- the card (firmware.issue.ports.IssueJournal) ------------------------------------------------

    def attempt(self, record_id: str) -> Attempt:
        """See `Attempts`, for this and the next."""
        return self._attempts.attempt(record_id)

    def keep_image(self, record_id: str, number: int, image: bytes) -> None:
        self._attempts.keep_image(record_id, number, image)

    def stage(self, record_id: str, number: int, stage: str) -> None:
        self._attempts.stage(record_id, number, stage)

    def keep_sod(self, record_id: str, number: int, sod: bytes) -> None:
        self._attempts.keep_sod(record_id, number, sod)

    def issuing(self, record_id: str, number: int, sod_sha256: bytes) -> None:
        self._attempts.issuing(record_id, number, sod_sha256)

    def complete(self, record_id: str, number: int, report: Mapping[str, Any]) -> None:
        self._attempts.complete(record_id, number, report)

    def lost(self, record_id: str, number: int, officers: Sequence[str]) -> int:
        return self._attempts.lost(record_id, number, officers)

    def to_give_up(self) -> list[tuple[str, tuple[int, ...]]]:
        """See `Attempts.to_give_up`."""
        return self._attempts.to_give_up()

    def given_up(self, record_id: str) -> None:
        self._attempts.given_up(record_id)

    def complete_without_card(self, record_id: str) -> None:
        self._attempts.complete_without_card(record_id)

    def void_cards(self, record_id: str) -> tuple[Mapping[str, Any], ...]:
        return self._attempts.void_cards(record_id)

    # --- sealed records -----------------------------------------------------------------------------

    def seal(self, record_id: str) -> Path:
        """See `Sealer.seal`."""
        return self._sealer.seal(record_id)

    def unsealed(self) -> list[str]:
        """The COMPLETE records, oldest first: seal them at the start, after a crash or a full disk."""
        with self._db.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM record WHERE state = ? AND ended_reason IS NULL ORDER BY completed_at",
                (S.COMPLETE,),
            ).fetchall()
        return [row["id"] for row in rows]

    def next_sealed(self, passed: Collection[int] = ()) -> SealedFile | None:
        """See `Outbox.next_sealed`, for this and the next."""
        return self._outbox.next_sealed(passed)

    def delivered(self, record_id: str, receipt: bytes | SignedReceipt) -> None:
        self._outbox.delivered(record_id, receipt)

    def refused_by_centre(self, record_id: str, reason: str) -> None:
        self._outbox.refused(record_id, reason)

    def offer_again(self, actor: str = "kiosk") -> int:
        return self._outbox.offer_again(actor) + self.carried.offer_again(actor)

    def hasten(self, record_id: str, actor: str) -> None:
        self._outbox.hasten(record_id, actor)

    def receipt(self, record_id: str) -> SignedReceipt | None:
        return self._outbox.receipt(record_id)

    def blanks(self) -> Blanks:
        return self.stock.blanks()

    def prove_room(self) -> None:
        """Show that another record could be written now, durably. Raises DiskFull, StoreError."""
        with self._db.transaction():  # nobody else holds the database
            pass
        disk.prove_room(self._folder, ROOM_BYTES)

    def counts(self) -> Counts:
        return counts(self._db, self._outbox, self.stock)

    # --- after a crash ------------------------------------------------------------------------------

    def _mend(self) -> None:
        """Finish what a crash interrupted: half-written files, keys of ended records, purges."""
        with self._db.reading() as connection:
            rows = connection.execute("SELECT id, state FROM record").fetchall()
        states = {row["id"]: S(row["state"]) for row in rows}
        self._outbox.remove_strays()
        self.carried.mend()
        restore.keep_papers(self._db, self._folder)
        for record_id in self._vault.records():
            if states.get(record_id) in HAS_DRAFT:
                self._vault.sweep(record_id)
            else:
                self._vault.destroy(record_id)
        for record_id in (each for each, state in states.items() if state is S.ACKED):
            self._outbox.purge(record_id)

    def _fill(self, outbox: Path, aside: Path | None) -> None:
        """The first row of an empty database: it is new, or was lost, or its rebuilding was cut off."""
        if aside is None and not self._vault.records() and not any(outbox.iterdir()):
            self.audit.append("kiosk", "created")
            return
        rebuilder = Rebuilder(self._db, self._vault, self.audit, self._outbox, outbox, self._keys)
        self.rebuilt = rebuilder.run(aside)
        restore.restore(self._db, self._folder, self.carried)
