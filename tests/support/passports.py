"""Finished cards of the field, with made-up people on them, and what may be wrong with such a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from cryptography import x509

from drivers.api import ChipReader, Deadline
from drivers.chip.password import Password
from drivers.virtual.card import VirtualCard, VirtualReader
from drivers.virtual.card.chip import Traits
from drivers.virtual.card.emrtd import AID
from drivers.virtual.card.field import answer_to_reset
from drivers.virtual.card.files import ALWAYS, GUARDED, SECURED
from drivers.virtual.card.iso import KIND
from drivers.virtual.card.kinds import CHIPS
from drivers.virtual.card.transport import Transport
from firmware.document.chip_keys import Features
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.inspect import Inspection, inspect
from support.issued import chip_of
from support.people import CAPTURED, PERSON, jp2
from support.signer import NOW, ef_sod, state

FIELD = Features(aa="p256", ca="brainpoolP256r1", pace=True, can=True, dg3=True, lds_version="0108")
FINGERS = [Finger(position, bytes(16 * 16), 16, 16, Compression.RAW) for position in (2, 7)]
TRUST = (state()[0].certificate,)


@dataclass(frozen=True)
class Bearer:
    """A card's image and EF.SOD."""

    image: CardImage
    sod: bytes

    @property
    def files(self) -> dict[int, bytes]:
        return {**self.image.files, Fid.SOD: self.sod}


@cache
def bearer() -> Bearer:
    """One person of this run, with all that a chip of the field can hold."""
    image = CardImage.of(PERSON, jp2(), CAPTURED, FIELD, FINGERS)
    return Bearer(image, ef_sod(image.data_group_hashes()))


def passport(
    files: Mapping[int, bytes] | None = None, traits: Traits | None = None, **keys: Any
) -> VirtualCard:
    """The locked card of `bearer`, its files as they are or as `files` says; `keys` exchange aa, ca, can."""
    image, traits = bearer().image, traits or Traits()
    emrtd = CHIPS[KIND](traits)
    chip = emrtd.chip
    access = image.keys.access
    chip.access = (access.document_number, access.birth, access.expiry)
    chip.can = keys.get("can", image.keys.can)
    for name, load in (("aa", chip.set_aa), ("ca", chip.set_ca)):
        if (key := keys.get(name, getattr(image.keys, name))) is not None:
            load(key)
    for fid, content in {**bearer().files, **(files or {})}.items():
        rights = {Fid.CARD_ACCESS: ALWAYS, Fid.DG3: GUARDED}
        if content:
            chip.files.put(fid, content, rights.get(Fid(fid), SECURED))
    chip.locked = True
    transport = Transport(traits.extended, traits.chaining)
    return VirtualCard({AID: emrtd}, answer_to_reset(traits), AID, transport)


def look(
    card: VirtualCard | None = None,
    *,
    password: Password | None = None,
    trust: tuple[x509.Certificate, ...] = TRUST,
    at: datetime = NOW,
    reader: ChipReader | None = None,
    deadline: Deadline | None = None,
) -> Inspection:
    """Inspect a card on a virtual reader, or whatever lies on `reader`."""
    if reader is None:
        reader = VirtualReader()
        if card is not None:
            reader.put(card)
    with reader:
        return inspect(
            reader, password or bearer().image.keys.access, trust, at, deadline or Deadline.after(60)
        )


__all__ = ["Bearer", "bearer", "chip_of", "look", "passport"]
