"""The chip's end of PACE, as small as it can be and with every answer open to change."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from ecdsa import BRAINPOOLP256r1, BRAINPOOLP384r1, NIST256p, NIST384p
from ecdsa.ellipticcurve import PointJacobi

CURVES = {12: NIST256p, 13: BRAINPOOLP256r1, 15: NIST384p, 16: BRAINPOOLP384r1}
OID = bytes.fromhex("04007F000702020402")
KEY_SIZES = {2: 16, 3: 24, 4: 32}

Change = Callable[[bytes], bytes]


def card_access(*pairs: tuple[int, int]) -> bytes:
    """EF.CardAccess with ECDH-GM for these (cipher, parameter identifier) pairs."""
    infos = b"".join(
        bytes.fromhex("3012060A") + OID + bytes([cipher]) + bytes.fromhex("0201020201") + bytes([number])
        for cipher, number in pairs
    )
    return b"\x31" + (bytes([len(infos)]) if len(infos) < 128 else bytes([0x81, len(infos)])) + infos


class Whole(bytes):
    """The whole answer of a step, status bytes included, in place of its value."""


class PaceChip:
    """`answers[0x80 | 0x82 | 0x84 | 0x86]` changes what the chip says in that step; values are without TL.

    `cipher` is the last arc, `number` the curve; `secret` is what K_π is derived from.
    """

    def __init__(self, secret: bytes, cipher: int = 2, number: int = 13, access: bytes | None = None) -> None:
        self.secret, self.cipher, self.number = secret, cipher, number
        self.access = card_access((cipher, number)) if access is None else access
        self.answers: dict[int, Change] = {}
        self.templates: list[bytes] = []
        self.selected = b""
        self.opened = False
        self.apdus = 0
        self._curve = CURVES[number]
        self.templates_answer = b"\x90\x00"

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        self.apdus += 1
        data = apdu[5 : 5 + apdu[4]]
        if apdu[:4] == bytes.fromhex("0022C1A4"):
            self.templates.append(data)
            return self.templates_answer
        if apdu[1] == 0x86:
            return self._authenticate(data)
        return self._file(apdu, data)

    def _file(self, apdu: bytes, data: bytes) -> bytes:
        if apdu[1] == 0xA4 and data == b"\x01\x1c" and self.access:
            self.selected = self.access
            return b"\x90\x00"
        if apdu[1] == 0xB0 and apdu[2] < 0x80 and self.selected:
            at = apdu[2] << 8 | apdu[3]
            return self.selected[at : at + (apdu[4] or 256)] + b"\x90\x00"
        return b"\x6a\x82"

    def _authenticate(self, data: bytes) -> bytes:
        tag = data[2] if len(data) > 2 else 0
        return {0: self._nonce, 0x81: self._map, 0x83: self._agree, 0x85: self._check}[tag](data)

    def _nonce(self, _: bytes) -> bytes:
        self._s = secrets.token_bytes(16)
        return self._say(0x80, self._encrypt(self._s))

    def _map(self, data: bytes) -> bytes:
        private = self._draw()
        shared = self._point(data) * private
        mapped = self._curve.generator * int.from_bytes(self._s, "big") + shared
        self._generator = PointJacobi.from_affine(mapped.to_affine())
        return self._say(0x82, (self._curve.generator * private).to_bytes("uncompressed"))

    def _agree(self, data: bytes) -> bytes:
        private = self._draw()
        theirs = self._point(data)
        ours = self._generator * private
        self._theirs, self._ours = theirs.to_bytes("uncompressed"), ours.to_bytes("uncompressed")
        self.agreed = int((theirs * private).x()).to_bytes(len(self._ours) // 2, "big")
        return self._say(0x84, self._ours)

    def _check(self, data: bytes) -> bytes:
        if data[4:] != self._token(self.agreed, self._ours):
            return b"\x63\x00"
        self.opened = True
        return self._say(0x86, self._token(self.agreed, self._theirs))

    def _draw(self) -> int:
        return secrets.randbelow(self._curve.order - 1) + 1

    def _say(self, tag: int, value: bytes) -> bytes:
        changed = self.answers.get(tag, lambda same: same)(value)
        if isinstance(changed, Whole):
            return changed
        inner = bytes([tag, len(changed)]) if len(changed) < 128 else bytes([tag, 0x81, len(changed)])
        outer = len(inner + changed)
        head = bytes([0x7C, outer]) if outer < 128 else bytes([0x7C, 0x81, outer])
        return head + inner + changed + b"\x90\x00"

    def _point(self, data: bytes) -> PointJacobi:
        return PointJacobi.from_bytes(self._curve.curve, data[data.index(b"\x04") :])

    def _encrypt(self, nonce: bytes) -> bytes:
        key = self._key(self.secret, 3)
        algorithm = TripleDES(key + key[:8]) if self.cipher == 1 else AES(key)
        return Cipher(algorithm, modes.CBC(bytes(algorithm.block_size // 8))).encryptor().update(nonce)

    def _token(self, agreed: bytes, point: bytes) -> bytes:
        oid = b"\x06\x0a" + OID + bytes([self.cipher])
        body = oid + bytes([0x86, len(point)]) + point
        message = b"\x7f\x49" + bytes([len(body)]) + body
        key = self._key(agreed, 2)
        if self.cipher == 1:
            return _retail(key, message)
        mac = CMAC(AES(key))
        mac.update(message)
        return mac.finalize()[:8]

    def _key(self, secret: bytes, counter: int) -> bytes:
        message = secret + bytes([0, 0, 0, counter])
        if self.cipher > 2:
            return hashlib.sha256(message).digest()[: KEY_SIZES[self.cipher]]
        return hashlib.sha1(message, usedforsecurity=False).digest()[:16]


def _retail(key: bytes, message: bytes) -> bytes:
    padded = message + b"\x80" + bytes(-(len(message) + 1) % 8)
    state = bytes(8)
    for at in range(0, len(padded), 8):
        state = _des(key[:8], bytes(a ^ b for a, b in zip(state, padded[at : at + 8], strict=True)), True)
    return _des(key[:8], _des(key[8:], state, False), True)


def _des(key: bytes, block: bytes, encrypting: bool) -> bytes:
    cipher = Cipher(TripleDES(key * 3), modes.ECB())  # noqa: S305 (one block of the Retail MAC)
    return (cipher.encryptor() if encrypting else cipher.decryptor()).update(block)
