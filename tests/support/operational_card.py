"""Chips as citizens carry them, already filled: nothing here goes through personalisation."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from drivers.virtual.card.card import VirtualCard, blank_card
from drivers.virtual.card.emrtd import AID
from drivers.virtual.card.field import FieldChip
from drivers.virtual.card.files import ALWAYS, GUARDED, SECURED
from drivers.virtual.card.words import Random
from support.chip import FILES, KEYS, MrzKeys

KIND = "iso7816-scp03"
CAN = "135790"
CARD_ACCESS = 0x011C
PACE_AES_128 = bytes.fromhex("31143012060A04007F0007020204020202010202010D")
SELECT = bytes.fromhex("00A4040C07A0000002471001")
CONDITIONS = {CARD_ACCESS: ALWAYS, 0x0103: GUARDED, 0x0104: GUARDED}


def pace_info(cipher: int, parameter: int) -> bytes:
    """One PACEInfo: ECDH with generic mapping, by hand."""
    return bytes.fromhex(f"3012060A04007F0007020204 02{cipher:02X} 020102 0201{parameter:02X}")


def card_access(*infos: bytes) -> bytes:
    body = b"".join(infos)
    return bytes((0x31, len(body))) + body


def operational_card(
    files: Mapping[int, bytes] = FILES,
    access: bytes | None = PACE_AES_128,
    keys: MrzKeys = KEYS,
    can: str | None = CAN,
    aa: ec.EllipticCurvePrivateKey | None = None,
    ca: ec.EllipticCurvePrivateKey | None = None,
    random: Random | None = None,
    extended: int = 4000,
    bare_errors: bool = False,
) -> VirtualCard:
    """A locked card of the field that was just reset."""
    card = blank_card(bare_errors, KIND, extended)
    chip = chip_of(card).chip
    chip.random = random or chip.random
    for fid, content in {**files, **({CARD_ACCESS: access} if access else {})}.items():
        chip.files.put(fid, content, CONDITIONS.get(fid, SECURED))
    chip.access = keys.document_number.ljust(9, "<"), keys.birth, keys.expiry
    chip.can = can
    if aa is not None:
        chip.set_aa(pkcs8(aa))
    if ca is not None:
        chip.set_ca(pkcs8(ca))
    chip.locked = True
    card.power_on()
    return card


def chip_of(card: VirtualCard) -> FieldChip:
    program = card._applications[AID]
    assert isinstance(program, FieldChip)
    return program


def pkcs8(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Air:
    """The link to a card, with no reader between."""

    def __init__(self, card: VirtualCard) -> None:
        self.card = card
        self.said: list[tuple[bytes, bytes]] = []

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        answer = self.card.transmit(apdu)
        self.said.append((apdu, answer))
        return answer
