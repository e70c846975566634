"""The card that a made-up person brings along: made years ago by the dialect, signed by a made-up state."""

from __future__ import annotations

from datetime import datetime

from centre.pki import Credential
from centre.signer import sign_document
from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import load_profile
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.features import features_of
from firmware.sim.people import Citizen
from support.dialects import MasterKeys
from support.people import jp2

DIALECT = "iso7816-scp03"


def old_card(person: Citizen, signer: Credential, made: datetime, locked: bool = True) -> VirtualCard:
    """A finished card of the person; its access number is the last six digits of their number."""
    image = CardImage.of(person.fields, jp2(), made, features_of(load_profile(DIALECT)))
    files = {**image.files, Fid.SOD: sign_document(image.data_group_hashes(), signer, made)}
    card = blank_card(kind=DIALECT)
    with VirtualReader() as reader:
        reader.put(card)
        dialect = open_dialect(DIALECT, reader, MasterKeys(), BlockMemory())
        dialect.identify(image.keys.access)
        dialect.put_keys(image.keys)
        for fid, content in files.items():
            dialect.write_file(fid, content, lambda _: None)
        if locked:
            dialect.lock()
    return card


def access_number(person: Citizen) -> str:
    return person.number[-6:]
