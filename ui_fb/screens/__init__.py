"""Every screen, its fields and its actions.

All also have `language, simulated, step, steps, error` (`ui_fb.screen`). `help` and `back` are offered
where it says so (h, b). *Preview*: `preview_rect` says where the live picture goes.

| state | screen | fields | actions |
|---|---|---|---|
| ATTRACT | `Attract` | | start, h |
| LANGUAGE | `Language` | offered | language:vi …, h b |
| IDENTIFY | `Identify` | ways, offline | by:qr by:chip by:number by:ticket, h b |
| | `ScanQr` (preview) | problem | h b |
| | `EnterCan` | digits, problem | digit:0 … digit:9 erase ok, h b |
| | `OldChip` | fraction | h b |
| | `EnterNumber` | digits, problem, whose | digit:0 … digit:9 erase ok, h b |
| | `EnterTicket` | digits, length, problem | the same, by:qr |
| LOOKUP | `LookUp` | offline | h |
| PROVE | `Prove` (preview) | finger, hint, attempts_left, lift | cannot, h b |
| REVIEW | `Review` | rows: `FieldRow(key, value, wrong)`, page, pages | wrong:KEY ok, h b |
| CONSENT | `Consent` | | consent:yes consent:no, h b |
| | `EidRequest` | | eid:yes eid:no, h b |
| FINGERS | `Fingers` (preview) | marks, now, hint, score, estimate, attempt(s), lift | cannot, h |
| PORTRAIT | `Portrait` (preview) | hint, good, wanted | h b |
| CONFIRM | `Confirm` (preview: portrait) | full_name, number, good, excepted, corrections … | ok, h b |
| PLACE_CARD | `PlaceCard` | reason | h |
| WRITE_CHIP, VERIFY_CHIP, LOCK_CHIP | `WriteChip`, `VerifyChip`, `LockChip` | fraction | |
| HOLD_STILL | `HoldStill` | tries_left | h |
| RECEIPT | `Receipt` | code, qr, done | ok, h |
| FAREWELL | `Farewell` | card, seconds_left | done |
| HELP | `Help` | retry | officer retry, b |
| OFFICER | `Officer` | purpose, stage, entered, tries_left, problem | digit:n erase ok, b |
| ASSISTED | `Assisted` | acts, officer | act:attest act:except act:correct …, b |
| | `ChooseFinger`, `ExceptReason` | marks; finger | finger:POSITION; except:worn …, b |
| | `Sure` | question | yes no |
| PAUSED | `Paused` | ticket, qr, valid_until, reason | ok |
| STILL_THERE | `StillThere` | seconds_left | here |
| OUT_OF_ORDER | `OutOfOrder` | device, closed | officer |
| | `StartBox` | problem | |
| TECHNICIAN | `Technician` | rows: `Check(name, value, limit, verdict)`, page(s) | next retest acts, b |
| | `BoxActs` | acts | act:give act:take act:codes, b |
| | `Explain` | cause, remedy, page(s) | next, b |
| STATUS | `Status` | place, unsent, carried, oldest_h, blanks_left, lease, disk_free_gb, … alarms | b |
| SWAP | `PutStick` | swap | b |
| | `StickShows` | swap, facts | ok, b |
| | `ScanCode` (preview), `TypeCode` | problem; digits, scan | type, b; digit:n erase ok scan, b |
| | `CountBlanks` | digits, stated | digit:n erase ok, b |
| | `Moving` | swap, done, of | |
| | `Swapped` | swap, facts, tickets, more | ok |
| | `SwapStopped` | cause, remedy | ok, b |
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ui_fb.geometry import Size
from ui_fb.screen import Screen
from ui_fb.screens.attend import Help, StillThere
from ui_fb.screens.box import BoxActs, Explain, StartBox
from ui_fb.screens.card import HoldStill, LockChip, PlaceCard, VerifyChip, WriteChip
from ui_fb.screens.consent import Consent, EidRequest
from ui_fb.screens.fingers import Fingers
from ui_fb.screens.identify import EnterCan, EnterNumber, EnterTicket, Identify, OldChip, ScanQr
from ui_fb.screens.officer import Assisted, ChooseFinger, ExceptReason, Officer, Sure
from ui_fb.screens.portrait import Portrait
from ui_fb.screens.prove import LookUp, Prove
from ui_fb.screens.receipt import Paused, Receipt
from ui_fb.screens.review import Confirm, FieldRow, Review, pages_of
from ui_fb.screens.swap import (
    CountBlanks,
    Moving,
    PutStick,
    ScanCode,
    StickShows,
    Swapped,
    SwapStopped,
    TypeCode,
)
from ui_fb.screens.trouble import Check, OutOfOrder, Status, Technician
from ui_fb.screens.welcome import Attract, Farewell, Language
from ui_fb.theme import DEFAULT, Theme

SCREENS: tuple[type[Screen], ...] = (
    Attract, Language, Identify, ScanQr, EnterCan, OldChip, EnterNumber, EnterTicket, LookUp, Prove, Review,
    Consent, EidRequest, Fingers, Portrait, Confirm, PlaceCard, WriteChip, VerifyChip, LockChip, HoldStill,
    Receipt, Farewell, Help, Officer, Assisted, ChooseFinger, ExceptReason, Sure, Paused, StillThere,
    OutOfOrder, StartBox, Technician, BoxActs, Explain, Status, PutStick, StickShows, ScanCode, TypeCode,
    CountBlanks, Moving, Swapped, SwapStopped,
)  # fmt: skip


def warm(size: Size, theme: Theme = DEFAULT, language: str = "vi") -> Iterator[None]:
    """Draw one made-up example of each screen, a screen a step, so that words and pictures are at hand."""
    for kind in SCREENS:
        example = dataclasses.replace(next(iter(kind.examples().values())), language=language)
        example.render(size, theme)
        if live := example.preview(size, theme):
            live.fit(np.zeros((2, 2), np.uint8))  # the guide over the live picture, too
        yield


__all__ = [
    "SCREENS",
    "Assisted",
    "Attract",
    "BoxActs",
    "Check",
    "ChooseFinger",
    "Confirm",
    "Consent",
    "CountBlanks",
    "EidRequest",
    "EnterCan",
    "EnterNumber",
    "EnterTicket",
    "ExceptReason",
    "Explain",
    "Farewell",
    "FieldRow",
    "Fingers",
    "Help",
    "HoldStill",
    "Identify",
    "Language",
    "LockChip",
    "LookUp",
    "Moving",
    "Officer",
    "OldChip",
    "OutOfOrder",
    "Paused",
    "PlaceCard",
    "Portrait",
    "Prove",
    "PutStick",
    "Receipt",
    "Review",
    "ScanCode",
    "ScanQr",
    "StartBox",
    "Status",
    "StickShows",
    "StillThere",
    "Sure",
    "SwapStopped",
    "Swapped",
    "Technician",
    "TypeCode",
    "VerifyChip",
    "WriteChip",
    "pages_of",
    "warm",
]
