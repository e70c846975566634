"""What an ordeal must leave behind: citizens, cards, records and receipts, seen from outside the kiosk."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

from drivers.virtual.card.card import VirtualCard
from firmware.records.report import check_audit, list_records, verify
from firmware.records.states import RecordState
from firmware.records.stock import blanks_of
from firmware.sim.disk import opened
from firmware.sim.evidence import Evidence, NotShown, gather
from firmware.sim.office import DemoFailed, VirtualOffice, Wishes
from firmware.sim.ordeal import Ordeal, Told
from firmware.sim.show import Show, report

ENDS = (RecordState.PURGED, RecordState.ABANDONED)
"""Abandoned: killed before anybody was proven; the person began anew."""


def show_ordeal(wishes: Wishes, console: Console) -> None:
    """The demo whose kiosk is killed and whose line is cut. Raises DemoFailed or NotShown."""
    if wishes.pcsc or wishes.night:
        raise DemoFailed(
            "--power-cuts and --offline go with neither --pcsc nor --night: their world is files"
        )
    show = Show(console)
    show.say("centre, keys and people …")
    with VirtualOffice(wishes) as office:
        told = Ordeal(office, show).run()
        evidence = reckon(office, told)
        report(wishes.folder / "report.json", evidence)
    for number, one in enumerate(evidence, start=1):
        passport, receipt = one.passport, one.receipt
        show.say(
            f"citizen {number}: card read through {passport.protocol}, {len(passport.checks)} checks hold;"
            f" record #{one.manifest['sequence']} opened with the centre's key;"
            f" receipt {receipt.kind}, ledger position {receipt.position}"
        )
    kills_table(console, told)
    again = sum(not killed.landed for killed in told.kills)
    show.say(
        f"killed {len(told.kills)} times ({again} of them before a restart showed anything); line cut for"
        f" {told.offline_s / 3600:.2f} h of the demo's clock, {told.tickets} ticket(s) given"
    )
    count = len(evidence)
    show.say(f"[bold]{count} citizen(s), {count} card(s), {count} record(s), {count} receipt(s)[/]")


def reckon(office: VirtualOffice, told: Told) -> list[Evidence]:
    """The evidence for each citizen, in their order. Raises NotShown when anything is not as it must be."""
    wishes = office.wishes
    centre = wishes.folder / "centre"
    evidence = []
    for guest, person in zip(told.guests, office.people, strict=True):
        card = VirtualCard.from_bytes(
            (wishes.folder / "cards" / f"citizen-{guest.number + 1}.json").read_bytes()
        )
        one = gather(office.box, centre, guest.record, card)
        if one.manifest["subject"]["number"]["value"] != person.number:
            raise NotShown(f"the record of citizen {guest.number + 1} is another person's")
        evidence.append(one)
    _centre_holds(office, len(evidence))
    _box_holds(office, len(evidence))
    if len(told.kills) != wishes.power_cuts:
        raise NotShown(f"the kiosk was killed {len(told.kills)} times, not {wishes.power_cuts}")
    if told.offline_s < wishes.offline_s:
        raise NotShown(f"the line was cut for {told.offline_s:.0f} s only")
    return evidence


def centre_agrees(office: VirtualOffice, citizens: int) -> None:
    """Each record once, nothing that waits for a person, no card granted twice; the ledger's chain holds.

    Raises NotShown.
    """
    counts = office.centre.counts()  # the command ends with an error where the chain is broken
    expected = {"records": {"ACCEPTED": citizens}, "grants": {"open": 0, "void": 0, "issued": citizens}}
    for what, wanted in expected.items():
        if counts[what] != wanted:
            raise NotShown(f"the centre's {what} are {counts[what]}, not {wanted}")


def _centre_holds(office: VirtualOffice, citizens: int) -> None:
    """And no sealed file that is nobody's."""
    centre_agrees(office, citizens)
    sealed = [path for path in (office.centre.folder / "records").rglob("*") if path.is_file()]
    if len(sealed) != citizens:
        raise NotShown(f"the centre has {len(sealed)} sealed files of {citizens} citizens")


def _box_holds(office: VirtualOffice, citizens: int) -> None:
    """Every record at its end, files whole, audit log whole, blanks in = live + void + left."""
    with opened(office.box) as shelf:
        states = Counter(row.state for row in list_records(shelf))
        bad = [finding for finding in verify(shelf) if not finding.good]
        broken = check_audit(shelf).problems
        blanks = blanks_of(shelf.db)
    if bad or broken:
        raise NotShown(f"the box's store is not whole: {bad or broken}")
    if states[RecordState.PURGED] != citizens or set(states) - set(ENDS):
        raise NotShown(f"the box's records are {dict(states)}")
    if (blanks.live, blanks.void, blanks.taken_in - blanks.left) != (citizens, 0, citizens):
        raise NotShown(f"the blanks do not add up: {blanks}")


def kills_table(console: Console, told: Told) -> None:
    """How often the kiosk was killed, at which steps, and where it went on."""
    table = Table(title="Mất điện · power cuts (SIGKILL)", title_justify="left")
    for name in ("", "lúc · on the screen", "trên đĩa · on the disk", "trở lại · back in"):
        table.add_column(name)
    for number, killed in enumerate(told.kills, start=1):
        where = killed.state + (f", {killed.left} left" if killed.state == "FINGERS" else "")
        beside = f" ({killed.place})" if killed.place != killed.state else ""
        table.add_row(
            str(number), where + beside, str(killed.disk), killed.landed or "killed again at the start"
        )
    console.print(table)
