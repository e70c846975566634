"""The card image: all that is fixed about a chip before it is signed, as one frozen value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from asn1crypto import core

from firmware.document import der, lds
from firmware.document.data_groups import decode_dg1, encode_dg1, encode_dg2, encode_dg13
from firmware.document.errors import DocumentError, ImageError
from firmware.document.lds import DG_TAGS, Fid
from firmware.document.mrz import BacKeys, access_keys, td1

VERSION = 1
MAX_BYTES = 1 << 18


class _Access(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012 (asn1crypto's form)
        ("document_number", core.PrintableString),
        ("birth", core.PrintableString),
        ("expiry", core.PrintableString),
    ]


class _File(core.Sequence):  # type: ignore[misc]
    _fields = [("fid", core.Integer), ("content", core.OctetString)]  # noqa: RUF012


class _Files(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _File


class _Image(core.Sequence):  # type: ignore[misc]
    _fields = [("version", core.Integer), ("access", _Access), ("files", _Files)]  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class CardImage:
    """Files by FID in the order they are written (data groups, then EF.COM) and the access keys.

    EF.SOD is not part of it: it is signed later and kept beside it. Made only if it agrees with
    itself: EF.COM lists the data groups that are there, and DG1's zone opens with `access`.
    """

    files: Mapping[int, bytes]
    access: BacKeys

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(sorted(self.files.items()))))
        try:
            self._check()
        except ImageError:
            raise
        except DocumentError as exc:
            raise ImageError(str(exc)) from exc

    @classmethod
    def of(cls, subject: Mapping[str, str], portrait: bytes, captured: datetime) -> CardImage:
        """The image for a person and a JPEG 2000 portrait. Raises DocumentError."""
        zone = td1(subject)
        groups = {1: encode_dg1(zone), 2: encode_dg2(portrait, captured), 13: encode_dg13(subject)}
        files = {lds.dg_fid(n): content for n, content in groups.items()}
        files[Fid.COM] = lds.encode_com(DG_TAGS[n] for n in groups)
        return cls(files, access_keys(zone))

    def data_group_hashes(self) -> dict[int, bytes]:
        """SHA-256 of each data group by its number: what the signer is asked to sign."""
        numbered = ((lds.dg_number(fid), content) for fid, content in self.files.items())
        return {n: hashlib.sha256(content).digest() for n, content in numbered if n is not None}

    def to_bytes(self) -> bytes:
        """The one encoding of this image (DER): equal images have equal bytes."""
        a = self.access
        body = {
            "version": VERSION,
            "access": {
                "document_number": a.document_number, "birth": a.birth, "expiry": a.expiry
            },
            "files": [{"fid": int(fid), "content": data} for fid, data in self.files.items()],
        }  # fmt: skip
        return bytes(_Image(body).dump())

    @classmethod
    def from_bytes(cls, data: bytes) -> CardImage:
        """The image that `to_bytes` encoded. Raises ImageError for anything else."""
        try:
            der.check_strict(data, MAX_BYTES)
            parsed = _Image.load(data, strict=True)
            files = {file["fid"].native: file["content"].native for file in parsed["files"]}
            image = cls(files, BacKeys(**parsed["access"].native))
            known = parsed["version"].native == VERSION
        except (DocumentError, ValueError, TypeError) as exc:
            raise ImageError(str(exc)) from exc
        if not known or image.to_bytes() != data:
            raise ImageError("not the encoding of an image")
        return image

    def _check(self) -> None:
        for fid, content in self.files.items():
            number = lds.dg_number(fid)
            if number is None and fid != Fid.COM:
                raise ImageError(f"file {fid:04X} has no place in an image")
            der.one(content, lds.Tag.COM if number is None else DG_TAGS[number])
        groups = [DG_TAGS[n] for n in map(lds.dg_number, self.files) if n is not None]
        if Fid.COM not in self.files or Fid.DG1 not in self.files:
            raise ImageError("no EF.COM or no DG1")
        if sorted(lds.decode_com(self.files[Fid.COM]).tags) != sorted(groups):
            raise ImageError("EF.COM does not list the data groups that are there")
        if access_keys(decode_dg1(self.files[Fid.DG1])) != self.access:
            raise ImageError("DG1 does not open with these access keys")
