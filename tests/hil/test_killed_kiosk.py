"""The power goes, for real: a kiosk's process is killed in the middle, and the next one finishes.

After each: exactly one record at the centre, exactly one card, alive and read by a guard.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import office
from support.kiosk import lay_out

from drivers.virtual.card.card import VirtualCard
from firmware.document.mrz import access_keys, td1
from firmware.sim.guard import read_card

TESTS = Path(__file__).resolve().parents[1]
LINE_S = 60.0


@dataclass(frozen=True)
class Cut:
    """Begin at `scene`; the power goes where the process stands still; the next one begins at `lands`."""

    scene: str
    stand: str
    lands: str
    times: int = 1
    fingers_left: int = 0


CUTS = {
    "three fingers kept": Cut("FINGERS", "accept:after", "FINGERS", times=3, fingers_left=7),
    "last finger kept, step not noted": Cut("FINGERS-1", "accept:after", "PORTRAIT"),
    "portrait not kept yet": Cut("PORTRAIT", "accept:before", "PORTRAIT"),
    "frozen, and nobody heard of it": Cut("CONFIRM", "freeze:after", "PLACE_CARD"),
    "signed, before ISSUING": Cut("PLACE_CARD", "keep_sod:after", "PLACE_CARD"),
    "ISSUING, before the first byte": Cut("PLACE_CARD", "issuing:after", "WRITE_CHIP"),
    "in the middle of EF.SOD": Cut("PLACE_CARD", "sod:half", "WRITE_CHIP"),
    "locked, not yet COMPLETE": Cut("PLACE_CARD", "complete:before", "LOCK_CHIP"),
    "COMPLETE, not yet sealed": Cut("PLACE_CARD", "seal:before", "RECEIPT"),
    "sealed, and nobody heard of it": Cut("PLACE_CARD", "seal:after", "ATTRACT"),
    "the centre has it, the receipt is lost": Cut("PLACE_CARD", "delivered:before", "ATTRACT"),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def kiosk(folder: Path, url: str, stand: str = "", times: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    box, card = str(folder / "box"), str(folder / "card.json")
    orders = {"box": box, "url": url, "card": card, "stand": stand, "times": times}
    environment = {
        **os.environ,
        "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "support.killable_kiosk", json.dumps(orders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=TESTS.parent) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """What the process says, line by line; each must come in time."""
    assert process.stdout is not None
    while True:
        ready, _, _ = select.select([process.stdout], [], [], LINE_S)
        assert ready, "the kiosk says nothing any more"
        line = process.stdout.readline()
        if not line:
            return
        yield json.loads(line)


@pytest.mark.parametrize("cut", CUTS.values(), ids=list(CUTS))
def test_a_killed_kiosk_lands_on_its_step_and_finishes_once(cut: Cut, folder: Path) -> None:
    office.scorer(), office.gate()
    office.first_morning(folder)
    lay_out(cut.scene, folder / "box")
    centre = office.CentreHere(folder / "centre")
    centre.start()
    try:
        with kiosk(folder, centre.url, cut.stand, cut.times) as first:
            assert any("at" in line for line in lines(first)), f"{cut.stand} never came"
            os.kill(first.pid, signal.SIGKILL)
            assert first.wait(LINE_S) == -signal.SIGKILL
        with kiosk(folder, centre.url) as second:
            told = list(lines(second))
            assert second.wait(LINE_S) == 0
        assert told[0]["state"] == "ATTRACT"
        landed = told[1] if cut.lands != "ATTRACT" else told[0]
        assert landed.get("state") == cut.lands, told[:4]
        assert not cut.fingers_left or landed["fingers_left"] == cut.fingers_left
        one_record_and_one_card(centre, folder)
    finally:
        centre.stop()


def one_record_and_one_card(centre: office.CentreHere, folder: Path) -> None:
    assert centre.counts()["records"] == {"ACCEPTED": 1}
    assert centre.counts()["grants"] == {"open": 0, "void": 0, "issued": 1}
    (opened,) = centre.records()
    assert list(opened.manifest["void_cards"]) == []
    subject = {name: field["value"] for name, field in opened.manifest["subject"].items()}
    card = VirtualCard.from_bytes((folder / "card.json").read_bytes())
    passport = read_card(card, access_keys(td1(subject)), folder / "box" / "identity" / "csca.pem")
    assert passport.portrait == opened.files[opened.manifest["portrait"]["image"]]
