"""The rehearsal of a swap, whole: it proves itself or ends with what is not so."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from support import torture

from firmware.sim.drill import drill


@pytest.mark.torture
@pytest.mark.skipif(
    not torture.TORTURE, reason="two minutes: `make torture`, or look at it with `make drill`"
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_rehearsed_swap_ends_with_cards_records_and_receipts_that_agree(tmp_path: Path, seed: int) -> None:
    said = io.StringIO()
    drill(tmp_path / "drill", seed, Console(file=said, width=200))
    assert "5 citizens, 5 cards, 5 records, 5 receipts; the ledger's chain holds" in said.getvalue()
