"""Secure Channel Protocol 03, the host's side (GlobalPlatform 2.3.1, Amendment D 1.1.2).

S8 MACs; AES-128 and AES-256; levels 01, 03 and 33. `open_scp03` authenticates both ways, `Scp03` is the
channel: a processor like `SecureMessaging`, over the same plain one.

Encryption steps a counter with every command, with or without data; its ICV is the counter under S-ENC.
Each MAC is over the whole CMAC of the one before (the chaining value), the class with the
secure-messaging bit and the Lc that counts the MAC. An error status comes without MAC (6.2.5).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from drivers.chip.apdu import EXTENDED_NE, SHORT_NC, SHORT_NE, CommandApdu, Ins, ResponseApdu, Sw
from drivers.chip.cbc import Cbc
from drivers.chip.errors import CardRefused, SecureMessagingError
from drivers.chip.key_store import KeyStore, StaticKeys
from drivers.chip.processor import APDU_TIMEOUT_S, Processor, demand
from drivers.chip.secure_messaging import pad, unpad
from drivers.chip.sp800_108 import BLOCK, derive

GP_CLA = 0x80
SECURE = 0x04  # of the class byte: secure messaging in GlobalPlatform's format (2.3.1, 11.1.4)
INITIALIZE_UPDATE = 0x50  # Amendment D, 7.1.1
OFFERING = "INITIALIZE UPDATE"  # `doing` of a CardRefused to it
SCP_ID = 0x03
CHALLENGE_SIZE = CRYPTOGRAM_SIZE = MAC_SIZE = 8
HEAD_SIZE = 10 + 3 + CHALLENGE_SIZE + CRYPTOGRAM_SIZE  # KDD, key information, challenge, cryptogram
COUNTER_SIZE = 3
AUTHENTICATE_TIMEOUT_S = 5.0

Random = Callable[[int], bytes]


class Level(IntEnum):
    """Security levels, each bit one protection (2.3.1, table 10-1; Amendment D, 7.1.2)."""

    C_MAC = 0x01
    C_DECRYPTION = 0x03  # and C-MAC
    R_ENCRYPTION = 0x33  # C-MAC, C-DECRYPTION, R-MAC, R-ENCRYPTION


DECRYPTS, R_MACS, R_ENCRYPTS = 0x02, 0x10, 0x20  # bits of a level


class Option(IntEnum):
    """Bits of the protocol's parameter i (Amendment D, 5.1)."""

    S16 = 0x01
    PSEUDO_RANDOM = 0x10  # the card challenge
    R_MAC = 0x20
    R_ENCRYPTION = 0x40


class Constant(IntEnum):
    """Data derivation constants (Amendment D, table 4-1)."""

    CARD_CRYPTOGRAM = 0x00
    HOST_CRYPTOGRAM = 0x01
    CARD_CHALLENGE = 0x02
    S_ENC = 0x04
    S_MAC = 0x06
    S_RMAC = 0x07


class KeysRefused(SecureMessagingError):
    """The card's cryptogram is not of these static keys: another issuer's card, or an imitation."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The answer to INITIALIZE UPDATE (Amendment D, table 7-4)."""

    kdd: bytes
    kvn: int
    option: int
    challenge: bytes
    cryptogram: bytes
    counter: bytes  # three bytes; empty where the challenge is random

    @classmethod
    def parse(cls, data: bytes) -> Offer:
        """Raises SecureMessagingError when it is no answer of SCP03."""
        if len(data) not in (HEAD_SIZE, HEAD_SIZE + COUNTER_SIZE) or data[11] != SCP_ID:
            raise SecureMessagingError("INITIALIZE UPDATE: not an answer of SCP03")
        offer = cls(data[:10], data[10], data[12], data[13:21], data[21:29], data[29:])
        if bool(offer.counter) != bool(offer.option & Option.PSEUDO_RANDOM):
            raise SecureMessagingError("INITIALIZE UPDATE: sequence counter and parameter i disagree")
        return offer

    def allows(self, level: Level) -> bool:
        """Whether a card with this parameter i takes the level; S16 is not spoken here."""
        wanted = (Option.R_MAC if level & R_MACS else 0) | (Option.R_ENCRYPTION if level & R_ENCRYPTS else 0)
        return not self.option & Option.S16 and self.option & wanted == wanted


def open_scp03(
    plain: Processor,
    key_store: KeyStore,
    kvn: int,
    level: Level,
    aid: bytes,
    random: Random = secrets.token_bytes,
    timeout_s: float = AUTHENTICATE_TIMEOUT_S,
) -> Scp03:
    """Authenticate both ways and return the channel. The application `aid` must be selected.

    KVN 0 takes the card's first key set. Raises KeysRefused for a card with other keys, CardRefused where
    it offers no channel or takes no host, SecureMessagingError for an answer that is none, KeyStoreError.
    """
    host_challenge = random(CHALLENGE_SIZE)
    ask = CommandApdu(INITIALIZE_UPDATE, kvn, 0, host_challenge, ne=SHORT_NE, cla=GP_CLA)
    offer = Offer.parse(demand(plain, ask, OFFERING, timeout_s))
    if kvn not in (0, offer.kvn):
        raise SecureMessagingError("INITIALIZE UPDATE: another key version than was asked for")
    if not offer.allows(level):
        raise SecureMessagingError(f"parameter i {offer.option:02X} does not allow level {level:02X}")
    keys = key_store.static_keys(offer.kvn, offer.kdd)
    channel = Scp03(plain, keys, offer, host_challenge, level)
    channel.check_card()
    _check_challenge(keys, offer, aid)
    channel.authenticate(timeout_s)
    return channel


def _check_challenge(keys: StaticKeys, offer: Offer, aid: bytes) -> None:
    """A pseudo-random challenge follows from the sequence counter (Amendment D, 6.2.2.1)."""
    if not offer.counter:
        return
    challenge = derive(keys.enc, Constant.CARD_CHALLENGE, offer.counter + aid, CHALLENGE_SIZE)
    if not hmac.compare_digest(challenge, offer.challenge):
        raise KeysRefused("INITIALIZE UPDATE: the challenge is not of the sequence counter")


class Scp03:
    """A processor that protects commands, checks and reveals answers, and ends at the first wrong one.

    Raises SecureMessagingError. An answer with an error status is returned as it came: nobody vouches
    for it. 6982, 6987 and 6988 end the channel.
    """

    def __init__(
        self, below: Processor, keys: StaticKeys, offer: Offer, host_challenge: bytes, level: Level
    ) -> None:
        self._below = below
        self._dek = keys.dek
        self._offer = offer
        self._context = host_challenge + offer.challenge
        self._level = level
        self._cbc = Cbc(self._session(keys.enc, Constant.S_ENC))
        self._s_mac_key = self._session(keys.mac, Constant.S_MAC)
        self._s_mac = CMAC(AES(self._s_mac_key))
        self._s_rmac = CMAC(AES(self._session(keys.mac, Constant.S_RMAC)))
        self._chaining = bytes(BLOCK)
        self._counter = 0
        self.alive = False

    @property
    def kdd(self) -> bytes:
        """The card's key diversification data, ten bytes."""
        return self._offer.kdd

    @property
    def aes_bits(self) -> int:
        """Of the card's static keys."""
        return 8 * len(self._dek)

    @property
    def room(self) -> int:
        """Data bytes of a command that still is a short APDU."""
        return fitting(self._level, SHORT_NC)

    def wrap(self, secret: bytes) -> bytes:
        """A secret under K-DEK: AES-CBC, zero IV, padding method 2."""
        encryptor = Cipher(AES(self._dek), modes.CBC(bytes(BLOCK))).encryptor()
        return encryptor.update(pad(secret, BLOCK))

    def send(self, command: CommandApdu, timeout_s: float = APDU_TIMEOUT_S) -> ResponseApdu:
        if not self.alive:
            raise SecureMessagingError("the secure channel has ended")
        self.alive = False  # until this exchange has been proved whole
        response = self._below.send(self._protect(command), timeout_s)
        plain = self._reveal(response) if self._level & R_MACS else response
        self.alive = plain.sw not in (Sw.SECURITY_STATUS, Sw.SM_OBJECT_MISSING, Sw.SM_OBJECT_INCORRECT)
        return plain

    # --- authentication (Amendment D, 6.2.2) ---

    def check_card(self) -> None:
        """Raises KeysRefused unless the card has the static keys."""
        proof = derive(self._s_mac_key, Constant.CARD_CRYPTOGRAM, self._context, CRYPTOGRAM_SIZE)
        if not hmac.compare_digest(proof, self._offer.cryptogram):
            raise KeysRefused("INITIALIZE UPDATE: the cryptogram is not of this card's keys")

    def authenticate(self, timeout_s: float) -> None:
        """EXTERNAL AUTHENTICATE: the first command under the MAC, not yet encrypted."""
        proof = derive(self._s_mac_key, Constant.HOST_CRYPTOGRAM, self._context, CRYPTOGRAM_SIZE)
        command = CommandApdu(Ins.EXTERNAL_AUTHENTICATE, self._level, 0, proof, cla=GP_CLA)
        answer = self._below.send(self._with_mac(command, proof), timeout_s)
        if answer.sw != Sw.OK:
            raise CardRefused("EXTERNAL AUTHENTICATE", answer.sw)
        self.alive = True

    def _session(self, key: bytes, constant: Constant) -> bytes:
        return derive(key, constant, self._context, len(key))

    # --- commands and answers (Amendment D, 6.2.4 to 6.2.7) ---

    def _protect(self, command: CommandApdu) -> CommandApdu:
        self._counter += 1
        data = command.data
        if self._level & DECRYPTS and data:
            data = self._cbc.encrypt(self._icv(0x00), pad(data, BLOCK))
        return self._with_mac(command, data, answered=bool(self._level & R_MACS))

    def _with_mac(self, command: CommandApdu, data: bytes, answered: bool = False) -> CommandApdu:
        """`data` and its MAC in place of the command's own; `answered` by a MAC at least."""
        size = len(data) + MAC_SIZE
        extended = command.extended or size > SHORT_NC or command.ne > SHORT_NE
        lc = b"\0" + size.to_bytes(2, "big") if extended else bytes([size])
        header = bytes((command.cla | SECURE, command.ins, command.p1, command.p2))
        self._chaining = _chained(self._s_mac, self._chaining, header + lc + data)
        ne = (EXTENDED_NE if extended else SHORT_NE) if answered else command.ne
        whole = data + self._chaining[:MAC_SIZE]
        return CommandApdu(command.ins, command.p1, command.p2, whole, ne, header[0], extended)

    def _reveal(self, response: ResponseApdu) -> ResponseApdu:
        if response.sw1 not in (0x90, 0x62, 0x63):
            if response.data:
                raise SecureMessagingError("data with an error status, outside the channel")
            return response
        data, mac = response.data[:-MAC_SIZE], response.data[-MAC_SIZE:]
        covered = data + response.sw.to_bytes(2, "big")
        if not hmac.compare_digest(_chained(self._s_rmac, self._chaining, covered)[:MAC_SIZE], mac):
            raise SecureMessagingError("wrong MAC in the answer")
        if self._level & R_ENCRYPTS and data:
            data = self._decrypt(data)
        return ResponseApdu(data, response.sw)

    def _decrypt(self, data: bytes) -> bytes:
        if len(data) % BLOCK:
            raise SecureMessagingError("cryptogram of a wrong length")
        return unpad(self._cbc.decrypt(self._icv(0x80), data), BLOCK)

    def _icv(self, first: int) -> bytes:
        """Of this command (`first` 00) or its answer (80)."""
        return self._cbc.iv(bytes([first]) + self._counter.to_bytes(BLOCK - 1, "big"))


def fitting(level: Level, nc: int) -> int:
    """How many data bytes a command has whose protected form has at most `nc`."""
    room = nc - MAC_SIZE
    return room // BLOCK * BLOCK - 1 if level & DECRYPTS else room


def _chained(key: CMAC, chaining: bytes, message: bytes) -> bytes:
    mac = key.copy()
    mac.update(chaining + message)
    return mac.finalize()
