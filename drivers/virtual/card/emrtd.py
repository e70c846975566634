"""The eMRTD application: its files, and who may read them (Doc 9303-10, 3.4; Doc 9303-11, 4 and 9.8).

How the chip is filled is a strategy beside it (`plain`, and others): see `chip.Personalisation`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from drivers.virtual.card.bac import BasicAccess
from drivers.virtual.card.chip import Channel, Chip, Personalisation, Protocol
from drivers.virtual.card.files import ALWAYS, GUARDED
from drivers.virtual.card.words import Command, Random, Right, StatusWord, Verb, respond

AID = bytes.fromhex("A0000002471001")
SECURED_BITS = 0x0C


class Table:
    """Verbs by CLA and INS, and the classes that they have."""

    def __init__(self, verbs: Mapping[int, Verb]) -> None:
        self.verbs = verbs
        self.classes = frozenset(code >> 8 for code in verbs)


class Emrtd:
    """`bare_errors`: errors under secure messaging come as a bare SW and end the session."""

    def __init__(
        self,
        kind: str,
        filled_by: Callable[[Chip], Personalisation],
        random: Random = secrets.token_bytes,
        bare_errors: bool = False,
    ) -> None:
        self.kind = kind
        self.chip = Chip(random)
        self.personalisation = filled_by(self.chip)
        self._bare_errors = bare_errors
        self._access = BasicAccess(self.chip)
        self._inside = False  # whether the application is selected
        self._tables: dict[bool, Table] = {}

    @property
    def locked(self) -> bool:
        return self.chip.locked

    @property
    def pages_written(self) -> int:
        return self.chip.files.pages_written

    def reset(self) -> None:
        self._inside = False
        self._forget()

    def select(self) -> bytes:
        self._forget()
        self._enter()
        return b""

    def _enter(self) -> None:
        self._inside = True
        self.chip.files.current = None

    def process(self, command: Command) -> bytes:
        channel = self.chip.channel
        if channel is not None and channel.covers(command.cla):
            answer = self._secured(channel, command)
        else:
            self._demand_known_class(command)
            self.chip.channel = None  # a plain command ends the session (Doc 9303-11, 9.8.3)
            answer = respond(self._answer(command))
        self.chip.settle()
        return answer

    def _secured(self, channel: Channel, command: Command) -> bytes:
        self.chip.channel = None  # unless this command is whole
        inner = channel.open(command)
        try:
            data, sw = self._answer(inner), 0x9000
        except StatusWord as refused:
            if self._bare_errors and not refused.is_warning:
                raise
            data, sw = refused.data, refused.sw
        self.chip.channel = channel
        return channel.seal(data, sw)

    def _answer(self, command: Command) -> bytes:
        verb = self._table.verbs.get(command.code)
        if verb is None:
            raise StatusWord(0x6D00)
        return verb(command)

    @property
    def _table(self) -> Table:
        """What answers now, inside or outside the application."""
        if self._inside not in self._tables:
            self._tables[self._inside] = Table(self._verbs())
        return self._tables[self._inside]

    def _verbs(self) -> Mapping[int, Verb]:
        """Reading, the protocols of access, personalisation."""
        filling = self.personalisation.inside if self._inside else self.personalisation.outside
        verbs = dict(self._own())
        for protocol in self._protocols():
            verbs.update(protocol.verbs)
        return {**verbs, **filling}

    def _own(self) -> Mapping[int, Verb]:
        return {0x00A4: self._select_file, 0x00B0: self._read_binary}

    def _protocols(self) -> tuple[Protocol, ...]:
        return (self._access,) if self._inside else ()

    def _demand_known_class(self, command: Command) -> None:
        if command.cla in self._table.classes:
            return
        if command.cla & SECURED_BITS:
            raise StatusWord(0x6882)
        raise StatusWord(0x6881 if command.cla & 0xE0 == 0 and command.cla & 3 else 0x6E00)

    def _forget(self) -> None:
        self.chip.forget()
        self._access.forget()
        self.personalisation.forget()

    # --- reading ---

    def _select_file(self, command: Command) -> bytes:
        if (command.p1, command.p2) not in ((0x02, 0x0C), (0x00, 0x0C), (0x02, 0x00)):
            raise StatusWord(0x6A86)
        if len(command.data) != 2:
            raise StatusWord(0x6700)
        self.chip.files.select(int.from_bytes(command.data, "big"))
        return b""

    def _read_binary(self, command: Command) -> bytes:
        offset = command.p1p2
        if command.p1 & 0x80:
            self._select_sfi(command)
            offset = command.p2
        self.demand_readable(command)
        return self._read(offset, command)

    def _select_sfi(self, command: Command) -> None:
        self.chip.files.select_sfi(command.p1 & 0x1F)

    def _read(self, offset: int, command: Command) -> bytes:
        return self.chip.files.read(offset, command.ne)

    def demand_readable(self, command: Command) -> None:
        """That the current file's READ condition holds for who asks; 6982."""
        condition = self.chip.files.condition()
        issuer = command.right is Right.ISSUER and not self.chip.locked
        reader = command.right is Right.READER
        if not (issuer or condition == ALWAYS or (reader and condition != GUARDED)):
            raise StatusWord(0x6982)

    # --- what survives ---

    def state(self) -> dict[str, Any]:
        return {
            **self.chip.state(),
            "personalisation": self.personalisation.state(),
            "bare_errors": self._bare_errors,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.chip.restore(state)
        self.personalisation.restore(state["personalisation"])
        self._bare_errors = bool(state["bare_errors"])
