"""AES in CBC mode for one message after the other, each with its own IV (SP 800-38A, 6.2).

A context of OpenSSL's takes longer to make than a short message to encipher: one encryptor runs on from
message to message, and what it carries over is taken out again with the next message's first block.
"""

from __future__ import annotations

from functools import cached_property

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

BLOCK = 16


class Cbc:
    """Whole blocks in, whole blocks out; one thread. A channel that ends early makes only what it needs."""

    def __init__(self, key: bytes) -> None:
        self._key = AES(key)
        self._carried = 0

    @cached_property
    def _chain(self) -> CipherContext:
        return Cipher(self._key, modes.CBC(bytes(BLOCK))).encryptor()

    @cached_property
    def _single(self) -> CipherContext:
        return Cipher(self._key, modes.ECB()).encryptor()  # noqa: S305 (one block: an IV)

    @cached_property
    def _blocks(self) -> CipherContext:
        return Cipher(self._key, modes.ECB()).decryptor()  # noqa: S305 (chained in `decrypt`)

    def iv(self, counter: bytes) -> bytes:
        """E(K, counter): how a counter of one block becomes an unpredictable IV (SP 800-38A, appendix C)."""
        return self._single.update(counter)

    def encrypt(self, iv: bytes, padded: bytes) -> bytes:
        first = _number(padded[:BLOCK]) ^ _number(iv) ^ self._carried
        cryptogram = self._chain.update(first.to_bytes(BLOCK, "big") + padded[BLOCK:])
        self._carried = _number(cryptogram[-BLOCK:])
        return cryptogram

    def decrypt(self, iv: bytes, cryptogram: bytes) -> bytes:
        chained = _number(self._blocks.update(cryptogram)) ^ _number((iv + cryptogram)[:-BLOCK])
        return chained.to_bytes(len(cryptogram), "big")


def _number(block: bytes) -> int:
    return int.from_bytes(block, "big")
