"""Where half-sent records lie: a folder for each box, and no byte counts before it is on the disk.

`<folder>/<box>/<upload id>.part` holds the bytes and `….json` what is agreed about them. A chunk is
fsynced before its offset is written. The offset itself is not: a power cut may take it back, or lose a young
upload whole, and the box sends those bytes again; it never leaves an offset without its bytes. Any number of
processes may serve the folder: who writes to an upload holds the lock of its file.
"""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from resumable_upload.locks import LockBackend
from resumable_upload.storage import Storage

from centre.files import make_folder, replace_quickly

NO_FILE = "none"


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
        self._keep_state(upload_id, state)
        self._part(upload_id).touch(mode=0o600)

    def get_upload(self, upload_id: str) -> dict[str, Any] | None:
        state = self._read_state(upload_id)
        if state is None or not self._holds(upload_id, state["offset"]):
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
            os.fdatasync(file.fileno())

    def update_offset(self, upload_id: str, offset: int) -> None:
        state = self._read_state(upload_id)
        if state is not None:
            self._keep_state(upload_id, state | {"offset": offset})

    def update_offset_atomic(self, upload_id: str, expected_offset: int, new_offset: int) -> bool:
        """Move the offset unless another writer did; False then. Whoever asks holds the upload's lock."""
        state = self._read_state(upload_id)
        if state is None or state["offset"] != expected_offset:
            return False
        self._keep_state(upload_id, state | {"offset": new_offset})
        return True

    def complete_upload(self, upload_id: str) -> bool:
        """Whether all bytes are there: the offset says so, nothing else is kept."""
        return self.completed(upload_id) is not None

    def delete_upload(self, upload_id: str) -> None:
        """Forget it. A power cut may bring it back; then it goes when its time is over."""
        self._part(upload_id).unlink(missing_ok=True)
        self._state(upload_id).unlink(missing_ok=True)

    def read_file(self, upload_id: str) -> bytes:
        return self._part(upload_id).read_bytes()

    def open_file(self, upload_id: str) -> BinaryIO:
        return self._part(upload_id).open("rb")

    def get_file_path(self, upload_id: str) -> str:
        return str(self._part(upload_id))

    def get_expired_uploads(self) -> list[str]:
        now = datetime.now(UTC).isoformat()
        states = {path.stem: self._read_state(path.stem) for path in self._folder.glob("*.json")}
        return [name for name, state in states.items() if not state or (state["expires_at"] or now) < now]

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
        states = sorted(self._folder.glob("*.json"), key=_changed_ns)
        for path in states[: max(0, len(states) - most + 1)]:
            self.delete_upload(path.stem)

    def _part(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.part"

    def _state(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.json"

    def _read_state(self, upload_id: str) -> dict[str, Any] | None:
        """What is agreed, or None when there is no such upload or a power cut left its file empty."""
        try:
            state: dict[str, Any] = json.loads(self._state(upload_id).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return state

    def _keep_state(self, upload_id: str, state: dict[str, Any]) -> None:
        replace_quickly(self._state(upload_id), json.dumps(state).encode(), mode=0o600)

    def _holds(self, upload_id: str, offset: int) -> bool:
        try:
            return self._part(upload_id).stat().st_size >= offset
        except FileNotFoundError:
            return False

    def _opened(self, upload_id: str) -> BinaryIO:
        """The part file, for reading and writing anywhere in it; made if it is not there yet."""
        handle = os.open(self._part(upload_id), os.O_RDWR | os.O_CREAT, 0o600)
        return os.fdopen(handle, "r+b")


class UploadLocks(LockBackend):  # type: ignore[misc]
    """One writer an upload, over all processes: the kernel's lock on its file, gone with its holder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def acquire(self, key: str, ttl_seconds: float, wait_timeout: float = 0.0) -> str | None:
        """A token, or None at once when another holds it: the box asks again (423). Nothing waits here."""
        del ttl_seconds, wait_timeout
        try:
            handle = os.open(self._folder / f"{key}.part", os.O_RDWR)
        except FileNotFoundError:
            return NO_FILE  # there is nothing to write to, and the caller will find that out
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return str(handle)

    def release(self, key: str, token: str) -> None:
        del key
        if token != NO_FILE:
            os.close(int(token))


def _changed_ns(path: Path) -> int:
    """When a state last moved; 0 when another process has just removed it."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
