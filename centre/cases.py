"""How soon a number may have the same case again, and the form of times in the centre's tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

AGAIN_AFTER_DAYS: dict[str, int | None] = {  # None: never again
    "first_issue": None,
    "renewal": 365,  # renewal ages lie fifteen years and more apart (Law 26/2023, art. 21)
    "replacement": 0,
    "correction": 0,
}


def stamp(at: datetime) -> str:
    """`at` (aware) as ISO 8601 UTC to the second: sorts as it reads."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def too_soon(case: str, before: str, at: datetime) -> bool:
    """Whether `case` at `at` repeats one that was settled at the stamp `before`."""
    days = AGAIN_AFTER_DAYS.get(case)
    return days is None or at < datetime.fromisoformat(before) + timedelta(days=days)
