"""A made-up chip, and the question whether a border believes its EF.SOD."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from firmware.document.errors import Check, NotAuthenticError
from firmware.document.image import CardImage
from firmware.document.passive import PaReport, passive_authentication
from firmware.document.sod import parse
from support.people import CAPTURED, PERSON, jp2
from support.signer import NOW, Identity, ef_sod, state

IMAGE = CardImage.of(PERSON, jp2(), CAPTURED)
HASHES = IMAGE.data_group_hashes()


@cache
def genuine() -> bytes:
    return ef_sod(HASHES)


def authenticate(sod: bytes, files: Any = None, trust: tuple[Identity, ...] = (), at: Any = NOW) -> PaReport:
    authorities = [each.certificate for each in trust or (state()[0],)]
    return passive_authentication(parse(sod), files or IMAGE.files, authorities, at)


def refused(sod: bytes, check: Check, **kw: Any) -> None:
    with pytest.raises(NotAuthenticError) as caught:
        authenticate(sod, **kw)
    assert caught.value.check is check, caught.value
