"""Basic Access Control, its cryptography on the chip's side (Doc 9303-11, 4.3 and 9.7)."""

from __future__ import annotations

import hashlib

from drivers.virtual.card.sm import SecureMessaging
from drivers.virtual.card.suites import TripleDes, cbc_mac, des3, fill
from drivers.virtual.card.words import StatusWord


class Channel(SecureMessaging):
    """The 3DES channel that Basic Access Control opens."""

    def __init__(self, seed: bytes, counter: bytes) -> None:
        super().__init__(TripleDes(*key_pair(seed)), int.from_bytes(counter, "big"))


def mrz_digest(number: str, birth: str, expiry: str) -> bytes:
    """SHA-1 of the MRZ information: PACE's password; the chip computes the check digits itself."""
    line = "".join(field + str(_digit(field)) for field in (number, birth, expiry))
    return hashlib.sha1(line.encode("ascii"), usedforsecurity=False).digest()


def document_seed(number: str, birth: str, expiry: str) -> bytes:
    """K_seed of the document."""
    return mrz_digest(number, birth, expiry)[:16]


def authenticate(seed: bytes, challenge: bytes, token: bytes, own: bytes) -> tuple[bytes, Channel]:
    """Check the terminal's token; return the chip's token and the channel. 6300 when it is wrong.

    `own` is K_IC (16 bytes), drawn by the caller.
    """
    enc, mac = key_pair(seed)
    if len(token) != 40:
        raise StatusWord(0x6700)
    if cbc_mac(mac, fill(token[:32], 8)) != token[32:]:
        raise StatusWord(0x6300)
    clear = des3(enc).decrypt(token[:32])
    theirs, echoed, share = clear[:8], clear[8:16], clear[16:]
    if echoed != challenge:
        raise StatusWord(0x6300)
    cipher = des3(enc).encrypt(challenge + theirs + own)
    session = bytes(a ^ b for a, b in zip(share, own, strict=True))
    counter = challenge[4:] + theirs[4:]
    return cipher + cbc_mac(mac, fill(cipher, 8)), Channel(session, counter)


def key_pair(seed: bytes) -> tuple[bytes, bytes]:
    """Encryption and MAC key; parity bits are left as they fall, DES does not look at them."""
    halves = [hashlib.sha1(seed + bytes((0, 0, 0, n)), usedforsecurity=False) for n in (1, 2)]
    return halves[0].digest()[:16], halves[1].digest()[:16]


def _digit(field: str) -> int:
    total = 0
    for at, letter in enumerate(field):
        value = ord(letter) - 55 if letter.isalpha() else int(letter) if letter.isdigit() else 0
        total += value * (7, 3, 1)[at % 3]
    return total % 10
