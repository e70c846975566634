"""A card of the field through the whole kiosk: chip keys, PACE, and a finger of each hand on the chip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support import office
from support.kiosk import Story, story

from drivers.virtual.card.card import blank_card
from firmware.document.data_groups import decode_dg3
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.sim.card_keys import write_card_keys
from statemachine.states import S


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stations whose configuration names a dialect of the field."""
    plain = office.config

    def with_dialect(*args: Any) -> Any:
        config = plain(*args)
        return replace(config, chip=replace(config.chip, dialect="iso7816-scp03"))

    monkeypatch.setattr(office, "config", with_dialect)
    yield


def image_of(s: Story) -> CardImage:
    record_id = s.kiosk.visit.record_id
    assert record_id is not None
    stored = s.kiosk.desk.store.call(lambda journal: journal.attempt(record_id))
    return CardImage.from_bytes(stored.image)


def test_a_field_card_gets_its_keys_and_the_best_finger_of_each_hand(field: None) -> None:
    with story(at="CONFIRM") as s:
        write_card_keys(s.box / "identity")
        s.citizen.card = blank_card(kind="iso7816-scp03")
        s.cards[:] = [s.citizen.card]
        s.until(S.PLACE_CARD)
        image = image_of(s)
        hands = [(finger.position - 1) // 5 for finger in decode_dg3(image.files[Fid.DG3])]
        assert hands == [0, 1]  # right, left
        assert {Fid.DG14, Fid.DG15, Fid.CARD_ACCESS} <= image.files.keys()
        assert image.keys.can == s.person.number[-6:]
        s.until(S.FAREWELL)
        s.until(S.ATTRACT)
        s.comes(lambda: len(s.kiosk.last_receipts) == 1)
        assert s.record == "PURGED"
