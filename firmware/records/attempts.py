"""The issue journal: each attempt to make a record's card, durable step by step (DESIGN section 6)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from firmware.records.assemble import check_report, chip_section
from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database
from firmware.records.drafts import Drafts
from firmware.records.ended import GIVEN_UP, to_give_up
from firmware.records.errors import WrongState
from firmware.records.format.schema import is_id
from firmware.records.states import RecordState
from firmware.records.vault import Vault
from firmware.records.warrants import Warrants

S = RecordState


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, from 1. `image` is the frozen card; `sod` EF.SOD once signed; `stage` what was last staged.

    `inherited`: the image, with its chip keys, is still the record's, which an earlier attempt used.
    """

    number: int
    image: bytes = field(repr=False)
    sod: bytes | None = field(repr=False)
    issuing: bool
    stage: str
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What became of a record's cards: the live one's chip section and report, and the void list."""

    chip: Mapping[str, Any] | None
    report: bytes | None
    void_cards: tuple[Mapping[str, Any], ...]


class Attempts:
    """Implements `firmware.issue.ports.IssueJournal`; every method is durable when it returns."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        audit: Audit,
        clock: JournalClock,
        drafts: Drafts,
        warrants: Warrants,
    ) -> None:
        self._warrants = warrants
        self._db = db
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._drafts = drafts

    def attempt(self, record_id: str) -> Attempt:
        """The newest attempt of a FROZEN or ISSUING record (or the completed one's)."""
        self._drafts.require(record_id, S.FROZEN, S.ISSUING, S.COMPLETE)
        record, row = self._drafts.row(record_id), self._newest(record_id)
        sod = self._vault.get(record_id, row["sod"]).data if row["sod"] else None
        image = self._vault.get(record_id, row["image"] or record["image"]).data
        inherited = row["number"] > 1 and row["image"] is None
        return Attempt(row["number"], image, sod, row["issuing_at"] is not None, row["stage"], inherited)

    def keep_image(self, record_id: str, number: int, image: bytes) -> None:
        """Keep the card image of this attempt alone, before it touches a card. Again for the same: nothing.

        Raises WrongState for a second, different one, and once the attempt has begun.
        """
        row = self._current(record_id, number)
        if row["image"] is not None:
            if self._vault.get(record_id, row["image"]).data != image:
                raise WrongState(record_id, "frozen", "another image for the same attempt")
            return
        if row["stage"] or row["sod"] is not None:
            raise WrongState(record_id, f"at {row['stage']}", "an image of its own")
        file = self._vault.put(record_id, {"kind": "attempt_image", "attempt": number}, image)
        with self._db.transaction() as connection:
            self._current(record_id, number)
            self._set(connection, record_id, number, image=file)

    def stage(self, record_id: str, number: int, stage: str) -> None:
        """Remember how far the writing of the card has come, and which card it is.

        In the vault too: whoever goes on without this database, as another box does, must tell this card
        from a second one.
        """
        self._current(record_id, number)
        self._vault.put(record_id, {"kind": "stage", "attempt": number, "stage": stage})
        with self._db.transaction() as connection:
            self._current(record_id, number)
            self._set(connection, record_id, number, stage=stage)

    def keep_sod(self, record_id: str, number: int, sod: bytes) -> None:
        """Keep EF.SOD. Raises WrongState for a second, different one: a resume never signs again.

        The lease that it was signed under is kept with it, wherever the draft goes from here.
        """
        row = self._current(record_id, number)
        if row["sod"] is not None:
            if self._vault.get(record_id, row["sod"]).data != sod:
                raise WrongState(record_id, "signed", "another SOD for the same attempt")
            return
        about = {"kind": "sod", "attempt": number}
        if (use := self._warrants.use_of(record_id, number)) is not None:
            about |= {"lease": {"serial": use.serial, "n": use.n, "holder": use.holder}}
        file = self._vault.put(record_id, about, sod)
        with self._db.transaction() as connection:
            self._current(record_id, number)
            self._set(connection, record_id, number, sod=file, sod_sha256=sha256(sod).hexdigest())

    def issuing(self, record_id: str, number: int, sod_sha256: bytes) -> None:
        """Commit ISSUING before the first byte of EF.SOD is sent: from here the card counts as live.

        Again for the same attempt and hash does nothing. Raises WrongState for a SOD that was not kept.
        """
        row = self._current(record_id, number)
        if row["sod_sha256"] != sod_sha256.hex():
            raise WrongState(record_id, "FROZEN", "ISSUING with a SOD that was not kept")
        if row["issuing_at"] is not None:
            return
        about = {"kind": "issuing", "attempt": number, "sod_sha256": sod_sha256.hex()}
        self._vault.put(record_id, {**about, "at": (at := self._clock.stamp())})
        with self._db.transaction() as connection:
            self._current(record_id, number)
            if self._drafts.state(record_id) is S.FROZEN:
                self._drafts.move(record_id, S.ISSUING)
            self._set(connection, record_id, number, issuing_at=at)
            self._audit.append("kiosk", "issuing", record_id, {"attempt": number, "sod": sod_sha256.hex()})

    def complete(self, record_id: str, number: int, report: Mapping[str, Any]) -> None:
        """The card is live, verified and locked: the record is COMPLETE. Again for the same does nothing.

        `report` (JSON) has true under read_back, passive_authentication and locked: else ValueError. It goes
        into the record as a file, and card_serial, dialect, data_groups into the manifest where they fit.
        """
        check_report(report)
        row = self._newest(record_id)
        if row["number"] == number and row["completed_at"] is not None:
            return
        if self._current(record_id, number)["issuing_at"] is None:
            raise WrongState(record_id, self._drafts.state(record_id), "COMPLETE before ISSUING")
        at = self._clock.stamp()
        about = {"kind": "report", "attempt": number, "at": at}
        text = json.dumps(dict(report), default=str, skipkeys=True)  # nothing may stop a live card
        file = self._vault.put(record_id, about, text.encode())
        with self._db.transaction() as connection:
            self._drafts.move(record_id, S.COMPLETE)
            connection.execute("UPDATE record SET completed_at = ? WHERE id = ?", (at, record_id))
            self._set(connection, record_id, number, report=file, completed_at=at)
            self._audit.append("kiosk", "complete", record_id, {"attempt": number})

    def complete_without_card(self, record_id: str) -> None:
        """FROZEN → COMPLETE where no card is issued here."""
        if self._drafts.row(record_id)["issued_here"]:
            raise WrongState(record_id, self._drafts.state(record_id), "COMPLETE without its card")
        at = self._clock.stamp()
        self._vault.put(record_id, {"kind": "complete", "at": at})
        with self._db.transaction() as connection:
            self._drafts.move(record_id, S.COMPLETE)
            connection.execute("UPDATE record SET completed_at = ? WHERE id = ?", (at, record_id))
            self._audit.append("kiosk", "complete", record_id)

    def to_give_up(self) -> list[tuple[str, tuple[int, ...]]]:
        """Ended records whose attempts the centre may still hold open: (record id, attempt numbers)."""
        return [(one.record_id, tuple(range(1, one.attempts + 1))) for one in to_give_up(self._db)]

    def given_up(self, record_id: str) -> None:
        """The centre has voided what it granted for a record that ended."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE attempt SET stage = ? WHERE record_id = ?", (GIVEN_UP, record_id))
            self._audit.append("centre", "given_up", record_id)

    def lost(self, record_id: str, number: int, officers: Sequence[str]) -> int:
        """This attempt's card will not come back: void it, as `officers` confirm; return the next number.

        Raises ValueError unless one to four officers' ids are given.
        """
        if not 1 <= len(officers) <= 4 or not all(map(is_id, officers)):
            raise ValueError("one to four officers confirm a lost card")
        self._current(record_id, number)
        at = self._clock.stamp()
        about = {"kind": "lost", "attempt": number, "officers": list(officers), "at": at}
        self._vault.put(record_id, about)
        with self._db.transaction() as connection:
            self._current(record_id, number)
            self._set(connection, record_id, number, lost_at=at, officers=json.dumps(list(officers)))
            connection.execute(
                "INSERT INTO attempt (record_id, number) VALUES (?, ?)", (record_id, number + 1)
            )
            self._audit.append(officers[0], "card_lost", record_id, {"attempt": number})
        return number + 1

    def card(self, record_id: str) -> Card:
        """What the manifest says of the record's cards."""
        with self._db.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM attempt WHERE record_id = ? ORDER BY number", (record_id,)
            ).fetchall()
        live = next((row for row in rows if row["completed_at"] is not None), None)
        if live is None:
            return Card(None, None, _void(rows))
        report = self._vault.get(record_id, live["report"]).data
        lease = self._vault.get(record_id, live["sod"]).about.get("lease")
        chip = chip_section(
            json.loads(report), live["number"], live["sod_sha256"], live["completed_at"], lease
        )
        return Card(chip, report, _void(rows))

    def void_cards(self, record_id: str) -> tuple[Mapping[str, Any], ...]:
        """The lost attempts that had reached ISSUING: their cards must never pass as genuine."""
        return self.card(record_id).void_cards

    def _newest(self, record_id: str) -> sqlite3.Row:
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT * FROM attempt WHERE record_id = ? ORDER BY number DESC LIMIT 1", (record_id,)
            ).fetchone()
        if row is None:
            raise WrongState(record_id, self._drafts.state(record_id), "a card")
        newest: sqlite3.Row = row
        return newest

    def _current(self, record_id: str, number: int) -> sqlite3.Row:
        """The newest attempt, which must be `number`, of a record that may still be written to a card."""
        self._drafts.require(record_id, S.FROZEN, S.ISSUING)
        row = self._newest(record_id)
        if row["number"] != number:
            raise WrongState(record_id, f"at attempt {row['number']}", f"attempt {number}")
        return row

    def _set(self, connection: sqlite3.Connection, record_id: str, number: int, **columns: str) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        connection.execute(
            f"UPDATE attempt SET {names} WHERE record_id = ? AND number = ?",  # noqa: S608 - our own names
            (*columns.values(), record_id, number),
        )


def _void(rows: Sequence[sqlite3.Row]) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "attempt": row["number"],
            "sod_sha256": row["sod_sha256"],
            "officers": json.loads(row["officers"]),
            "at": row["lost_at"],
        }
        for row in rows
        if row["lost_at"] is not None and row["issuing_at"] is not None
    )
