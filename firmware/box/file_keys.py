"""A box's keys in files of its folder: for virtual and training stations only."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from secrets import token_hex

import pyrage
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from firmware.box.errors import IdentityError
from firmware.box.officers import Officer, read_officers, write_officers
from firmware.uplink.client import tls_context
from firmware.uplink.durable import sync_folder, write_durably

KEY, DRAFTS, OFFICERS = "box.key.pem", "drafts.age", "officers.json"


@dataclass(frozen=True)
class FileKeys:
    """`box.key.pem`, `drafts.age`, and the staff with their PINs' hashes in `officers.json`."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> FileKeys:
        """A new key in `folder`, on the disk when this returns."""
        key = ec.generate_private_key(ec.SECP256R1())
        write_durably(folder / KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return cls(folder)

    def private_key(self) -> ec.EllipticCurvePrivateKey:
        path = self.folder / KEY
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as exc:
            raise IdentityError(
                f"{path} cannot be read ({exc.strerror}): enrol this box at the centre"
            ) from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityError(f"{path} is not an elliptic-curve key")
        return key

    def drafts(self) -> pyrage.x25519.Identity:
        """Made when first asked for."""
        path = self.folder / DRAFTS
        if not path.exists():
            self._make_drafts(path)
        return pyrage.x25519.Identity.from_str(path.read_text().strip())

    def tls(self) -> ssl.SSLContext:
        """One for all lines of this process: a renewed certificate reaches each of them."""
        return self._tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        try:
            return tls_context(self.folder / "tls-ca.pem", self.folder / "box.crt.pem", self.folder / KEY)
        except OSError as exc:
            raise IdentityError(f"{self.folder}: the TLS files cannot be used ({exc})") from exc

    def officers(self) -> Mapping[str, Officer]:
        return read_officers(self.folder / OFFICERS)

    def keep_officers(self, officers: list[Officer]) -> None:
        write_officers(self.folder / OFFICERS, officers)

    def prove(self) -> None:
        """All that a visit needs of these keys is here, now."""
        self.private_key()
        self.drafts()
        self.tls()

    def erase(self) -> tuple[str, ...]:
        """Remove what is secret; the names of what was there."""
        gone = tuple(name for name in (KEY, DRAFTS, OFFICERS) if (self.folder / name).exists())
        for name in gone:
            (self.folder / name).unlink()
        sync_folder(self.folder)
        return gone

    def _make_drafts(self, path: Path) -> None:
        """Whole or not at all, and never over one that another thread has made meanwhile."""
        beside = path.with_name(f"{path.name}.{token_hex(8)}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(f"{pyrage.x25519.Identity.generate()}\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(beside, path)
        finally:
            beside.unlink()
        sync_folder(self.folder)
