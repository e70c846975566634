"""The program of somebody else that talks SCP03 to our cards: yubikit over anything that answers APDUs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from yubikit.core import TRANSPORT, Version
from yubikit.core.smartcard import ApduError, SmartCardConnection, SmartCardProtocol
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, ScpKid, StaticKeys, _derive

KVN = 0x30
OFFER = bytes.fromhex("8050300008") + bytes(8) + b"\0"


@dataclass
class Wire(SmartCardConnection):
    """Card answers by `transmit`; every exchange is kept in `said`, command and answer in turn."""

    transmit: Callable[[bytes], bytes]
    said: list[bytes] = field(default_factory=list)

    @property
    def transport(self) -> TRANSPORT:
        return TRANSPORT.USB  # else yubikit keeps to short APDUs

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        answer = self.transmit(apdu)
        self.said += [apdu, answer]
        return answer[:-2], int.from_bytes(answer[-2:], "big")


class ForeignHost:
    """Opens a session at level 33 with AES-128 keys and sends commands in it, whole or not at all."""

    def __init__(self, transmit: Callable[[bytes], bytes], extended: bool = True) -> None:
        self.wire = Wire(transmit)
        self._protocol = SmartCardProtocol(self.wire)
        self._protocol.configure(Version(5, 7, 2), force_short=not extended)

    def select(self, aid: bytes) -> bytes:
        return self._protocol.select(aid)

    def open(self, enc: bytes, mac: bytes, dek: bytes, kvn: int = KVN) -> None:
        keys = StaticKeys(enc, mac, dek)
        self._protocol.init_scp(Scp03KeyParams(KeyRef(ScpKid.SCP03, kvn), keys))

    def open_as_issuer(self, master: bytes) -> None:
        """With the keys that follow from the issuer's for this card: it says its diversification data."""
        kdd = self.wire.transmit(OFFER)[:10]
        enc, mac, dek = (_derive(master, number, kdd, 0x80) for number in (1, 2, 3))
        self.open(enc, mac, dek)

    def wrapped(self, secret: bytes, master: bytes) -> bytes:
        """`secret` under this card's DEK: padding method 2, AES-CBC with a zero IV."""
        dek = _derive(master, 3, self.wire.transmit(OFFER)[:10], 0x80)
        padded = secret + b"\x80" + bytes(15 - len(secret) % 16)
        encryptor = Cipher(AES(dek), modes.CBC(bytes(16))).encryptor()
        return encryptor.update(padded) + encryptor.finalize()

    def send(self, header: str, data: bytes = b"", le: int = 0) -> bytes:
        """`header` is CLA INS P1 P2 in hex. Raises ApduError for any SW but 9000."""
        cla, ins, p1, p2 = bytes.fromhex(header)
        return self._protocol.send_apdu(cla, ins, p1, p2, data, le)

    def read(self, offset: int, le: int) -> bytes:
        """READ BINARY of the current file: what came before its end."""
        try:
            return self.send(f"00B0{offset:04X}", le=le)
        except ApduError as warning:
            assert warning.sw == 0x6282, warning
            return bytes(warning.data)

    def status(self, header: str, data: bytes = b"", le: int = 0) -> int:
        """The SW, whatever it is."""
        try:
            self.send(header, data, le)
        except ApduError as refusal:
            return int(refusal.sw)
        return 0x9000

    def refused(self, header: str, data: bytes = b"", le: int = 0) -> int:
        """The SW of a command that must not succeed."""
        sw = self.status(header, data, le)
        assert sw != 0x9000, f"{header} was not refused"
        return sw
