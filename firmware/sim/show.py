"""What a person sees of the demo: a line a step, bars over the fingers and the chip, tables at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from firmware.app.kiosk import Kiosk
from firmware.sim.evidence import Evidence
from statemachine.session import FINGERS
from statemachine.states import CHIP, S

SAYS: Mapping[S, tuple[str, str]] = {
    S.ATTRACT: ("Xin chào", "greeting"),
    S.LANGUAGE: ("Chọn ngôn ngữ", "language"),
    S.IDENTIFY: ("Đọc mã QR của thẻ cũ", "identify: QR of the old card"),
    S.LOOKUP: ("Tra cứu", "look-up in the registry"),
    S.PROVE: ("Xác thực vân tay 1:1", "prove: finger against the registry"),
    S.REVIEW: ("Kiểm tra tờ khai", "review of every field"),
    S.CONSENT: ("Đồng ý", "consent and eID request"),
    S.FINGERS: ("Mười ngón tay", "ten fingers"),
    S.PORTRAIT: ("Ảnh chân dung", "portrait"),
    S.CONFIRM: ("Xác nhận", "confirm"),
    S.PLACE_CARD: ("Đặt thẻ trắng", "place a blank card"),
    S.WRITE_CHIP: ("Ghi chip", "write the chip, read back, sign"),
    S.VERIFY_CHIP: ("Kiểm tra chip", "verify: passive authentication up to the CSCA"),
    S.LOCK_CHIP: ("Khoá chip", "lock, and proof of the lock"),
    S.RECEIPT: ("Biên nhận", "receipt"),
    S.FAREWELL: ("Cảm ơn", "farewell"),
    S.HOLD_STILL: ("Giữ yên thẻ", "hold the card still"),
    S.HELP: ("Gọi cán bộ", "an officer is called"),
    S.PAUSED: ("Giấy hẹn làm tiếp", "a ticket"),
    S.STILL_THERE: ("Còn đó không?", "still there?"),
    S.OUT_OF_ORDER: ("Tạm ngừng", "out of order"),
}
WITHHELD = "read back by the issuer before the lock; now only for Terminal Authentication"
WIDE = 240
"""Columns of a file or a pipe, where a line stays a line."""


def console() -> Console:
    """Standard output, as wide as the terminal, or as a line needs where there is none."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=WIDE)


class Show:
    """Prints as the kiosk moves; `watch` is called for every new picture."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._entered_s = self._started
        self._state = S.ATTRACT
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._asked: Any = None

    def say(self, text: str) -> None:
        self._print(f"  {text}")

    def _print(self, text: str) -> None:
        self._console.print(f"{self._clock()}{text}", soft_wrap=True)

    def watch(self, kiosk: Kiosk) -> None:
        state = kiosk.flow.state
        if state is not self._state:
            self._leave()
            self._state, self._entered_s = state, time.monotonic()
            self._begin(state)
        if state is S.FINGERS:
            self._tried(kiosk)
        if state is S.FINGERS and self._progress and self._task is not None:
            self._progress.update(self._task, completed=len(FINGERS) - len(kiosk.flow.session.fingers))
        elif state in CHIP and self._progress and self._task is not None:
            self._progress.update(self._task, completed=100 * kiosk.form.fraction)

    def _tried(self, kiosk: Kiosk) -> None:
        """A line for each finger that is asked for again, with the hint that the screen shows."""
        session = kiosk.flow.session
        asked = (session.fingers[0] if session.fingers else "", session.tries, session.reason)
        if session.tries and asked != self._asked:
            hint = f"{asked[0]}: {asked[2]}, attempt {session.tries + 1}"
            self._print(f"               [dim]again · {hint}[/]")
        self._asked = asked

    def close(self) -> None:
        self._leave()

    def _clock(self) -> str:
        return f"[dim]{time.monotonic() - self._started:7.1f} s[/]"

    def _begin(self, state: S) -> None:
        total = {S.FINGERS: len(FINGERS)}.get(state, 100 if state in CHIP else 0)
        if total and self._console.is_terminal:
            vi, en = SAYS[state]
            columns = (
                TextColumn("           {task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._task = self._progress.add_task(f"{vi} · {en}", total=total)
            self._progress.start()

    def _leave(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None
        if self._state in SAYS and self._state is not S.ATTRACT:
            vi, en = SAYS[self._state]
            took = time.monotonic() - self._entered_s
            self._print(f"  {self._state:<12} {vi} [dim]·[/] {en} [dim]({took:.1f} s)[/]")


def tables(console: Console, number: int, evidence: Evidence) -> None:
    """The closing tables of one citizen, all from what the centre received and the finished card says."""
    for table in (_captured(number, evidence), _chip(evidence), _record(evidence)):
        console.print(table)
    console.print(
        f"xem lại thẻ · look at the card again: {evidence.look_again}", soft_wrap=True, highlight=False
    )


def _captured(number: int, evidence: Evidence) -> Table:
    table = Table(title=f"Công dân · citizen {number}: thu nhận · captured (SIMULATED)", title_justify="left")
    for name in ("", "điểm · score", "lần · attempts", "kết quả · result"):
        table.add_column(name)
    for finger in evidence.manifest["fingers"]:
        scorer = finger["scorer"]["name"] if finger["scorer"] else "-"
        label = f"{finger['score']} ({scorer}{', estimate' if finger['scorer']['estimate'] else ''})"
        least = evidence.thresholds[finger["position"]]
        passed = finger["score"] >= least
        table.add_row(
            finger["position"],
            label,
            str(len(finger["attempts"])),
            f"đạt · passed ≥ {least}" if passed else f"best of three, below {least}",
        )
    portrait = evidence.manifest["portrait"]
    size = evidence.manifest["files"][portrait["image"]]["bytes"]
    eyes = portrait["scores"]["eye_distance_px"]
    table.add_row(
        "portrait", f"{eyes:.0f} px between the eyes", str(portrait["attempts"]), f"{size} B JPEG 2000"
    )
    return table


def _chip(evidence: Evidence) -> Table:
    title = f"Chip (virtual card): read back through {evidence.passport.protocol} by a second reader"
    table = Table(title=title, title_justify="left")
    for name in ("tệp · file", "bytes", "kết quả · result"):
        table.add_column(name)
    for file in evidence.passport.files:
        table.add_row(file.name, str(file.size), "read back and verified")
    for name in evidence.passport.withheld:
        table.add_row(name, str(evidence.report["files"][name]), WITHHELD)
    table.add_row("checks", "", ", ".join(evidence.passport.checks))
    if evidence.report:
        table.add_row("", "", _written(evidence.report))
    return table


def _written(report: Mapping[str, Any]) -> str:
    """How the box made this card, by its own report."""
    serial = report["card_serial"] or "none that outlives a power cycle"
    return f"dialect {report['dialect']}, serial {serial}, {report['apdus']} APDUs in all"


def _record(evidence: Evidence) -> Table:
    table = Table(title="Hồ sơ · record", title_justify="left")
    for name in ("trạng thái · state", "lúc · at (UTC)", ""):
        table.add_column(name)
    for state, at, note in evidence.states:
        table.add_row(state, at, note)
    receipt = evidence.receipt
    table.add_row(
        "receipt",
        f"{receipt.at:%H:%M:%S}",
        f"{receipt.kind}, ledger position {receipt.position}, signature holds",
    )
    return table


def report(path: Path, evidence: list[Evidence]) -> None:
    """Write the same as JSON beside the pictures, without personal data."""
    rows = [
        {
            "record_id": one.manifest["record_id"],
            "receipt": str(one.receipt.kind),
            "scores": {finger["position"]: finger["score"] for finger in one.manifest["fingers"]},
            "chip": [file.name for file in one.passport.files],
            "sealed_bytes": one.sealed_bytes,
        }
        for one in evidence
    ]
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
