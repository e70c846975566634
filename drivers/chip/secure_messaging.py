"""Secure messaging, the terminal's side (Doc 9303-11, 9.8; ISO/IEC 7816-4:2020, clause 10).

`SecureMessaging` is the envelope; what a cipher does differently (block size, counter, IV, MAC) is a
`Suite`, so that another cipher is another small class.
"""

from __future__ import annotations

import hmac
import warnings
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.utils import CryptographyDeprecationWarning

from drivers.chip import tlv
from drivers.chip.apdu import SM_CLA, CommandApdu, ResponseApdu, Sw
from drivers.chip.cbc import Cbc
from drivers.chip.errors import MalformedData, SecureMessagingError
from drivers.chip.processor import APDU_TIMEOUT_S, Processor

with warnings.catch_warnings():  # Doc 9303-11 asks for 3DES; the library is right that it is old
    warnings.simplefilter("ignore", CryptographyDeprecationWarning)
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

DES_BLOCK = 8
AES_BLOCK = 16
MAC_SIZE = 8

DO_CRYPTOGRAM = 0x87  # padding indicator 01 ‖ cryptogram
DO_LE = 0x97
DO_STATUS = 0x99
DO_MAC = 0x8E
STATUS_FOLLOWS, MAC_FOLLOWS = bytes((DO_STATUS, 2)), bytes((DO_MAC, MAC_SIZE))
MAC_OBJECT_SIZE = len(MAC_FOLLOWS) + MAC_SIZE
END_SIZE = len(STATUS_FOLLOWS) + 2 + len(MAC_FOLLOWS) + MAC_SIZE


Parts = tuple[bytes | None, bytes, bytes, int]
"""Cryptogram, status and MAC of an answer, and how many of its bytes, as they came, the MAC covers."""


class Suite(Protocol):
    """The cipher of a channel; `ssc` is the counter as bytes, `ssc_size` long."""

    block: int
    ssc_size: int

    def encrypt(self, ssc: bytes, padded: bytes) -> bytes: ...
    def decrypt(self, ssc: bytes, cryptogram: bytes) -> bytes: ...
    def mac(self, padded: bytes) -> bytes: ...


class TripleDesSuite:
    """3DES in CBC with zero IV and the Retail MAC (Doc 9303-11, 9.8.6)."""

    block = DES_BLOCK
    ssc_size = DES_BLOCK

    def __init__(self, k_enc: bytes, k_mac: bytes) -> None:
        self._k_enc, self._k_mac = k_enc, k_mac

    def encrypt(self, ssc: bytes, padded: bytes) -> bytes:  # noqa: ARG002 (3DES takes no IV from it)
        return tdes_encrypt(self._k_enc, padded)

    def decrypt(self, ssc: bytes, cryptogram: bytes) -> bytes:  # noqa: ARG002 (as above)
        return tdes_decrypt(self._k_enc, cryptogram)

    def mac(self, padded: bytes) -> bytes:
        return retail_mac(self._k_mac, padded)


class AesSuite:
    """AES-128, -192 or -256 in CBC with IV = E(K_enc, SSC), CMAC cut to 8 bytes (Doc 9303-11, 9.8.7)."""

    block = AES_BLOCK
    ssc_size = AES_BLOCK

    def __init__(self, k_enc: bytes, k_mac: bytes) -> None:
        self._cbc = Cbc(k_enc)
        self._cmac = CMAC(AES(k_mac))

    def encrypt(self, ssc: bytes, padded: bytes) -> bytes:
        return self._cbc.encrypt(self._cbc.iv(ssc), padded)

    def decrypt(self, ssc: bytes, cryptogram: bytes) -> bytes:
        return self._cbc.decrypt(self._cbc.iv(ssc), cryptogram)

    def mac(self, padded: bytes) -> bytes:
        cmac = self._cmac.copy()
        cmac.update(padded)
        return cmac.finalize()[:MAC_SIZE]


class SecureMessaging:
    """A processor that wraps commands, checks and unwraps answers, and ends at the first wrong one.

    Raises SecureMessagingError; a card that answers an error outside the channel also ends it, and
    that answer is returned as it came. `protocol` says how it was opened: "BAC", "PACE …".
    """

    def __init__(self, below: Processor, suite: Suite, ssc: bytes, protocol: str = "") -> None:
        self.protocol = protocol
        self._below = below
        self._suite = suite
        self._ssc = int.from_bytes(ssc, "big")
        self.alive = True

    def send(self, command: CommandApdu, timeout_s: float = APDU_TIMEOUT_S) -> ResponseApdu:
        if not self.alive:
            raise SecureMessagingError("the secure channel has ended")
        self.alive = False  # until this exchange has been proved whole
        response = self._below.send(self._wrap(command), timeout_s)
        if not response.data:
            return self._outside(response)
        plain = self._unwrap(response)
        self.alive = True
        return plain

    def rekeyed(self, suite: Suite, protocol: str) -> SecureMessaging:
        """The channel that follows this one with new keys and a counter of zero; this one ends."""
        self.alive = False
        return SecureMessaging(self._below, suite, bytes(suite.ssc_size), protocol)

    def _wrap(self, command: CommandApdu) -> CommandApdu:
        ssc = self._next_ssc()
        header = bytes((command.cla | SM_CLA, command.ins, command.p1, command.p2))
        body = self._cryptogram(ssc, command.data) + _le(command)
        covered = ssc + pad(header, self._suite.block)
        mac = self._suite.mac(pad(covered + body, self._suite.block) if body else covered)
        body += tlv.encode(DO_MAC, mac)
        extended = command.extended or command.ne > 256 or len(body) > 255
        return CommandApdu(
            command.ins, command.p1, command.p2, body,
            ne=65536 if extended else 256, cla=header[0], extended=extended,
        )  # fmt: skip

    def _cryptogram(self, ssc: bytes, data: bytes) -> bytes:
        if not data:
            return b""
        encrypted = self._suite.encrypt(ssc, pad(data, self._suite.block))
        return tlv.encode(DO_CRYPTOGRAM, b"\x01" + encrypted)

    def _outside(self, response: ResponseApdu) -> ResponseApdu:
        if response.sw == Sw.OK:
            raise SecureMessagingError("9000 outside the channel proves nothing")
        return response

    def _unwrap(self, response: ResponseApdu) -> ResponseApdu:
        ssc = self._next_ssc()
        cryptogram, status, given, covered = _objects(response.data)
        mac = self._suite.mac(pad(ssc + response.data[:covered], self._suite.block))
        if not hmac.compare_digest(mac, given):
            raise SecureMessagingError("wrong MAC in the answer")
        if status != response.sw.to_bytes(2, "big"):
            raise SecureMessagingError("status bytes differ from those under the MAC")
        return ResponseApdu(self._plain(ssc, cryptogram), response.sw)

    def _plain(self, ssc: bytes, value: bytes | None) -> bytes:
        if value is None:
            return b""
        cryptogram = value[1:]
        if value[0] != 0x01 or not cryptogram or len(cryptogram) % self._suite.block:
            raise SecureMessagingError("cryptogram of a wrong form")
        return unpad(self._suite.decrypt(ssc, cryptogram), self._suite.block)

    def _next_ssc(self) -> bytes:
        self._ssc = (self._ssc + 1) % (1 << 8 * self._suite.ssc_size)
        return self._ssc.to_bytes(self._suite.ssc_size, "big")


def pad(data: bytes, block: int) -> bytes:
    """Padding method 2 (ISO/IEC 9797-1:2011, 6.3.3)."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def unpad(data: bytes, block: int) -> bytes:
    """Undo `pad`. Raises SecureMessagingError when it was none."""
    stripped = data.rstrip(b"\0")
    if not stripped.endswith(b"\x80") or len(data) - len(stripped) >= block:
        raise SecureMessagingError("wrong padding")
    return stripped[:-1]


def tdes_encrypt(key: bytes, data: bytes) -> bytes:
    """Two-key 3DES, CBC, zero IV; `key` 16 bytes, `data` whole blocks."""
    encryptor = Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(DES_BLOCK))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def tdes_decrypt(key: bytes, data: bytes) -> bytes:
    decryptor = Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(DES_BLOCK))).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def retail_mac(key: bytes, padded: bytes) -> bytes:
    """MAC algorithm 3 with DES (ISO/IEC 9797-1:2011, 7.4): DES-CBC, the last block under 3DES."""
    chained = bytes(DES_BLOCK)
    if len(padded) > DES_BLOCK:
        single = key[:8] * 3  # 3DES with one key three times is DES
        encryptor = Cipher(TripleDES(single), modes.CBC(chained)).encryptor()
        chained = encryptor.update(padded[:-DES_BLOCK])[-DES_BLOCK:]
    last = bytes(a ^ b for a, b in zip(chained, padded[-DES_BLOCK:], strict=True))
    return tdes_encrypt(key, last)


def _le(command: CommandApdu) -> bytes:
    if not command.ne:
        return b""
    if command.extended or command.ne > 256:
        return tlv.encode(DO_LE, (command.ne % 65536).to_bytes(2, "big"))
    return tlv.encode(DO_LE, bytes([command.ne % 256]))


def _objects(data: bytes) -> Parts:
    """[87] 99 8E in this order, no other (Doc 9303-11, 9.8.4)."""
    before, end = data[:-END_SIZE], data[-END_SIZE:]
    if len(end) != END_SIZE or end[:2] != STATUS_FOLLOWS or end[4:6] != MAC_FOLLOWS:
        return _in_long_form(data)
    return _cryptogram_of(before) if before else None, end[2:4], end[6:], len(data) - MAC_OBJECT_SIZE


def _in_long_form(data: bytes) -> Parts:
    """As `_objects`, of a card whose lengths have more bytes than they need (ISO/IEC 7816-4:2020, 6.3)."""
    try:
        found = list(tlv.walk(data, der=False))
        (status_at, status), (mac_at, mac) = found[-2:]
    except (MalformedData, ValueError) as exc:
        raise SecureMessagingError("an answer that does not end in its status and MAC") from exc
    sizes = [(each.tag, len(each.value)) for each in (status, mac)]
    if sizes != [(DO_STATUS, 2), (DO_MAC, MAC_SIZE)]:
        raise SecureMessagingError("an answer that does not end in its status and MAC")
    before = data[:status_at]
    return _cryptogram_of(before) if before else None, status.value, mac.value, mac_at


def _cryptogram_of(data: bytes) -> bytes:
    try:
        objects = tlv.parse(data, der=False)
    except MalformedData as exc:
        raise SecureMessagingError(str(exc)) from exc
    if [each.tag for each in objects] != [DO_CRYPTOGRAM] or not objects[0].value:
        raise SecureMessagingError(f"data objects {[f'{each.tag:X}' for each in objects]} before the status")
    return objects[0].value
