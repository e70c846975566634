"""The power goes, for real: a kiosk's process is killed in the middle, and the next one finishes.

After each: exactly one record at the centre, exactly one card, alive and read by a guard.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support import office
from support.kiosk import lay_out
from support.nursery import nursery
from support.torture import many

from drivers.virtual.card.card import VirtualCard
from firmware.document.mrz import access_keys, td1
from firmware.sim.guard import read_card
from statemachine.states import PROCEDURE, S


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
def centre_and_box(folder: Path, scene: str) -> Iterator[office.CentreHere]:
    """A centre that runs, and a box's disk as it was at `scene`."""
    office.scorer(), office.gate()
    office.first_morning(folder)
    lay_out(scene, folder / "box")
    centre = office.CentreHere(folder / "centre")
    centre.start()
    try:
        yield centre
    finally:
        centre.stop()


@pytest.mark.parametrize("cut", CUTS.values(), ids=list(CUTS))
def test_a_killed_kiosk_lands_on_its_step_and_finishes_once(cut: Cut, folder: Path) -> None:
    with centre_and_box(folder, cut.scene) as centre:
        with nursery().kiosk(folder, centre.url, cut.stand, cut.times) as first:
            assert first.until("at"), f"{cut.stand} never came"
            first.kill()
        with nursery().kiosk(folder, centre.url) as second:
            assert second.until("receipts")
        assert second.told[0]["state"] == "ATTRACT"
        assert second.landed["state"] == cut.lands, second.told[:4]
        assert not cut.fingers_left or second.landed["fingers_left"] == cut.fingers_left
        one_record_and_one_card(centre, folder)


SCENES = ("FINGERS", "FINGERS-1", "CONFIRM", "PLACE_CARD")
KILLS = {"FINGERS": 6, "FINGERS-1": 6, "CONFIRM": 8, "PLACE_CARD": 8}
"""How often each visit is killed at the least, beside the places above: 11 + 28 in all."""


@pytest.mark.parametrize("scene", SCENES)
def test_a_visit_that_is_killed_again_and_again_only_goes_forward(scene: str, folder: Path) -> None:
    with centre_and_box(folder, scene) as centre:
        kills = killed_all_along(folder, centre.url, Random(scene))  # noqa: S311
        assert kills >= KILLS[scene]
        one_record_and_one_card(centre, folder)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(many(0, 26)))
def test_no_seed_kills_a_visit_for_good(seed: int, folder: Path) -> None:
    """Twenty kills and more each: 520 and more in all."""
    random, kills = Random(seed), 0  # noqa: S311
    while kills < 20:
        visit = Path(tempfile.mkdtemp(dir=folder))
        with centre_and_box(visit, random.choice(SCENES)) as centre:
            kills += killed_all_along(visit, centre.url, random)
            one_record_and_one_card(centre, visit)


def killed_all_along(folder: Path, url: str, random: Random) -> int:
    """Kill every life of a visit's kiosk at a drawn place, until one gets to the receipt; return how many.

    A place is a change of the journal (just before, or just after it) or an answer of the card. No life may
    begin to the left of where the one before it began.
    """
    kills, before = 0, (0, 0)
    while True:
        stand = random.choice(("any:before", "any:after", "any:after", "apdu:after"))
        times = random.randint(1, 40) if stand.startswith("apdu") else random.randint(2, 5)
        with nursery().kiosk(folder, url, stand, times) as life:
            if not life.until("at"):
                return kills
            life.kill()
        kills += 1
        here = place(life.landed)
        assert here >= before, f"after {kills} kills: {life.landed}"
        before = here


def place(landed: dict[str, Any]) -> tuple[int, int]:
    """How far a life was when it began; at the greeting the record is finished."""
    step = S(landed["state"])
    return (PROCEDURE.index(step) if step is not S.ATTRACT else len(PROCEDURE)), -landed["fingers_left"]


def one_record_and_one_card(centre: office.CentreHere, folder: Path) -> None:
    assert centre.counts()["records"] == {"ACCEPTED": 1}
    assert centre.counts()["grants"] == {"open": 0, "void": 0, "issued": 1}
    (opened,) = centre.records()
    assert list(opened.manifest["void_cards"]) == []
    subject = {name: field["value"] for name, field in opened.manifest["subject"].items()}
    card = VirtualCard.from_bytes((folder / "card.json").read_bytes())
    passport = read_card(card, access_keys(td1(subject)), folder / "box" / "identity" / "csca.pem")
    assert passport.portrait == opened.files[opened.manifest["portrait"]["image"]]
