"""Active Authentication, the chip's side (Doc 9303-11, 6.1): INTERNAL AUTHENTICATE of 8 random bytes."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from drivers.virtual.card.chip import Chip
from drivers.virtual.card.words import Command, Right, StatusWord

MODULUS, EXPONENT = 0x60, 0x61
RSA_BYTES = 128
SHA1_TRAILER = 0xBC


def authenticate_ecdsa(chip: Chip, command: Command) -> bytes:
    """ECDSA over P-256 with SHA-256, plain r ‖ s (TR-03111, 5.2.1)."""
    challenge = _challenge(command)
    if chip.aa is None:
        raise StatusWord(0x6A88)
    r, s = decode_dss_signature(chip.aa.sign(challenge, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def authenticate_rsa(chip: Chip, command: Command) -> bytes:
    """ISO/IEC 9796-2 scheme 1 with SHA-1: 6A ‖ M1 ‖ SHA-1(M1 ‖ RND.IFD) ‖ BC to the private exponent."""
    challenge = _challenge(command)
    if set(chip.rsa) != {MODULUS, EXPONENT}:
        raise StatusWord(0x6985)
    recoverable = chip.random(RSA_BYTES - 1 - 20 - 1)
    digest = hashlib.sha1(recoverable + challenge, usedforsecurity=False).digest()
    message = b"\x6a" + recoverable + digest + bytes((SHA1_TRAILER,))
    modulus, exponent = (int.from_bytes(chip.rsa[half], "big") for half in (MODULUS, EXPONENT))
    if not modulus:
        raise StatusWord(0x6985)
    return pow(int.from_bytes(message, "big"), exponent, modulus).to_bytes(RSA_BYTES, "big")


def _challenge(command: Command) -> bytes:
    if command.right is not Right.READER:
        raise StatusWord(0x6982)
    if command.p1p2:
        raise StatusWord(0x6A86)
    if len(command.data) != 8 or not command.ne:
        raise StatusWord(0x6700)
    return command.data
