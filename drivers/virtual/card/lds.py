"""The plain LDS applet: personalised in the clear, then locked for ever, read through BAC.

Its quirks are the real applet's: only short APDUs (6700); DG3 and DG4 are never read (6982); reading
wants BAC from the first day; Le=00 under secure messaging brings nothing and more than DF is 6700.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from drivers.virtual.card.channel import Channel, authenticate, document_seed
from drivers.virtual.card.files import FileSystem
from drivers.virtual.card.words import Command, StatusWord, respond

AID = bytes.fromhex("A0000002471001")
LARGEST_FILE = 32767
LARGEST_READ = 0xDF
EAC_GUARDED = (0x0103, 0x0104)
SECURE = 0x0C

Random = Callable[[int], bytes]


class LdsApplet:
    """`bare_errors`: errors under secure messaging come as a bare SW and end the session."""

    kind = "lds-plain"

    def __init__(self, random: Random = secrets.token_bytes, bare_errors: bool = False) -> None:
        self._random = random
        self._bare_errors = bare_errors
        self._files = FileSystem()
        self._seed: bytes | None = None
        self._signature_key: dict[int, bytes] = {}  # 60 modulus, 61 private exponent
        self._locked = False
        self._challenge: bytes | None = None
        self._channel: Channel | None = None
        self._verbs: Mapping[int, Callable[[Command], bytes]] = {
            0xA4: self._select_file,
            0xB0: self._read_binary,
            0xD6: self._update_binary,
            0xDA: self._put_data,
            0xE0: self._create_file,
            0x84: self._get_challenge,
            0x82: self._external_authenticate,
        }

    @property
    def locked(self) -> bool:
        return self._locked

    def select(self) -> bytes:
        self._challenge = self._channel = self._files.current = None
        return b""

    def process(self, command: Command) -> bytes:
        if command.extended:
            raise StatusWord(0x6700)
        if command.cla == SECURE:
            return self._process_secured(command)
        if command.cla != 0x00:
            raise StatusWord(0x6881 if command.cla & 0xE0 == 0 and command.cla & 3 else 0x6E00)
        self._channel = None  # a plain command ends the session (Doc 9303-11, 9.8.3)
        return respond(self._answer(command))

    def _process_secured(self, command: Command) -> bytes:
        channel = self._channel
        if channel is None:
            raise StatusWord(0x6882)
        self._channel = None  # unless this command is whole
        inner = channel.open(command)
        try:
            data, sw = self._answer(inner), 0x9000
        except StatusWord as refused:
            if self._bare_errors:
                raise
            data, sw = b"", refused.sw
        self._channel = channel
        return channel.seal(data, sw)

    def _answer(self, command: Command) -> bytes:
        verb = self._verbs.get(command.ins)
        if verb is None:
            raise StatusWord(0x6D00)
        return verb(command)

    # --- reading ---

    def _select_file(self, command: Command) -> bytes:
        if self._locked and not command.protected:
            raise StatusWord(0x6982)
        if (command.p1, command.p2) not in ((0x02, 0x0C), (0x00, 0x0C), (0x02, 0x00)):
            raise StatusWord(0x6A86)
        if len(command.data) != 2:
            raise StatusWord(0x6700)
        self._files.select(int.from_bytes(command.data, "big"))
        return b""

    def _read_binary(self, command: Command) -> bytes:
        if not command.protected:
            raise StatusWord(0x6982)
        offset = command.p1p2
        if command.p1 & 0x80:
            self._files.select_sfi(command.p1 & 0x1F)
            offset = command.p2
        if self._files.current in EAC_GUARDED:
            raise StatusWord(0x6982)
        if command.ne == 256:
            return b""
        if not 1 <= command.ne <= LARGEST_READ:
            raise StatusWord(0x6700)
        return self._files.read(offset, command.ne)

    # --- personalisation ---

    def _update_binary(self, command: Command) -> bytes:
        self._personalising()
        if not command.data or command.p1 & 0x80:
            raise StatusWord(0x6700 if not command.data else 0x6A86)
        self._files.update(command.p1p2, command.data)
        return b""

    def _create_file(self, command: Command) -> bytes:
        self._personalising()
        if command.p1p2 or len(command.data) != 6 or command.data[:2] != b"\x63\x04":
            raise StatusWord(0x6A80)
        size = int.from_bytes(command.data[2:4], "big")
        if size > LARGEST_FILE:
            raise StatusWord(0x6A84)
        self._files.create(int.from_bytes(command.data[4:], "big"), size)
        return b""

    def _put_data(self, command: Command) -> bytes:
        self._personalising()
        if command.p1p2 == 0xDEAD:
            self._locked = True
        elif command.p1p2 == 0x0062:
            self._seed = document_seed(*_key_fields(command.data))
        elif command.p1p2 in (0x0060, 0x0061):
            self._signature_key[command.p2] = _rsa_half(command.data)
        else:
            raise StatusWord(0x6A88)
        return b""

    def _personalising(self) -> None:
        if self._locked:
            raise StatusWord(0x6985)

    # --- access ---

    def _get_challenge(self, command: Command) -> bytes:
        if self._seed is None:
            raise StatusWord(0x6985)
        if command.ne != 8 or command.p1p2:
            raise StatusWord(0x6700 if command.ne != 8 else 0x6A86)
        self._challenge = self._random(8)
        return self._challenge

    def _external_authenticate(self, command: Command) -> bytes:
        challenge, self._challenge = self._challenge, None
        if self._seed is None or challenge is None:
            raise StatusWord(0x6985)
        answer, self._channel = authenticate(self._seed, challenge, command.data, self._random(16))
        return answer

    # --- what survives ---

    def state(self) -> dict[str, Any]:
        return {
            "files": self._files.state(),
            "seed": self._seed.hex() if self._seed else None,
            "signature_key": {str(tag): half.hex() for tag, half in self._signature_key.items()},
            "locked": self._locked,
            "bare_errors": self._bare_errors,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> LdsApplet:
        applet = cls(bare_errors=bool(state["bare_errors"]))
        applet._files.restore(state["files"])
        applet._seed = bytes.fromhex(state["seed"]) if state["seed"] else None
        halves = state["signature_key"].items()
        applet._signature_key = {int(tag): bytes.fromhex(half) for tag, half in halves}
        applet._locked = bool(state["locked"])
        return applet


def _key_fields(data: bytes) -> tuple[str, str, str]:
    """Number, birth, expiry out of `62 L [t L v] [t L v] [t L v]`; 6A80 for anything else."""
    if len(data) < 2 or data[0] != 0x62 or data[1] != len(data) - 2:
        raise StatusWord(0x6A80)
    fields, rest = [], data[2:]
    while len(rest) >= 2 and len(rest) >= 2 + rest[1]:
        fields.append(rest[2 : 2 + rest[1]].decode("ascii", "replace"))
        rest = rest[2 + rest[1] :]
    if rest or [len(field) for field in fields] != [9, 6, 6] or not "".join(fields).isascii():
        raise StatusWord(0x6A80)
    return fields[0], fields[1], fields[2]


def _rsa_half(data: bytes) -> bytes:
    """Modulus or exponent of an RSA-1024 key out of `60 00 04 L v`; 6A80 for anything else."""
    if data[:3] != b"\x60\x00\x04" or len(data) != 4 + 128 or data[3] != 128:
        raise StatusWord(0x6A80)
    return data[4:]
