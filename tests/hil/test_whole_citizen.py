"""One whole citizen: greeting to receipt over real pcscd, a real centre, and whatever is plugged in.

A made-up citizen acts on the virtual devices; for a real one the person at the bench does what the
screen says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from support import hil
from support.hil import Devices, Origin

from drivers.virtual.pcscd import PcscdMissing, demand_installed
from firmware.app.devices import Openers
from firmware.app.kiosk import Kiosk
from firmware.quality.portrait_models import FaceModels, ModelsMissingError
from firmware.records.format.receipt import ReceiptKind
from firmware.sim.citizen import Habits
from firmware.sim.demo import Walker
from firmware.sim.evidence import gather
from firmware.sim.office import VirtualOffice, Wishes
from statemachine.states import PROCEDURE, S

WHICH = {
    "finger": "U.are.U 4500, register by register under pyusb",
    "camera": "lens, sensor and sitter",
    "chip": "card program behind real pcscd and vpcd",
    "badge": "card program behind real pcscd and vpcd",
    "panel": "the GPIO driver on mock pins",
}


@pytest.fixture
def wishes(tmp_path: Path) -> Wishes:
    try:
        demand_installed()
        FaceModels(Path(".tools/models"))
    except (PcscdMissing, ModelsMissingError) as exc:
        pytest.skip(str(exc))
    return Wishes(seed=6, pcsc=True, folder=tmp_path)


def test_a_citizen_goes_home_with_a_card_that_a_guard_believes(
    wishes: Wishes, devices: Devices, was: Callable[[str, Origin, str], None]
) -> None:
    for kind in (field.name for field in fields(Openers)):
        real = getattr(devices, kind) is not None
        was(kind, Origin.REAL if real else Origin.VIRTUAL, "as named" if real else WHICH[kind])
    seen: list[S] = []

    def watch(kiosk: Kiosk) -> None:
        seen.append(kiosk.flow.state)

    with VirtualOffice(wishes) as office:
        walker = Walker(office, Habits(), watch, hil.openers(devices, office.station.openers()))
        try:
            walks = walker.run()
            evidence = gather(office.box, wishes.folder / "centre", walks[0].record_id, walks[0].card)
        finally:
            walker.kiosk.close()
        counts = office.centre.counts()
    assert set(PROCEDURE) <= set(seen)
    assert evidence.receipt.kind is ReceiptKind.ACCEPTED
    assert counts["records"] == {"ACCEPTED": 1}
    assert counts["grants"] == {"open": 0, "void": 0, "issued": 1}
