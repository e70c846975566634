"""A field card, blank, and somebody else's host that holds the issuer's keys; made-up content for it."""

from __future__ import annotations

import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from drivers.virtual.card import VirtualCard, blank_card
from drivers.virtual.card.scp03 import LAB_MASTER
from support.foreign_host import ForeignHost

AID = bytes.fromhex("A0000002471001")
ACCESS = bytes.fromhex("621B810930303130393939393982063930303130318306343030313031")
CAN = b"\x63\x06123456"


def content(size: int, salt: int = 0) -> bytes:
    """Bytes that look like nothing, the same for the same salt."""
    return bytes((at * 131 + salt * 17 + at // 251) % 256 for at in range(size))


FILES = {
    0x011C: content(60, 1),
    0x0101: content(95, 2),
    0x0102: content(3000, 3),
    0x0103: content(700, 4),
    0x010E: content(255, 5),
    0x010F: content(254, 6),
    0x011E: content(24, 7),
    0x011D: content(1100, 8),
}


@cache
def private_key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> bytes:
    """PKCS#8 DER of a key drawn for this run."""
    key = ec.generate_private_key(curve())
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def der(tag: int, value: bytes) -> bytes:
    size = len(value)
    length = bytes((size,)) if size < 0x80 else b"\x81" + bytes((size,))
    return bytes((tag,)) + length + value


class Desk:
    """One card, and the host over its wire; `open` is all it takes to write."""

    def __init__(self, kind: str, extended: bool = True) -> None:
        self.card = blank_card(kind=kind)
        self._extended = extended
        self.power()

    def power(self) -> None:
        self.card.power_on()
        self.host = ForeignHost(self.card.transmit, self._extended)

    def open(self) -> None:
        self.host.select(AID)
        self.host.open_as_issuer(LAB_MASTER)

    def key_object(self, tag: int, secret: bytes) -> bytes:
        """`tag L value` under this card's DEK; ends the session."""
        self.host.select(AID)
        return der(tag, self.host.wrapped(secret, LAB_MASTER))

    def restart(self) -> None:
        """The same card in another process."""
        self.card = VirtualCard.from_bytes(self.card.to_bytes())
        self.power()

    @property
    def untouched(self) -> bool:
        """Whether nobody wrote, gave keys or locked."""
        state = json.loads(self.card.to_bytes())["applications"][0]["state"]
        keys = [state[name] for name in ("access", "can", "aa", "ca", "locked")]
        return set(state["files"]) == {"2F00", "2F01"} and not any(keys)

    def plain(self, apdu: str) -> str:
        """The answer to a command in the clear, in hex."""
        return self.card.transmit(bytes.fromhex(apdu)).hex().upper()

    def issuer_reads(self, fid: int) -> bytes:
        """A whole file under SCP03."""
        self.host.send("00A4020C", fid.to_bytes(2, "big"))
        size = len(FILES[fid])
        return b"".join(self.host.read(at, le=255) for at in range(0, size, 239))
