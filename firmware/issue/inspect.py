"""A border guard's look at any eMRTD: what it holds, and whether each check holds (Doc 9303-11).

Reads only. Shares nothing with whoever wrote the card but its password. What is wrong with a card is a
finding and a verdict; exceptions are left to the person (UserRetry) and the reader (DeviceFault).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509

from drivers.chip.access import Offer
from drivers.chip.bac import Random
from drivers.chip.blocks import BlockMemory
from drivers.chip.errors import (
    AccessRefused,
    AccessUnsupported,
    CardError,
    CardRefused,
    ConditionsNotSatisfied,
    FileNotFound,
    MalformedData,
    SecurityStatusNotSatisfied,
    TooLarge,
    WrongLength,
)
from drivers.chip.lds import LdsFiles, open_lds
from drivers.chip.patience import Patient
from drivers.chip.processor import Plain
from drivers.chip.select import select_application
from drivers.errors import DeviceTimeout, ProtocolError
from firmware.document import lds
from firmware.document.errors import Check
from firmware.document.lds import Fid, dg_fid
from firmware.issue.examine import NOBODY, Signed, examine, listed_groups, signed_groups
from firmware.issue.findings import Extra, Sheet, Verdict
from firmware.issue.inspection import FileRead, Inspection, Seen
from firmware.issue.probes import free_files, note_hidden, note_plain_read, prove_chip

if TYPE_CHECKING:
    from drivers.api import ChipReader, Deadline
    from drivers.chip.password import Password

__all__ = ["OUT_OF_SCOPE", "FileRead", "Inspection", "Seen", "inspect"]

TERMINAL_AUTHENTICATION = frozenset({dg_fid(3), dg_fid(4)})
DATA_GROUPS = frozenset(map(dg_fid, lds.DG_TAGS))
EVERY_GROUP = frozenset(lds.DG_TAGS)
UNSPOKEN = "its PACE is of a kind not known here"
REFUSING = (0x63, 0x69, 0x6A)
"""SW1 of a card that works and will not do this; others say that it does not work."""
OUT_OF_SCOPE = "refused: Terminal Authentication is out of scope"
NO_VALUE = 2  # bytes of a tag with a length of zero, as one byte of a file gives
LOOKED_AT = 8
"""Bytes at the start of a file that show whether anything was ever written there."""
MOST_OPENINGS = 40
"""A card may end its channel at each refusal; one that does so more often is not read to its end."""
WHOLE = frozenset({Check.VALIDITY, Extra.CLOSED, Extra.PLAIN_READ})
"""Checks that fail on a card whose content is as it was signed."""
FILLED = bytes(2)
"""What memory that was reserved and not all written ends in; a signature does so once in 65536."""


def inspect(
    reader: ChipReader,
    password: Password,
    trust: Iterable[x509.Certificate],
    at: datetime,
    deadline: Deadline,
    groups: Collection[int] = EVERY_GROUP,
    random: Random = secrets.token_bytes,
    memory: BlockMemory | None = None,
) -> Inspection:
    """Read the card that lies on `reader` and examine it; `trust` are the CSCAs believed at `at` (aware).

    Of the data groups only `groups` are read: the hashes of the others are not compared. `random` is for a
    transcript that is to be played back. `memory` should outlive the look: a card or reader that is lost at
    too long an APDU is asked for less the next time only. Raises UserRetry("place_card" | "hold_card_still"),
    DeviceGone or DeviceRefused; a card that is not done by `deadline` is BROKEN.
    """
    look = _Look(reader, password, tuple(trust), at, deadline, frozenset(groups), random, memory)
    try:
        return look.all()
    finally:
        reader.disconnect()


class _Look:
    """One inspection under way."""

    def __init__(
        self,
        reader: ChipReader,
        password: Password,
        trust: Sequence[x509.Certificate],
        at: datetime,
        deadline: Deadline,
        groups: frozenset[int],
        random: Random,
        memory: BlockMemory | None,
    ) -> None:
        self._reader = reader
        self._link = Patient(reader, deadline)
        self._password = password
        self._trust = trust
        self._at = at
        self._random = random
        self._groups = groups
        self._sheet = Sheet()
        self._atr = b""
        self._cplc = b""
        self._blocks = memory or BlockMemory()  # what was tried out holds for every opening
        self._blocks.begin()
        self._offer: Offer | None = None
        self._channel: LdsFiles | None = None
        self._openings = 0
        self._protocol = ""
        self._read: dict[int, FileRead] = {}
        self._contents: dict[int, bytes] = {}

    def all(self) -> Inspection:
        try:
            closed = self._approach()
            return self._told(closed) if closed else self._inside()
        except CardError as exc:
            return self._told((Verdict.BROKEN, str(exc)))
        except (DeviceTimeout, ProtocolError) as exc:  # a mute card, or one that answers no APDU
            return self._told((Verdict.BROKEN, exc.doing))

    # --- outside: what anybody may ask ---

    def _approach(self) -> tuple[Verdict, str] | None:
        """What can be told from outside, and why it stops there; None once the card is open."""
        self._atr = self._restart()
        plain = Plain(self._link)
        access, self._cplc = free_files(plain)
        if access is not None:
            self._contents[Fid.CARD_ACCESS] = access
            self._read[Fid.CARD_ACCESS] = FileRead(Fid.CARD_ACCESS, Seen.READ, len(access))
        try:
            select_application(plain)
        except CardRefused as exc:
            if access is None or isinstance(exc, FileNotFound):
                return Verdict.NO_EMRTD, str(exc)
            note_hidden(self._sheet)  # as a card may that opens with PACE only
        else:
            note_plain_read(plain, self._sheet)
        return self._open(access)

    def _open(self, access: bytes | None) -> tuple[Verdict, str] | None:
        self._offer = Offer.of(access)
        if self._offer.unspoken:
            note = replace(self._read[Fid.CARD_ACCESS], detail=UNSPOKEN)
            self._read[Fid.CARD_ACCESS] = note
        try:
            self._files()
        except AccessUnsupported as exc:
            return Verdict.UNSUPPORTED, str(exc)
        except AccessRefused as exc:
            return Verdict.CLOSED, str(exc)
        except ConditionsNotSatisfied as exc:
            return Verdict.BLANK, str(exc)
        return None

    def _restart(self) -> bytes:
        self._reader.disconnect()
        return self._reader.connect()

    def _files(self) -> LdsFiles:
        """The open channel, opened anew where the card has ended it."""
        if self._channel is None or not self._channel.channel.alive:
            if self._openings == MOST_OPENINGS:
                raise MalformedData("the card ends its channel again and again")
            self._openings += 1
            atr = self._restart()
            self._channel = open_lds(
                self._link,
                self._password,
                memory=self._blocks,
                atr=atr,
                restart=self._restart,
                random=self._random,
                offer=self._offer,
            )
            self._protocol = self._channel.channel.protocol
        return self._channel

    # --- inside ---

    def _inside(self) -> Inspection:
        com, sod = self._content(Fid.COM), self._content(Fid.SOD)
        held = listed_groups(com) | signed_groups(sod)
        for number in sorted(held & self._groups):
            self._content(dg_fid(number))
        guarded = frozenset(
            fid
            for fid in TERMINAL_AUTHENTICATION
            if fid in self._read and self._read[fid].seen is Seen.REFUSED
        )
        guarded |= {dg_fid(number) for number in held - self._groups} | self._not_read
        files = {fid: content for fid, content in self._contents.items() if fid != Fid.SOD}
        signed = NOBODY
        if sod is None:
            self._sheet.all_not_made(Check, f"EF.SOD is {self._read[Fid.SOD].seen}")
        else:
            signed = examine(sod, files, self._trust, self._at, guarded, self._sheet)
            self._note_com()
        prove_chip(self._files, self._contents, self._sheet, self._random)
        return self._told(self._verdict(sod, signed), signed)

    @property
    def _not_read(self) -> frozenset[int]:
        return frozenset(fid for fid, file in self._read.items() if file.seen is Seen.NOT_READ)

    def _note_com(self) -> None:
        """A card may have no EF.COM to check; one that hides or garbles it is another thing."""
        seen = self._read[Fid.COM].seen
        if seen not in (Seen.READ, Seen.MISSING):
            self._sheet.failed(Check.COM, f"EF.COM is {seen}")

    def _content(self, fid: int) -> bytes | None:
        """A file's content, and the note of what became of it."""
        content: bytes | None = None
        try:
            content = self._files().read_object(fid)
            seen = FileRead(fid, Seen.READ, len(content))
            self._contents[fid] = content
        except FileNotFound:
            seen = FileRead(fid, Seen.MISSING)
        except CardRefused as exc:
            if not _withheld(fid, exc):
                raise
            out_of_scope = fid in TERMINAL_AUTHENTICATION
            seen = FileRead(fid, Seen.REFUSED, detail=OUT_OF_SCOPE if out_of_scope else str(exc))
        except MalformedData as exc:
            too_large = isinstance(exc, TooLarge) and fid in DATA_GROUPS
            seen = (
                FileRead(fid, Seen.NOT_READ, None, str(exc))
                if too_large
                else self._not_an_object(fid, str(exc))
            )
        self._read[fid] = seen
        return content

    def _not_an_object(self, fid: int, why: str) -> FileRead:
        start = self._files().read(fid, LOOKED_AT, lambda _: None)
        empty = not start.strip(b"\0\xff")
        return FileRead(fid, Seen.UNWRITTEN) if empty else FileRead(fid, Seen.DAMAGED, detail=why)

    # --- what it comes to ---

    def _verdict(self, sod: bytes | None, signed: Signed) -> tuple[Verdict, str]:
        broken = self._sheet.broken
        if sod is None:
            return Verdict.TORN, f"EF.SOD is {self._read[Fid.SOD].seen}: the card was never finished"
        if broken & {Check.SOD, Check.SIGNATURE} and (sod.endswith(FILLED) or len(sod) == NO_VALUE):
            return Verdict.TORN, "EF.SOD was not written to its end"
        if self._not_read and broken <= WHOLE:
            return Verdict.UNSUPPORTED, ", ".join(self._read[fid].detail for fid in sorted(self._not_read))
        if not broken:
            return Verdict.GENUINE, ""
        if broken <= {Extra.CLOSED}:
            return Verdict.TORN, "it was never locked"
        named = ", ".join(sorted(broken))
        if broken <= {Check.CHAIN, Check.VALIDITY} and not signed.authority_known:
            return Verdict.UNTRUSTED, f"no authority {signed.issuer} in the trust store"
        if broken == {Check.VALIDITY}:
            return Verdict.EXPIRED, named
        return (Verdict.UNPROTECTED if broken == {Extra.PLAIN_READ} else Verdict.FORGED), named

    def _told(self, what: tuple[Verdict, str], signed: Signed = NOBODY) -> Inspection:
        verdict, why = what
        return Inspection(
            verdict=verdict,
            why=why,
            atr=self._atr.hex().upper(),
            cplc=self._cplc.hex().upper(),
            protocol=self._protocol,
            files=tuple(self._read[fid] for fid in sorted(self._read)),
            findings=self._sheet.findings,
            signed=signed,
            contents=self._contents,
        )


def _withheld(fid: int, exc: CardRefused) -> bool:
    """Whether the card shows its other files and not this one; cards have many words for that."""
    if isinstance(exc, SecurityStatusNotSatisfied):
        return True
    kept_open = not isinstance(exc, (AccessRefused, WrongLength))
    return fid in DATA_GROUPS and kept_open and exc.sw >> 8 in REFUSING
