"""The border guard of the demo: reads a finished card as anybody with its MRZ can, and says what it is worth.

Shares no state with the kiosk that wrote it: a fresh reader, the access keys from the printed zone, and the
inspection that `kiosk card inspect` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drivers.api import Deadline
from drivers.virtual.card.card import VirtualCard
from drivers.virtual.card.reader import VirtualReader
from firmware.document.data_groups import decode_dg1
from firmware.document.errors import Check
from firmware.document.face import decode_dg2
from firmware.document.lds import dg_fid
from firmware.document.mrz import BacKeys, parse
from firmware.issue.findings import Outcome
from firmware.issue.inspect import Inspection, Seen, inspect
from firmware.issue.trust import load_trust

PATIENCE_S = 60.0


class NotAccepted(Exception):
    """The guard does not let this card pass; the message says why."""


@dataclass(frozen=True, slots=True)
class Read:
    """One file as it came from the card."""

    name: str
    size: int
    verified: bool


@dataclass(frozen=True, slots=True)
class Passport:
    """What the guard saw: files, checks that held, the portrait (JPEG 2000), document number and protocol."""

    files: tuple[Read, ...]
    checks: tuple[str, ...]
    portrait: bytes
    document_number: str
    protocol: str = "BAC"
    withheld: tuple[str, ...] = ()
    """Files that the chip keeps for Terminal Authentication: signed for, and not read."""


def read_card(card: VirtualCard, keys: BacKeys, csca: Path) -> Passport:
    """Read every file through PACE or BAC and verify it. Raises NotAccepted for a bad card."""
    with VirtualReader() as reader:
        reader.put(card)
        found = inspect(reader, keys, load_trust(csca), datetime.now(UTC), Deadline.after(PATIENCE_S))
    if not found.good:
        raise NotAccepted(f"{found.verdict}: {found.why}")
    zone = parse(decode_dg1(found.contents[dg_fid(1)]))
    portrait = decode_dg2(found.contents[dg_fid(2)]).image
    held = tuple(str(each.check) for each in found.findings if each.outcome is Outcome.HELD)
    withheld = tuple(each.name for each in found.files if each.seen is Seen.REFUSED)
    return Passport(_files(found), held, portrait, zone.document_number, found.protocol, withheld)


def _files(found: Inspection) -> tuple[Read, ...]:
    """What was read; EF.COM counts as verified where it says what EF.SOD says."""
    verified = found.outcome(Check.HASHES) is found.outcome(Check.COM) is Outcome.HELD
    read = [each for each in found.files if each.seen is Seen.READ]
    return tuple(Read(each.name, each.size or 0, verified) for each in read)
