"""`[signer]` alone says who signs; a box by itself signs only its own cards, by a clock that is trusted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.issue import IMAGE, ORDER, RECORD
from support.signer import NOW

from config.schema import Config, Signer
from drivers.token.pkcs11 import Token
from firmware.app.signer import leave_of, open_signer
from firmware.issue.authority import signing_request
from firmware.issue.errors import SignerRefused
from firmware.issue.signers import FileSigner, Pkcs11Signer, SignerNotAllowed
from firmware.uplink.signing import CentreSigner

REQUEST = signing_request(RECORD, 1, IMAGE, ORDER)


def desk(signer: Signer, profile: Any = "virtual", distrust: str | None = None) -> Any:
    config = replace(Config(), signer=signer)
    return SimpleNamespace(
        config=replace(config, station=replace(config.station, profile=profile)),
        token=Token(Path("none.so"), "kiosk", lambda: ""),
        now=lambda: NOW,
        centre=lambda: SimpleNamespace(close=lambda: None),
        identity=SimpleNamespace(box=ORDER.box, epoch=ORDER.epoch),
        distrust=distrust,
    )


def test_the_configuration_chooses_the_signer() -> None:
    kinds = {"centre": CentreSigner, "pkcs11": Pkcs11Signer, "file": FileSigner}
    assert Signer().kind == "centre"
    for kind, made in kinds.items():
        signer = open_signer(desk(Signer(kind)))  # type: ignore[arg-type]
        assert isinstance(signer, made)
        signer.close()


@pytest.mark.parametrize("profile", ["production", "training"])
def test_no_box_for_citizens_opens_a_file_signer(profile: str) -> None:
    with pytest.raises(SignerNotAllowed):
        open_signer(desk(Signer("file"), profile))


@pytest.mark.parametrize(
    ("changed", "distrust", "reason"),
    [({"box": "BOX-99"}, None, "other_box"), ({"epoch": 99}, None, "other_box"), ({}, "no_time", "clock")],
)
def test_a_box_signs_its_own_cards_by_a_trusted_clock(
    changed: dict[str, Any], distrust: str | None, reason: str
) -> None:
    with pytest.raises(SignerRefused, match=reason):
        leave_of(desk(Signer("pkcs11"), distrust=distrust))(replace(REQUEST, **changed))
    leave_of(desk(Signer("pkcs11")))(REQUEST)
