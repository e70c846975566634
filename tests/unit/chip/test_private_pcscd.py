from __future__ import annotations

import socket
from pathlib import Path

import pytest

from drivers.virtual import pcscd
from drivers.virtual.card import blank_card
from drivers.virtual.vpcd import VpcdSlot


@pytest.mark.parametrize("program", ["pcscd", "unshare"])
def test_a_missing_program_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(
        pcscd.shutil, "which", lambda name: None if name.endswith(program) else f"/bin/{name}"
    )
    with pytest.raises(pcscd.PcscdMissing, match="apt-get install"):
        pcscd.PrivatePcscd()


def test_a_missing_driver_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcscd.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(pcscd, "DRIVER", Path("/nonexistent/libifdvpcd.so"))
    with pytest.raises(pcscd.PcscdMissing, match="vsmartcard-vpcd"):
        pcscd.PrivatePcscd()


def test_a_port_in_use_is_passed_over() -> None:
    port = pcscd._free_ports()[1]
    with socket.socket() as taken:
        taken.bind(("", port))
        assert port not in pcscd._free_ports()


def test_no_vpcd_is_an_os_error() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        slot = VpcdSlot(nobody.getsockname()[1])
        with pytest.raises(OSError):
            slot.insert(blank_card())
