"""The legal rule packs, by date. A record names its pack and is judged by it, years later too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7), "ICT")


@dataclass(frozen=True, slots=True)
class RulePack:
    """What the law of one period asks. Ages in full years.

    `from_age`: youngest whom a kiosk may enrol; `guardian_below`: a guardian stands by under this age;
    `renewal_ages`: birthdays at which a card ends; `early_years`: a card issued that long before a mark
    lasts to the next one; `iris_from_age`: from when the law also asks for iris (not captured by this
    hardware: the record says so).
    """

    name: str
    begins: date
    law: str
    cases: frozenset[str]
    from_age: int
    guardian_below: int
    renewal_ages: tuple[int, ...]
    early_years: int = 2
    iris_from_age: int | None = None


CASES = frozenset({"first_issue", "renewal", "replacement", "correction"})

PACKS = {
    pack.name: pack
    for pack in (
        RulePack(
            "1/2021",
            date(2021, 1, 1),
            "Law 59/2014/QH13; Circular 07/2016/TT-BCA; Circular 06/2021/TT-BCA",
            CASES,
            from_age=14,
            guardian_below=14,
            renewal_ages=(25, 40, 60),
        ),
        RulePack(
            "7/2021",
            date(2021, 7, 1),
            "Law 59/2014/QH13; Circulars 59/2021 and 60/2021/TT-BCA",
            CASES,
            from_age=14,
            guardian_below=14,
            renewal_ages=(25, 40, 60),
        ),
        RulePack(
            "7/2024",
            date(2024, 7, 1),
            "Law 26/2023/QH15 art. 19, 21, 23; Circulars 16 and 17/2024/TT-BCA; Decrees 69 and 70/2024/ND-CP",
            CASES,
            from_age=6,  # below six: through the portal, without biometrics (art. 23)
            guardian_below=14,
            renewal_ages=(14, 25, 40, 60),
            iris_from_age=6,
        ),
    )
}


def pack_on(day: date) -> RulePack:
    """The pack in force on `day`; raises LookupError before the first one began."""
    in_force = [pack for pack in PACKS.values() if pack.begins <= day]
    if not in_force:
        raise LookupError(f"no rule pack was in force on {day.isoformat()}")
    return max(in_force, key=lambda pack: pack.begins)


def local_day(moment: datetime) -> date:
    """The day in Vietnam at an aware moment: the day that ages are counted on."""
    return moment.astimezone(VIETNAM).date()


def age_on(born: date, day: date) -> int:
    """Full years on `day`; who is born on 29 February turns older on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def expiry(pack: RulePack, born: date, issued: date) -> date | None:
    """The birthday at which a card issued on `issued` ends; None: it lasts for life (art. 21)."""
    for age in pack.renewal_ages:
        if issued < _birthday(born, age - pack.early_years):
            return _birthday(born, age)
    return None


def _birthday(born: date, age: int) -> date:
    try:
        return born.replace(year=born.year + age)
    except ValueError:  # 29 February
        return date(born.year + age, 3, 1)
