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
from firmware.app.signer import CentreFirst, leave_of, open_signer
from firmware.box.lease import LeaseRefused
from firmware.issue.authority import signing_request
from firmware.issue.errors import SignerRefused
from firmware.issue.ports import SigningRequest
from firmware.issue.signers import FileSigner, SignerNotAllowed
from firmware.records.warrants import Use
from firmware.uplink.signing import CentreSigner

REQUEST = signing_request(RECORD, 1, IMAGE, ORDER)


def desk(
    signer: Signer, profile: Any = "virtual", distrust: str | None = None, assigned: bool = False
) -> Any:
    config = replace(Config(), signer=signer)
    counted: list[SigningRequest] = []

    def count(_: Any, request: SigningRequest) -> Use:
        counted.append(request)
        return Use("BOX-01", 9, 1)

    return SimpleNamespace(
        counted=counted,
        leases=SimpleNamespace(count=count),
        papers=SimpleNamespace(assignment=lambda _: assigned or None),
        store=SimpleNamespace(call=lambda ask: ask(None)),
        config=replace(config, station=replace(config.station, profile=profile)),
        token=Token(Path("none.so"), "kiosk", lambda: ""),
        now=lambda: NOW,
        centre=lambda: SimpleNamespace(close=lambda: None),
        identity=SimpleNamespace(box=ORDER.box, epoch=ORDER.epoch),
        distrust=distrust,
    )


def test_the_configuration_chooses_the_signer() -> None:
    kinds = {"centre": CentreSigner, "pkcs11": CentreFirst, "file": FileSigner}
    assert Signer().kind == "centre"
    for kind, made in kinds.items():
        signer = open_signer(desk(Signer(kind)))  # type: ignore[arg-type]
        assert isinstance(signer, made)
        signer.close()


@pytest.mark.parametrize("profile", ["production", "training"])
def test_no_box_for_citizens_opens_a_file_signer(profile: str) -> None:
    with pytest.raises(SignerNotAllowed):
        open_signer(desk(Signer("file"), profile))


@pytest.mark.parametrize("changed", [{"box": "BOX-99"}, {"epoch": 99}])
def test_a_virtual_station_signs_its_own_cards_only(changed: dict[str, Any]) -> None:
    with pytest.raises(SignerRefused, match="other_box"):
        leave_of(desk(Signer("file")))(replace(REQUEST, **changed))
    leave_of(desk(Signer("file")))(REQUEST)


def test_a_virtual_station_without_trusted_clock_puts_the_card_off() -> None:
    with pytest.raises(LeaseRefused, match="clock"):
        leave_of(desk(Signer("file"), distrust="no_time"))(REQUEST)


@pytest.mark.parametrize(("kind", "assigned"), [("pkcs11", False), ("pkcs11", True), ("file", True)])
def test_whatever_else_signs_in_the_box_signs_under_a_lease(kind: Any, assigned: bool) -> None:
    asked = desk(Signer(kind), assigned=assigned)
    leave_of(asked)(REQUEST)
    assert asked.counted == [REQUEST]
