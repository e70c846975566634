"""Chip Authentication version 1 over elliptic curves, the terminal's side (Doc 9303-11, 6.2).

The chip proves that it holds the private key of DG14 by going on in a channel that only that key gives.
It proves something about the card only once DG14 itself is authentic (passive authentication).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drivers.chip import tlv
from drivers.chip.apdu import SHORT_NE, CommandApdu, Ins
from drivers.chip.ec import Curve, Random, public_key
from drivers.chip.ephemeral import EphemeralKey
from drivers.chip.errors import NotGenuine, SecureMessagingError, UnknownAlgorithm
from drivers.chip.kdf import SessionCipher
from drivers.chip.processor import APDU_TIMEOUT_S, demand
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import (
    ID_CA,
    ID_PK_ECDH,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    SecurityInfo,
    encode_oid,
)
from drivers.chip.select import Ef

ID_CA_ECDH = f"{ID_CA}.2"
VERSION = 1
CA_TIMEOUT_S = 5.0
DYNAMIC_AUTHENTICATION_DATA = 0x7C


@dataclass(frozen=True, slots=True)
class ChipKey:
    """A public key of the chip and the protocol to prove it with."""

    protocol: str
    cipher: SessionCipher
    key_id: int | None
    curve: Curve
    point: bytes  # 04 ‖ x ‖ y

    @property
    def title(self) -> str:
        return f"CA-ECDH {self.cipher.title} {self.curve.name}"


def chip_key(infos: Sequence[SecurityInfo]) -> ChipKey | None:
    """The strongest key of DG14 that this terminal can ask about, None when DG14 holds none at all.

    A key without a ChipAuthenticationInfo is for 3DES; identifiers tell several keys apart, so an info
    without one belongs to the only key, whatever that is called (Doc 9303-11, 9.2.5 and 9.2.6). Raises
    UnknownAlgorithm when there are only others, MalformedData for a key that is none.
    """
    keys = [info for info in infos if isinstance(info, ChipAuthenticationPublicKeyInfo)]
    if not keys:
        return None
    offers = [info for info in infos if isinstance(info, ChipAuthenticationInfo)]
    if len(keys) == 1:
        offers = [replace(info, key_id=keys[0].key_id) if info.key_id is None else info for info in offers]
    ways = [way for key in keys if key.protocol == ID_PK_ECDH for way in _ways(key, offers)]
    if not ways:
        raise UnknownAlgorithm("Chip Authentication with no protocol that is known here")
    return max(ways, key=lambda way: way.cipher.arc)


def authenticate_chip(
    channel: SecureMessaging,
    key: ChipKey,
    timeout_s: float = CA_TIMEOUT_S,
    random: Random = secrets.token_bytes,
) -> SecureMessaging:
    """Agree on new keys with the chip and return the channel under them, proved by one command.

    The application is selected and stays so; no EF is current afterwards but EF.COM. Raises NotGenuine when
    the chip cannot go on under the new keys, CardRefused when it refuses the protocol.
    """
    ours = EphemeralKey(key.curve, random)
    secret = ours.agree(key.curve.decode(key.point))
    _send_public_key(channel, key, key.curve.encode(ours.public), timeout_s)
    renewed = channel.rekeyed(key.cipher.session(secret), f"{channel.protocol}, {key.title}")
    _prove(renewed)
    return renewed


def _ways(key: ChipAuthenticationPublicKeyInfo, offers: Sequence[ChipAuthenticationInfo]) -> list[ChipKey]:
    """The protocols that are known here for this key; none where its curve is not."""
    named = [(info.protocol, info.version) for info in offers if info.key_id == key.key_id]
    try:
        curve, point = public_key(key.public_key)
    except UnknownAlgorithm:
        return []
    return [
        ChipKey(protocol, cipher, key.key_id, curve, point)
        for protocol, version in named or [(f"{ID_CA_ECDH}.{SessionCipher.TDES.arc}", VERSION)]
        for cipher in SessionCipher
        if protocol == f"{ID_CA_ECDH}.{cipher.arc}" and version == VERSION
    ]


def _send_public_key(channel: SecureMessaging, key: ChipKey, ours: bytes, timeout_s: float) -> None:
    """MSE:Set KAT for 3DES (6.2.4.1); MSE:Set AT and GENERAL AUTHENTICATE for AES (6.2.4.2)."""
    number = b"" if key.key_id is None else tlv.encode(0x84, _octets(key.key_id))
    if key.cipher is SessionCipher.TDES:
        agree = CommandApdu(Ins.MANAGE_SECURITY_ENVIRONMENT, 0x41, 0xA6, tlv.encode(0x91, ours) + number)
        demand(channel, agree, "MSE:Set KAT for Chip Authentication", timeout_s)
        return
    template = tlv.encode(0x80, encode_oid(key.protocol)) + number
    choose = CommandApdu(Ins.MANAGE_SECURITY_ENVIRONMENT, 0x41, 0xA4, template)
    demand(channel, choose, "MSE:Set AT for Chip Authentication", timeout_s)
    data = tlv.encode(DYNAMIC_AUTHENTICATION_DATA, tlv.encode(0x80, ours))
    general = CommandApdu(Ins.GENERAL_AUTHENTICATE, data=data, ne=SHORT_NE)
    demand(channel, general, "GENERAL AUTHENTICATE, Chip Authentication", timeout_s)


def _prove(renewed: SecureMessaging) -> None:
    """Any answer under the new MAC proves the key; one outside the channel does not."""
    select = CommandApdu(Ins.SELECT, 0x02, 0x0C, Ef.COM.to_bytes(2, "big"))
    try:
        renewed.send(select, APDU_TIMEOUT_S)
    except SecureMessagingError as exc:
        raise NotGenuine("Chip Authentication: the chip does not hold the private key of DG14") from exc
    if not renewed.alive:
        raise NotGenuine("Chip Authentication: the chip does not go on under the new keys")


def _octets(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
