"""The ciphers of secure messaging and of key agreement, chip's side (Doc 9303-11, 9.7 and 9.8).

Its own reading of the standard: nothing here comes from the terminal's side, so that a mistake made
there is not made here as well.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import ClassVar, Protocol, Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.utils import CryptographyDeprecationWarning

with warnings.catch_warnings():
    warnings.simplefilter("ignore", CryptographyDeprecationWarning)
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

Work = Callable[[bytes], bytes]
ENCRYPTION, MAC, PASSWORD = 1, 2, 3  # counters of the key derivation (9.7.1)


class Suite(Protocol):
    """One session's keys. Blocks are whole; a counter is as long as a block; a MAC has 8 bytes."""

    block: ClassVar[int]

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Both session keys derived from a shared secret."""

    @classmethod
    def conceal_nonce(cls, password: bytes, nonce: bytes) -> bytes:
        """PACE's z: the nonce under the key derived from the password, in CBC from zero."""

    def encipher(self, counter: bytes, blocks: bytes) -> bytes: ...

    def decipher(self, counter: bytes, blocks: bytes) -> bytes: ...

    def mac(self, blocks: bytes) -> bytes: ...

    def token(self, data: bytes) -> bytes:
        """The MAC of an authentication token: of data that is no whole number of blocks."""


class AesBlocks:
    """AES by the block, and blocks chained from an IV (CBC), out of contexts made when first needed."""

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.AES(key)
        self._left = bytes(16)  # the last block that chaining gave: it goes into the next one

    @cached_property
    def single(self) -> Work:
        return Cipher(self._key, modes.ECB()).encryptor().update  # noqa: S305

    @cached_property
    def _reverse(self) -> Work:
        return Cipher(self._key, modes.ECB()).decryptor().update  # noqa: S305

    @cached_property
    def _chaining(self) -> Work:
        return Cipher(self._key, modes.CBC(bytes(16))).encryptor().update

    def chain(self, iv: bytes, blocks: bytes) -> bytes:
        begun = _mixed(_mixed(blocks[:16], self._left), iv)
        made = self._chaining(begun + blocks[16:])
        self._left = made[-16:]
        return made

    def unchain(self, iv: bytes, blocks: bytes) -> bytes:
        return _mixed(self._reverse(blocks), iv + blocks[:-16])


def _mixed(one: bytes, other: bytes) -> bytes:
    """Bit by bit exclusive or, of equal lengths."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))


class TripleDes:
    block: ClassVar[int] = 8

    def __init__(self, enc: bytes, mac: bytes) -> None:
        self._enc, self._mac = enc, mac

    @classmethod
    def of(cls, secret: bytes) -> Self:
        return cls(*(_sha1(secret, counter)[:16] for counter in (ENCRYPTION, MAC)))

    @classmethod
    def conceal_nonce(cls, password: bytes, nonce: bytes) -> bytes:
        return des3(_sha1(password, PASSWORD)[:16]).encrypt(nonce)

    def encipher(self, counter: bytes, blocks: bytes) -> bytes:  # noqa: ARG002 (its IV is zero)
        return des3(self._enc).encrypt(blocks)

    def decipher(self, counter: bytes, blocks: bytes) -> bytes:  # noqa: ARG002 (its IV is zero)
        return des3(self._enc).decrypt(blocks)

    def mac(self, blocks: bytes) -> bytes:
        return cbc_mac(self._mac, blocks)

    def token(self, data: bytes) -> bytes:
        return self.mac(fill(data, self.block))


class Aes128:
    block: ClassVar[int] = 16
    key_bytes = 16
    digest = "sha1"

    def __init__(self, enc: bytes, mac: bytes) -> None:
        self._blocks = AesBlocks(enc)
        self._cmac = CMAC(algorithms.AES(mac))

    @classmethod
    def of(cls, secret: bytes) -> Self:
        return cls(cls._key(secret, ENCRYPTION), cls._key(secret, MAC))

    @classmethod
    def conceal_nonce(cls, password: bytes, nonce: bytes) -> bytes:
        key = cls._key(password, PASSWORD)
        return Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor().update(nonce)

    def encipher(self, counter: bytes, blocks: bytes) -> bytes:
        return self._blocks.chain(self._blocks.single(counter), blocks)

    def decipher(self, counter: bytes, blocks: bytes) -> bytes:
        return self._blocks.unchain(self._blocks.single(counter), blocks)

    def mac(self, blocks: bytes) -> bytes:
        cmac = self._cmac.copy()
        cmac.update(blocks)
        return cmac.finalize()[:8]

    def token(self, data: bytes) -> bytes:
        return self.mac(data)  # CMAC pads by itself

    @classmethod
    def _key(cls, secret: bytes, counter: int) -> bytes:
        return hashlib.new(cls.digest, secret + counter.to_bytes(4, "big")).digest()[: cls.key_bytes]


class Aes192(Aes128):
    key_bytes = 24
    digest = "sha256"


class Aes256(Aes128):
    key_bytes = 32
    digest = "sha256"


# By the last arc of the identifiers of PACE and Chip Authentication (9.2.1, 9.2.7)
SUITES: Mapping[int, type[Suite]] = {1: TripleDes, 2: Aes128, 3: Aes192, 4: Aes256}


def _sha1(secret: bytes, counter: int) -> bytes:
    return hashlib.sha1(secret + counter.to_bytes(4, "big"), usedforsecurity=False).digest()


def cbc_mac(key: bytes, blocks: bytes) -> bytes:
    """Retail MAC step by step: DES-CBC with the left half, then one D with the right, one E left."""
    left, right = _des(key[:8]), _des(key[8:])
    state = left.encrypt(blocks)[-8:]
    return left.encrypt(right.decrypt(state))


class _Cbc:
    """A block cipher in CBC mode with a zero IV."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(TripleDES(key), modes.CBC(bytes(8)))

    def encrypt(self, blocks: bytes) -> bytes:
        return self._cipher.encryptor().update(blocks)

    def decrypt(self, blocks: bytes) -> bytes:
        return self._cipher.decryptor().update(blocks)


def des3(key: bytes) -> _Cbc:
    return _Cbc(key + key[:8])


def _des(key: bytes) -> _Cbc:
    return _Cbc(key * 3)


def fill(data: bytes, block: int) -> bytes:
    """ISO/IEC 9797-1, padding method 2."""
    return data + b"\x80" + b"\0" * (block - 1 - len(data) % block)
