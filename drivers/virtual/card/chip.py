"""What the parts of an eMRTD chip share: its lasting content, its random numbers, the open channel."""

from __future__ import annotations

import secrets
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from drivers.virtual.card.files import FileSystem
from drivers.virtual.card.scp03 import LAB_MASTER
from drivers.virtual.card.words import Command, Random, Right, StatusWord, Verb


@dataclass(frozen=True, slots=True)
class Traits:
    """What cards of one kind differ in. `extended`: bytes of the longest APDU either way, 0 for short only.

    `bare_errors`: errors under secure messaging come as a bare SW and end the session. `master`: the
    issuer's key, 16 or 32 bytes, that the keys of the card's channel follow from. `recreates`: CREATE FILE
    of a file that is there makes it anew, where others answer 6A89 (ISO/IEC 7816-9 leaves it open).
    `last_block_ends`: b8 of STORE DATA's P1 is the end of personalisation, not of a data grouping.
    """

    extended: int = 4000
    chaining: bool = True
    bare_errors: bool = False
    random: Random = secrets.token_bytes
    master: bytes = LAB_MASTER
    recreates: bool = True
    last_block_ends: bool = False


class Channel(typing.Protocol):
    """Secure messaging of any kind: the reader's (BAC, PACE, Chip Authentication) or the issuer's (SCP03)."""

    @property
    def right(self) -> Right:
        """What a command has proven that came through this channel whole."""

    def covers(self, cla: int) -> bool:
        """Whether a command with this CLA claims to come through it."""

    def open(self, command: Command) -> Command:
        """Check and decipher; CLA loses its secure messaging bits, `room` is what `capacity` says.

        StatusWord here ends the channel.
        """

    def seal(self, data: bytes, sw: int) -> bytes:
        """The whole response APDU, status bytes included."""

    def capacity(self, room: int) -> int:
        """The most clear data whose sealed form has a data field of at most `room` bytes."""


class Protocol(typing.Protocol):
    """A protocol of access: its verbs by CLA and INS, and how far it has come."""

    @property
    def verbs(self) -> Mapping[int, Verb]: ...

    def forget(self) -> None:
        """Start anew."""


class Chip:
    """`files`, keys and `locked` survive without power; `channel` does not.

    `adopt` names the channel that the next command comes through: the current command is still
    answered through the one it came by.
    """

    def __init__(self, random: Random = secrets.token_bytes, memory_bytes: int = 96 * 1024) -> None:
        self.random = random
        self.files = FileSystem(memory_bytes)
        self.access: tuple[str, str, str] | None = None  # document number, birth, expiry: no check digits
        self.can: str | None = None
        self.rsa: dict[int, bytes] = {}  # Active Authentication by RSA: 0x60 modulus, 0x61 private exponent
        self.aa: ec.EllipticCurvePrivateKey | None = None  # Active Authentication by ECDSA
        self.ca: ec.EllipticCurvePrivateKey | None = None  # Chip Authentication
        self.locked = False
        self.channel: Channel | None = None
        self._next: Channel | None = None

    def personalising(self) -> None:
        """Demand that personalisation is not over: 6985."""
        if self.locked:
            raise StatusWord(0x6985)

    # --- keys: values as they are after any deciphering; 6A80 for what is no such key ---

    def set_access(self, value: bytes) -> None:
        """The object `62 L [t L number][t L birth][t L expiry]`, whole."""
        self.access = _key_fields(value)

    def set_can(self, value: bytes) -> None:
        """The object `63 06 digits`, whole."""
        if value[:2] != b"\x63\x06" or len(value) != 8 or not value[2:].isdigit():
            raise StatusWord(0x6A80)
        self.can = value[2:].decode("ascii")

    def set_aa(self, pkcs8: bytes) -> None:
        """EC P-256 (ECDSA)."""
        self.aa = _ec_key(pkcs8, ("secp256r1",))

    def set_ca(self, pkcs8: bytes) -> None:
        """EC P-256 or brainpoolP256r1 (ECDH)."""
        self.ca = _ec_key(pkcs8, ("secp256r1", "brainpoolP256r1"))

    # --- the open channel ---

    def adopt(self, channel: Channel) -> None:
        self._next = channel

    def settle(self) -> None:
        """The command is answered: what was adopted meanwhile is the channel now."""
        if self._next is not None:
            self.channel, self._next = self._next, None

    def forget(self) -> None:
        """Power or another application: no current file, no channel."""
        self.channel = self._next = self.files.current = None

    # --- what survives ---

    def state(self) -> dict[str, Any]:
        return {
            "files": self.files.state(),
            "access": self.access,
            "can": self.can,
            "rsa": {str(tag): half.hex() for tag, half in self.rsa.items()},
            "aa": _pkcs8(self.aa).hex() if self.aa else None,
            "ca": _pkcs8(self.ca).hex() if self.ca else None,
            "locked": self.locked,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.files.restore(state["files"])
        self.access = tuple(state["access"]) if state["access"] else None
        self.can = state["can"]
        self.rsa = {int(tag): bytes.fromhex(half) for tag, half in state["rsa"].items()}
        self.aa = self.ca = None
        if state["aa"]:
            self.set_aa(bytes.fromhex(state["aa"]))
        if state["ca"]:
            self.set_ca(bytes.fromhex(state["ca"]))
        self.locked = bool(state["locked"])


class Personalisation(typing.Protocol):
    """How a chip is filled. It works on the `Chip` it was made with: files, keys, `adopt` its channel.

    `inside` are its verbs while the application is selected, `outside` those that also answer after a
    reset: by CLA and INS as they are inside any channel (80E2, 00D6; 8482 is a verb of its own as it
    opens the channel). A verb sees in `command.right` who speaks.
    """

    @property
    def inside(self) -> Mapping[int, Verb]: ...

    @property
    def outside(self) -> Mapping[int, Verb]: ...

    def forget(self) -> None:
        """Reset or SELECT: forget what is volatile. The channel is gone already."""

    def state(self) -> dict[str, Any]:
        """What survives beside the chip's own content, as JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None: ...


def _ec_key(pkcs8: bytes, curves: Sequence[str]) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_der_private_key(pkcs8, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise StatusWord(0x6A80) from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in curves:
        raise StatusWord(0x6A80)
    return key


def _pkcs8(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _key_fields(data: bytes) -> tuple[str, str, str]:
    if len(data) < 2 or data[0] != 0x62 or data[1] != len(data) - 2:
        raise StatusWord(0x6A80)
    fields, rest = [], data[2:]
    while len(rest) >= 2 and len(rest) >= 2 + rest[1]:
        fields.append(rest[2 : 2 + rest[1]].decode("ascii", "replace"))
        rest = rest[2 + rest[1] :]
    if rest or [len(field) for field in fields] != [9, 6, 6] or not "".join(fields).isascii():
        raise StatusWord(0x6A80)
    return fields[0], fields[1], fields[2]
