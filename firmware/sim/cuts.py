"""When the power goes, drawn from a seed: in which visit, at which step, and how far into it. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from statemachine.states import PROCEDURE, S


class Beside(StrEnum):
    """Moments that are no state of the procedure."""

    START = "START"
    """While the kiosk starts."""
    EF_SOD = "EF.SOD"
    """While the bytes that make the card live go to it: the record is ISSUING."""
    UPLOAD = "UPLOAD"
    """While a sealed record is on its way to the centre."""


Place = S | Beside

USUAL_S: Mapping[Place, float] = {
    Beside.START: 4.0,
    S.ATTRACT: 0.5,
    S.IDENTIFY: 1.5,
    S.PROVE: 2.0,
    S.REVIEW: 0.4,
    S.CONSENT: 0.2,
    S.FINGERS: 15.0,
    S.PORTRAIT: 3.0,
    S.CONFIRM: 0.2,
    S.PLACE_CARD: 0.2,
    Beside.EF_SOD: 0.12,
    S.VERIFY_CHIP: 0.6,
    S.LOCK_CHIP: 0.2,
    S.RECEIPT: 0.2,
}
"""About how long a virtual citizen is in each state."""
WRITE_APDUS = 100
UPLOAD_BYTES = 120_000
WEIGHTS: Mapping[Place, int] = {
    **dict.fromkeys(USUAL_S, 1),
    S.FINGERS: 4,
    S.PORTRAIT: 2,
    S.WRITE_CHIP: 3,
    Beside.EF_SOD: 2,
    Beside.UPLOAD: 3,
}
"""How often each is drawn."""
MUST: tuple[Place, ...] = (S.WRITE_CHIP, Beside.UPLOAD, Beside.EF_SOD, S.FINGERS)
"""What as many cuts as these are drawn for first."""


AFTER_WRITING = PROCEDURE[PROCEDURE.index(S.VERIFY_CHIP) :]


@dataclass(frozen=True, slots=True)
class Cut:
    """The power goes in visit number `visit` (from 0) at `place`, `share` (0..1) of what it usually takes."""

    visit: int
    place: Place
    share: float

    @property
    def delay_s(self) -> float:
        """Seconds after the place was reached."""
        return self.share * USUAL_S.get(self.place, 0.0)

    @property
    def apdus(self) -> int:
        """Of S.WRITE_CHIP: how many answers of the card it lets pass."""
        return round(self.share * WRITE_APDUS)

    @property
    def bytes(self) -> int:
        """Of Beside.UPLOAD: how many bytes it lets pass."""
        return round(self.share * UPLOAD_BYTES)

    def reached(self, state: S, at_stake: bool) -> bool:
        """Whether a visit in this state, its card `at_stake`, is where the cut is to come, or further."""
        if self.place is Beside.EF_SOD:
            return at_stake or state in AFTER_WRITING
        order = PROCEDURE
        return state in order and self.place in order and order.index(state) >= order.index(self.place)


def draw(count: int, visits: int, seed: int) -> list[Cut]:
    """`count` cuts over `visits` visits, in the order in which they come.

    Each visit gets as many as the next, or one less; what must be among them comes first.
    """
    rng = random.Random(seed)  # noqa: S311  the same seed, the same demo
    places = [*MUST, *rng.choices([*WEIGHTS], [*WEIGHTS.values()], k=count)][:count]
    turns = [n % visits for n in range(count)]
    rng.shuffle(turns)
    cuts = [Cut(visit, place, rng.random()) for visit, place in zip(turns, places, strict=True)]
    return sorted(cuts, key=lambda cut: (cut.visit, _order(cut)))


def _order(cut: Cut) -> tuple[float, float]:
    """A start can only be cut after the visit's first cut; an upload comes last."""
    if cut.place is Beside.UPLOAD:
        return (len(PROCEDURE), cut.share)
    if cut.place is Beside.START:
        return (cut.share * len(PROCEDURE), 0.0)
    if cut.place is Beside.EF_SOD:
        return (PROCEDURE.index(S.WRITE_CHIP) + 0.5, cut.share)
    return (PROCEDURE.index(S(cut.place)), cut.share)
