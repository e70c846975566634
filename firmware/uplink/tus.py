"""tus 1.0 (tus.io/protocols/resumable-upload): create, ask how far it is, go on; SHA-256 on each chunk.

Nothing counts but what the server says in tus: its status, `Tus-Resumable` and `Upload-Offset`. A page of
HTML, a redirect or an empty 200 moves nothing.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urlsplit

from firmware.uplink.client import CentreClient, Reply, check_status
from firmware.uplink.errors import CentreUnreachable, CentreWrong
from firmware.uplink.pace import Pace

VERSION = "1.0.0"
BASE_PATH = "/files"
PLACE = re.compile(r"/files/[0-9A-Za-z_-]{1,100}")
MAX_REPLY_BYTES = 64 * 1024
GONE = frozenset({403, 404, 410})
OUT_OF_STEP = frozenset({409, 460})
"""Another offset than ours (tus 3, PATCH), or a chunk that was damaged on the way (checksum extension)."""
OVERHEAD_BYTES = 450
"""What one chunk costs beside its bytes: the request's head, and TLS."""
SMALLEST, LARGEST = 16 << 10, 1 << 20
STEP = 4 << 10


class UploadGone(CentreUnreachable):
    """The server does not know this upload any more: begin another."""


@dataclass(slots=True)
class ChunkSize:
    """How much to send at once, from how far the line carries between two cuts.

    A cut costs half a chunk, each chunk costs `OVERHEAD_BYTES`: with m bytes between cuts the least is
    wasted at sqrt(2 · m · overhead), and little more on either side of it; each chunk also costs a journey
    there and back, so m is rather thought too large.
    """

    between_cuts: float = 16e6
    since_cut: int = field(default=0, init=False)

    def carried(self, count: int) -> None:
        self.since_cut += count
        self.between_cuts = max(self.between_cuts, self.since_cut)

    def cut(self) -> None:
        self.between_cuts = (self.between_cuts + self.since_cut) / 2
        self.since_cut = 0

    @property
    def best(self) -> int:
        """Bytes, a multiple of STEP."""
        least = math.sqrt(2 * self.between_cuts * OVERHEAD_BYTES)
        return round(min(max(least, SMALLEST), LARGEST) / STEP) * STEP


def create(client: CentreClient, length: int) -> str:
    """Begin an upload of `length` bytes; its path on the server. Raises UplinkError."""
    reply = client.ask(
        "POST", BASE_PATH, _head({"Upload-Length": str(length), "Content-Length": "0"}), most=MAX_REPLY_BYTES
    )
    _need(reply, 201)
    place = urlsplit(reply.headers.get("Location", "")).path
    if not PLACE.fullmatch(place):
        raise CentreWrong("the centre did not say where to send the file")
    return place


def offset(client: CentreClient, place: str, length: int) -> int:
    """How many bytes of the upload at `place` the server has. Raises UploadGone, UplinkError."""
    reply = client.ask("HEAD", place, _head({}), most=MAX_REPLY_BYTES)
    if reply.status in GONE and reply.headers.get("Tus-Resumable") == VERSION:
        raise UploadGone(f"the upload is not known any more ({reply.status})")
    _need(reply, 200)
    if reply.headers.get("Upload-Length", str(length)) != str(length):
        raise UploadGone("the upload is another file's")
    return _offset(reply, length)


def append(client: CentreClient, pace: Pace, place: str, file: BinaryIO, at: int, size: int) -> int:
    """Send the next chunk of `file` from `at`, at most `size` bytes; how many the server has now.

    Raises UploadGone, CentreUnreachable (ask for the offset before going on), CentreWrong, Stopped.
    """
    length = file.seek(0, 2)
    file.seek(at)
    chunk = file.read(min(size, length - at))
    headers = {
        "Upload-Offset": str(at),
        "Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(chunk).digest()).decode()}",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(len(chunk)),
    }
    reply = client.ask("PATCH", place, _head(headers), pace.portions(chunk), most=MAX_REPLY_BYTES)
    if reply.status in OUT_OF_STEP:
        raise CentreUnreachable(f"the upload must go on from elsewhere ({reply.status})")
    if reply.status in GONE and reply.headers.get("Tus-Resumable") == VERSION:
        raise UploadGone(f"the upload is not known any more ({reply.status})")
    _need(reply, 204)
    now = _offset(reply, length)
    if now != at + len(chunk):
        raise CentreWrong("the centre counts other bytes than were sent")
    return now


def _head(headers: Mapping[str, str]) -> dict[str, str]:
    return {"Tus-Resumable": VERSION, **headers}


def _need(reply: Reply, status: int) -> None:
    if reply.status == status and reply.headers.get("Tus-Resumable") == VERSION:
        return
    if reply.status != 200:
        check_status(reply.status, reply.body)
    raise CentreWrong(f"what answered an upload with status {reply.status} does not speak tus")


def _offset(reply: Reply, length: int) -> int:
    stated = reply.headers.get("Upload-Offset", "")
    if not (stated.isascii() and stated.isdigit()) or len(stated) > 20 or int(stated) > length:
        raise CentreWrong("the centre gave no offset of this upload")
    return int(stated)
