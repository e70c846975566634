"""Chip Authentication version 1 over elliptic curves, the chip's side (Doc 9303-11, 6.2).

Only in the reader's channel, inside the application; the channel it opens holds from the next command.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from drivers.virtual.card import ber
from drivers.virtual.card.chip import Chip
from drivers.virtual.card.sm import SecureMessaging
from drivers.virtual.card.suites import SUITES, Suite, TripleDes
from drivers.virtual.card.words import Command, Right, StatusWord, Verb

CA_ECDH = bytes.fromhex("04007F00070202 0302")  # id-CA-ECDH (9.2.7), before the last arc
SET_KAT, SET_AT_INTERNAL = 0x41A6, 0x41A4


class ChipAuthentication:
    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._suite: type[Suite] | None = None  # chosen by MSE:Set AT
        self.verbs: Mapping[int, Verb] = {
            0x0022: self._manage_environment,
            0x0086: self._general_authenticate,
        }

    def forget(self) -> None:
        self._suite = None

    def _manage_environment(self, command: Command) -> bytes:
        self.forget()
        self._demand(command)
        if command.p1p2 == SET_KAT:  # 3DES only (6.2.4.1)
            self._agree(ber.fields(command.data, frozenset({0x91, 0x84})).get(0x91), TripleDes)
        elif command.p1p2 == SET_AT_INTERNAL:
            self._suite = _suite(ber.fields(command.data, frozenset({0x80, 0x84})).get(0x80))
        else:
            raise StatusWord(0x6A86)
        return b""

    def _general_authenticate(self, command: Command) -> bytes:
        suite, self._suite = self._suite, None
        self._demand(command)
        if suite is None:
            raise StatusWord(0x6985)
        if command.p1p2 or not command.ne:
            raise StatusWord(0x6A86 if command.p1p2 else 0x6700)
        self._agree(ber.unpack_one(0x80, ber.unpack_one(0x7C, command.data)), suite)
        return ber.pack(0x7C)

    def _demand(self, command: Command) -> None:
        if command.right is not Right.READER:
            raise StatusWord(0x6982)
        if self._chip.ca is None:
            raise StatusWord(0x6A88)

    def _agree(self, theirs: bytes | None, suite: type[Suite]) -> None:
        key = self._chip.ca
        if key is None or theirs is None or theirs[:1] != b"\x04":
            raise StatusWord(0x6A80)
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, theirs)
        except ValueError as exc:  # no point of this curve
            raise StatusWord(0x6A80) from exc
        self._chip.adopt(SecureMessaging(suite.of(key.exchange(ec.ECDH(), peer))))


def _suite(oid: bytes | None) -> type[Suite]:
    if oid is None or oid[:-1] != CA_ECDH or oid[-1] not in SUITES:
        raise StatusWord(0x6A80)
    return SUITES[oid[-1]]
