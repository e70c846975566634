"""The program of somebody else that talks SCP03 to our cards: yubikit over anything that answers APDUs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from yubikit.core import TRANSPORT, Version
from yubikit.core.smartcard import ApduError, SmartCardConnection, SmartCardProtocol
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, ScpKid, StaticKeys

KVN = 0x30


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

    def send(self, header: str, data: bytes = b"", le: int = 0) -> bytes:
        """`header` is CLA INS P1 P2 in hex. Raises ApduError for any SW but 9000."""
        cla, ins, p1, p2 = bytes.fromhex(header)
        return self._protocol.send_apdu(cla, ins, p1, p2, data, le)

    def refused(self, header: str, data: bytes = b"", le: int = 0) -> int:
        """The SW of a command that must not succeed."""
        try:
            self.send(header, data, le)
        except ApduError as refusal:
            return int(refusal.sw)
        raise AssertionError(f"{header} was not refused")
