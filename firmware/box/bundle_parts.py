"""What a bundle holds: the program, the machine, the journal's figures, the last steps and log lines."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import get_origin, get_type_hints

from config.catalogue import code_of
from config.schema import Config
from firmware import doctor
from firmware.box import transcripts
from firmware.box.bundle import Part, Row, crashed
from firmware.box.discretion import ROOT, mark
from firmware.box.identity import Identity
from firmware.records.database import ReadOnlyDatabase
from firmware.records.inspection import verify
from firmware.records.rebuild import kept_aside
from firmware.records.shelf import DATABASE, beside

UNIT = "idkiosk"
LAST = 200
"""Rows of the audit log, and steps."""
LOG_LINES = 2000
LOG_PATIENCE_S = 20.0
MOST_LOG_BYTES = 8 << 20
LEVELS = {"3": "ERROR", "4": "WARNING", "5": "INFO", "6": "INFO", "7": "DEBUG"}
CRASH = "kiosk: "
DETAILS = ("reason", "attempt", "error", "left", "count", "epoch", "sequence", "serial")
"""What of an audit row's detail may be told."""
Log = Callable[[], Iterable[Mapping[str, str]]]


def parts(
    config: Config, health: Callable[[], Iterable[doctor.Finding]], log: Log | None = None
) -> list[Part]:
    """All parts of this box's bundle. `health` examines it; `log` gives the system journal's entries."""
    data = Path(config.station.data)
    identity = Identity(data / "identity")
    heard = _heard(log or read_log)
    return [
        Part("program.jsonl", "version, Python, system, lock file, libraries", program),
        Part("box.jsonl", "which box this is, and its epoch", lambda: _box(identity)),
        Part("machine.jsonl", "disk, temperature, time since the start", lambda: _machine(config)),
        Part("config.jsonl", "what is set; free text only as set or empty", lambda: _settings(config)),
        Part("health.jsonl", "what kiosk doctor found", lambda: _findings(health())),
        Part(
            "records.jsonl",
            "how many records, blanks and papers, by state",
            lambda: _records(data / "records"),
        ),
        Part(
            "store.jsonl", "what kiosk records verify has to say", lambda: _store(data / "records", identity)
        ),
        Part("audit.jsonl", f"the last {LAST} acts, without who and what", lambda: _audit(data / "records")),
        Part("steps.jsonl", f"the last {LAST} steps of visits", lambda: _steps(data / "records")),
        Part(
            "devices.jsonl",
            "what cards were asked and how devices failed: headers, lengths, status words, classes of time",
            lambda: transcripts.read(data / "transcripts"),
        ),
        Part("log.jsonl", "the kiosk's log: words of the program only", lambda: _log_lines(heard())),
        Part(
            "crashes.jsonl", "how the kiosk died: kinds of errors, lines of code", lambda: _crashes(heard())
        ),
    ]


# --- program and machine -----------------------------------------------------------------------------------


def program() -> Iterator[Row]:
    with contextlib.suppress(metadata.PackageNotFoundError):
        yield {"name": "idkiosk", "version": metadata.version("idkiosk")}
    yield {"python": platform.python_version(), "kernel": platform.release(), "machine": platform.machine()}
    with contextlib.suppress(OSError):
        yield {"os": platform.freedesktop_os_release().get("ID", ""), **_os_version()}
    lock = ROOT / "uv.lock"
    if lock.is_file():
        yield {"lock_sha256": sha256(lock.read_bytes()).hexdigest()}
    for each in sorted(metadata.distributions(), key=lambda each: each.name.lower()):
        yield {"library": each.name, "version": each.version}


def _os_version() -> Row:
    return {"version": platform.freedesktop_os_release().get("VERSION_ID", "")}


def _box(identity: Identity) -> Iterator[Row]:
    yield {
        "box": identity.box,
        "epoch": identity.epoch,
        "name": "development",
        "setting": identity.development,
    }
    yield {"name": "now", "at": datetime.now(UTC).isoformat()}


def _machine(config: Config) -> Iterator[Row]:
    yield {"temperature_c": doctor.temperature_c()}
    yield {"free_mb": doctor.disk_free_mb(config)}
    with contextlib.suppress(OSError, ValueError):
        yield {"uptime_h": float(Path("/proc/uptime").read_text().split()[0]) // 3600}


def _settings(config: Config) -> Iterator[Row]:
    """Numbers and choices as they are; free text (names, paths, addresses) only as set or empty."""
    for section in dataclasses.fields(config):
        table = getattr(config, section.name)
        hints = get_type_hints(type(table))
        for option in dataclasses.fields(table):
            value = getattr(table, option.name)
            if isinstance(value, str) and get_origin(hints[option.name]) is None:
                value = "set" if value else "empty"
            yield {"section": section.name, "option": option.name, "setting": value}


def _findings(found: Iterable[doctor.Finding]) -> Iterator[Row]:
    for each in found:
        name = each.name.replace(" ", "_")
        code = code_of(f"check_{name}") if each.verdict == doctor.FAIL else ""
        advice = each.advice if each.verdict == doctor.FAIL else ""
        yield {
            "name": name, "verdict": each.verdict, "code": code or None, "value": each.value,
            "limit": each.limit, "advice": advice,
        }  # fmt: skip


# --- the journal -------------------------------------------------------------------------------------------

_COUNTS = (
    ("records", "SELECT state, count(*) AS count FROM record GROUP BY state"),
    ("waiting", "SELECT waiting_reason AS reason, count(*) AS count FROM record"
     " WHERE reason NOTNULL GROUP BY reason"),
    ("ended", "SELECT ended_reason AS reason, count(*) AS count FROM record"
     " WHERE reason NOTNULL GROUP BY reason"),
    ("outbox", "SELECT count(*) AS unsent, min(sealed_at) AS oldest_at, sum(bytes) / 1000000 AS held_mb"
     " FROM sealed WHERE acked_at IS NULL"),
    ("refused", "SELECT refused_reason AS reason, count(*) AS count FROM sealed"
     " WHERE reason NOTNULL GROUP BY reason"),
    ("carried", "SELECT count(*) AS count FROM carried WHERE acked_at IS NULL"),
    ("attempts", "SELECT count(*) AS count FROM attempt WHERE issuing_at NOTNULL"),
    ("lost", "SELECT count(*) AS count FROM attempt WHERE lost_at NOTNULL"),
    ("stock", "SELECT move, sum(count) AS count FROM stock GROUP BY move"),
    ("papers", "SELECT kind, serial, taken_at FROM warrant ORDER BY kind, serial"),
    ("lease", "SELECT lease AS serial, count(*) AS used FROM lease_use GROUP BY lease"),
    ("handover", "SELECT kind, epoch, at, reported_at FROM handover ORDER BY n"),
    ("tries", "SELECT failed AS count FROM tries WHERE failed > 0"),
)  # fmt: skip


@contextlib.contextmanager
def _journal(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(ReadOnlyDatabase(folder / DATABASE)) as db, db.reading() as connection:
        yield connection


def _records(folder: Path) -> Iterator[Row]:
    with _journal(folder) as connection:
        for name, sql in _COUNTS:
            for found in connection.execute(sql):
                yield {"name": name, **dict(found)}
    yield {"name": "kept_aside", "count": len(kept_aside(folder))}


def _store(folder: Path, identity: Identity) -> Iterator[Row]:
    """Each subject that has a problem, and how many have none."""
    good = 0
    with beside(folder, identity.certificate("box.crt")) as shelf:
        for finding in verify(shelf):
            good += finding.good
            kind, _, whose = finding.subject.partition(" ")
            for problem in finding.problems:
                yield {
                    "subject": kind,
                    "record": mark(whose) if len(whose) == 32 else None,
                    "problem": problem,
                }
    yield {"name": "whole", "count": good}


def _audit(folder: Path) -> Iterator[Row]:
    with _journal(folder) as connection:
        rows = connection.execute("SELECT * FROM audit ORDER BY n DESC LIMIT ?", (LAST,)).fetchall()
    people: dict[str, str] = {}
    for row in reversed(rows):
        actor = row["actor"]
        if actor not in ("kiosk", "centre"):
            actor = people.setdefault(actor, f"officer-{len(people) + 1}")
        yield {
            "n": row["n"], "at": row["at"], "actor": actor, "act": row["act"],
            "record": mark(row["record_id"]) if row["record_id"] else None, **_detail(row["detail"]),
        }  # fmt: skip


def _detail(text: str) -> Row:
    detail = json.loads(text)
    return {key: detail[key] for key in DETAILS if key in detail}


def _steps(folder: Path) -> Iterator[Row]:
    with _journal(folder) as connection:
        rows = connection.execute("SELECT * FROM step ORDER BY n DESC LIMIT ?", (LAST,)).fetchall()
    for row in reversed(rows):
        yield {"at": row["at"], "state": row["name"], "record": mark(row["record_id"])}


# --- the log -----------------------------------------------------------------------------------------------


def read_log() -> Iterator[Mapping[str, str]]:
    """The last entries of the kiosk's unit, as journalctl gives them; none where there is no journalctl."""
    program = shutil.which("journalctl")
    if program is None:
        return
    asked = [program, "-u", UNIT, "-o", "json", "-n", str(LOG_LINES), "--no-pager"]
    done = subprocess.run(asked, capture_output=True, timeout=LOG_PATIENCE_S, check=True)
    for line in done.stdout[:MOST_LOG_BYTES].splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            yield {key: value for key, value in entry.items() if isinstance(value, str)}


def _heard(log: Log) -> Callable[[], list[Mapping[str, str]]]:
    """The log, asked for once for both its parts."""
    kept: list[list[Mapping[str, str]]] = []

    def ask() -> list[Mapping[str, str]]:
        if not kept:
            kept.append(list(log())[-LOG_LINES:])
        return kept[0]

    return ask


def _log_lines(entries: list[Mapping[str, str]]) -> Iterator[Row]:
    """`LEVEL logger: message`, as `firmware.run` writes them."""
    for entry in entries:
        text = entry.get("MESSAGE", "")
        head, _, message = text.partition(": ")
        level, _, logger = head.partition(" ")
        if not level.isupper() or not logger:
            level, logger, message = LEVELS.get(entry.get("PRIORITY", ""), "INFO"), "", text
        yield {"at": _moment(entry), "level": level, "logger": logger or None, "message": message}


def _crashes(entries: list[Mapping[str, str]]) -> Iterator[Row]:
    """What `firmware.crash` wrote with its last breath: a kind of error, and indented lines of code."""
    at, report = "", list[str]()
    for entry in (*entries, {}):
        text = entry.get("MESSAGE", "")
        if report and not text.startswith("  "):
            if len(report) > 1:
                yield {"at": at, **crashed(report)}
            report = []
        if report:
            report.append(text)
        elif text.startswith(CRASH):
            at, report = _moment(entry), [text.removeprefix(CRASH)]


def _moment(entry: Mapping[str, str]) -> str:
    with contextlib.suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(entry.get("__REALTIME_TIMESTAMP", "")) / 1e6, UTC).isoformat()
    return ""
