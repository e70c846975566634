"""The drafts' vault: every part of an unsealed record, encrypted under the record's own key.

    drafts/<record id>/key.age            AES-256 key, wrapped (age) to the box and the station's recovery key
    drafts/<record id>/00007.<sha256>     entry 7: nonce ‖ AES-256-GCM, named by SHA-256 of these bytes
    drafts/<record id>/ticket.12345678    empty: which ticket it waits under, should nothing else be readable

An entry says what it is (`Entry.about`), so that a lost database can be rebuilt from the files. Destroying
the key destroys the draft.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pyrage
import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from firmware.records import disk
from firmware.records.errors import StoreDamaged

T = TypeVar("T")

KEY = "key.age"
TICKET = "ticket."
NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2
_RECORD = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ENTRY = re.compile(r"(\d{5})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """`about` is a small JSON object with a `kind`; `data` are the bytes it speaks of."""

    about: Mapping[str, Any]
    data: bytes


def read_entry(path: Path) -> bytes:
    """An entry's bytes as they lie there, checked against its name: needs no key. Raises StoreDamaged."""
    match = _ENTRY.fullmatch(path.name)
    if match is None or not path.exists():
        raise StoreDamaged("read a draft: a file is missing")
    sealed = disk.read(path)
    if sha256(sealed).hexdigest() != match[2]:
        raise StoreDamaged("read a draft: a file is not what was written")
    return sealed


class Vault:
    """Encrypted draft files under `folder`. Durable when a call returns."""

    def __init__(
        self, folder: Path, identity: pyrage.x25519.Identity, recipients: Iterable[str] = ()
    ) -> None:
        """`identity` opens keys: the box's, or the station's recovery key; `recipients` get new ones."""
        self._folder = folder
        self._identity = identity
        self._recipients = [pyrage.x25519.Recipient.from_str(line) for line in recipients]
        self._keys: dict[str, AESGCM] = {}
        self._lock = threading.Lock()
        disk.make_folder(folder)

    def create(self, record_id: str) -> None:
        """Make the folder and the wrapped key of a new record."""
        key = AESGCM.generate_key(256)
        disk.make_folder(self._folder / record_id)
        wrapped = pyrage.encrypt(key, [self._identity.to_public(), *self._recipients])
        disk.write(self._folder / record_id / KEY, wrapped)
        self._keys[record_id] = AESGCM(key)

    def put(self, record_id: str, about: Mapping[str, Any], data: bytes = b"") -> str:
        """Store an entry and return its file name; refer to it only after this returns."""
        header = rfc8785.dumps(dict(about))
        nonce = os.urandom(NONCE_BYTES)
        plain = len(header).to_bytes(4, "big") + header + data
        with self._lock:
            sealed = nonce + self._key(record_id).encrypt(nonce, plain, record_id.encode())
            name = f"{self._next(record_id):05d}.{sha256(sealed).hexdigest()}"
            disk.write(self._folder / record_id / name, sealed)
        return name

    def get(self, record_id: str, name: str) -> Entry:
        """Raises StoreDamaged when the file or the key is gone, or not what was written."""
        sealed = read_entry(self._folder / record_id / name)
        try:
            plain = self._key(record_id).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], record_id.encode()
            )
        except InvalidTag as exc:
            raise StoreDamaged("read a draft: a file belongs to another key") from exc
        start = 4 + int.from_bytes(plain[:4], "big")
        return Entry(json.loads(plain[4:start]), plain[start:])

    def take(self, record_id: str, source: Path, opener: pyrage.x25519.Identity) -> None:
        """Copy another vault's draft from `source` as it lies; its key is wrapped to this vault's readers.

        `opener` opens the other vault's key. The key comes last: a draft without one was not taken. Raises
        StoreDamaged for a file that is not what was written, and for a key that `opener` does not open; then
        what could be copied lies here, with the key as it came.
        """
        if not (self._folder / record_id).is_dir():
            disk.make_folder(self._folder / record_id)
        paths = _foreign(lambda: sorted(path for path in source.iterdir() if path.suffix != disk.TEMPORARY))
        with disk.Batch() as batch:
            entries = [path for path in paths if path.name != KEY]
            damaged = [path.name for path in entries if not self._copy(batch, path, record_id)]
        wrapped = _foreign((source / KEY).read_bytes)
        try:
            key = pyrage.decrypt(wrapped, [opener])
            self._keys[record_id] = AESGCM(key)
        except (pyrage.DecryptError, ValueError) as exc:
            disk.write(self._folder / record_id / KEY, wrapped)
            raise StoreDamaged("open the key of a draft to take over") from exc
        readers = [self._identity.to_public(), *self._recipients]
        disk.write(self._folder / record_id / KEY, pyrage.encrypt(key, readers))
        if damaged:
            raise StoreDamaged(f"take over a draft: {len(damaged)} files are not what was written")

    def _copy(self, batch: disk.Batch, path: Path, record_id: str) -> bool:
        """Whether the entry is whole; a damaged one is copied too, for whoever looks into it."""
        data = _foreign(path.read_bytes)
        batch.add(self._folder / record_id / path.name, data)
        match = _ENTRY.fullmatch(path.name)
        return match is None or sha256(data).hexdigest() == match[2]

    def mark(self, record_id: str, ticket: str) -> None:
        """Write the ticket beside the draft, so that a draft which cannot be read can still be named."""
        name = f"{TICKET}{''.join(filter(str.isdigit, ticket))}"
        if not (self._folder / record_id / name).exists():
            disk.make_folder(self._folder / record_id)  # all of the draft may be gone
            disk.write(self._folder / record_id / name, b"")

    def ticket(self, record_id: str) -> str:
        """The ticket of `mark`, eight digits; "" where there is none."""
        found = (path.name.removeprefix(TICKET) for path in self._paths(record_id))
        return next((digits for digits in found if digits.isdigit()), "")

    def names(self, record_id: str) -> list[str]:
        """The entries' file names in the order they were put."""
        return sorted(path.name for path in self._paths(record_id) if _ENTRY.fullmatch(path.name))

    def records(self) -> list[str]:
        """The record ids that have a folder here."""
        with disk.translated("list the drafts"):
            return sorted(path.name for path in self._folder.iterdir() if _RECORD.fullmatch(path.name))

    def forget(self, record_id: str, names: Iterable[str]) -> None:
        """Remove entries that nothing refers to any more."""
        disk.remove(*(self._folder / record_id / name for name in names))

    def sweep(self, record_id: str) -> None:
        """Remove the half-written files of a crash."""
        self.forget(record_id, (p.name for p in self._paths(record_id) if p.suffix == disk.TEMPORARY))

    def set_aside(self, record_id: str) -> None:
        """Keep a folder that cannot be read out of the way, for the recovery key: `<record id>.lost`.

        Where one lies there already, of an earlier try, that one is kept.
        """
        self._keys.pop(record_id, None)
        if (self._folder / f"{record_id}.lost").exists():
            self.destroy(record_id)
            return
        with disk.translated("set a draft aside"):
            (self._folder / record_id).rename(self._folder / f"{record_id}.lost")

    def destroy(self, record_id: str) -> None:
        """Destroy the key first, then the files; does nothing where there is no folder."""
        self._keys.pop(record_id, None)
        folder = self._folder / record_id
        if not folder.is_dir():
            return
        disk.overwrite_and_remove(folder / KEY)
        self.forget(record_id, [path.name for path in self._paths(record_id)])
        with disk.translated("remove a draft's folder"):
            folder.rmdir()

    def _key(self, record_id: str) -> AESGCM:
        if record_id not in self._keys:
            path = self._folder / record_id / KEY
            if not path.exists():
                raise StoreDamaged("open a draft's key: it is gone")
            try:
                self._keys[record_id] = AESGCM(pyrage.decrypt(disk.read(path), [self._identity]))
            except (pyrage.DecryptError, ValueError) as exc:
                raise StoreDamaged("open a draft's key: damaged, or another box's") from exc
        return self._keys[record_id]

    def _next(self, record_id: str) -> int:
        names = self.names(record_id)
        return int(names[-1][:5]) + 1 if names else 1

    def _paths(self, record_id: str) -> list[Path]:
        folder = self._folder / record_id
        with disk.translated("list a draft"):
            return sorted(folder.iterdir()) if folder.is_dir() else []


def _foreign(read: Callable[[], T]) -> T:
    """Read from another box's disk. Raises StoreDamaged where it fails: that is no fault of this box."""
    try:
        return read()
    except OSError as exc:
        raise StoreDamaged("read a draft to take over") from exc
