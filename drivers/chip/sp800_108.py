"""AES-CMAC and the key derivation of SCP03 (SP 800-38B; SP 800-108r1, 4.1; Amendment D 1.1.2, 4.1.5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
LABEL_SIZE = 12  # eleven zero bytes and the derivation constant


def aes_cmac(key: bytes, message: bytes) -> bytes:
    """The full 16 bytes of AES-CMAC."""
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def derive(key: bytes, constant: int, context: bytes, size: int) -> bytes:
    """`size` bytes in counter mode with CMAC; the counter stands between length and context.

    Each block is CMAC(key, label (12) ‖ 00 ‖ length in bits (2) ‖ counter (1) ‖ context).
    """
    return derive_by(partial(aes_cmac, key), constant, context, size)


def derive_by(cmac: Callable[[bytes], bytes], constant: int, context: bytes, size: int) -> bytes:
    """As `derive`, under a key that only answers CMACs: it may be in a token."""
    before = constant.to_bytes(LABEL_SIZE, "big") + b"\0" + (8 * size).to_bytes(2, "big")
    blocks = (cmac(before + bytes([i + 1]) + context) for i in range(-(-size // BLOCK)))
    return b"".join(blocks)[:size]
