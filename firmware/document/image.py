"""The card image: all that is fixed about a chip before it is signed, as one frozen value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from firmware.document import der, image_form, lds, security
from firmware.document.chip_keys import (
    Features,
    ImageKeys,
    card_access_infos,
    dg14_infos,
    make_keys,
    new_keys,
)
from firmware.document.data_groups import decode_dg1, encode_dg1, encode_dg2, encode_dg3, encode_dg13
from firmware.document.errors import DocumentError, ImageError
from firmware.document.fingers import Finger
from firmware.document.image_form import MAX_BYTES, VERSION
from firmware.document.lds import DG_TAGS, Fid
from firmware.document.mrz import BacKeys, access_keys, td1

__all__ = ["MAX_BYTES", "VERSION", "CardImage", "Features", "ImageKeys"]

PLAIN = Features()
_TAGS = {Fid.COM: int(lds.Tag.COM), Fid.CARD_ACCESS: 0x31}


@dataclass(frozen=True, slots=True)
class CardImage:
    """Files by FID in the order they are written, and all keys of the chip.

    Data groups, EF.CardAccess, EF.COM; EF.SOD is not part of it: it is signed later and kept beside it.
    Made only if it agrees with itself: EF.COM lists the data groups that are there, DG1's zone opens with
    `keys.access`, DG14 has the public key of `keys.ca` and says what EF.CardAccess says, DG15 is the
    public key of `keys.aa`.
    """

    files: Mapping[int, bytes]
    keys: ImageKeys

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(sorted(self.files.items()))))
        try:
            self._check_files()
            self._check_keys()
        except ImageError:
            raise
        except DocumentError as exc:
            raise ImageError(str(exc)) from exc

    @property
    def access(self) -> BacKeys:
        """What opens the chip before anything else is known of it."""
        return self.keys.access

    @property
    def lds_version(self) -> str:
        """As EF.COM has it."""
        return lds.decode_com(self.files[Fid.COM]).lds_version

    @classmethod
    def of(
        cls,
        subject: Mapping[str, str],
        portrait: bytes,
        captured: datetime,
        features: Features = PLAIN,
        fingers: Sequence[Finger] = (),
    ) -> CardImage:
        """The image for a person, a JPEG 2000 portrait and fingers, with new chip keys.

        What `features` leave out is not made; without fingers there is no DG3. Raises DocumentError.
        """
        zone = td1(subject)
        keys = make_keys(access_keys(zone), subject["number"], features)
        groups = {1: encode_dg1(zone), 2: encode_dg2(portrait, captured), 13: encode_dg13(subject)}
        if features.dg3 and fingers:
            groups[3] = encode_dg3(fingers, captured)
        if infos := dg14_infos(features, keys):
            groups[14] = security.encode_dg14(infos)
        if keys.aa_public is not None:
            groups[15] = security.encode_dg15(keys.aa_public)
        files = {lds.dg_fid(n): content for n, content in groups.items()}
        if outside := card_access_infos(features):
            files[Fid.CARD_ACCESS] = security.encode_card_access(outside)
        files[Fid.COM] = lds.encode_com((DG_TAGS[n] for n in groups), features.lds_version)
        return cls(files, keys)

    def with_new_keys(self) -> CardImage:
        """The same content for another blank: a chip's private keys are on one card only."""
        keys, files = new_keys(self.keys), dict(self.files)
        if keys.ca_public is not None:
            files[Fid.DG14] = security.with_chip_key(files[Fid.DG14], keys.ca_public)
        if keys.aa_public is not None:
            files[Fid.DG15] = security.encode_dg15(keys.aa_public)
        return CardImage(files, keys)

    def data_group_hashes(self) -> dict[int, bytes]:
        """SHA-256 of each data group by its number: what the signer is asked to sign."""
        numbered = ((lds.dg_number(fid), content) for fid, content in self.files.items())
        return {n: hashlib.sha256(content).digest() for n, content in numbered if n is not None}

    def to_bytes(self) -> bytes:
        """The one encoding of this image (DER): equal images have equal bytes."""
        return image_form.write(self.files, self.keys)

    @classmethod
    def from_bytes(cls, data: bytes) -> CardImage:
        """The image that `to_bytes` encoded, of this version or the one before. Raises ImageError."""
        return cls(*image_form.read(data))

    def _check_files(self) -> None:
        for fid, content in self.files.items():
            number = lds.dg_number(fid)
            if number is None and fid not in _TAGS:
                raise ImageError(f"file {fid:04X} has no place in an image")
            der.one(content, _TAGS[Fid(fid)] if number is None else DG_TAGS[number])
        groups = [DG_TAGS[n] for n in map(lds.dg_number, self.files) if n is not None]
        if Fid.COM not in self.files or Fid.DG1 not in self.files:
            raise ImageError("no EF.COM or no DG1")
        if sorted(lds.decode_com(self.files[Fid.COM]).tags) != sorted(groups):
            raise ImageError("EF.COM does not list the data groups that are there")

    def _check_keys(self) -> None:
        if access_keys(decode_dg1(self.files[Fid.DG1])) != self.keys.access:
            raise ImageError("DG1 does not open with these access keys")
        dg14, dg15 = self.files.get(Fid.DG14), self.files.get(Fid.DG15)
        security.check_copy(self.files.get(Fid.CARD_ACCESS), dg14)
        public = () if dg14 is None else security.chip_keys(dg14)
        if public != (() if self.keys.ca_public is None else (self.keys.ca_public,)):
            raise ImageError("DG14 does not have the public key of chip authentication")
        if (None if dg15 is None else der.one(dg15, DG_TAGS[15]).value) != self.keys.aa_public:
            raise ImageError("DG15 is not the public key of active authentication")
