"""A box's keys in its TPM: what lies in the folder is of use to this TPM only, and to it only unlocked.

tpm.json       the signing key and the age identity of drafts, as the TPM wrapped them
unlock.json    the secret that uses them, sealed for each officer (`firmware.box.unlock`)
officers.age   the staff with their PINs' hashes: whoever could read them would guess a PIN in an hour
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyrage
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.tpm.blob import Blob
from drivers.tpm.tpm import Tpm
from firmware.box.errors import IdentityError
from firmware.box.officers import Officer, officers_in, officers_text
from firmware.box.unlock import UNLOCK, Unlocking, tpm_trouble
from firmware.records.format.signing import ExternalKey
from firmware.uplink.client import anonymous_tls
from firmware.uplink.durable import replace_durably, sync_folder, write_durably

KEYS, OFFICERS = "tpm.json", "officers.age"
SIGNING, DRAFTS = "signing", "drafts"
WHOLE_TPM = "the TPM"


@dataclass(frozen=True)
class TpmKeys:
    """The same questions as `FileKeys` answers; each may raise StoreLocked and KeysGone."""

    folder: Path
    tpm: Tpm
    runtime: Path

    @classmethod
    def make(cls, folder: Path, tpm: Tpm, runtime: Path, badge: str, pin: str) -> TpmKeys:
        """New keys that `badge` unlocks, on the disk when this returns. Raises IdentityError, KeysGone."""
        unlocking = Unlocking.begin(folder, tpm, runtime, badge, pin)
        secret = unlocking.secret()
        with tpm_trouble():
            drafts = str(pyrage.x25519.Identity.generate()).encode()
            made = {SIGNING: tpm.new_key(secret), DRAFTS: tpm.seal(drafts, secret, guarded=False)}
        text = json.dumps({name: blob.to_json() for name, blob in made.items()}, indent=1)
        write_durably(folder / KEYS, text.encode())
        sync_folder(folder)
        unlocking.arm()
        return cls(folder, tpm, runtime)

    @cached_property
    def unlocking(self) -> Unlocking:
        return Unlocking(self.folder, self.tpm, self.runtime)

    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """It signs while the box is unlocked."""
        with tpm_trouble():
            key = self.tpm.key(self._blob(SIGNING), self.unlocking.secret)

        def sign_digest(digest: bytes) -> bytes:
            with tpm_trouble():
                return key.sign_digest(digest)

        return ExternalKey(key.public_key, sign_digest)

    def drafts(self) -> pyrage.x25519.Identity:
        return self._drafts

    @cached_property
    def _drafts(self) -> pyrage.x25519.Identity:
        with tpm_trouble():
            secret = self.tpm.unseal(self._blob(DRAFTS), self.unlocking.secret())
        return pyrage.x25519.Identity.from_str(secret.decode())

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """One for all lines of this process: a renewed certificate reaches each of them."""
        try:
            context = anonymous_tls(self.folder / "tls-ca.pem")
        except OSError as exc:
            raise IdentityError(f"{self.folder}: tls-ca.pem cannot be used ({exc})") from exc
        with suppress(OSError):  # there is none yet, or no more
            context.load_cert_chain(self.line)
        return context

    @property
    def line(self) -> Path:
        """Certificate and key that the line to the centre shows: in memory, of a few days."""
        return self.unlocking.beside("tls")

    def tls(self) -> ssl.SSLContext:
        """Without a certificate until `firmware.box.renewal` has fetched a short-lived one."""
        return self._tls

    def officers(self) -> Mapping[str, Officer]:
        path = self.folder / OFFICERS
        if not path.exists():
            return {}
        try:
            return officers_in(pyrage.decrypt(path.read_bytes(), [self.drafts()]), path)
        except pyrage.DecryptError as exc:
            raise IdentityError(f"{path} was not written by this box") from exc

    def keep_officers(self, officers: list[Officer]) -> None:
        text = officers_text(officers).encode()
        replace_durably(self.folder / OFFICERS, pyrage.encrypt(text, [self.drafts().to_public()]))

    def prove(self) -> None:
        """This TPM made these keys; while the box is unlocked, it also uses them."""
        with tpm_trouble():
            for name in (SIGNING, DRAFTS):
                self.tpm.prove(self._blob(name))
        self.unlocking.badges()
        self.tls()

    def erase(self) -> tuple[str, ...]:
        """Clear the TPM and remove its files; the names of what was there. Raises StoreLocked.

        Again after a crash in the middle: what is left.
        """
        if self._is_alive():
            self.unlocking.clear()
        self.unlocking.lock()
        self.line.unlink(missing_ok=True)
        gone = tuple(name for name in (KEYS, UNLOCK, OFFICERS) if (self.folder / name).exists())
        for name in gone:
            (self.folder / name).unlink()
        sync_folder(self.folder)
        return (WHOLE_TPM, *gone)

    def _is_alive(self) -> bool:
        """Whether this TPM still knows these keys."""
        try:
            with tpm_trouble():
                self.tpm.prove(self._blob(SIGNING))
        except IdentityError:
            return False
        return True

    def _blob(self, name: str) -> Blob:
        return Blob.from_json(self._kept.get(name))

    @cached_property
    def _kept(self) -> Mapping[str, Any]:
        path = self.folder / KEYS
        try:
            kept = json.loads(path.read_bytes())
        except (OSError, ValueError) as exc:
            raise IdentityError(f"{path} cannot be read: enrol this box at the centre") from exc
        return kept if isinstance(kept, dict) else {}
