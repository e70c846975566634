"""`kiosk records`: what lies on this box; shows nothing personal.

It only reads, beside a running kiosk too, but for `offer-again` and `send-first`: those need the journal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from firmware.cli_outbox import offer_again, send_first

if TYPE_CHECKING:
    from firmware.records.shelf import Shelf

app = typer.Typer(no_args_is_help=True, help="Hồ sơ trên máy này · the records on this box.")
app.command("offer-again")(offer_again)
app.command("send-first")(send_first)

Data = Annotated[Path, typer.Option("--data", help="The box's data folder, as [station] data names it.")]
DATA = Path("var/box")
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
VIRTUES = {
    "right": "đúng · right",
    "complete": "đủ · complete",
    "clean": "sạch · clean",
    "alive": "sống · alive",
}
NEXT = {
    "citizen": "chờ công dân · waits for its citizen",
    "card": "chờ thẻ, hoặc hai cán bộ huỷ thẻ · waits for its card, or for two officers who void it",
    "seal": "máy sẽ niêm phong khi khởi động · the next start seals it",
    "deliver": "chờ đường truyền · waits for the line",
    "incident": "trung tâm từ chối: báo sự cố · the centre refused it: report an incident",
    "purge": "máy sẽ xoá · the box purges it",
    "nothing": "đã xong · nothing is left to do",
}
TICKETS = {
    "ticket_malformed": "this is neither an eight-digit ticket nor a record's id",
    "ticket_unknown": "no record of this box waits under this ticket",
    "ticket_expired": "this ticket has run out",
}


@contextmanager
def shelf_of(data: Path) -> Iterator[Shelf]:
    """The store, for reading; what a person can mend is one line and exit code 1."""
    from firmware.box.identity import Identity, IdentityError
    from firmware.records.errors import RecordsError, TicketRefused
    from firmware.records.format.errors import FormatError
    from firmware.records.shelf import beside

    if not (data / "identity").exists():
        _refuse(f"{data} holds no box; after `make demo` the demo's is --data var/demo/box")
    try:
        with beside(data / "records", Identity(data / "identity").certificate("box.crt")) as shelf:
            yield shelf
    except TicketRefused as exc:
        _refuse(TICKETS[exc.reason])
    except (RecordsError, FormatError, IdentityError) as exc:
        _refuse(str(exc))


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"kiosk: {why}\n")
    raise typer.Exit(1)


def _say(row: Any, as_json: bool, line: str) -> None:
    typer.echo(json.dumps(asdict(row), ensure_ascii=False, default=str) if as_json else line)


@app.command("list")
def list_records(data: Data = DATA, as_json: Json = False) -> None:
    """Every record of this box, oldest first."""
    from firmware.records import report

    with shelf_of(data) as shelf:
        rows = report.list_records(shelf)
        if not rows and not as_json:
            typer.echo("chưa có hồ sơ nào · no records yet")
        for row in rows:
            number = f"#{row.sealed.sequence}" if row.sealed else "-"
            until = row.until or "có thẻ · its card"
            waits = f"  chờ đến · waiting until {until}" if row.waiting else ""
            line = f"{row.record_id}  {row.state:<9} {number:>6}  {row.started_at[:19]}  {row.case}{waits}"
            _say(row, as_json, line)


@app.command()
def verify(data: Data = DATA, as_json: Json = False) -> None:
    """Check every record and sealed file against the journal. Exit code 1: something is wrong."""
    from firmware.records import report

    with shelf_of(data) as shelf:
        findings = report.verify(shelf)
    for finding in findings:
        problems = f": {'; '.join(finding.problems)}" if finding.problems else ""
        _say(finding, as_json, f"{'good' if finding.good else 'BAD '}  {finding.subject}{problems}")
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


@app.command()
def export(
    target: Annotated[
        Path, typer.Argument(help="A folder, as on a stick; the files are encrypted to the centre.")
    ],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Copy every unsent sealed record to TARGET and read it back; the records stay in the outbox."""
    from firmware.records import report

    with shelf_of(data) as shelf:
        copied = report.export(shelf, target)
    for one in copied:
        copied_whole = "đã chép, đã đọc lại · copied and read back"
        problem = f"KHÔNG chép được · NOT copied: {one.problem}"
        _say(one, as_json, f"{one.file}  {one.size_bytes} B  {problem if one.problem else copied_whole}")
    if not copied and not as_json:
        typer.echo("không còn hồ sơ chưa gửi · nothing is unsent")
    raise typer.Exit(1 if any(one.problem for one in copied) else 0)


@app.command()
def explain(
    key: Annotated[str, typer.Argument(metavar="TICKET", help="A ticket's eight digits, or a record's id.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Say where a record stands and what it waits for; after sealing the header only."""
    from firmware.records import report

    with shelf_of(data) as shelf:
        found = report.explain(shelf, key)
    if as_json:
        _say(found, True, "")
        return
    typer.echo(f"{found.record.record_id}  {found.record.state}: {NEXT[found.next]}")
    if found.form:
        typer.echo(f"  mẫu · form: {found.form}")
    if found.missing:
        typer.echo(f"  thiếu · missing: {', '.join(found.missing)}")
    for attempt in found.attempts:
        typer.echo(f"  thẻ · card {attempt.number}: {attempt.outcome}")
    if found.record.sealed is not None:
        quality = found.record.sealed.quality
        typer.echo("  dữ liệu · data: " + ", ".join(f"{VIRTUES[name]} {quality[name]} %" for name in quality))
    for step, at in found.steps:
        typer.echo(f"  {at[:19]}  {step}")


@app.command()
def audit(
    data: Data = DATA,
    verify_: Annotated[bool, typer.Option("--verify", help="Check the whole chain.")] = False,
    as_json: Json = False,
) -> None:
    """Show the audit log, or check that no bit was flipped and no row is missing (exit code 1 if so)."""
    from firmware.records import report

    with shelf_of(data) as shelf:
        if verify_:
            checked = report.check_audit(shelf)
            verdict = "nguyên vẹn · whole" if not checked.problems else "KHÔNG nguyên vẹn · NOT whole"
            _say(checked, as_json, f"{checked.rows} rows, {checked.checkpoints} checkpoints: {verdict}")
            for problem in () if as_json else checked.problems:
                typer.echo(f"  {problem.n:>5}  {problem.what}")
            raise typer.Exit(1 if checked.problems else 0)
        for row in report.audit_rows(shelf):
            _say(
                row,
                as_json,
                f"{row.n:>5}  {row.at[:19]}  {row.actor:<10} {row.act:<14} {row.record_id or ''}",
            )
