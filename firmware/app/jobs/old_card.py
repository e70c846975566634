"""IDENTIFY by the chip of the old card: whose it says it is, once it has proved to be genuine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from drivers.api import Deadline
from drivers.chip.password import Can
from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.desk import Desk
from firmware.app.jobs.identify import check_number
from firmware.app.visit import Learned, Seen
from firmware.document.data_groups import decode_dg1, decode_dg13
from firmware.document.errors import DocumentError
from firmware.document.lds import Fid
from firmware.document.mrz import parse as parse_mrz
from firmware.issue.findings import Verdict
from firmware.issue.inspect import Inspection, inspect
from firmware.records.format.check import parse_day
from firmware.records.format.number import NumberProblem
from statemachine import events as ev

if TYPE_CHECKING:
    from drivers.api import ChipReader

SLICE_S = 0.25
READ_S = 20.0
LYING = 0.1
"""Of the bar, as soon as a card lies there."""
GROUPS = (1, 13, 14, 15)
"""Who it is and the keys that prove the chip; the portrait would take seconds and is not looked at."""
BELIEVED = (Verdict.GENUINE, Verdict.EXPIRED)
REASONS: Mapping[Verdict, str] = {
    Verdict.CLOSED: "can_wrong",
    Verdict.UNSUPPORTED: "chip_unsupported",
    Verdict.BLANK: "chip_foreign",
    Verdict.NO_EMRTD: "chip_foreign",
    Verdict.TORN: "chip_unreadable",
    Verdict.BROKEN: "chip_unreadable",
}
"""Anything else that is not believed is `chip_not_genuine`."""
SAID = ("full_name", "birth_date", "sex")
"""The fields in which the registry must agree with the card."""


def read_old_card(desk: Desk, entry: int, can: str) -> Callable[[ChipReader, Stop], Learned | None]:
    """Wait for a card, open it with its access number (PACE) and learn whose it is."""

    def read(reader: ChipReader, stop: Stop) -> Learned | None:
        while not stop:
            if reader.await_card(True, SLICE_S):
                desk.show(Seen(entry, fraction=LYING))
                return _learned(desk, reader, Can(can))
        return None

    return read


def _learned(desk: Desk, reader: ChipReader, can: Can) -> Learned:
    trust = [desk.identity.certificate("csca")]
    try:
        deadline = Deadline.after(READ_S, desk.clock)
        found = inspect(reader, can, trust, desk.now(), deadline, GROUPS, memory=desk.blocks)
    except UserRetry:
        return Learned(ev.Unreadable("chip_unreadable"))
    if found.verdict not in BELIEVED:
        return Learned(ev.Unreadable(REASONS.get(found.verdict, "chip_not_genuine")))
    try:
        return _identified(desk, found)
    except (DocumentError, KeyError):
        return Learned(ev.Unreadable("chip_unreadable"))
    except NumberProblem as exc:
        return Learned(ev.Unreadable(f"number_{exc.reason}"))


def _identified(desk: Desk, found: Inspection) -> Learned:
    number = parse_mrz(decode_dg1(found.contents[Fid.DG1])).number
    said = decode_dg13(found.contents[Fid.DG13]).subject
    check_number(desk, number, parse_day(said.get("birth_date")), said.get("sex"))
    card = {
        "read": "chip",
        "verdict": str(found.verdict),
        "sod_sha256": hashlib.sha256(found.contents[Fid.SOD]).hexdigest(),
    }
    says = {name: said[name] for name in SAID if name in said}
    known: dict[str, Any] = {"number": number, "card_says": says, "old_card": card}
    return Learned(ev.Identified("chip"), known)
