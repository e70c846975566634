"""The legal rule packs, by date. A record names its pack and is judged by it, years later too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from functools import cache

from config.rulepack import RulePack, rule_packs

VIETNAM = timezone(timedelta(hours=7), "ICT")
CASES = frozenset({"first_issue", "renewal", "replacement", "correction"})


@cache
def packs() -> Mapping[str, RulePack]:
    """The rule packs by name, oldest first, read from `config/rules` when first asked for."""
    return rule_packs()


def pack_on(day: date) -> RulePack:
    """The pack in force on `day`; raises LookupError before the first one began."""
    in_force = [pack for pack in packs().values() if pack.begins <= day]
    if not in_force:
        raise LookupError(f"no rule pack was in force on {day.isoformat()}")
    return in_force[-1]


def local_day(moment: datetime) -> date:
    """The day in Vietnam at an aware moment: the day that ages are counted on."""
    return moment.astimezone(VIETNAM).date()


def age_on(born: date, day: date) -> int:
    """Full years on `day`; who is born on 29 February turns older on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def may_renew(pack: RulePack, age: int) -> bool:
    """Whether a card can be due at this age (art. 21); before that it is replaced or corrected."""
    return age >= pack.renewal_ages[0] - pack.early_years


def case_with_card(pack: RulePack, born: date | None, day: date) -> str:
    """What a new card is, on `day`, to a person who has one."""
    due = born is None or may_renew(pack, age_on(born, day))
    return "renewal" if due else "replacement"


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
