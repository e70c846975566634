"""Basic Access Control, the terminal's side (Doc 9303-11, 4.3 and 9.7)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Protocol

from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.errors import AccessRefused, SecureMessagingError
from drivers.chip.kdf import Purpose, SessionCipher
from drivers.chip.processor import APDU_TIMEOUT_S, Processor, demand
from drivers.chip.secure_messaging import (
    SecureMessaging,
    TripleDesSuite,
    pad,
    retail_mac,
    tdes_decrypt,
    tdes_encrypt,
)

CHALLENGE_SIZE = 8
KEY_SIZE = 16
ANSWER_SIZE = 40  # E_IC (32) ‖ M_IC (8)
AUTHENTICATE_TIMEOUT_S = 5.0

Random = Callable[[int], bytes]


class AccessKeys(Protocol):
    """The three MRZ fields that open a chip, without check digits."""

    @property
    def document_number(self) -> str: ...  # 9 characters, filled with '<'; longer where it is longer
    @property
    def birth(self) -> str: ...  # YYMMDD
    @property
    def expiry(self) -> str: ...  # YYMMDD


def open_bac(
    plain: Processor,
    keys: AccessKeys,
    random: Random = secrets.token_bytes,
    timeout_s: float = AUTHENTICATE_TIMEOUT_S,
) -> SecureMessaging:
    """Authenticate both ways and return the channel. The LDS application must be selected.

    Raises AccessRefused when these are not the card's keys, another CardRefused when it gives no
    challenge, SecureMessagingError when the card could not prove that it has the keys.
    """
    seed = key_seed(keys)
    get_challenge = CommandApdu(Ins.GET_CHALLENGE, ne=CHALLENGE_SIZE)
    rnd_ic = demand(plain, get_challenge, "GET CHALLENGE", APDU_TIMEOUT_S)
    if len(rnd_ic) != CHALLENGE_SIZE:
        raise SecureMessagingError("challenge of a wrong length")
    k_enc, k_mac = derive_keys(seed)
    rnd_ifd, k_ifd = random(CHALLENGE_SIZE), random(KEY_SIZE)
    e_ifd = tdes_encrypt(k_enc, rnd_ifd + rnd_ic + k_ifd)
    token = e_ifd + retail_mac(k_mac, pad(e_ifd, 8))
    command = CommandApdu(Ins.EXTERNAL_AUTHENTICATE, data=token, ne=ANSWER_SIZE)
    answer = plain.send(command, timeout_s)
    if answer.sw != Sw.OK:
        raise AccessRefused("EXTERNAL AUTHENTICATE", answer.sw)
    k_ic = _check_answer(answer.data, k_enc, k_mac, rnd_ic + rnd_ifd)
    seed = bytes(a ^ b for a, b in zip(k_ifd, k_ic, strict=True))
    suite = TripleDesSuite(*derive_keys(seed))
    return SecureMessaging(plain, suite, rnd_ic[4:] + rnd_ifd[4:], "BAC")


def mrz_information(keys: AccessKeys) -> str:
    """Number, birth and expiry, each with its check digit (Doc 9303-11, 4.3.2)."""
    number = keys.document_number.ljust(9, "<")
    if not re.fullmatch(r"[A-Z0-9<]{9,22}", number):
        raise ValueError("document number: 9 to 22 of A-Z, 0-9, <")
    for date in (keys.birth, keys.expiry):
        if not re.fullmatch(r"[0-9<]{6}", date):
            raise ValueError("dates: YYMMDD")
    return "".join(field + check_digit(field) for field in (number, keys.birth, keys.expiry))


def check_digit(field: str) -> str:
    """Weights 7, 3, 1, modulo 10 (Doc 9303-3, 4.9)."""
    values = (0 if c == "<" else int(c, 36) for c in field)
    return str(sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10)


def key_seed(keys: AccessKeys) -> bytes:
    """K_seed of BAC: the first 16 bytes of SHA-1 over the MRZ information."""
    return mrz_digest(keys)[:KEY_SIZE]


def mrz_digest(keys: AccessKeys) -> bytes:
    """SHA-1 over the MRZ information: PACE's password takes all of it (Doc 9303-11, 4.4.4.1, 9.7.3)."""
    return hashlib.sha1(mrz_information(keys).encode(), usedforsecurity=False).digest()


def derive_keys(seed: bytes) -> tuple[bytes, bytes]:
    """K_ENC and K_MAC for 3DES (Doc 9303-11, 9.7.1 and 9.7.2)."""
    cipher = SessionCipher.TDES
    return cipher.key(seed, Purpose.ENC), cipher.key(seed, Purpose.MAC)


def _check_answer(answer: bytes, k_enc: bytes, k_mac: bytes, randoms: bytes) -> bytes:
    """Return K_IC from E_IC ‖ M_IC once MAC and both random numbers are right."""
    if len(answer) != ANSWER_SIZE:
        raise SecureMessagingError("answer to EXTERNAL AUTHENTICATE of a wrong length")
    e_ic, m_ic = answer[:32], answer[32:]
    if not hmac.compare_digest(retail_mac(k_mac, pad(e_ic, 8)), m_ic):
        raise SecureMessagingError("the card's authentication token has a wrong MAC")
    plain = tdes_decrypt(k_enc, e_ic)
    if not hmac.compare_digest(plain[:16], randoms):
        raise SecureMessagingError("the card's authentication token has other random numbers")
    return plain[16:]
