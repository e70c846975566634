"""A reader, a blank card of each field dialect on it, and who speaks to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.dialects import FIELD, Kit, kit

from drivers.chip.dialects import Dialect
from drivers.virtual.card import VirtualCard, VirtualReader


@pytest.fixture(params=FIELD)
def made(request: pytest.FixtureRequest) -> Kit:
    return kit(request.param)


@pytest.fixture
def reader() -> Iterator[VirtualReader]:
    with VirtualReader() as opened:
        yield opened


@pytest.fixture
def card(reader: VirtualReader, made: Kit) -> VirtualCard:
    blank = made.blank()
    reader.put(blank)
    return blank


@pytest.fixture
def dialect(reader: VirtualReader, made: Kit) -> Dialect:
    return made.open(reader)
