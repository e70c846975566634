"""A card made of yubikit's parts, and our SCP03 host's channel to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode
from yubikit.core.smartcard import scp as yubikit

from drivers.chip.key_store import StaticKeys
from drivers.chip.processor import Plain
from drivers.chip.scp03 import Level, Scp03, open_scp03

AID = bytes.fromhex("A0000002471001")
KDD = bytes.fromhex("00112233445566778899")
KVN = 0x30
COUNTER = bytes.fromhex("00000A")
HOST_CHALLENGE = bytes.fromhex("0102030405060708")
KEYS = StaticKeys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
LONG_KEYS = StaticKeys(bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96)))


def kbkdf(key: bytes, constant: int, context: bytes, size: int) -> bytes:
    """SP 800-108 by the `cryptography` library, which proves itself against NIST's vectors."""
    before = bytes(11) + bytes((constant, 0)) + (size * 8).to_bytes(2, "big")
    made = KBKDFCMAC(
        AES, Mode.CounterMode, size, 1, None, CounterLocation.MiddleFixed, None, None,
        before + context, break_location=len(before),
    )  # fmt: skip
    return made.derive(key)


@dataclass
class Peer:
    """A card made of yubikit's parts: it answers each command as told and keeps what it was sent."""

    keys: StaticKeys = KEYS
    option: int = 0x70
    kvn: int = KVN
    challenge: bytes = b""
    counter: bytes = COUNTER
    plain: bytes = b""  # of the next answer
    sw: int = 0x9000
    spoil: Callable[[bytes], bytes] = bytes
    said: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.challenge = self.challenge or kbkdf(self.keys.enc, 0x02, self.counter + AID, 8)
        context, size = HOST_CHALLENGE + self.challenge, len(self.keys.enc)
        self.enc = kbkdf(self.keys.enc, 0x04, context, size)
        self.mac = kbkdf(self.keys.mac, 0x06, context, size)
        self.rmac = kbkdf(self.keys.mac, 0x07, context, size)
        self.state = yubikit.ScpState(yubikit.SessionKeys(self.enc, self.mac, self.rmac))
        self.host_cryptogram = kbkdf(self.mac, 0x01, context, 8)

    def transmit(self, apdu: bytes, timeout_s: float = 0) -> bytes:
        self.said.append(apdu)
        return self.spoil(self._answer(apdu))

    def _answer(self, apdu: bytes) -> bytes:
        if apdu[1] == 0x50:
            cryptogram = kbkdf(self.mac, 0x00, HOST_CHALLENGE + self.challenge, 8)
            head = KDD + bytes((self.kvn, 3, self.option)) + self.challenge + cryptogram
            return head + self.counter + b"\x90\x00"
        status = self.sw.to_bytes(2, "big")
        if apdu[1] == 0x82 or self.level < 0x10 or self.sw >> 8 not in (0x90, 0x62, 0x63):
            return (self.plain if apdu[1] != 0x82 and self.sw == 0x9000 else b"") + status
        data = self._encrypted()
        chaining = self.state._mac_chain  # after the peer's own `mac` of this command
        return data + yubikit._calculate_mac(self.rmac, chaining, data + status)[1] + status

    @property
    def level(self) -> int:
        return self.said[1][2]

    def _encrypted(self) -> bytes:
        if not self.plain:
            return b""
        cipher = yubikit._init_cipher(self.enc, self.state._enc_counter - 1, response=True)
        padded = self.plain + b"\x80" + bytes(-(len(self.plain) + 1) % 16)
        return cipher.encryptor().update(padded)

    def expected(self, header: bytes, data: bytes, encrypts: bool, le: bytes) -> bytes:
        """What yubikit sends for this command, formed as its processor does."""
        if encrypts and data:
            data = self.state.encrypt(data)
        else:
            self.state._enc_counter += 1  # 6.2.6: steps without data too
        size = len(data) + 8
        lc = bytes([size]) if size < 256 else b"\0" + size.to_bytes(2, "big")
        mac = self.state.mac(header + lc + data)
        return header + lc + data + mac + (le if size < 256 else le * 2)


def channel(peer: Peer, level: Level = Level.R_ENCRYPTION, kvn: int = KVN) -> Scp03:
    class Store:
        def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:
            assert (kvn, kdd) == (peer.kvn, KDD)
            return peer.keys

    return open_scp03(Plain(peer), Store(), kvn, level, AID, lambda size: HOST_CHALLENGE[:size])
