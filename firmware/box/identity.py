"""A box's folder: its key and certificate, whom it trusts, and the key that its drafts are wrapped to.

    box.crt.pem                the certificate's CN is the box's id
    tls-ca.pem csca.pem box-ca.pem receipt.pem extract.pem orders.pem   trust anchors
    recipients.txt recovery.txt service.txt   age recipients: the centre, the station, the service team
    identity.json              {"box", "epoch", "development", "keys": "file" | "tpm"}

Keys are files (`firmware.box.file_keys`), for virtual and training stations only, or in the box's TPM
(`firmware.box.tpm_keys`).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyrage
from cryptography import x509

from config.schema import Config
from drivers.tpm.tpm import Tpm
from firmware.box.errors import IdentityError
from firmware.box.file_keys import FileKeys
from firmware.box.officers import Officer
from firmware.box.tpm_keys import WHOLE_TPM, TpmKeys
from firmware.box.unlock import Unlocking
from firmware.records.format.signing import Signer
from firmware.records.keys import BoxKeys

__all__ = ["Identity", "IdentityError", "identity_of"]


def identity_of(config: Config) -> Identity:
    """The identity of the box of this configuration."""
    folder = Path(config.station.data) / "identity"
    return Identity(folder, config.tpm.tcti, Path(config.tpm.runtime))


@dataclass(frozen=True)
class Identity:
    """What is read from `folder`; nothing is read before it is asked for. `tcti`, `runtime`: `[tpm]`."""

    folder: Path
    tcti: str = ""
    runtime: Path = Path("/run/idkiosk")

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

    @cached_property
    def store(self) -> FileKeys | TpmKeys:
        """Where the keys are. With a TPM whatever uses them may raise StoreLocked and KeysGone."""
        kind = self.about.get("keys", "file")
        if kind == "file":
            return FileKeys(self.folder)
        if kind != "tpm":
            raise IdentityError(f"{self.folder / 'identity.json'}: keys are 'file' or 'tpm', not {kind!r}")
        if not self.tcti:
            raise IdentityError(
                "the keys of this box are in a TPM: name it, [tpm] tcti = 'device:/dev/tpmrm0'"
            )
        return TpmKeys(self.folder, Tpm(self.tcti), self.runtime)

    @property
    def lock(self) -> Unlocking | None:
        """What an officer unlocks after a cold boot; None: these keys are never locked."""
        return self.store.unlocking if isinstance(self.store, TpmKeys) else None

    @property
    def locked(self) -> bool:
        return self.lock is not None and self.lock.locked()

    def certificate(self, name: str) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(self._read(f"{name}.pem"))
        except ValueError as exc:
            raise IdentityError(f"{self.folder / name}.pem is not a certificate") from exc

    def tls(self) -> ssl.SSLContext:
        """The context that shows this box to the centre."""
        return self.store.tls()

    def keys(self, simulated: bool) -> BoxKeys:
        """What records are signed, wrapped and sealed with."""
        return BoxKeys(
            signer=self.signer(),
            box_ca=self.certificate("box-ca"),
            receipt_certificate=self.certificate("receipt"),
            centre_recipients=self._recipients("recipients.txt"),
            identity=self.unlocking(),
            recovery_recipient=self._recipients("recovery.txt")[0],
            simulated=simulated,
        )

    def signer(self) -> Signer:
        """What signs in this box's name: manifests, checkpoints and statements."""
        key, certificate = self.store.private_key(), self.certificate("box.crt")
        if key.public_key() != certificate.public_key():
            raise IdentityError(f"{self.folder / 'box.crt.pem'} is not of this box's key")
        return Signer(key, certificate)

    def unlocking(self) -> pyrage.x25519.Identity:
        """What opens the keys of this box's drafts and of its registry extract."""
        return self.store.drafts()

    def officers(self) -> Mapping[str, Officer]:
        """The staff by badge. Raises OfficersError."""
        return self.store.officers()

    def keep_officers(self, officers: list[Officer]) -> None:
        """Write the list of staff."""
        self.store.keep_officers(officers)

    def prove(self, simulated: bool) -> None:
        """Raise IdentityError or OfficersError for what a visit would miss; a locked box may be proven."""
        self.store.prove()
        self.signer()
        _ = (self.certificate("box-ca"), self.certificate("receipt"), self._recipients("recipients.txt"))
        _ = (self._recipients("recovery.txt"), self.certificate("csca"), self.certificate("extract"))
        _ = (self.box, self.epoch)
        if not self.locked:
            self.officers()
            self.keys(simulated)

    @property
    def beyond_files(self) -> tuple[str, ...]:
        """What `erase` destroys that is no file of the folder."""
        return (WHOLE_TPM,) if isinstance(self.store, TpmKeys) else ()

    def erase(self) -> tuple[str, ...]:
        """Destroy the keys, for good; names of what was destroyed."""
        return self.store.erase()

    def _recipients(self, name: str) -> tuple[str, ...]:
        lines = tuple(line for line in self._read(name).decode().split() if line.startswith("age1"))
        if not lines:
            raise IdentityError(f"{self.folder / name} names no age recipient")
        return lines

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as exc:
            raise IdentityError(
                f"{self.folder / name} cannot be read ({exc.strerror}): enrol this box at the centre"
            ) from exc
