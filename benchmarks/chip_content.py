"""What the chip's figures write onto a card, and who personalises it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import numpy as np
from PIL import Image

from drivers.chip.dialects.profile import load_profile
from drivers.chip.key_store import StaticKeys, diversify
from drivers.virtual.card.scp03 import LAB_MASTER
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.features import features_of
from firmware.sim.people import citizen

DAY = datetime(2026, 3, 2, tzinfo=UTC)
CONTENT_BYTES = 20_356
"""DG1, DG2, EF.COM and EF.SOD of the card that others' block sizes were compared on."""
SOD_BYTES = 1028


class LabKeys:
    """The virtual cards' issuer: a key that everybody knows."""

    def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:  # noqa: ARG002 (one master key)
        return diversify(LAB_MASTER, kdd)


@cache
def four_files() -> Mapping[int, bytes]:
    """The four files of the comparison, CONTENT_BYTES together; EF.SOD in size only."""
    person = card_image("lds-plain").files
    dg1, com = person[Fid.DG1], person[Fid.COM]
    left = CONTENT_BYTES - len(dg1) - len(com) - SOD_BYTES
    return {Fid.DG1: dg1, Fid.DG2: _object(0x75, left), Fid.COM: com, Fid.SOD: sod()}


@cache
def sod() -> bytes:
    return _object(0x77, SOD_BYTES)


def _object(tag: int, size: int) -> bytes:
    """A data object of `size` bytes in all."""
    value = np.random.default_rng(tag).bytes(size - 4)
    return bytes([tag, 0x82]) + len(value).to_bytes(2, "big") + value


@cache
def card_image(dialect: str) -> CardImage:
    features = features_of(load_profile(dialect))
    return CardImage.of({**citizen(1, DAY.date()).fields}, portrait(), DAY, features)


@cache
def portrait() -> bytes:
    """A JPEG 2000 picture of noise of about 15 kB."""
    noise = np.random.default_rng(7).integers(0, 255, (531, 413, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(
        file, "JPEG2000", quality_mode="rates", quality_layers=[44], irreversible=True
    )
    return file.getvalue()


def unheard(_: int) -> None:
    """Progress that nobody watches."""
