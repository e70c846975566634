"""`kiosk records`: what a person reads when all is well, and when the question was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firmware import cli_records
from firmware.records import report
from firmware.records.errors import TicketRefused
from firmware.records.inspection import Finding


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A box whose store opens; what is in it, a test says."""
    (tmp_path / "identity").mkdir()

    @contextmanager
    def beside(*_: object) -> Iterator[None]:
        yield

    monkeypatch.setattr("firmware.records.shelf.beside", beside)
    monkeypatch.setattr("firmware.box.identity.Identity.certificate", lambda *_: None)
    return tmp_path


def test_verify_says_what_is_good_and_what_is_not(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [Finding("database", ()), Finding("record 7", ("is missing", "gap after 6"))]
    monkeypatch.setattr(report, "verify", lambda _: findings)
    done = CliRunner().invoke(cli_records.app, ["verify", "--data", str(shelf)])
    assert done.stdout.splitlines() == ["good  database", "BAD   record 7: is missing; gap after 6"]
    assert done.exit_code == 1


@pytest.mark.parametrize("reason", ["ticket_malformed", "ticket_unknown", "ticket_expired"])
def test_a_refused_ticket_is_a_sentence(shelf: Path, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    def refused(*_: object) -> None:
        raise TicketRefused(reason)

    monkeypatch.setattr(report, "explain", refused)
    done = CliRunner().invoke(cli_records.app, ["explain", "12", "--data", str(shelf)])
    assert done.exit_code == 1
    assert done.stderr == f"kiosk: {cli_records.TICKETS[reason]}\n"


def test_a_folder_without_a_box_says_where_the_demos_is(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli_records.app, ["list", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "--data var/demo/box" in done.stderr
    assert "make demo" in done.stderr
