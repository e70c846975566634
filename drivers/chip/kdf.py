"""Key derivation and the ciphers that keys are derived for (Doc 9303-11, 9.7.1 and 9.5.1)."""

from __future__ import annotations

import hashlib
from enum import Enum, IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from drivers.chip.secure_messaging import (
    AES_BLOCK,
    DES_BLOCK,
    MAC_SIZE,
    AesSuite,
    Suite,
    TripleDesSuite,
    pad,
    retail_mac,
    tdes_decrypt,
)
from drivers.chip.sp800_108 import aes_cmac


class Purpose(IntEnum):
    """The counter that the derivation hashes behind the secret."""

    ENC = 1
    MAC = 2
    PASSWORD = 3  # K_π of PACE


class SessionCipher(Enum):
    """The cipher of a channel, by the last arc of PACE's and Chip Authentication's identifiers."""

    TDES = 1, "3DES-CBC-CBC", 16
    AES_128 = 2, "AES-CBC-CMAC-128", 16
    AES_192 = 3, "AES-CBC-CMAC-192", 24
    AES_256 = 4, "AES-CBC-CMAC-256", 32

    def __init__(self, arc: int, title: str, key_size: int) -> None:
        self.arc = arc
        self.title = title
        self.key_size = key_size

    @property
    def block(self) -> int:
        return DES_BLOCK if self is SessionCipher.TDES else AES_BLOCK

    def key(self, secret: bytes, purpose: Purpose) -> bytes:
        """KDF(secret, counter): SHA-1 for keys of 128 bits and less, SHA-256 above (9.7.1.1, 9.7.1.2)."""
        message = secret + purpose.to_bytes(4, "big")
        if self.key_size > 16:
            return hashlib.sha256(message).digest()[: self.key_size]
        digest = hashlib.sha1(message, usedforsecurity=False).digest()[:16]
        return bytes(map(_odd_parity, digest)) if self is SessionCipher.TDES else digest

    def session(self, secret: bytes) -> Suite:
        """The suite of the channel that both ends derive from a shared secret."""
        suite = TripleDesSuite if self is SessionCipher.TDES else AesSuite
        return suite(self.key(secret, Purpose.ENC), self.key(secret, Purpose.MAC))

    def token(self, secret: bytes, message: bytes) -> bytes:
        """PACE's authentication token: 8 bytes of MAC under K_MAC, 3DES with padding (4.4.3.4)."""
        mac_key = self.key(secret, Purpose.MAC)
        if self is SessionCipher.TDES:
            return retail_mac(mac_key, pad(message, DES_BLOCK))
        return aes_cmac(mac_key, message)[:MAC_SIZE]

    def decrypt_nonce(self, secret: bytes, nonce: bytes) -> bytes:
        """D(K_π, z), CBC with a zero IV, no padding (4.4.3.3)."""
        key = self.key(secret, Purpose.PASSWORD)
        if self is SessionCipher.TDES:
            return tdes_decrypt(key, nonce)
        return Cipher(AES(key), modes.CBC(bytes(AES_BLOCK))).decryptor().update(nonce)


def _odd_parity(byte: int) -> int:
    return byte & 0xFE | 1 - (byte >> 1).bit_count() % 2
