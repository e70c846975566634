"""A chip card as a program: power, answers to APDUs, and what the world can do to it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Literal

from drivers.virtual.card.badge import AID as BADGE_AID
from drivers.virtual.card.badge import BadgeApplet
from drivers.virtual.card.chip import Traits
from drivers.virtual.card.emrtd import AID as LDS_AID
from drivers.virtual.card.field import answer_to_reset
from drivers.virtual.card.kinds import APPLETS, CHIPS
from drivers.virtual.card.master import MasterFile
from drivers.virtual.card.plain import KIND as LDS_PLAIN
from drivers.virtual.card.scp03 import LAB_MASTER
from drivers.virtual.card.transport import Transport
from drivers.virtual.card.words import Command, Program, Random, StatusWord, respond

ATR = bytes.fromhex("3B80800101")  # contactless, no historical bytes (PC/SC part 3, 3.1.3.2.3)
FORMAT = 2
MASTER_FID = b"\x3f\x00"


class CardLifted(Exception):
    """The card has left the field; nothing will be answered."""


class CardMute(Exception):
    """The card lies there and will never answer."""


class VirtualCard:
    """Applications by AID under a master file. One thread at a time; a reader sees to that.

    `root` names the application that is the card's whole operating system: it takes the master file's
    place. `transport` says how APDUs come.
    """

    def __init__(
        self,
        applications: Mapping[bytes, Program],
        atr: bytes = ATR,
        root: bytes | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._atr = atr
        self._applications = dict(applications)
        self._root_aid = root
        self._master = MasterFile(self._applications)
        self._root: Program = self._master if root is None else self._applications[root]
        self._transport = transport or Transport()
        self._current: Program | None = None  # None: no power
        self._torn: tuple[int, bool] | None = None  # APDUs still to answer, acts on the next
        self._mute_in: int | None = None
        self.apdus = 0  # answered since it was made

    @property
    def atr(self) -> bytes:
        return self._atr

    @property
    def pages_written(self) -> int:
        """Pages of memory programmed since it was made: what takes a chip its time."""
        return sum(program.pages_written for program in self._applications.values())

    # --- what a reader does ---

    def power_on(self) -> bytes:
        """Cold or warm reset: forget what is volatile and return the ATR."""
        self._current = self._root
        self._transport.reset()
        self._master.reset()
        for program in self._applications.values():
            program.reset()
        return self._atr

    def power_off(self) -> None:
        self._current = None

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one command APDU. Raises CardLifted or CardMute when the world said so before."""
        if self._current is None:
            raise CardMute("no power")
        if self._mute_in == 0:
            raise CardMute
        if self._torn and self._torn[0] == 0:
            self._tear(apdu)
        answer = self._answer(apdu)
        self._count()
        return answer

    # --- what the world does ---

    def lift_after(self, apdus: int) -> None:
        """Leave the field once that many more were answered: the next does not reach the card."""
        self.tear(apdus, "before")

    def tear(self, at: int, when: Literal["before", "after"]) -> None:
        """Lose power at the APDU `at` from now (0: the next), before or after the card acted on it."""
        self._torn = at, when == "after"

    def mute_after(self, apdus: int) -> None:
        """Never answer again, once that many more were answered, until `unmute`."""
        self._mute_in = apdus

    def unmute(self) -> None:
        self._mute_in = None

    # --- between processes and citizens ---

    def to_bytes(self) -> bytes:
        """What survives without power, as JSON."""
        applications = [
            {"aid": aid.hex(), "kind": program.kind, "state": program.state()}
            for aid, program in self._applications.items()
        ]
        saved = {
            "format": FORMAT,
            "atr": self._atr.hex(),
            "applications": applications,
            "root": self._root_aid.hex() if self._root_aid else None,
            "transport": [self._transport.largest, self._transport.chaining],
        }
        return json.dumps(saved).encode()

    @classmethod
    def from_bytes(cls, saved: bytes) -> VirtualCard:
        """The card `to_bytes` saved. Raises ValueError if these bytes are none."""
        try:
            raw = json.loads(saved)
            if raw["format"] != FORMAT:
                raise ValueError(f"format {raw['format']}")
            applications = {
                bytes.fromhex(each["aid"]): _restored(each["kind"], each["state"])
                for each in raw["applications"]
            }
            root = bytes.fromhex(raw["root"]) if raw["root"] else None
            return cls(applications, bytes.fromhex(raw["atr"]), root, Transport(*raw["transport"]))
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, StatusWord) as exc:
            raise ValueError(f"no saved virtual card: {exc!r}") from exc

    # --- the operating system ---

    def _answer(self, apdu: bytes) -> bytes:
        try:
            command = self._transport.take(apdu)
            if command is None:  # a link of a chain
                return respond(b"")
            if self._selects(command):
                return respond(self._select(command))
            assert self._current is not None  # noqa: S101 (transmit saw to it)
            return self._current.process(command)
        except StatusWord as refused:
            return respond(refused.data, refused.sw)

    def _selects(self, command: Command) -> bool:
        """Whether it changes the current program; in a channel, a root knows what to do itself."""
        if command.ins != 0xA4:
            return False
        if self._root is not self._master:
            return command.p1 == 0x04 and command.cla == 0x00
        return command.p1 == 0x04 or command.data == MASTER_FID

    def _select(self, command: Command) -> bytes:
        """An application by its DF name, or the master file; a failed one changes nothing."""
        if command.cla != 0x00:
            raise StatusWord(0x6882 if command.cla == 0x0C else 0x6E00)
        if command.p2 not in (0x00, 0x0C):
            raise StatusWord(0x6A86)
        by_name = self._applications.get(command.data)
        program = self._master if command.data == MASTER_FID else by_name
        if program is None:
            raise StatusWord(0x6A82)
        self._current = program
        return program.select()

    def _tear(self, apdu: bytes) -> None:
        acts = self._torn is not None and self._torn[1]
        self._torn = None
        if acts:
            self._answer(apdu)
        self.power_off()
        raise CardLifted

    def _count(self) -> None:
        self.apdus += 1
        if self._torn:
            self._torn = self._torn[0] - 1, self._torn[1]
        if self._mute_in:
            self._mute_in -= 1


def blank_card(
    bare_errors: bool = False,
    kind: str = LDS_PLAIN,
    extended: int = 4000,
    chaining: bool = True,
    random: Random = secrets.token_bytes,
    master: bytes = LAB_MASTER,
    recreates: bool = True,
    last_block_ends: bool = False,
) -> VirtualCard:
    """A fresh eMRTD in personalisation state: `lds-plain`, or a kind of the field.

    `extended` (bytes of the longest APDU either way, 0: short only) and `chaining` are of the field's
    kinds; the plain applet has neither. `master` (16 or 32 bytes) is the issuer's key of their channel,
    known to everybody unless it is given. `recreates`: an `iso7816-scp03` makes a file anew that is there,
    instead of 6A89. `last_block_ends`: to a `store-data` b8 of P1 ends personalisation. Raises KeyError for
    a kind there is none of.
    """
    traits = Traits(extended, chaining, bare_errors, random, master, recreates, last_block_ends)
    if kind in APPLETS:
        return VirtualCard({LDS_AID: APPLETS[kind](traits)})
    chip = CHIPS[kind](traits)
    return VirtualCard({LDS_AID: chip}, answer_to_reset(traits), LDS_AID, Transport(extended, chaining))


def foreign_card() -> VirtualCard:
    """Somebody's card for something else: it has no LDS application."""
    return VirtualCard({bytes.fromhex("A000000151000000"): BadgeApplet("FOREIGN")})


class OfficerCard(VirtualCard):
    """The badge of the officer `number` (ASCII letters, digits, hyphen)."""

    def __init__(self, number: str) -> None:
        super().__init__({BADGE_AID: BadgeApplet(number)})


def _restored(kind: str, state: Mapping[str, Any]) -> Program:
    if kind == BadgeApplet.kind:
        return BadgeApplet.restored(state)
    chip = {**APPLETS, **CHIPS}[kind](Traits())
    chip.restore(state)
    return chip
