"""Wrong PINs of officers: five in a row lock the card, also over restarts."""

from __future__ import annotations

from firmware.records.audit import Audit
from firmware.records.database import Database
from firmware.records.errors import OfficerLocked

MAX_TRIES = 5


class Tries:
    """The counter is durable before the answer is shown, so that a power cut gives no free try."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db = db
        self._audit = audit

    def left(self, officer: str) -> int:
        """Tries left, 0..5; 0 is locked."""
        with self._db.reading() as connection:
            row = connection.execute("SELECT failed FROM tries WHERE officer = ?", (officer,)).fetchone()
        return max(0, MAX_TRIES - (row["failed"] if row else 0))

    def count(self, officer: str) -> int:
        """Book one try before the PIN is compared; return how many are left should it be wrong.

        Raises OfficerLocked when none was left.
        """
        with self._db.transaction() as connection:
            if self.left(officer) == 0:
                raise OfficerLocked(officer)
            connection.execute(
                "INSERT INTO tries VALUES (?, 1) ON CONFLICT DO UPDATE SET failed = failed + 1", (officer,)
            )
            left = self.left(officer)
            self._audit.append(officer, "pin_tried", None, {"left": left})
        return left

    def right(self, officer: str) -> None:
        """The PIN of the try just counted was right: all tries are back."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM tries WHERE officer = ?", (officer,))
            self._audit.append(officer, "pin_right")

    def unlock(self, officer: str, by: str) -> None:
        """Another officer with the right to do so gives the tries back. Raises ValueError for one's own."""
        if officer == by:
            raise ValueError("nobody unlocks the own card")
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM tries WHERE officer = ?", (officer,))
            self._audit.append(by, "pin_unlocked", None, {"officer": officer})
