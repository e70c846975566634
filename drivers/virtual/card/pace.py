"""PACE with generic mapping over elliptic curves, the chip's side (Doc 9303-11, 4.4).

The chip offers what its EF.CardAccess says. Each step must follow the one before at once.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.virtual.card import ber
from drivers.virtual.card.channel import mrz_digest
from drivers.virtual.card.chip import Chip
from drivers.virtual.card.curves import CURVES, Curve, Point
from drivers.virtual.card.sm import SecureMessaging
from drivers.virtual.card.suites import SUITES, Suite
from drivers.virtual.card.words import Command, Right, StatusWord, Verb

EF_CARD_ACCESS = 0x011C
ECDH_GM = bytes.fromhex("04007F00070202 0402")  # id-PACE-ECDH-GM (9.2.1), before the last arc
VERSION = b"\x02"
SET_AT_MUTUAL = 0xC1A4
MRZ, CAN = b"\x01", b"\x02"
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Choice:
    """What MSE:Set AT chose."""

    oid: bytes
    suite: type[Suite]
    curve: Curve
    password: bytes


class Pace:
    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._next: Callable[[Command], bytes] | None = None
        self.verbs: Mapping[int, Verb] = {
            0x0022: self._set_template,
            0x1086: self._general_authenticate,
            0x0086: self._general_authenticate,
        }

    def forget(self) -> None:
        self._next = None

    def _set_template(self, command: Command) -> bytes:
        self.forget()
        if command.p1p2 != SET_AT_MUTUAL:
            raise StatusWord(0x6A86)
        if command.right is not Right.NONE:
            raise StatusWord(0x6985)
        found = ber.fields(command.data, frozenset({0x80, 0x83, 0x84}))
        if not {0x80, 0x83} <= set(found):
            raise StatusWord(0x6A80)
        curve = self._offered(found[0x80], found.get(0x84))
        suite = SUITES[found[0x80][-1]]
        choice = _Choice(found[0x80], suite, curve, self._password(found[0x83]))
        self._next = lambda step: self._give_nonce(choice, step)
        return b""

    def _general_authenticate(self, command: Command) -> bytes:
        step, self._next = self._next, None
        if step is None:
            raise StatusWord(0x6985)
        if command.p1p2 or not command.ne:
            raise StatusWord(0x6A86 if command.p1p2 else 0x6700)
        return ber.pack(0x7C, step(command))

    # --- the four steps: each takes a data object and tells which is next ---

    def _give_nonce(self, choice: _Choice, command: Command) -> bytes:
        _demand_link(command, last=False)
        if ber.unpack_one(0x7C, command.data):
            raise StatusWord(0x6A80)
        nonce = self._chip.random(NONCE_BYTES)
        self._next = lambda step: self._map_nonce(choice, nonce, step)
        return ber.pack(0x80, choice.suite.conceal_nonce(choice.password, nonce))

    def _map_nonce(self, choice: _Choice, nonce: bytes, command: Command) -> bytes:
        theirs = choice.curve.decode(_value(command, 0x81))
        curve = choice.curve
        secret = curve.draw(self._chip.random)
        generator = secret.map(int.from_bytes(nonce, "big"), theirs)
        self._next = lambda step: self._agree(choice, generator, step)
        return ber.pack(0x82, curve.encode(secret.public))

    def _agree(self, choice: _Choice, generator: Point, command: Command) -> bytes:
        curve = choice.curve
        theirs = curve.decode(_value(command, 0x83))
        secret = curve.draw(self._chip.random)
        own = secret.times(generator)
        if own == theirs:
            raise StatusWord(0x6300)  # the keys shall differ (4.4.1, step 3)
        suite = choice.suite.of(secret.shared(theirs))
        self._next = lambda step: self._confirm(choice, suite, own, theirs, step)
        return ber.pack(0x84, curve.encode(own))

    def _confirm(self, choice: _Choice, suite: Suite, own: Point, theirs: Point, command: Command) -> bytes:
        token = _value(command, 0x85, last=True)
        if not hmac.compare_digest(token, suite.token(_token_input(choice, own))):
            raise StatusWord(0x6300)
        self._chip.adopt(SecureMessaging(suite))
        return ber.pack(0x86, suite.token(_token_input(choice, theirs)))

    # --- what the chip has ---

    def _password(self, reference: bytes) -> bytes:
        if reference == MRZ and self._chip.access is not None:
            return mrz_digest(*self._chip.access)
        if reference == CAN and self._chip.can is not None:
            return self._chip.can.encode("ascii")
        raise StatusWord(0x6A88)

    def _offered(self, oid: bytes, parameter: bytes | None) -> Curve:
        """The curve of the PACEInfo with this identifier; 84 is needed where there are several."""
        offers = [each for name, each in _pace_infos(self._chip) if name == oid]
        if parameter is not None:
            offers = [each for each in offers if each == parameter]
        if len(offers) != 1:
            raise StatusWord(0x6A80)
        return CURVES[offers[0][0]]


def _pace_infos(chip: Chip) -> list[tuple[bytes, bytes]]:
    """Identifier and domain parameters of each PACEInfo that this chip can do; SET OF SEQUENCE (9.2.1)."""
    content = chip.files.content(EF_CARD_ACCESS)
    if not content:
        raise StatusWord(0x6A80)
    found = []
    for tag, info in ber.unpack(ber.unpack_one(0x31, content)):
        match ber.unpack(info) if tag == 0x30 else []:
            case [(0x06, oid), (0x02, version), (0x02, parameter)] if version == VERSION:
                if oid[:-1] == ECDH_GM and oid[-1] in SUITES and int.from_bytes(parameter, "big") in CURVES:
                    found.append((oid, parameter))
    return found


def _token_input(choice: _Choice, key: Point) -> bytes:
    """Of the other side's key: identifier and point, as a public key data object (4.4.3.4)."""
    return ber.pack(0x7F49, ber.pack(0x06, choice.oid), ber.pack(0x86, choice.curve.encode(key)))


def _value(command: Command, tag: int, last: bool = False) -> bytes:
    _demand_link(command, last)
    return ber.unpack_one(tag, ber.unpack_one(0x7C, command.data))


def _demand_link(command: Command, last: bool) -> None:
    """All steps but the last are links of a chain (4.4.4.2)."""
    if (command.cla == 0x00) is not last:
        raise StatusWord(0x6985)
