"""How a card image is written in the journal: DER, version 2; version 1 (access keys only) is still read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asn1crypto import core

from firmware.document import der
from firmware.document.chip_keys import ImageKeys
from firmware.document.errors import DocumentError, ImageError
from firmware.document.mrz import BacKeys

VERSION, VERSION_1 = 2, 1
MAX_BYTES = 1 << 18


class _Access(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012 (asn1crypto's form)
        ("document_number", core.PrintableString),
        ("birth", core.PrintableString),
        ("expiry", core.PrintableString),
    ]


class _Keys(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("access", _Access),
        ("can", core.PrintableString, {"implicit": 0, "optional": True}),
        ("aa", core.OctetString, {"implicit": 1, "optional": True}),
        ("ca", core.OctetString, {"implicit": 2, "optional": True}),
    ]


class _File(core.Sequence):  # type: ignore[misc]
    _fields = [("fid", core.Integer), ("content", core.OctetString)]  # noqa: RUF012


class _Files(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _File


class _Image(core.Sequence):  # type: ignore[misc]
    _fields = [("version", core.Integer), ("keys", _Keys), ("files", _Files)]  # noqa: RUF012


class _Image1(core.Sequence):  # type: ignore[misc]
    _fields = [("version", core.Integer), ("access", _Access), ("files", _Files)]  # noqa: RUF012


def write(files: Mapping[int, bytes], keys: ImageKeys, version: int = VERSION) -> bytes:
    """The one encoding of these files and keys."""
    access = {name: getattr(keys.access, name) for name in ("document_number", "birth", "expiry")}
    listed = [{"fid": int(fid), "content": content} for fid, content in files.items()]
    if version == VERSION_1:
        return bytes(_Image1({"version": version, "access": access, "files": listed}).dump())
    there = {name: getattr(keys, name) for name in ("can", "aa", "ca") if getattr(keys, name) is not None}
    return bytes(_Image({"version": version, "keys": {"access": access, **there}, "files": listed}).dump())


def read(data: bytes) -> tuple[dict[int, bytes], ImageKeys]:
    """Files and keys of bytes that `write` made. Raises ImageError for anything else."""
    try:
        der.check_strict(data, MAX_BYTES)
        version = _version(data)
        files, keys = _parsed(data, version)
        same = write(files, keys, version) == data
    except ImageError:
        raise
    except (DocumentError, ValueError, TypeError) as exc:
        raise ImageError(str(exc)) from exc
    if not same:
        raise ImageError("not the encoding of an image")
    return files, keys


def _version(data: bytes) -> int:
    elements = der.many(der.one(data, 0x30, MAX_BYTES).value)
    for version in (VERSION, VERSION_1):
        if elements and elements[0].raw == der.tlv(0x02, bytes([version])):
            return version
    raise ImageError("an image of another version")


def _parsed(data: bytes, version: int) -> tuple[dict[int, bytes], ImageKeys]:
    parsed: Any = (_Image1 if version == VERSION_1 else _Image).load(data, strict=True)
    files = {file["fid"].native: file["content"].native for file in parsed["files"]}
    if version == VERSION_1:
        return files, ImageKeys(BacKeys(**parsed["access"].native))
    keys = dict(parsed["keys"].native)
    return files, ImageKeys(BacKeys(**keys.pop("access")), **keys)
