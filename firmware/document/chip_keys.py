"""The keys of one chip, and what a card's dialect can take of all that a chip may have."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from drivers.chip.security_infos import SecurityInfo
from firmware.document import security
from firmware.document.errors import ImageError
from firmware.document.keys import PrivateKey, encode_private, encode_public, load_private
from firmware.document.lds import LDS_1_7
from firmware.document.mrz import BacKeys

_CAN = re.compile(r"[0-9]{6}")
CAN_DIGITS = 6  # Doc 9303-11, 4.4.1 leaves it open; Vietnam's has six (as widely assumed)


@dataclass(frozen=True, slots=True)
class Features:
    """What a chip of one dialect is given, beside DG1, DG2, DG13 and EF.COM.

    `aa`: key of Active Authentication; `ca`: curve of Chip Authentication; `pace`: EF.CardAccess, and `can`
    the number on the card's face that opens it; `dg3`: fingers; `lds_version`: "0107" | "0108".
    """

    aa: str | None = None
    ca: str | None = None
    pace: bool = False
    can: bool = False
    dg3: bool = False
    lds_version: str = LDS_1_7

    def __post_init__(self) -> None:
        for kind in (self.aa, self.ca):
            if kind is not None and kind not in MAKERS:
                raise ValueError(f"a chip key of kind {kind!r} (known: {', '.join(MAKERS)})")
        if self.ca == RSA_1024:
            raise ValueError("Chip Authentication is on a curve")
        if self.can and not self.pace:
            raise ValueError("a card access number opens a chip with PACE only")


@dataclass(frozen=True, slots=True, repr=False)
class ImageKeys:
    """All keys of one chip, as `firmware.issue.ports.ChipKeys`: private ones in PKCS#8 DER. Never printed."""

    access: BacKeys
    can: str | None = None
    aa: bytes | None = None
    ca: bytes | None = None

    def __post_init__(self) -> None:
        if self.can is not None and not _CAN.fullmatch(self.can):
            raise ImageError("a card access number that is not six digits")

    @property
    def aa_public(self) -> bytes | None:
        """SubjectPublicKeyInfo, as DG15 has it. Raises KeyFormatError."""
        return None if self.aa is None else encode_public(load_private(self.aa).public_key())

    @property
    def ca_public(self) -> bytes | None:
        """SubjectPublicKeyInfo, as DG14 has it. Raises KeyFormatError."""
        return None if self.ca is None else encode_public(load_private(self.ca).public_key())


def make_keys(access: BacKeys, number: str, features: Features) -> ImageKeys:
    """New private keys for one chip. The CAN is the end of the citizen's number."""
    return ImageKeys(
        access,
        can=number[-CAN_DIGITS:] if features.can else None,
        aa=_made(features.aa),
        ca=_made(features.ca),
    )


def new_keys(keys: ImageKeys) -> ImageKeys:
    """The same access, other private keys of the same kinds: for another chip of the same person."""
    return replace(keys, aa=_another(keys.aa), ca=_another(keys.ca))


def card_access_infos(features: Features) -> list[SecurityInfo]:
    """What EF.CardAccess says of a chip with these features."""
    return [security.PACE] if features.pace else []


def dg14_infos(features: Features, keys: ImageKeys) -> list[SecurityInfo]:
    """What DG14 says: EF.CardAccess again, Chip Authentication with its key, ECDSA where DG15 has it."""
    infos = card_access_infos(features)
    if keys.ca_public is not None:
        infos += security.chip_authentication(keys.ca_public)
    if features.aa not in (None, RSA_1024):
        infos.append(security.ACTIVE_AUTHENTICATION_ECDSA)
    return infos


def _rsa_1024() -> PrivateKey:
    """What the widespread open applet takes, and no more: a lab's card only."""
    return rsa.generate_private_key(65537, 1024)  # noqa: S505  the chip's limit; production refuses the dialect


RSA_1024 = "rsa1024"
MAKERS: MappingProxyType[str, Callable[[], PrivateKey]] = MappingProxyType(
    {
        RSA_1024: _rsa_1024,
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    }
)


def _made(kind: str | None) -> bytes | None:
    return None if kind is None else encode_private(MAKERS[kind]())


def _another(pkcs8: bytes | None) -> bytes | None:
    if pkcs8 is None:
        return None
    key = load_private(pkcs8)
    if isinstance(key, rsa.RSAPrivateKey):
        return encode_private(_rsa_1024())
    return encode_private(ec.generate_private_key(key.curve))
