"""Sending a sealed record until the centre's signed receipt is in hand.

`send` is one try; what it got across counts. When to try again is `pace.Retry`, on the app's timer.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from firmware.records.format.errors import ReceiptRefused
from firmware.records.format.receipt import SignedReceipt
from firmware.uplink import tus
from firmware.uplink.client import CentreClient
from firmware.uplink.durable import sync_folder, write_durably
from firmware.uplink.errors import (
    CentreRefused,
    CentreUnreachable,
    ReceiptWrong,
    RecordRefused,
    SealedFileDamaged,
)
from firmware.uplink.pace import Pace, Pause

MAX_LINK_BYTES = 512
OF_THE_RECORD = frozenset({"seal", "signature", "schema", "simulated", "other_box"})
"""Reasons that speak of this record. Any other refusal is the line's or the box's, and the record waits."""
LOST_ON_THE_WAY = frozenset({"upload_unknown", "sealed_digest"})

Progress = Callable[[int, int], None]  # bytes the centre has, of bytes in all


class Uploader:
    """Sends sealed files over `client`. `links` is a folder for where half-sent files continue.

    Losing `links` loses only progress. One object belongs to one thread. `most_kbit_s` 0: no cap.
    """

    def __init__(
        self,
        client: CentreClient,
        links: Path,
        receipt_certificate: x509.Certificate,
        most_kbit_s: int = 0,
    ) -> None:
        self._client = client
        self._links = links
        self._certificate = receipt_certificate
        self._most_kbit_s = most_kbit_s
        self._chunk = tus.ChunkSize()

    def send(
        self,
        path: Path,
        record_digest: str,
        sealed_digest: str,
        progress: Progress | None = None,
        pause: Pause | None = None,
    ) -> SignedReceipt:
        """The centre's receipt, its signature and both digests checked, for the sealed file at `path`.

        `pause` waits between portions, and says True when the sending is to stop. Raises CentreUnreachable
        (try later: goes on where it stopped), RecordRefused, CentreRefused, ReceiptWrong, CentreWrong,
        SealedFileDamaged, Stopped.
        """
        _check_file(path, sealed_digest)
        pace = Pace(self._most_kbit_s, pause or threading.Event().wait, self._client.clock)
        pace.take(0)
        link = _Link(self._links / f"{sealed_digest}.upload")
        receipt = self._earlier(record_digest, sealed_digest) if link.exists() else None
        if receipt is None:
            self._upload(path, link, pace, progress or _nobody)
            receipt = self._deliver(sealed_digest, link)
        checked = self._checked(receipt, record_digest, sealed_digest)
        link.forget()
        return checked

    def _earlier(self, record_digest: str, sealed_digest: str) -> bytes | None:
        """The receipt of an earlier try whose answer was lost on the way."""
        try:
            return self._client.get(f"/v1/records/{record_digest}/receipt?sealed_digest={sealed_digest}")
        except CentreRefused as exc:
            if (exc.status, exc.reason) == (404, "record_unknown"):
                return None
            raise

    def _upload(self, path: Path, link: _Link, pace: Pace, progress: Progress) -> None:
        """Bring the file across, from where the last try stopped."""
        length = path.stat().st_size
        try:
            at = self._begun(link, length)
            with path.open("rb") as file:
                while at < length:
                    before, at = at, tus.append(self._client, pace, link.place, file, at, self._chunk.best)
                    self._chunk.carried(at - before)
                    progress(at, length)
        except tus.UploadGone:
            link.forget()
            raise
        except CentreUnreachable:
            self._chunk.cut()
            raise

    def _begun(self, link: _Link, length: int) -> int:
        """How much the centre has of the upload that `link` names; a new one where it names none."""
        if link.place:
            try:
                return tus.offset(self._client, link.place, length)
            except tus.UploadGone:
                link.forget()
        link.keep(tus.create(self._client, length))
        return 0

    def _deliver(self, sealed_digest: str, link: _Link) -> bytes:
        upload = link.place.rpartition("/")[2]
        try:
            return self._client.post("/v1/records", {"upload": upload, "sealed_digest": sealed_digest})
        except CentreRefused as exc:
            if exc.reason in LOST_ON_THE_WAY:
                link.forget()
                raise CentreUnreachable("the upload was lost at the centre: it is sent afresh") from exc
            if exc.reason in OF_THE_RECORD:
                link.forget()  # the centre has dropped the upload: a later try starts afresh
                raise RecordRefused(exc.status, exc.reason) from exc
            raise

    def _checked(self, body: bytes, record_digest: str, sealed_digest: str) -> SignedReceipt:
        try:
            signed = SignedReceipt.from_json(body)
            receipt = signed.verify(self._certificate)
        except ReceiptRefused as exc:
            raise ReceiptWrong(str(exc)) from exc
        if (receipt.record_digest, receipt.sealed_digest) != (record_digest, sealed_digest):
            raise ReceiptWrong("the receipt is for another record or another file")
        return signed


@dataclass(frozen=True, slots=True)
class _Link:
    """Where one upload continues: its path at the centre, in a file of its own."""

    path: Path

    def exists(self) -> bool:
        return self.path.exists()

    @property
    def place(self) -> str:
        """The path, or nothing when there is none that could be used."""
        try:
            place = self.path.read_bytes()[:MAX_LINK_BYTES].decode("ascii", "replace").strip()
        except FileNotFoundError:
            return ""
        return place if tus.PLACE.fullmatch(place) else ""

    def keep(self, place: str) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(self.path, place.encode())
        sync_folder(self.path.parent)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def _nobody(_done: int, _all: int) -> None:
    """Nobody watches."""


def _check_file(path: Path, sealed_digest: str) -> None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise SealedFileDamaged(f"{path.name} cannot be read: {exc.strerror}") from exc
    if digest != sealed_digest:
        raise SealedFileDamaged(f"{path.name} is not the file that was sealed")
