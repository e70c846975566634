"""Secure Channel Protocol 03, the card's side (GlobalPlatform 2.3.1, 11.1 and Amendment D 1.1.2).

Option i = 70: S8 MACs, pseudo-random card challenge, R-MAC and R-ENCRYPTION. AES-128 and AES-256.
Its own reading of the specification: nothing here comes from the terminal's side.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from drivers.virtual.card.suites import AesBlocks
from drivers.virtual.card.words import Command, Right, StatusWord, respond

BLOCK = 16
MAC_BYTES = 8
OPTION_I = 0x70
LEVELS = (0x01, 0x03, 0x33)  # C-MAC | with C-DECRYPTION | with R-MAC and R-ENCRYPTION (11.1.5, table 7-3)
SECURE = 0x04  # secure messaging in GlobalPlatform's format (2.3.1, 11.1.4)
DEFAULT_KVN = 0x30
LAB_MASTER = bytes.fromhex("404142434445464748494A4B4C4D4E4F")  # the key that everybody knows


class Derive(IntEnum):
    """Data derivation constants (table 4-1)."""

    CARD_CRYPTOGRAM = 0x00
    HOST_CRYPTOGRAM = 0x01
    CARD_CHALLENGE = 0x02
    S_ENC = 0x04
    S_MAC = 0x06
    S_RMAC = 0x07


@dataclass(frozen=True, slots=True)
class KeySet:
    """A domain's static keys, 16 or 32 bytes each."""

    enc: bytes
    mac: bytes
    dek: bytes

    def __post_init__(self) -> None:
        if {len(self.enc), len(self.mac), len(self.dek)} not in ({16}, {32}):
            raise ValueError("the keys of a set are AES-128 or AES-256, all three alike")


def diversified(master: bytes, kdd: bytes) -> KeySet:
    """The keys a maker of blanks puts on the card with this key diversification data.

    Each is the master key's derivation (4.1.5) with the key's identifier 01, 02, 03 as the constant and
    the KDD as context, as long as the master key.
    """
    return KeySet(*(derive(master, number, kdd, len(master)) for number in (1, 2, 3)))


def derive(key: bytes, constant: int, context: bytes, size: int) -> bytes:
    """`size` bytes of SP 800-108 in counter mode over AES-CMAC (4.1.5)."""
    made = bytearray()
    for counter in range(1, -(-size // BLOCK) + 1):
        label = bytes(11) + bytes((constant,))
        made += cmac(key, label + b"\0" + (size * 8).to_bytes(2, "big") + bytes((counter,)) + context)
    return bytes(made[:size])


def cmac(key: bytes, message: bytes) -> bytes:
    """The full AES-CMAC (SP 800-38B)."""
    return _finished(CMAC(AES(key)), message)


class Session:
    """Keys, MAC chaining value and encryption counter, from the challenges to the session's end.

    The issuer's channel: whatever is wrong with a command in it is StatusWord 6982, and ends it.
    """

    right = Right.ISSUER

    def __init__(self, keys: KeySet, host_challenge: bytes, card_challenge: bytes) -> None:
        context = host_challenge + card_challenge
        size = len(keys.enc)
        mac = derive(keys.mac, Derive.S_MAC, context, size)
        self._blocks = AesBlocks(derive(keys.enc, Derive.S_ENC, context, size))
        self._mac = CMAC(AES(mac))
        self._rmac = CMAC(AES(derive(keys.mac, Derive.S_RMAC, context, size)))
        self.card_cryptogram = derive(mac, Derive.CARD_CRYPTOGRAM, context, 8)
        self._host_cryptogram = derive(mac, Derive.HOST_CRYPTOGRAM, context, 8)
        self._chaining = bytes(BLOCK)
        self._counter = 0
        self.level = 0  # until the host has authenticated

    def authenticate(self, command: Command) -> None:
        """EXTERNAL AUTHENTICATE (7.1.2). 6300: another host; 6982: wrong MAC."""
        if command.p1 not in LEVELS or command.p2:
            raise StatusWord(0x6A86)
        if len(command.data) != 8 + MAC_BYTES:
            raise StatusWord(0x6700)
        if not hmac.compare_digest(command.data[:8], self._host_cryptogram):
            raise StatusWord(0x6300)
        self._check(command)
        self.level = command.p1

    def covers(self, cla: int) -> bool:
        return cla in (0x80 | SECURE, SECURE)

    def open(self, command: Command) -> Command:
        """Check a command's MAC and return what it carries, in the plain class.

        An Le is what may come on the wire, so that less clear data fits; 00 is whatever fits.
        """
        if len(command.data) < MAC_BYTES:
            raise StatusWord(0x6982)
        data = self._check(command)
        self._counter += 1  # steps for a command without data too (6.2.6)
        if self.level & 0x02 and data:
            data = self._reveal(data)
        ne = command.ne if command.ne in (0, 256, 65536) else self.capacity(command.ne)
        cla, room = command.cla & ~SECURE, self.capacity(command.room)
        return Command(cla, command.ins, command.p1, command.p2, data, ne, command.extended, self.right, room)

    def seal(self, data: bytes, sw: int) -> bytes:
        """The response APDU; errors are never protected (6.2.5)."""
        if not self.level & 0x10 or sw >> 8 not in (0x90, 0x62, 0x63):
            return respond(data, sw)
        if data and self.level & 0x20:
            data = self._blocks.chain(self._icv(response=True), _fill(data))
        mac = _finished(self._rmac, self._chaining + data + sw.to_bytes(2, "big"))
        return respond(data + mac[:MAC_BYTES], sw)

    def capacity(self, room: int) -> int:
        """What fits beside the R-MAC: whole blocks, one byte of them padding at least."""
        if not self.level & 0x10:
            return room
        left = max(room - MAC_BYTES, 0)
        return max(left // BLOCK * BLOCK - 1, 0) if self.level & 0x20 else left

    def _check(self, command: Command) -> bytes:
        """The data before the MAC, once that holds; the whole CMAC is the next chaining value (6.2.4)."""
        data, mac = command.data[:-MAC_BYTES], command.data[-MAC_BYTES:]
        size = len(command.data)
        long = command.extended or size > 255  # the latter from a chain
        lc = b"\0" + size.to_bytes(2, "big") if long else bytes((size,))
        header = bytes((command.cla, command.ins, command.p1, command.p2)) + lc
        whole = _finished(self._mac, self._chaining + header + data)
        if not hmac.compare_digest(whole[:MAC_BYTES], mac):
            raise StatusWord(0x6982)
        self._chaining = whole
        return data

    def _reveal(self, data: bytes) -> bytes:
        if len(data) % BLOCK:
            raise StatusWord(0x6982)
        return _emptied(self._blocks.unchain(self._icv(response=False), data), 0x6982)

    def _icv(self, response: bool) -> bytes:
        """The counter, one block, encrypted (6.2.6, 6.2.7)."""
        return self._blocks.single((b"\x80" if response else b"\0") + self._counter.to_bytes(15, "big"))


class SecurityDomain:
    """One key set and its sequence counter, and the session on offer. `aid` is what invokes it."""

    def __init__(
        self, keys: KeySet, kdd: bytes, aid: bytes, kvn: int = DEFAULT_KVN, counter: int = 0
    ) -> None:
        if len(kdd) != 10:
            raise ValueError("key diversification data has ten bytes")
        self._keys = keys
        self._kdd = kdd
        self._aid = aid
        self._kvn = kvn
        self._counter = counter  # steps at each INITIALIZE UPDATE, so that no challenge comes twice
        self._offered: Session | None = None

    def forget(self) -> None:
        """Withdraw the offer."""
        self._offered = None

    def initialize_update(self, command: Command) -> bytes:
        """INITIALIZE UPDATE (7.1.1): KDD, key information, challenge, cryptogram, sequence counter."""
        self.forget()
        if command.p2:
            raise StatusWord(0x6A86)
        if len(command.data) != 8:
            raise StatusWord(0x6700)
        if command.p1 not in (0, self._kvn):
            raise StatusWord(0x6A88)
        if self._counter == 0xFFFFFF:
            raise StatusWord(0x6985)
        self._counter += 1
        count = self._counter.to_bytes(3, "big")
        challenge = derive(self._keys.enc, Derive.CARD_CHALLENGE, count + self._aid, 8)  # 6.2.2.1
        self._offered = Session(self._keys, command.data, challenge)
        information = bytes((self._kvn, 0x03, OPTION_I))
        return self._kdd + information + challenge + self._offered.card_cryptogram + count

    def external_authenticate(self, command: Command) -> Session:
        """The session on offer, once the host has proved itself; 6985 without an offer. One try each."""
        offered, self._offered = self._offered, None
        if offered is None:
            raise StatusWord(0x6985)
        offered.authenticate(command)
        return offered

    def reveal(self, value: bytes) -> bytes:
        """A secret that came under the DEK: AES-CBC, zero IV, ISO 9797-1 padding 2. 6A80 for another."""
        if not value or len(value) % BLOCK:
            raise StatusWord(0x6A80)
        return _emptied(
            Cipher(AES(self._keys.dek), modes.CBC(bytes(BLOCK))).decryptor().update(value), 0x6A80
        )

    def state(self) -> dict[str, Any]:
        keys = {"enc": self._keys.enc.hex(), "mac": self._keys.mac.hex(), "dek": self._keys.dek.hex()}
        return {"keys": keys, "kdd": self._kdd.hex(), "kvn": self._kvn, "counter": self._counter}

    @classmethod
    def restored(cls, state: Mapping[str, Any], aid: bytes) -> SecurityDomain:
        keys = KeySet(**{name: bytes.fromhex(key) for name, key in state["keys"].items()})
        return cls(keys, bytes.fromhex(state["kdd"]), aid, int(state["kvn"]), int(state["counter"]))


def _finished(begun: CMAC, message: bytes) -> bytes:
    mac = begun.copy()
    mac.update(message)
    return mac.finalize()


def _fill(data: bytes) -> bytes:
    return data + b"\x80" + bytes(BLOCK - 1 - len(data) % BLOCK)


def _emptied(blocks: bytes, sw: int) -> bytes:
    """The data before its padding; `sw` if that is not 80 and zeros within the last block."""
    end = blocks.rfind(b"\x80")
    if end < len(blocks) - BLOCK or any(blocks[end + 1 :]):
        raise StatusWord(sw)
    return blocks[:end]
