"""What an inspection tells: the card's verdict, its files and the findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from firmware.document import lds
from firmware.document.errors import Check
from firmware.document.lds import Fid, dg_fid
from firmware.issue.examine import NOBODY, Signed
from firmware.issue.findings import Extra, Finding, Outcome, Verdict

NAMES = {dg_fid(n): f"DG{n}" for n in lds.DG_TAGS} | {
    Fid.COM: "EF.COM",
    Fid.SOD: "EF.SOD",
    Fid.CARD_ACCESS: "EF.CardAccess",
}


class Seen(StrEnum):
    """What became of a file."""

    READ = "read"
    REFUSED = "refused"
    MISSING = "missing"
    UNWRITTEN = "unwritten"  # reserved, and nothing was ever written there
    DAMAGED = "damaged"
    NOT_READ = "not_read"  # there, and of a kind that this terminal cannot read


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file; `size` in bytes is None unless it was read."""

    fid: int
    seen: Seen
    size: int | None = None
    detail: str = ""

    @property
    def name(self) -> str:
        return NAMES.get(self.fid, f"{self.fid:04X}")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the card is and why. `contents` (by FID) are personal: never printed unless asked for."""

    verdict: Verdict
    why: str = ""
    atr: str = ""
    cplc: str = ""
    protocol: str = ""
    files: tuple[FileRead, ...] = ()
    findings: tuple[Finding, ...] = ()
    signed: Signed = NOBODY
    contents: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def good(self) -> bool:
        return self.verdict is Verdict.GENUINE

    def outcome(self, check: Check | Extra) -> Outcome:
        return next((each.outcome for each in self.findings if each.check is check), Outcome.NOT_MADE)
