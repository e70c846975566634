"""`kiosk card inspect` and `trace` through a real pcscd and vpcd, in the process that an officer starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from support.hil import Origin
from support.passports import bearer, passport
from support.signer import state

from drivers.virtual.card import foreign_card
from drivers.virtual.pcscd import PcscdMissing, PrivatePcscd, demand_installed
from drivers.virtual.vpcd import VpcdSlot

KNOWN_VERDICTS = ("genuine", "expired")
"""The made-up signer's certificate has a year to live; nothing here sets the clock of another process."""


@pytest.fixture
def desk(was: Callable[[str, Origin, str], None]) -> Iterator[tuple[PrivatePcscd, VpcdSlot]]:
    try:
        demand_installed()
    except PcscdMissing as missing:
        pytest.skip(str(missing))
    was("chip", Origin.VIRTUAL, "card program behind real pcscd and vpcd")
    with PrivatePcscd() as pcscd, VpcdSlot(pcscd.ports[0]) as slot:
        yield pcscd, slot


def kiosk(pcscd: PrivatePcscd, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    trust = folder / "csca.pem"
    trust.write_bytes(state()[0].certificate.public_bytes(Encoding.PEM))
    access = bearer().image.keys.access
    keys = ("--document-number", access.document_number, "--birth", access.birth, "--expiry", access.expiry)
    command = [sys.executable, "-m", "firmware", "card", *words, "--trust", str(trust), *keys]
    environment = {**os.environ, **pcscd.env}
    return subprocess.run(
        [*command, "--reader", pcscd.readers[0]], env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_a_card_of_the_field_is_read_whole(desk: tuple[PrivatePcscd, VpcdSlot], tmp_path: Path) -> None:
    pcscd, slot = desk
    slot.insert(passport())
    found = json.loads(kiosk(pcscd, tmp_path, "inspect", "--json").stdout)
    assert found["verdict"] in KNOWN_VERDICTS, found
    assert set(found["failed"]) <= {"certificates_valid"}
    assert found["protocol"].startswith("PACE")
    traced = kiosk(pcscd, tmp_path, "trace")
    assert "GENERAL AUTHENTICATE" in traced.stdout


def test_other_cards_no_card_and_a_silent_one_have_their_codes(
    desk: tuple[PrivatePcscd, VpcdSlot], tmp_path: Path
) -> None:
    pcscd, slot = desk
    assert kiosk(pcscd, tmp_path, "inspect").returncode == 69
    slot.insert(foreign_card())
    assert kiosk(pcscd, tmp_path, "inspect").returncode == 9
    slot.remove()
    silent = passport()
    silent.mute_after(12)
    slot.insert(silent)
    assert kiosk(pcscd, tmp_path, "inspect").returncode == 10
