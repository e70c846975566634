"""What both dialects of the field share: the issuer's channel SCP03, key objects, CPLC, the lock.

Everything is written under SCP03 until SET STATUS makes the application PERSONALIZED: then never again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from drivers.virtual.card.chip import Chip
from drivers.virtual.card.cplc import get_data, new_cplc
from drivers.virtual.card.emrtd import AID
from drivers.virtual.card.files import ALWAYS, GUARDED, SECURED
from drivers.virtual.card.scp03 import LAB_MASTER, SECURE, SecurityDomain, diversified
from drivers.virtual.card.words import Command, Right, StatusWord, Verb

CARD_ACCESS = 0x011C
FINGERS, IRISES = 0x0103, 0x0104
LDS_FILES = frozenset({*range(0x0101, 0x0111), CARD_ACCESS, 0x011D, 0x011E})  # DG1 to DG16, SOD, COM
LARGEST_FILE = 0x7FFF
ACCESS_KEYS, CAN, AA_KEY, CA_KEY = 0x62, 0x63, 0x64, 0x65
KEY_OBJECTS = frozenset({ACCESS_KEYS, CAN, AA_KEY, CA_KEY})
SECRETS = frozenset({AA_KEY, CA_KEY})  # under the DEK
APPLICATION, PERSONALIZED = 0x40, 0x0F  # SET STATUS (GlobalPlatform 2.3.1, 11.10.2)


class IssuerPersonalisation(ABC):
    """`master` is the issuer's key of blanks, 16 or 32 bytes: this card's keys follow from it."""

    def __init__(self, chip: Chip, master: bytes = LAB_MASTER) -> None:
        self.chip = chip
        kdd = chip.random(10)
        self.domain = SecurityDomain(diversified(master, kdd), kdd, AID)
        self._cplc = new_cplc(chip.random)
        self.outside: Mapping[int, Verb] = {0x80CA: self._get_data}
        issued = {0x80F0: self._set_status, **self.writing()}
        in_channel = {code | SECURE << 8: _no_channel for code in (*issued, 0x80CA, 0x00A4, 0x00B0)}
        self.inside: Mapping[int, Verb] = {
            0x80CA: self._get_data,
            0x8050: self._initialize_update,
            0x8482: self._external_authenticate,
            **in_channel,
            **{code: self._for_issuer(verb) for code, verb in issued.items()},
        }

    @abstractmethod
    def writing(self) -> Mapping[int, Verb]:
        """The dialect's own verbs, each for the issuer only and only until the lock."""

    def forget(self) -> None:
        self.domain.forget()

    def put_key(self, tag: int, whole: bytes) -> None:
        """Take the key object `tag L value`, whole; a private key's value is under the DEK."""
        if tag == ACCESS_KEYS:
            self.chip.set_access(whole)
        elif tag == CAN:
            self.chip.set_can(whole)
        elif tag == AA_KEY:
            self.chip.set_aa(self._secret(tag, whole))
        else:
            self.chip.set_ca(self._secret(tag, whole))

    def _secret(self, tag: int, whole: bytes) -> bytes:
        return self.domain.reveal(value_of(tag, whole))

    def _for_issuer(self, verb: Verb) -> Verb:
        def guarded(command: Command) -> bytes:
            self.chip.personalising()
            if command.right is not Right.ISSUER:
                raise StatusWord(0x6982)
            return verb(command)

        return guarded

    # --- verbs ---

    def _get_data(self, command: Command) -> bytes:
        return get_data(command, self._cplc)

    def _initialize_update(self, command: Command) -> bytes:
        self.forget()
        self.chip.personalising()
        return self.domain.initialize_update(command)

    def _external_authenticate(self, command: Command) -> bytes:
        self.chip.personalising()
        self.chip.adopt(self.domain.external_authenticate(command))
        return b""

    def _set_status(self, command: Command) -> bytes:
        """The lock: the application's life cycle state becomes PERSONALIZED."""
        if command.p1 != APPLICATION:
            raise StatusWord(0x6A86)
        if command.p2 != PERSONALIZED:
            raise StatusWord(0x6A80)
        if command.data != AID:
            raise StatusWord(0x6A88)
        self.chip.locked = True
        return b""

    # --- what survives ---

    def state(self) -> dict[str, Any]:
        return {"domain": self.domain.state(), "cplc": self._cplc.hex()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.domain = SecurityDomain.restored(state["domain"], AID)
        self._cplc = bytes.fromhex(state["cplc"])


def read_condition(fid: int) -> int:
    """Who may read this file of the LDS (Doc 9303-10, 3.11; 9303-11, 4.4)."""
    if fid == CARD_ACCESS:
        return ALWAYS
    return GUARDED if fid in (FINGERS, IRISES) else SECURED


def value_of(tag: int, whole: bytes) -> bytes:
    """The value of `tag L value` in DER, whole and nothing else; 6A80."""
    if len(whole) < 2 or whole[0] != tag:
        raise StatusWord(0x6A80)
    extra = {0x81: 1, 0x82: 2}.get(whole[1], 0)
    size = int.from_bytes(whole[2 : 2 + extra], "big") if extra else whole[1]
    if size != len(whole) - 2 - extra or size < (0, 0x80, 0x100)[extra]:
        raise StatusWord(0x6A80)
    return whole[2 + extra :]


def _no_channel(_: Command) -> bytes:
    """A command under SCP03 while there is no session, or none any more."""
    raise StatusWord(0x6982)
