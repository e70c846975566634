"""`kiosk card stock`, `kiosk officer unlock`, and how an officer signs in at the console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.console import (
    FIRST,
    ISSUING,
    PINS,
    SECOND,
    acts,
    badges,
    data,
    run,
    saved,
    today,
    torn,
)

from drivers.virtual.card import OfficerCard, VirtualReader, blank_card
from firmware import cli_counter

pytestmark = pytest.mark.usefixtures("today")
__all__ = ["data", "saved", "today"]  # fixtures


# --- the blanks ---


def test_blanks_are_booked_in_and_spoiled_and_always_add_up(data: Path) -> None:
    torn(data, ISSUING)
    assert run(data, "card", "stock", "load", "50", *badges(FIRST), pins=(PINS[FIRST],)).exit_code == 0
    both = (*badges(FIRST, SECOND),)
    done = run(data, "card", "stock", "spoil", "3", *both, pins=(PINS[FIRST], PINS[SECOND]))
    assert "in 50 = " in done.output
    shown = run(data, "card", "stock", "show", "--json")
    counts = {"taken_in": 50, "live": 1, "void": 3, "out": 0, "missing": 0, "left": 46}
    assert json.loads(shown.stdout) == counts
    alone = run(data, "card", "stock", "spoil", "3", *badges(FIRST), pins=(PINS[FIRST],))
    assert alone.exit_code == 2
    assert (FIRST, "blanks_in") in acts(data)


def test_two_officers_hand_the_blanks_over_and_what_is_missing_stays_in_the_books(data: Path) -> None:
    run(data, "card", "stock", "load", "50", *badges(FIRST), pins=(PINS[FIRST],))
    both, pins = (*badges(FIRST, SECOND),), (PINS[FIRST], PINS[SECOND])
    whole = run(data, "card", "stock", "hand-over", "50", *both, pins=pins)
    assert (whole.exit_code, "missing" in whole.output) == (0, False)
    less = run(data, "card", "stock", "hand-over", "48", *both, pins=pins)
    assert less.exit_code == 1
    assert "left 48 + thiếu · missing 2" in less.output
    again = run(data, "card", "stock", "hand-over", "48", *both, pins=pins)
    assert again.exit_code == 0, "what was said once is not found missing again"
    assert "missing 2" in again.output
    alone = run(data, "card", "stock", "hand-over", "48", *badges(FIRST, FIRST), pins=(PINS[FIRST],) * 2)
    assert alone.exit_code == 77
    assert (FIRST, "blanks_counted") in acts(data)


# --- badges on a reader, and the tries ---


def test_a_box_of_the_field_reads_the_badge_and_takes_no_name_for_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[station]\nprofile = "training"\n[badge]\nreader = "Badges"\n')
    named = run(data, "card", "stock", "load", "5", "--config", str(site), *badges(FIRST))
    assert named.exit_code == 2
    reader = VirtualReader()
    reader.put(OfficerCard(FIRST))
    monkeypatch.setattr(cli_counter, "open_badges", lambda name: reader)
    read = run(data, "card", "stock", "load", "5", "--config", str(site), pins=(PINS[FIRST],))
    assert read.exit_code == 0, read.output
    reader.put(blank_card())
    assert run(data, "card", "stock", "load", "5", "--config", str(site)).exit_code == 69
    site.write_text('[station]\nprofile = "training"\n')
    without = run(data, "card", "stock", "load", "5", "--config", str(site))
    assert (without.exit_code, "no reader for badges" in without.stderr) == (69, True)


def test_another_officer_gives_the_tries_back(data: Path) -> None:
    run(data, "card", "stock", "load", "1", *badges(FIRST), pins=("000000",) * 5)
    own = run(data, "officer", "unlock", FIRST, *badges(FIRST), pins=(PINS[FIRST],))
    assert own.exit_code == 77
    assert run(data, "officer", "unlock", "NV-9999", *badges(SECOND)).exit_code == 1
    done = run(data, "officer", "unlock", FIRST, *badges(SECOND), pins=(PINS[SECOND],))
    assert done.exit_code == 0, done.output
    load = run(data, "card", "stock", "load", "1", *badges(FIRST), pins=(PINS[FIRST],))
    assert load.exit_code == 0
    assert (SECOND, "pin_unlocked") in acts(data)


def test_a_folder_without_a_box_is_said(tmp_path: Path) -> None:
    done = run(tmp_path, "card", "void", "12345678", *badges(FIRST))
    assert (done.exit_code, "holds no box" in done.stderr) == (1, True)
