"""The demo's kiosk is killed in a citizen's visit and its line is cut: one card, one record, one receipt."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from support import torture

from firmware.quality.portrait_models import FaceModels, ModelsMissingError
from firmware.sim.office import Wishes
from firmware.sim.reckoning import show_ordeal
from firmware.sim.show import WIDE


@pytest.mark.torture
@pytest.mark.skipif(
    not torture.TORTURE, reason="a minute: `make torture`, or `make demo ARGS=--power-cuts=4`"
)
def test_a_citizen_keeps_card_record_and_receipt_through_power_cuts_and_an_hour_offline(
    tmp_path: Path,
) -> None:
    try:
        FaceModels(Path(".tools/models"))
    except ModelsMissingError as exc:
        pytest.skip(str(exc))
    out = io.StringIO()
    wishes = Wishes(seed=4, power_cuts=4, offline_s=3600, folder=tmp_path / "demo")
    show_ordeal(wishes, Console(file=out, width=WIDE))
    told = out.getvalue()
    assert "killed 4 times" in told and "1.00 h" in told
    for place in ("WRITE_CHIP", "UPLOAD", "EF.SOD", "FINGERS"):
        assert f"meant: {place}" in told
    assert "1 ticket(s) given" in told
    assert "1 citizen(s), 1 card(s), 1 record(s), 1 receipt(s)" in told
    (row,) = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert row["receipt"] == "ACCEPTED"
