"""When a card is due: counted by hand from the calendars that the government announced."""

from __future__ import annotations

from datetime import date

import pytest

from firmware.records.format.calendar import due_day
from firmware.records.format.rules import packs


@pytest.mark.parametrize(
    ("accepted", "pack", "due"),
    [
        ("2026-06-01", "7/2024", "2026-06-10"),  # a week without holidays: Monday to the Wednesday after
        ("2026-06-06", "7/2024", "2026-06-16"),  # accepted on a Saturday
        ("2025-01-24", "7/2024", "2025-02-11"),  # Tết: 25 January to 2 February are off
        ("2024-04-26", "7/2021", "2024-05-28"),  # Monday 29 April was worked on Saturday 4 May
        ("2021-01-29", "1/2021", "2021-03-05"),  # twenty days, Tết between them
        ("2024-08-30", "7/2024", "2024-09-12"),  # National Day takes two days
    ],
)
def test_a_card_is_due_on(accepted: str, pack: str, due: str) -> None:
    days = packs()[pack].due_working_days
    assert due_day(date.fromisoformat(accepted), days) == date.fromisoformat(due)
