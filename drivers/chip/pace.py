"""Password Authenticated Connection Establishment, the terminal's side (Doc 9303-11, 4.4).

Generic mapping over elliptic curves, version 2, with the MRZ or the CAN as password.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.chip import password as passwords
from drivers.chip import tlv
from drivers.chip.apdu import CHAINING_CLA, SHORT_NE, CommandApdu, Ins, Sw
from drivers.chip.ec import CURVES, Curve, Point, Random
from drivers.chip.ephemeral import EphemeralKey
from drivers.chip.errors import AccessRefused, MalformedData, SecureMessagingError, refusal
from drivers.chip.kdf import SessionCipher
from drivers.chip.password import Password
from drivers.chip.processor import Processor
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import ID_PACE, OBJECT_IDENTIFIER, PaceInfo, SecurityInfo, encode_oid

ID_ECDH_GM = f"{ID_PACE}.2"
VERSION = 2
PACE_TIMEOUT_S = 5.0
NONCE_SIZES = (16, 32)  # whole blocks, and no more than a curve's scalars take

DYNAMIC_AUTHENTICATION_DATA = 0x7C
PUBLIC_KEY = 0x7F49
CERTIFICATION_AUTHORITY_REFERENCES = (0x87, 0x88)  # for Terminal Authentication; some send them unasked


@dataclass(frozen=True, slots=True)
class Pace:
    """One way of PACE that card and terminal both speak."""

    info: PaceInfo
    cipher: SessionCipher
    curve: Curve
    ambiguous: bool  # the card offers several curves: it must be told which

    @property
    def title(self) -> str:
        return f"PACE ECDH-GM {self.cipher.title} {self.curve.name}"


def choose(infos: Sequence[SecurityInfo]) -> Pace | None:
    """The strongest PACE of `infos` that this terminal speaks, or None."""
    offered = [info for info in infos if isinstance(info, PaceInfo)]
    ambiguous = len({info.parameter_id for info in offered}) > 1
    known = [each for info in offered if (each := _known(info, ambiguous))]
    return max(known, key=lambda pace: (pace.cipher.arc, pace.curve.size), default=None)


def open_pace(
    plain: Processor,
    password: Password,
    pace: Pace,
    random: Random = secrets.token_bytes,
    timeout_s: float = PACE_TIMEOUT_S,
) -> SecureMessaging:
    """Run the protocol and return the channel; no application is selected by it.

    Raises AccessRefused when this is not the card's password, another CardRefused when the card ends
    the protocol, MalformedData for an answer that cannot be, SecureMessagingError when the card could
    not prove that it knows the password.
    """
    return _Run(plain, password, pace, random, timeout_s).open()


class _Run:
    """The protocol's steps, in the order of Doc 9303-11, 4.4.3.1."""

    def __init__(
        self, plain: Processor, password: Password, pace: Pace, random: Random, timeout_s: float
    ) -> None:
        self._plain = plain
        self._password = password
        self._pace = pace
        self._curve = pace.curve
        self._random = random
        self._timeout_s = timeout_s

    def open(self) -> SecureMessaging:
        self._set_authentication_template()
        nonce = self._nonce()
        generator = self._map(nonce)
        secret, ours, theirs = self._agree(generator)
        self._exchange_tokens(secret, ours, theirs)
        suite = self._pace.cipher.session(secret)
        protocol = f"{self._pace.title} {passwords.title(self._password)}"
        return SecureMessaging(self._plain, suite, bytes(suite.ssc_size), protocol)

    def _set_authentication_template(self) -> None:
        """MSE:Set AT (4.4.4.1)."""
        data = tlv.encode(0x80, encode_oid(self._pace.info.protocol))
        data += tlv.encode(0x83, bytes([passwords.reference(self._password)]))
        if self._pace.ambiguous:
            data += tlv.encode(0x84, bytes([self._curve.parameter_id]))
        command = CommandApdu(Ins.MANAGE_SECURITY_ENVIRONMENT, 0xC1, 0xA4, data)
        answer = self._plain.send(command, self._timeout_s)
        if answer.sw == Sw.REFERENCE_NOT_FOUND:
            raise AccessRefused("MSE:Set AT: this password is not on the card", answer.sw)
        if answer.sw != Sw.OK and answer.sw >> 4 != 0x63C:  # 63Cx only tells the tries left
            raise refusal("MSE:Set AT for PACE", answer.sw)

    def _nonce(self) -> int:
        cryptogram = self._authenticate("encrypted nonce", b"", 0x80)
        if len(cryptogram) not in NONCE_SIZES:
            raise MalformedData(f"PACE: a nonce of {len(cryptogram)} bytes")
        secret = passwords.secret(self._password)
        return int.from_bytes(self._pace.cipher.decrypt_nonce(secret, cryptogram), "big")

    def _map(self, nonce: int) -> Point:
        """Map nonce: the generator for the key agreement (4.4.3.3.1)."""
        key = EphemeralKey(self._curve, self._random)
        ours = self._curve.encode(key.public)
        theirs = self._authenticate("map nonce", tlv.encode(0x81, ours), 0x82)
        _demand_different(ours, theirs)
        return key.map_generator(nonce, self._curve.decode(theirs))

    def _agree(self, generator: Point) -> tuple[bytes, bytes, bytes]:
        """Perform key agreement: the secret and both public keys as they went over the wire."""
        key = EphemeralKey(self._curve, self._random)
        ours = self._curve.encode(key.multiply(generator))
        theirs = self._authenticate("key agreement", tlv.encode(0x83, ours), 0x84)
        _demand_different(ours, theirs)
        return key.agree(self._curve.decode(theirs)), ours, theirs

    def _exchange_tokens(self, secret: bytes, ours: bytes, theirs: bytes) -> None:
        """Mutual authentication: each MACs the other's public key (4.4.3.4)."""
        token = self._token(secret, theirs)
        answer = self._authenticate("mutual authentication", tlv.encode(0x85, token), 0x86, last=True)
        if not hmac.compare_digest(answer, self._token(secret, ours)):
            raise SecureMessagingError("PACE: the card's authentication token is wrong")

    def _token(self, secret: bytes, public_key: bytes) -> bytes:
        oid = tlv.encode(OBJECT_IDENTIFIER, encode_oid(self._pace.info.protocol))
        return self._pace.cipher.token(secret, tlv.encode(PUBLIC_KEY, oid + tlv.encode(0x86, public_key)))

    def _authenticate(self, step: str, data: bytes, expected: int, last: bool = False) -> bytes:
        """One GENERAL AUTHENTICATE of the chain (4.4.4.2); the value of `expected` in its answer."""
        command = CommandApdu(
            Ins.GENERAL_AUTHENTICATE,
            data=tlv.encode(DYNAMIC_AUTHENTICATION_DATA, data),
            ne=SHORT_NE,
            cla=0x00 if last else CHAINING_CLA,
        )
        answer = self._plain.send(command, self._timeout_s)
        doing = f"GENERAL AUTHENTICATE, PACE {step}"
        if last and answer.sw != Sw.OK:
            raise AccessRefused(doing, answer.sw)
        if answer.sw != Sw.OK:
            raise refusal(doing, answer.sw)
        return _only_value(answer.data, expected, optional=CERTIFICATION_AUTHORITY_REFERENCES if last else ())


def _known(info: PaceInfo, ambiguous: bool) -> Pace | None:
    mapping, _, arc = info.protocol.rpartition(".")
    cipher = next((each for each in SessionCipher if str(each.arc) == arc), None)
    curve = next((each for each in CURVES if each.parameter_id == info.parameter_id), None)
    if mapping != ID_ECDH_GM or info.version != VERSION or cipher is None or curve is None:
        return None
    return Pace(info, cipher, curve, ambiguous)


def _demand_different(ours: bytes, theirs: bytes) -> None:
    """A card that sends our key back knows nothing (4.4.3.1, d)."""
    if ours == theirs:
        raise SecureMessagingError("PACE: the card's public key is our own")


def _only_value(data: bytes, expected: int, optional: Sequence[int]) -> bytes:
    outer = tlv.parse(data, der=False)
    if [each.tag for each in outer] != [DYNAMIC_AUTHENTICATION_DATA]:
        raise MalformedData("GENERAL AUTHENTICATE: an answer that is not one object 7C")
    inner = [each for each in tlv.parse(outer[0].value, der=False) if each.tag not in optional]
    if [each.tag for each in inner] != [expected]:
        raise MalformedData(f"GENERAL AUTHENTICATE: object {expected:X} was expected")
    return inner[0].value
