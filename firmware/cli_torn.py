"""What officers do on the console about cards: finish a torn one, void one that is lost, count the blanks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firmware.cli_counter import Counter, counter
from firmware.cli_records import DATA, TICKETS, shelf_of
from firmware.cli_shared import EX_UNAVAILABLE, RETRY, open_reader, reader_trouble, refuse, saved_card

if TYPE_CHECKING:
    from drivers.api import ChipReader
    from firmware.app.visit import Visit
    from firmware.records.report import RecordRow
    from firmware.records.stock import Blanks

Key = Annotated[
    str, typer.Argument(metavar="TICKET|RECORD", help="A ticket's eight digits, or a record's id.")
]
Settings = Annotated[Path | None, typer.Option("--config", help="The site's TOML file.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="The box's data folder, instead of [station] data.")
]
Badges = Annotated[list[str] | None, typer.Option("--badge", help="On a virtual station: whose badge it is.")]
Virtual = Annotated[Path | None, typer.Option("--virtual", help="A saved virtual card; it is saved again.")]
Reader = Annotated[str, typer.Option("--reader", help="Part of the PC/SC reader's name.")]
Count = Annotated[int, typer.Argument(min=1, max=100_000)]

STEPS = {"write": "ghi · write", "verify": "kiểm tra · verify", "lock": "khoá · lock"}
CARD_S = 60.0
TRIES = 5
ANOTHERS = ("card_foreign", "card_locked")


def resume(
    key: Key,
    config: Settings = None,
    data: Data = None,
    badge: Badges = None,
    reader: Reader = "",
    virtual: Virtual = None,
) -> None:
    """Finish the card of a record that is ISSUING: the very card, the very bytes; then seal the record.

    A record that is not ISSUING goes on at the kiosk, with its citizen. Exit code: 0 finished, 1 not, 69 no
    card or reader, 77 not who may do this.
    """
    with counter(config, data, badge or ()) as desk:
        row = _record(desk, key)
        if row.state != "ISSUING":
            refuse(f"{row.record_id} is {row.state}: only a card that was begun is finished here")
        officer = desk.sign_in()
        _reopen(desk, row.record_id)
        desk.journal.audit.append(officer.officer, "card_resumed", row.record_id)
        try:
            with reader_trouble(), _card_reader(desk, reader, virtual) as opened:
                _finish(desk, row.record_id, opened)
        finally:
            _put_aside(desk, row.record_id)


def void(
    key: Key,
    config: Settings = None,
    data: Data = None,
    badge: Badges = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Give a record's present card up, as two officers confirm: it will not come back, or it is broken.

    If a byte of its EF.SOD may have reached it, it goes onto the void list. The record then waits for a new
    blank. Exit code: 0 void, 1 not, 77 not who may do this.
    """
    with counter(config, data, badge or ()) as desk:
        row = _record(desk, key)
        if row.state not in ("FROZEN", "ISSUING"):
            refuse(f"{row.record_id} is {row.state}: it has no card that could be void")
        attempt = desk.journal.attempt(row.record_id)
        live = "có thể đã có hiệu lực · may be live" if attempt.issuing else "chưa có hiệu lực · not live"
        typer.echo(f"{row.record_id}  thẻ · card {attempt.number}: {live}")
        officers = desk.two()
        if not yes:
            typer.confirm("huỷ thẻ này, không thể lấy lại · void this card for ever?", abort=True, err=True)
        following = desk.journal.lost(row.record_id, attempt.number, [each.officer for each in officers])
        typer.echo(f"đã huỷ · void; thẻ tiếp theo · the next card is {following}")
        _say_blanks(desk.journal.blanks())


def load(count: Count, config: Settings = None, data: Data = None, badge: Badges = None) -> None:
    """Book COUNT blanks in, as an officer counted them."""
    with counter(config, data, badge or ()) as desk:
        desk.journal.stock.load(count, [desk.sign_in().officer])
        _say_blanks(desk.journal.blanks())


def spoil(count: Count, config: Settings = None, data: Data = None, badge: Badges = None) -> None:
    """Book COUNT blanks as unusable before any attempt, as two officers saw."""
    with counter(config, data, badge or ()) as desk:
        desk.journal.stock.spoil(count, [each.officer for each in desk.two()])
        _say_blanks(desk.journal.blanks())


def hand_over(
    counted: Annotated[int, typer.Argument(min=0, max=100_000, metavar="COUNTED", help="As you found them.")],
    config: Settings = None,
    data: Data = None,
    badge: Badges = None,
) -> None:
    """Shift change: COUNTED blanks are left, as the officer who goes and the one who comes counted together.

    What is missing stays in the books and in the audit under both names. Exit code 1: the count differs.
    """
    with counter(config, data, badge or ()) as desk:
        giver, taker = desk.two()
        missing = desk.journal.stock.hand_over(counted, giver.officer, taker.officer)
        _say_blanks(desk.journal.blanks())
    if missing > 0:
        refuse(f"thiếu {missing} thẻ trắng · {missing} blanks are missing")
    if missing < 0:
        refuse(f"thừa {-missing} thẻ trắng · {-missing} blanks too many")


def unlock(
    locked: Annotated[str, typer.Argument(metavar="BADGE", help="Whose tries are given back.")],
    config: Settings = None,
    data: Data = None,
    badge: Badges = None,
) -> None:
    """Give a locked officer's PIN tries back; another officer does it."""
    with counter(config, data, badge or ()) as desk:
        if locked not in desk.desk.officers:
            refuse(f"{locked}: không có trong danh sách · not on this box's list of staff")
        subject = desk.desk.officers[locked]
        by = desk.sign_in((subject,))
        desk.journal.tries.unlock(subject.officer, by.officer)
        typer.echo(f"{locked}: đã mở khoá · unlocked")


# --- steps ---


def _record(desk: Counter, key: str) -> RecordRow:
    from firmware.records import report
    from firmware.records.errors import TicketRefused

    try:
        return report.explain(desk.journal.shelf, key).record
    except TicketRefused as exc:
        refuse(TICKETS[exc.reason])


def _reopen(desk: Counter, record_id: str) -> None:
    """The record is at the desk, and no other one."""
    if desk.journal.open_record() == record_id:
        return
    ticket = desk.journal.draft(record_id).ticket
    if not ticket:
        refuse(f"{record_id} does not wait: start the kiosk once, it puts the record aside")
    desk.journal.resume(ticket)


def _put_aside(desk: Counter, record_id: str) -> None:
    """What could not be finished waits on, under the ticket that it had."""
    from firmware.app.jobs.records import put_aside

    put_aside(desk.desk, record_id)(desk.journal)


@contextmanager
def _card_reader(desk: Counter, name: str, virtual: Path | None) -> Iterator[ChipReader]:
    """The reader; a saved virtual card is saved again, whatever became of it.

    Only a virtual station's record may end with one: elsewhere it would be a record without a card.
    """
    if virtual is not None and desk.desk.config.station.profile != "virtual":
        refuse("--virtual is for a virtual station", 2)
    if virtual is None:
        with open_reader(desk.desk.config, name, None) as reader:
            yield reader
        return
    from drivers.virtual.card import VirtualReader

    card = saved_card(virtual)
    with VirtualReader() as virtual_reader:
        virtual_reader.put(card)
        try:
            yield virtual_reader
        finally:
            virtual.write_bytes(card.to_bytes())


def _finish(desk: Counter, record_id: str, reader: ChipReader) -> None:
    """The three calls of the transaction; a card that moved is asked for again."""
    from firmware.app.visit import Visit

    visit = Visit(record_id=record_id)
    for step, name in STEPS.items():
        typer.echo(name, err=True)
        _step(desk, visit, step, reader)
    _seal(desk, visit)


def _step(desk: Counter, visit: Visit, step: str, reader: ChipReader) -> None:
    from drivers.worker import Stop
    from firmware.app.jobs.chip import issue
    from statemachine import events as ev

    job = issue(desk.desk, visit, 0, step, lambda: None)
    for _ in range(TRIES):
        event = job(reader, Stop()).event
        match event:
            case ev.CardMoved(reason=reason):
                typer.echo(RETRY.get(reason, reason), err=True)
                _await_again(reader, reason)
            case ev.ChipBroken(reason=reason):
                refuse(
                    f"{reason}: thẻ hỏng, hai cán bộ huỷ thẻ · broken; two officers void it: kiosk card void"
                )
            case ev.SignerAway(reason=reason) | ev.SignerRefused(reason=reason):
                refuse(f"không có chữ ký · no signature: {reason}")
            case _:
                return
    refuse(f"thẻ không ghi được sau {TRIES} lần · not after {TRIES} tries", EX_UNAVAILABLE)


def _await_again(reader: ChipReader, reason: str) -> None:
    """A card that is not the one is lifted first; then it, or the right one, is laid down."""
    lifted = reason not in ANOTHERS or reader.await_card(False, CARD_S)
    if not lifted or not reader.await_card(True, CARD_S):
        refuse(RETRY["place_card"] if lifted else RETRY[reason], EX_UNAVAILABLE)


def _seal(desk: Counter, visit: Visit) -> None:
    from firmware.app.jobs.records import seal
    from statemachine import events as ev

    told = seal(visit)(desk.journal)
    if isinstance(told.event, ev.Sealed):
        typer.echo(f"xong, đã niêm phong · finished and sealed; biên nhận · receipt {told.visit['receipt']}")
    else:
        typer.echo(
            "thẻ xong; hồ sơ chưa niêm phong được · the card is finished; the record is not sealed yet"
        )


def _say_blanks(blanks: Blanks) -> None:
    """In = live + void + left, and what was handed on or is missing."""
    gone = (("bàn giao · out", blanks.out), ("thiếu · missing", blanks.missing))
    typer.echo(
        f"thẻ trắng · blanks: nhập · in {blanks.taken_in} = hiệu lực · live {blanks.live}"
        f" + huỷ · void {blanks.void} + còn · left {blanks.left}"
        + "".join(f" + {name} {count}" for name, count in gone if count)
    )


def show(
    data: Annotated[Path, typer.Option("--data", help="The box's data folder.")] = DATA,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Count the blanks: in = live + void + left + out + missing. Reads only, beside a running kiosk too."""
    import json
    from dataclasses import asdict

    from firmware.records.stock import blanks_of

    with shelf_of(data) as shelf:
        blanks = blanks_of(shelf.db)
    if as_json:
        typer.echo(json.dumps({**asdict(blanks), "left": blanks.left}))
    else:
        _say_blanks(blanks)
