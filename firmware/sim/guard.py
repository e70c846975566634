"""The border guard of the demo: reads a finished card as anybody with its MRZ can, and checks what it says.

Shares no state with the kiosk that wrote it: a fresh reader, the access keys from the printed zone, passive
authentication up to the CSCA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from drivers.chip.lds import open_lds
from drivers.virtual.card.card import VirtualCard
from drivers.virtual.card.reader import VirtualReader
from firmware.document import lds, sod
from firmware.document.data_groups import decode_dg1
from firmware.document.face import decode_dg2
from firmware.document.lds import Fid
from firmware.document.mrz import BacKeys, parse
from firmware.document.passive import passive_authentication


@dataclass(frozen=True, slots=True)
class Read:
    """One file as it came from the card."""

    name: str
    size: int
    verified: bool


@dataclass(frozen=True, slots=True)
class Passport:
    """What the guard saw: files, checks that held, the portrait's JPEG 2000 and the document number."""

    files: tuple[Read, ...]
    checks: tuple[str, ...]
    portrait: bytes
    document_number: str


def read_card(card: VirtualCard, keys: BacKeys, csca: Path) -> Passport:
    """Read every file through BAC and verify it. Raises CardError or DocumentError for a bad card."""
    with VirtualReader() as reader:
        reader.put(card)
        reader.connect()
        files = open_lds(reader, keys)
        com = files.read_object(Fid.COM)
        numbers = [n for n in lds.DG_TAGS if lds.DG_TAGS[n] in lds.decode_com(com).tags]
        groups = {lds.dg_fid(n): files.read_object(lds.dg_fid(n)) for n in numbers}
        security = files.read_object(Fid.SOD)
    trust = [x509.load_pem_x509_certificate(csca.read_bytes())]
    held = {**groups, Fid.COM: com}
    report = passive_authentication(sod.parse(security), held, trust, datetime.now(UTC))
    read = [Read(f"DG{lds.dg_number(fid)}", len(data), verified=True) for fid, data in groups.items()]
    rest = [Read("EF.COM", len(com), verified=True), Read("EF.SOD", len(security), verified=True)]
    zone = parse(decode_dg1(groups[lds.dg_fid(1)]))
    portrait = decode_dg2(groups[lds.dg_fid(2)]).image
    return Passport((*read, *rest), tuple(map(str, report.checks)), portrait, zone.document_number)
