"""What a chip of this dialect is given: the profile tells, nobody else."""

from __future__ import annotations

from drivers.chip.dialects.profile import Profile
from firmware.document.chip_keys import Features
from firmware.document.lds import Fid

PACE, CAN = "PACE", "can"
KINDS = ("p256", "brainpoolP256r1", "rsa1024")  # of those a chip can take, the first of these


def features_of(profile: Profile) -> Features:
    """What the cards of `profile` take: by its `keys`, its `access`, and whether DG3 can be read back."""
    return Features(
        aa=_key(profile, "aa"),
        ca=_key(profile, "ca"),
        pace=PACE in profile.access,
        can=CAN in profile.keys,
        dg3=Fid.DG3 in profile.guarded,
    )


def _key(profile: Profile, use: str) -> str | None:
    """`p256` of `aa:p256`, the best that the chip takes."""
    return next((kind for kind in KINDS if f"{use}:{kind}" in profile.keys), None)
