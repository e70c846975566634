"""A box's folder: its key and certificate, whom it trusts, and the key that its drafts are wrapped to.

    box.key.pem, box.crt.pem   the box; the certificate's CN is its id
    tls-ca.pem csca.pem box-ca.pem receipt.pem extract.pem   trust anchors
    recipients.txt recovery.txt  age recipients: the centre, the station's recovery
    identity.json              {"box", "epoch", "development"}
    drafts.age                 age identity of this box's drafts and extract, made at the first start

File keys serve virtual and training stations only.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from firmware.records.format.signing import Signer
from firmware.records.keys import BoxKeys
from firmware.uplink.client import tls_context
from firmware.uplink.durable import sync_folder


class IdentityError(Exception):
    """The box's folder does not hold a usable identity; the message says what is missing."""


@dataclass(frozen=True)
class Identity:
    """What is read from `folder`; nothing is read before it is asked for."""

    folder: Path

    @cached_property
    def about(self) -> dict[str, Any]:
        try:
            about = json.loads(self._read("identity.json"))
        except ValueError as exc:
            raise IdentityError(f"{self.folder / 'identity.json'} is not JSON") from exc
        if not isinstance(about, dict) or not {"box", "epoch", "development"} <= set(about):
            raise IdentityError(f"{self.folder / 'identity.json'} lacks box, epoch or development")
        return about

    @property
    def box(self) -> str:
        return str(self.about["box"])

    @property
    def epoch(self) -> int:
        return int(self.about["epoch"])

    @property
    def development(self) -> bool:
        return bool(self.about["development"])

    def certificate(self, name: str) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(self._read(f"{name}.pem"))
        except ValueError as exc:
            raise IdentityError(f"{self.folder / name}.pem is not a certificate") from exc

    def tls(self) -> ssl.SSLContext:
        """The context that shows this box to the centre."""
        try:
            return tls_context(
                self.folder / "tls-ca.pem", self.folder / "box.crt.pem", self.folder / "box.key.pem"
            )
        except OSError as exc:
            raise IdentityError(f"{self.folder}: the TLS files cannot be used ({exc})") from exc

    def keys(self, simulated: bool) -> BoxKeys:
        """What records are signed, wrapped and sealed with."""
        return BoxKeys(
            signer=self._signer(),
            box_ca=self.certificate("box-ca"),
            receipt_certificate=self.certificate("receipt"),
            centre_recipients=self._recipients("recipients.txt"),
            identity=self.unlocking(),
            recovery_recipient=self._recipients("recovery.txt")[0],
            simulated=simulated,
        )

    def _signer(self) -> Signer:
        key = load_pem_private_key(self._read("box.key.pem"), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityError(f"{self.folder / 'box.key.pem'} is not an elliptic-curve key")
        return Signer(key, self.certificate("box.crt"))

    def _recipients(self, name: str) -> tuple[str, ...]:
        lines = tuple(line for line in self._read(name).decode().split() if line.startswith("age1"))
        if not lines:
            raise IdentityError(f"{self.folder / name} names no age recipient")
        return lines

    def unlocking(self) -> pyrage.x25519.Identity:
        """What opens the keys of this box's drafts and of its registry extract; made when first asked for."""
        path = self.folder / "drafts.age"
        if not path.exists():
            self._make_unlocking(path)
        return pyrage.x25519.Identity.from_str(path.read_text().strip())

    def _make_unlocking(self, path: Path) -> None:
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

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as exc:
            raise IdentityError(
                f"{self.folder / name} cannot be read ({exc.strerror}): enrol this box at the centre"
            ) from exc
