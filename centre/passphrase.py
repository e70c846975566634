"""An age file behind a passphrase whose cost is fixed, not measured.

age and its libraries choose scrypt's work factor by a stop-watch, 2^16 to 2^20 on one and the same machine;
2^20 asks the box that opens the file for 1 GiB of memory, which a Pi does not have, and a library on a slow
machine refuses it. Format: age-encryption.org/v1 (C2SP), "scrypt recipient stanza" and "payload".
"""

from __future__ import annotations

import base64
import secrets
from hashlib import scrypt, sha256
from hmac import digest

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

WORK = 17
"""scrypt with N = 2^17, r = 8, p = 1: 128 MiB; half a second on a desk, some three on a Pi 4."""
BLOCK, PARALLEL = 8, 1
CHUNK = 64 << 10
_VERSION = b"age-encryption.org/v1"
_FIRST_AND_LAST = bytes(11) + b"\x01"


def locked(secret: bytes, passphrase: str) -> bytes:
    """`secret` (at most 64 KiB) as an age file that `age -d` opens with `passphrase`."""
    if len(secret) > CHUNK:
        raise ValueError("one chunk at most")
    salt, file_key, nonce = secrets.token_bytes(16), secrets.token_bytes(16), secrets.token_bytes(16)
    wrapped = ChaCha20Poly1305(_stretched(passphrase, salt)).encrypt(bytes(12), file_key, None)
    stanza = b"-> scrypt %s %d\n%s\n" % (_base64(salt), WORK, _base64(wrapped))
    header = _VERSION + b"\n" + stanza + b"---"
    mac = digest(_derived(file_key, b"", b"header"), header, sha256)
    payload = ChaCha20Poly1305(_derived(file_key, nonce, b"payload")).encrypt(_FIRST_AND_LAST, secret, None)
    return header + b" " + _base64(mac) + b"\n" + nonce + payload


def _stretched(passphrase: str, salt: bytes) -> bytes:
    n = 1 << WORK
    room = 2 * 128 * n * BLOCK
    salted = _VERSION + b"/scrypt" + salt
    return scrypt(passphrase.encode(), salt=salted, n=n, r=BLOCK, p=PARALLEL, maxmem=room, dklen=32)


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")
