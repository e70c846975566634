"""Where half-sent records lie: a folder for each box, and nothing counts before it is on the disk.

`<folder>/<box>/<upload id>.part` holds the bytes and `….json` what is agreed about them. A chunk is
written and fsynced before its offset is; after a power cut the bytes beyond the offset are ignored
and written again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from resumable_upload.storage import Storage

from centre.files import make_folder, sync_folder, write_new, write_whole


class BoxUploads(Storage):  # type: ignore[misc]
    """The uploads of one box. Another box's cannot be named here: this storage has only one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create_upload(
        self,
        upload_id: str,
        upload_length: int | None,
        metadata: dict[str, str],
        expires_at: datetime | None = None,
        is_partial: bool = False,
    ) -> None:
        """Start an upload of a known length. Its metadata is not kept: the seal says what it is."""
        del metadata
        if upload_length is None or is_partial:
            raise ValueError("an upload has a known length and is whole")
        make_folder(self._folder, mode=0o700)
        state = {
            "length": upload_length,
            "offset": 0,
            "expires_at": expires_at.isoformat() if expires_at else None,
        }
        write_new(self._state(upload_id), json.dumps(state).encode(), mode=0o600)

    def get_upload(self, upload_id: str) -> dict[str, Any] | None:
        try:
            state = json.loads(self._state(upload_id).read_bytes())
        except FileNotFoundError:
            return None
        expires = state["expires_at"]
        return {
            "upload_id": upload_id,
            "upload_length": state["length"],
            "offset": state["offset"],
            "metadata": {},
            "completed": state["offset"] >= state["length"],
            "expires_at": datetime.fromisoformat(expires) if expires else None,
            "is_partial": False,
            "concat_partial_ids": None,
        }

    def write_chunk(self, upload_id: str, offset: int, data: bytes) -> None:
        """Write a chunk whose checksum held; on the disk when this returns (its name: with the offset)."""
        with self._opened(upload_id) as file:
            file.seek(offset)
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def update_offset(self, upload_id: str, offset: int) -> None:
        with self._locked(upload_id):
            self._change(upload_id, offset=offset)

    def update_offset_atomic(self, upload_id: str, expected_offset: int, new_offset: int) -> bool:
        """Move the offset unless another writer did; False then."""
        with self._locked(upload_id):
            upload = self.get_upload(upload_id)
            if upload is None or upload["offset"] != expected_offset:
                return False
            self._change(upload_id, offset=new_offset)
            return True

    def complete_upload(self, upload_id: str) -> bool:
        """Whether all bytes are there: the offset says so, nothing else is kept."""
        return self.completed(upload_id) is not None

    def delete_upload(self, upload_id: str) -> None:
        self._part(upload_id).unlink(missing_ok=True)
        self._state(upload_id).unlink(missing_ok=True)
        if self._folder.is_dir():
            sync_folder(self._folder)

    def read_file(self, upload_id: str) -> bytes:
        return self._part(upload_id).read_bytes()

    def open_file(self, upload_id: str) -> BinaryIO:
        return self._part(upload_id).open("rb")

    def get_file_path(self, upload_id: str) -> str:
        return str(self._part(upload_id))

    def get_expired_uploads(self) -> list[str]:
        now = datetime.now(UTC)
        names = [path.stem for path in self._folder.glob("*.json")]
        found = [self.get_upload(name) for name in names]
        return [
            upload["upload_id"]
            for upload in found
            if upload and upload["expires_at"] and upload["expires_at"] < now
        ]

    def cleanup_expired_uploads(self) -> int:
        expired = self.get_expired_uploads()
        for upload_id in expired:
            self.delete_upload(upload_id)
        return len(expired)

    def completed(self, upload_id: str) -> Path | None:
        """The file of an upload that has arrived whole, or None."""
        upload = self.get_upload(upload_id)
        return self._part(upload_id) if upload and upload["completed"] else None

    def make_room(self, most: int) -> None:
        """Forget the uploads that stood still longest, so that fewer than `most` are left.

        A box that lost its notes would otherwise lock itself out; the sealed files are still on it.
        """
        states = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in states[: max(0, len(states) - most + 1)]:
            self.delete_upload(path.stem)

    def _part(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.part"

    def _state(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.json"

    def _change(self, upload_id: str, **changes: object) -> None:
        path = self._state(upload_id)
        write_whole(path, json.dumps(json.loads(path.read_bytes()) | changes).encode(), mode=0o600)

    @contextmanager
    def _locked(self, upload_id: str) -> Iterator[None]:
        """Alone with this upload, against other processes too."""
        with self._opened(upload_id) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _opened(self, upload_id: str) -> BinaryIO:
        """The part file, for reading and writing anywhere in it; made if it is not there yet."""
        handle = os.open(self._part(upload_id), os.O_RDWR | os.O_CREAT, 0o600)
        return os.fdopen(handle, "r+b")
