"""The sealed records as they came: a file each, on the disk before the database speaks of it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pyrage
from cryptography import x509

from centre.errors import CentreSetupError
from centre.files import make_folder, sync_folder
from firmware.records.format.errors import FormatError
from firmware.records.format.seal import open_sealed


class Archive:
    """The files under `folder`, named by the digest of what is in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[Path] = set()
        """Folders that are on the disk for certain."""

    def keep(self, path: Path, sealed_digest: str) -> bool:
        """Put the sealed file, as it came, among the records; durable when this returns.

        False when the upload is gone: another process was faster.
        """
        folder = self._folder / sealed_digest[:2]
        if folder not in self._known:
            make_folder(folder, mode=0o700)
            sync_folder(self._folder)
            self._known.add(folder)
        try:
            os.link(path, folder / f"{sealed_digest}.age")
        except FileNotFoundError:
            return False
        except FileExistsError:
            pass  # kept by an earlier try, which may have ended before the next line
        sync_folder(folder)
        return True

    def manifest(
        self,
        digests: tuple[str, str],
        identity: pyrage.x25519.Identity,
        box_ca: x509.Certificate,
        at: datetime,
    ) -> dict[str, Any]:
        """What the sealed file of these record and sealed digests says; all of it must hold as it did `at`.

        Raises CentreSetupError when the file is missing, does not open or is another record's.
        """
        record_digest, sealed_digest = digests
        path = self._folder / sealed_digest[:2] / f"{sealed_digest}.age"
        try:
            opened = open_sealed(path.read_bytes(), [identity], box_ca, at)
        except (OSError, FormatError) as exc:
            raise CentreSetupError(f"{path} does not hold the record that arrived") from exc
        if opened.record_digest != record_digest:
            raise CentreSetupError(f"{path} holds another record than the one that arrived")
        return dict(opened.manifest)
