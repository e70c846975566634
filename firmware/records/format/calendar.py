"""Working days in Vietnam: when the law says that a card is due (Law 26/2023/QH15 art. 26)."""

from __future__ import annotations

from datetime import date


def due_day(accepted: date, working_days: int) -> date:
    """The last day of a time of so many working days that begins the day after `accepted`.

    Saturdays, Sundays, public holidays with Tết, and the days that the government moved are no working
    days; moves are known for the years that had been announced when the `holidays` package was made.
    """
    from holidays import country_holidays  # half a second on a Pi, and few ask

    return country_holidays("VN").get_nth_working_day(accepted, working_days)
