"""A chip card as a program: power, answers to APDUs, and what the world can do to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from drivers.virtual.card.badge import AID as BADGE_AID
from drivers.virtual.card.badge import BadgeApplet
from drivers.virtual.card.emrtd import AID as LDS_AID
from drivers.virtual.card.emrtd import Emrtd
from drivers.virtual.card.master import MasterFile
from drivers.virtual.card.plain import KIND as LDS_PLAIN
from drivers.virtual.card.plain import PlainApplet
from drivers.virtual.card.words import Command, Program, StatusWord, parse, respond

ATR = bytes.fromhex("3B80800101")  # contactless, no historical bytes (PC/SC part 3, 3.1.3.2.3)
FORMAT = 2
MASTER_FID = b"\x3f\x00"

# A chip of each kind, blank; CARD KINDS: one line for each way of personalising
_BLANKS: Mapping[str, Callable[[bool], Emrtd]] = {
    LDS_PLAIN: lambda bare_errors: PlainApplet(bare_errors=bare_errors),
}


class CardLifted(Exception):
    """The card has left the field; nothing will be answered."""


class CardMute(Exception):
    """The card lies there and will never answer."""


class VirtualCard:
    """Applications by AID under a master file. One thread at a time; a reader sees to that."""

    def __init__(self, applications: Mapping[bytes, Program], atr: bytes = ATR) -> None:
        self._atr = atr
        self._applications = dict(applications)
        self._master = MasterFile(self._applications)
        self._current: Program | None = None  # None: no power
        self._torn: tuple[int, bool] | None = None  # APDUs still to answer, acts on the next
        self._mute_in: int | None = None
        self.apdus = 0  # answered since it was made

    @property
    def atr(self) -> bytes:
        return self._atr

    # --- what a reader does ---

    def power_on(self) -> bytes:
        """Cold or warm reset: forget what is volatile and return the ATR."""
        self._current = self._master
        self._master.select()
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
        saved = {"format": FORMAT, "atr": self._atr.hex(), "applications": applications}
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
            return cls(applications, bytes.fromhex(raw["atr"]))
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as exc:
            raise ValueError(f"no saved virtual card: {exc!r}") from exc

    # --- the operating system ---

    def _answer(self, apdu: bytes) -> bytes:
        try:
            command = parse(apdu)
            if command.ins == 0xA4 and (command.p1 == 0x04 or command.data == MASTER_FID):
                return respond(self._select(command))
            assert self._current is not None  # noqa: S101 (transmit saw to it)
            return self._current.process(command)
        except StatusWord as refused:
            return respond(b"", refused.sw)

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


def blank_card(bare_errors: bool = False, kind: str = LDS_PLAIN) -> VirtualCard:
    """A fresh LDS card in personalisation state. Raises KeyError for a kind there is none of."""
    return VirtualCard({LDS_AID: _BLANKS[kind](bare_errors)})


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
    applet = _BLANKS[kind](False)
    applet.restore(state)
    return applet
