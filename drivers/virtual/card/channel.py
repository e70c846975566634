"""Basic Access Control and 3DES secure messaging, the chip's side (Doc 9303-11, 4.3, 9.7, 9.8).

Its own reading of the standard: nothing here comes from the terminal's side, so that a mistake made
there is not made here as well.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.utils import CryptographyDeprecationWarning

from drivers.virtual.card.words import Command, Right, StatusWord, respond

with warnings.catch_warnings():
    warnings.simplefilter("ignore", CryptographyDeprecationWarning)
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES


class Channel:
    """One session's keys and counter. A fault in a command raises StatusWord 6987 or 6988: end it."""

    right = Right.READER

    def __init__(self, seed: bytes, counter: bytes) -> None:
        self._enc, self._mac = key_pair(seed)
        self._counter = int.from_bytes(counter, "big")

    def covers(self, cla: int) -> bool:
        return cla == 0x0C

    def capacity(self, room: int) -> int:
        """What DO 87 holds beside DO 99 and DO 8E: whole blocks, one byte of them padding at least."""
        left = room - 4 - 10 - 2  # DO 99, DO 8E, tag and padding indicator of DO 87
        left -= 1 if left <= 0x80 else 2 if left <= 0x101 else 3
        return max(left // 8 * 8 - 1, 0)

    def open(self, command: Command) -> Command:
        """Check the MAC of a protected command and return what it carries."""
        counter = self._step()
        items = _items(command.data)
        if 0x8E not in items:
            raise StatusWord(0x6987)
        if list(items) not in ([0x8E], [0x87, 0x8E], [0x97, 0x8E], [0x87, 0x97, 0x8E]):
            raise StatusWord(0x6988)
        covered = command.data[: len(command.data) - 2 - len(items[0x8E])]
        header = bytes((command.cla, command.ins, command.p1, command.p2, 0x80, 0, 0, 0))
        filled = _fill(covered) if covered else b""
        if cbc_mac(self._mac, counter + header + filled) != items[0x8E]:
            raise StatusWord(0x6988)
        data = self._reveal(items[0x87]) if 0x87 in items else b""
        return replace(command, data=data, ne=_expected(items.get(0x97)), cla=0x00, right=self.right)

    def seal(self, data: bytes, sw: int) -> bytes:
        """The response APDU under secure messaging: [DO 87] DO 99 DO 8E and the status bytes."""
        counter = self._step()
        body = self._conceal(data) + bytes((0x99, 2, sw >> 8, sw & 0xFF))
        mac = cbc_mac(self._mac, counter + _fill(body))
        return respond(body + b"\x8e\x08" + mac, sw)

    def _conceal(self, data: bytes) -> bytes:
        if not data:
            return b""
        value = b"\x01" + _des3(self._enc).encrypt(_fill(data))
        size = len(value)
        prefix = b"" if size < 0x80 else b"\x81" if size < 0x100 else b"\x82"
        return b"\x87" + prefix + size.to_bytes(2 if size > 0xFF else 1, "big") + value

    def _reveal(self, value: bytes) -> bytes:
        if value[:1] != b"\x01" or len(value) % 8 != 1 or len(value) == 1:
            raise StatusWord(0x6988)
        clear = _des3(self._enc).decrypt(value[1:])
        end = clear.rfind(b"\x80")
        if end < len(clear) - 8 or any(clear[end + 1 :]):
            raise StatusWord(0x6988)
        return clear[:end]

    def _step(self) -> bytes:
        self._counter = (self._counter + 1) & 0xFFFFFFFFFFFFFFFF
        return self._counter.to_bytes(8, "big")


def document_seed(number: str, birth: str, expiry: str) -> bytes:
    """K_seed of the document; the chip computes the check digits itself."""
    line = "".join(field + str(_digit(field)) for field in (number, birth, expiry))
    return hashlib.sha1(line.encode("ascii"), usedforsecurity=False).digest()[:16]


def authenticate(seed: bytes, challenge: bytes, token: bytes, own: bytes) -> tuple[bytes, Channel]:
    """Check the terminal's token; return the chip's token and the channel. 6300 when it is wrong.

    `own` is K_IC (16 bytes), drawn by the caller.
    """
    enc, mac = key_pair(seed)
    if len(token) != 40:
        raise StatusWord(0x6700)
    if cbc_mac(mac, _fill(token[:32])) != token[32:]:
        raise StatusWord(0x6300)
    clear = _des3(enc).decrypt(token[:32])
    theirs, echoed, share = clear[:8], clear[8:16], clear[16:]
    if echoed != challenge:
        raise StatusWord(0x6300)
    cipher = _des3(enc).encrypt(challenge + theirs + own)
    session = bytes(a ^ b for a, b in zip(share, own, strict=True))
    counter = challenge[4:] + theirs[4:]
    return cipher + cbc_mac(mac, _fill(cipher)), Channel(session, counter)


def key_pair(seed: bytes) -> tuple[bytes, bytes]:
    """Encryption and MAC key; parity bits are left as they fall, DES does not look at them."""
    halves = [hashlib.sha1(seed + bytes((0, 0, 0, n)), usedforsecurity=False) for n in (1, 2)]
    return halves[0].digest()[:16], halves[1].digest()[:16]


def cbc_mac(key: bytes, blocks: bytes) -> bytes:
    """Retail MAC step by step: DES-CBC with the left half, then one D with the right, one E left."""
    left, right = _des(key[:8]), _des(key[8:])
    state = bytes(8)
    for at in range(0, len(blocks), 8):
        mixed = bytes(a ^ b for a, b in zip(state, blocks[at : at + 8], strict=True))
        state = left.encrypt(mixed)
    return left.encrypt(right.decrypt(state))


class _Cbc:
    """A block cipher in CBC mode with a zero IV."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(TripleDES(key), modes.CBC(bytes(8)))

    def encrypt(self, blocks: bytes) -> bytes:
        return self._cipher.encryptor().update(blocks)

    def decrypt(self, blocks: bytes) -> bytes:
        return self._cipher.decryptor().update(blocks)


def _des3(key: bytes) -> _Cbc:
    return _Cbc(key + key[:8])


def _des(key: bytes) -> _Cbc:
    return _Cbc(key * 3)


def _fill(data: bytes) -> bytes:
    return data + b"\x80" + b"\0" * (7 - len(data) % 8)


def _digit(field: str) -> int:
    total = 0
    for at, letter in enumerate(field):
        value = ord(letter) - 55 if letter.isalpha() else int(letter) if letter.isdigit() else 0
        total += value * (7, 3, 1)[at % 3]
    return total % 10


def _expected(value: bytes | None) -> int:
    if value is None:
        return 0
    if len(value) not in (1, 2):
        raise StatusWord(0x6988)
    return int.from_bytes(value, "big") or 256 ** len(value)


def _items(data: bytes) -> dict[int, bytes]:
    """The data objects of a protected command, in order; one-byte tags, lengths in one to three."""
    items: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        tag = data[at]
        width = {0x81: 1, 0x82: 2}.get(data[at + 1], 0) if at + 1 < len(data) else 0
        start = at + 2 + width
        size_field = data[at + 2 : start] if width else data[at + 1 : at + 2]
        size = int.from_bytes(size_field, "big")
        if tag in items or start > len(data) or start + size > len(data) or not size_field:
            raise StatusWord(0x6988)
        items[tag] = data[start : start + size]
        at = start + size
    return items
