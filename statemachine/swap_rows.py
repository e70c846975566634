"""SWAP: one box takes another's place, guided, in at most five acts (DESIGN section 7).

```
GIVE   STICK → FOUND → GO → DONE                          put in · go on · take it out
TAKE   STICK → FOUND → [CODE] → BLANKS → GO → DONE        put in · go on · scan the code · count · done
```
REFUSED says why, and begins again at the stick: what was typed is not asked for twice, and what was copied is
not copied twice. Only a technician gets here, and never while a visit holds a record, ISSUING or any other.
"""

from __future__ import annotations

from statemachine import events as ev
from statemachine import guards as g
from statemachine import notes as n
from statemachine.rows import STAY, Row
from statemachine.session import Stage, Swap
from statemachine.states import S

_TAKES = g.swaps(Swap.TAKE)


def _opens(event: type[ev.Event], swap: Swap) -> list[Row]:
    """A visit that is held is put away first, with its receipt or ticket; then the technician comes again."""
    begun = n.note(swap=swap, stage=Stage.STICK, coded=True, counted=False)
    return [
        Row(S.TECHNICIAN, event, S.RECEIPT, g.complete),
        Row(S.TECHNICIAN, event, S.PAUSED, g.holds, n.because("officer")),
        Row(S.TECHNICIAN, event, S.SWAP, None, begun),
    ]


def _leaves(event: type[ev.Event], *guards: g.Guard) -> list[Row]:
    """A box that handed its work over, or lacks a device, is out of order; any other one greets."""
    return [
        Row(S.SWAP, event, S.OUT_OF_ORDER, g.all_of(*guards, g.is_not(g.well))),
        Row(S.SWAP, event, S.ATTRACT, g.all_of(*guards) if guards else None),
    ]


def _goes_on() -> list[Row]:
    """From what was found to the first of code, blanks and go that is still open."""
    here = g.at_stage(Stage.FOUND)
    ways = (
        (Stage.CODE, (_TAKES, g.is_not(g.coded))),
        (Stage.BLANKS, (_TAKES, g.is_not(g.counted))),
        (Stage.GO, ()),
    )
    return [Row(S.SWAP, ev.Confirmed, S.SWAP, g.all_of(here, *open_), n.stage(to)) for to, open_ in ways]


SWAP_ROWS: tuple[Row, ...] = (
    *_opens(ev.HandOverPressed, Swap.GIVE),
    *_opens(ev.TakeOverPressed, Swap.TAKE),
    Row(S.SWAP, ev.StickFound, S.SWAP, g.at_stage(Stage.STICK), n.stick),
    Row(S.SWAP, ev.StickFound, STAY),
    *_goes_on(),
    Row(S.SWAP, ev.Confirmed, S.SWAP, g.at_stage(Stage.REFUSED), n.stage(Stage.STICK)),
    *_leaves(ev.Confirmed, g.at_stage(Stage.DONE)),
    Row(S.SWAP, ev.Confirmed, STAY),
    Row(
        S.SWAP,
        ev.CodeRead,
        S.SWAP,
        g.all_of(g.at_stage(Stage.CODE), g.counted),
        n.stage(Stage.GO, n.note(coded=True)),
    ),
    Row(S.SWAP, ev.CodeRead, S.SWAP, g.at_stage(Stage.CODE), n.stage(Stage.BLANKS, n.note(coded=True))),
    Row(S.SWAP, ev.CodeRead, STAY),
    Row(S.SWAP, ev.BlanksCounted, S.SWAP, g.at_stage(Stage.BLANKS), n.stage(Stage.GO, n.note(counted=True))),
    Row(S.SWAP, ev.BlanksCounted, STAY),
    Row(S.SWAP, ev.SwapDone, S.SWAP, g.at_stage(Stage.GO), n.stage(Stage.DONE)),
    Row(S.SWAP, ev.SwapDone, STAY),
    Row(S.SWAP, ev.SwapRefused, S.SWAP, g.wrong_code, n.stage(Stage.CODE, n.wrong_code)),
    Row(S.SWAP, ev.SwapRefused, S.SWAP, None, n.stage(Stage.REFUSED, n.event_reason)),
    Row(S.SWAP, ev.BackPressed, STAY, g.at_stage(Stage.GO)),
    Row(S.SWAP, ev.BackPressed, S.TECHNICIAN),
    *_leaves(ev.TimedOut),
)
