"""Sending a sealed record until the centre's signed receipt is in hand (tus 1.0).

`send` is one try; what it got across counts. When to try again is `backoff_s`, on the app's timer.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from resumable_upload import TusClient
from resumable_upload.exceptions import TusCommunicationError
from resumable_upload.url_storage import URLStorage

from firmware.records.format.errors import ReceiptRefused
from firmware.records.format.receipt import SignedReceipt
from firmware.uplink.client import CentreClient, check_status, wire_error
from firmware.uplink.durable import sync_folder, write_durably
from firmware.uplink.errors import (
    CentreRefused,
    CentreUnreachable,
    CentreWrong,
    SealedFileDamaged,
    Stopped,
    UplinkError,
)

CHUNK_BYTES = 256 * 1024
MAX_LINK_BYTES = 512
FORGOTTEN = frozenset({404, 409, 410, 460})  # upload gone or out of step: begin or resume next time

Progress = Callable[[int, int], None]  # bytes the centre has, of bytes in all


def backoff_s(tries: int, random: Callable[[], float], base_s: float = 2.0, cap_s: float = 300.0) -> float:
    """Seconds to wait after `tries` failed ones (from 1): full jitter under a doubling, capped ceiling.

    `random` gives 0..1; every box draws its own, so that they do not all come back at once.
    """
    ceiling = min(cap_s, base_s * 2.0 ** min(max(tries, 1) - 1, 30))
    return random() * ceiling


class Uploader:
    """Sends sealed files over `client`. `links` is a folder for where half-sent files continue.

    Losing `links` loses only progress. One object belongs to one thread; `stop` may be set by another.
    """

    def __init__(
        self,
        client: CentreClient,
        links: Path,
        receipt_certificate: x509.Certificate,
        stop: threading.Event | None = None,
    ) -> None:
        self._client = client
        self._links = links
        self._certificate = receipt_certificate
        self._stop = stop or threading.Event()

    def send(
        self,
        path: Path,
        record_digest: str,
        sealed_digest: str,
        progress: Progress | None = None,
    ) -> SignedReceipt:
        """The centre's receipt, its signature and both digests checked, for the sealed file at `path`.

        Raises CentreUnreachable (try later: goes on where it stopped), CentreRefused, CentreWrong,
        SealedFileDamaged, Stopped.
        """
        _check_file(path, sealed_digest)
        link = _Link(self._links / f"{sealed_digest}.upload", self._client.url)
        receipt = self._earlier(record_digest, sealed_digest) if link.exists() else None
        if receipt is None:
            upload = self._upload(path, sealed_digest, link, progress)
            receipt = self._deliver(upload, sealed_digest, link)
        checked = self._checked(receipt, record_digest, sealed_digest)
        link.forget()
        return checked

    def _earlier(self, record_digest: str, sealed_digest: str) -> bytes | None:
        """The receipt of an earlier try whose answer was lost on the way."""
        try:
            return self._client.get(f"/v1/records/{record_digest}/receipt?sealed_digest={sealed_digest}")
        except CentreRefused as exc:
            if exc.status == 404:
                return None
            raise

    def _upload(self, path: Path, sealed_digest: str, link: _Link, progress: Progress | None) -> str:
        """Bring the file across; the upload's id."""
        tus = TusClient(
            f"{self._client.url}/files",
            chunk_size=CHUNK_BYTES,
            checksum="sha256",
            timeout=self._client.timeouts.step_s,
            max_retries=0,
            store_url=True,
            url_storage=link,
            fingerprinter=_Constant(sealed_digest),
            before_request=self._go_on,
        )
        tus.ssl_context = self._client.tls
        with path.open("rb") as file:
            try:
                url = tus.upload_file(
                    file_stream=file,
                    progress_callback=lambda stats: (
                        progress(stats.uploaded_bytes, stats.total_bytes) if progress else None
                    ),
                )
            except TusCommunicationError as exc:
                raise _tus_error(exc) from exc
            except (ConnectionError, TimeoutError, HTTPException) as exc:
                raise wire_error(exc) from exc
        return str(urlsplit(url).path.rpartition("/")[2])

    def _deliver(self, upload: str, sealed_digest: str, link: _Link) -> bytes:
        try:
            return self._client.post("/v1/records", {"upload": upload, "sealed_digest": sealed_digest})
        except CentreRefused:
            link.forget()  # the centre has dropped the upload: a later try starts afresh
            raise

    def _checked(self, body: bytes, record_digest: str, sealed_digest: str) -> SignedReceipt:
        try:
            signed = SignedReceipt.from_json(body)
            receipt = signed.verify(self._certificate)
        except ReceiptRefused as exc:
            raise CentreWrong(str(exc)) from exc
        if (receipt.record_digest, receipt.sealed_digest) != (record_digest, sealed_digest):
            raise CentreWrong("the receipt is for another record or another file")
        return signed

    def _go_on(self, _method: str, _url: str, _headers: dict[str, str]) -> None:
        if self._stop.is_set():
            raise Stopped("the upload was stopped")


class _Link(URLStorage):  # type: ignore[misc]
    """Where one upload continues: the path of its URL, in a file of its own."""

    def __init__(self, path: Path, base: str) -> None:
        self._path = path
        self._base = base

    def exists(self) -> bool:
        return self._path.exists()

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)

    def get_url(self, fingerprint: str) -> str | None:
        del fingerprint
        try:
            path = self._path.read_bytes()[:MAX_LINK_BYTES].decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None
        return self._base + path if path.startswith("/files/") else None

    def set_url(self, fingerprint: str, url: str) -> None:
        del fingerprint
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(self._path, urlsplit(url).path.encode())
        sync_folder(self._path.parent)

    def remove_url(self, fingerprint: str) -> None:
        del fingerprint
        self.forget()


@dataclass(frozen=True, slots=True)
class _Constant:
    """Names the file by the digest that we know already."""

    value: str

    def get_fingerprint(self, _file: object) -> str:
        return self.value


def _tus_error(error: TusCommunicationError) -> UplinkError:
    status = error.status_code
    if status is None:
        return wire_error(error)
    if status in FORGOTTEN:
        return CentreUnreachable(f"the upload must go on from elsewhere ({status})")
    try:
        check_status(status, b"")
    except UplinkError as exc:
        return exc
    return CentreWrong(f"the centre answered an upload with status {status}")


def _check_file(path: Path, sealed_digest: str) -> None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise SealedFileDamaged(f"{path.name} cannot be read: {exc.strerror}") from exc
    if digest != sealed_digest:
        raise SealedFileDamaged(f"{path.name} is not the file that was sealed")
