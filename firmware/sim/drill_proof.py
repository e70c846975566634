"""What a drill must leave: cards, records and receipts agree, at the centre, on both boxes and the cards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from drivers.virtual.card.card import VirtualCard
from firmware.records.stock import Blanks
from firmware.sim.evidence import Evidence, NotShown, gather
from firmware.sim.office import VirtualOffice
from firmware.sim.ordeal import Guest
from firmware.sim.reckoning import centre_agrees
from firmware.sim.unit_box import UnitBox


def prove(
    office: VirtualOffice, old: UnitBox, spare: UnitBox, guests: Sequence[Guest], console: Console
) -> None:
    """Print the table. Raises NotShown when anything is not as it must be."""
    made_by = [old, spare, old, spare, spare]
    evidence = [
        gather(box.folder, office.centre.folder, guest.record, _card(guest))
        for box, guest in zip(made_by, guests, strict=True)
    ]
    _each_their_own(office, evidence)
    centre_agrees(office, len(guests))
    _blanks_add_up(old, spare, len(guests))
    console.print(_table(made_by, evidence))
    count = len(guests)
    console.print(
        f"{count} citizens, {count} cards, {count} records, {count} receipts; the ledger's chain holds"
    )


def _card(guest: Guest) -> VirtualCard:
    return VirtualCard.from_bytes(Path(guest.visitor.card).read_bytes())


def _each_their_own(office: VirtualOffice, evidence: Sequence[Evidence]) -> None:
    for number, (one, person) in enumerate(zip(evidence, office.people, strict=True), start=1):
        if one.manifest["subject"]["number"]["value"] != person.number:
            raise NotShown(f"the record of citizen {number} is another person's")
    sods = {one.manifest["chip"]["sod_sha256"] for one in evidence}
    if len(sods) != len(evidence):
        raise NotShown("two records speak of one card")


def _blanks_add_up(old: UnitBox, spare: UnitBox, citizens: int) -> None:
    """What the old box had and the spare counted is a card in somebody's hand, or left."""
    first, then = old.status().blanks, spare.status().blanks
    used = _used(first) + _used(then)
    if then.taken_in != first.left or used != citizens:
        raise NotShown(f"the blanks do not add up: {first}, then {then}, for {citizens} cards")


def _used(blanks: Blanks) -> int:
    return blanks.live + blanks.void


def _table(made_by: Sequence[UnitBox], evidence: Sequence[Evidence]) -> Table:
    table = Table(title="Đối chiếu · cards, records, receipts", title_justify="left")
    for name in (
        "",
        "máy · sealed by",
        "số · number",
        "bắt đầu · begun on",
        "thẻ · card",
        "biên nhận · receipt",
    ):
        table.add_column(name)
    for number, (box, one) in enumerate(zip(made_by, evidence, strict=True), start=1):
        where = one.manifest["assignment"]
        began = where.get("began_on", where)
        table.add_row(
            f"citizen {number}",
            box.name,
            str(one.manifest["sequence"]),
            f"{began['box']}, epoch {began['epoch']}",
            f"read through {one.passport.protocol}, {len(one.passport.checks)} checks hold",
            f"{one.receipt.kind}, ledger position {one.receipt.position}",
        )
    return table
