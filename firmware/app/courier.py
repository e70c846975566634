"""The courier: brings sealed records to the centre and its receipts back, on a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage

from drivers.errors import DeviceFault, DeviceGone, DeviceRefused
from drivers.worker import Job, Stop, Worker
from firmware.app.desk import Desk
from firmware.app.parcels import Parcel, Parcels, report_adoptions
from firmware.box.fetch import fetch
from firmware.box.renewal import Renewal
from firmware.records.errors import StoreError
from firmware.records.format.errors import FormatError
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreRefused, ReceiptWrong, RecordRefused, SealedFileDamaged, UplinkError
from firmware.uplink.registry import Registry
from firmware.uplink.signing import CentreSigner

if TYPE_CHECKING:
    from drivers.worker import Answer
    from firmware.uplink.upload import Uploader

log = logging.getLogger("firmware.courier")

NAME, DELIVER, REFRESH = "courier", "deliver", "refresh"
PUT_OFF = (UplinkError, FormatError, StoreError, DeviceFault, OSError)
"""What ends a round: the line, the journal, or the disk beneath."""
WRONG = (ReceiptWrong, FormatError)
"""What ends one record's try only: a receipt that is not for it keeps nothing else on the box."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the courier's thread owns."""

    registry: Registry
    uploader: Uploader
    signer: CentreSigner
    client: CentreClient
    renewal: Renewal | None = None

    def keep_certified(self, desk: Desk) -> None:
        """Before anything is asked: the line shows a certificate that is still good, the journal signs by it.

        Raises DeviceGone("courier") when it must be opened again to show it.
        """
        if self.renewal is not None:
            self.renewal.keep()
            if self.renewal.identity_is_new:
                _sign_anew(desk)
                raise DeviceGone(NAME, "the box has a new certificate")


@dataclass(frozen=True, slots=True)
class Delivered:
    """`sent` record ids with a verified receipt; `failed`: the line or the centre stopped us.

    `moved`: something got across all the same, be it half a record.
    """

    sent: tuple[str, ...]
    refused: tuple[str, ...]
    failed: str
    moved: bool


@contextmanager
def open_registry(desk: Desk) -> Iterator[Registry]:
    """A registry over a connection of its own, with the signed extract of this box beside it."""
    extract = Path(desk.config.station.data) / "registry.extract"
    with desk.centre() as client:
        certificate, box = desk.identity.certificate("extract"), _unlocking(desk)
        yield Registry(client, extract, certificate, box, desk.now)


def _unlocking(desk: Desk) -> pyrage.x25519.Identity:
    """Raises DeviceRefused("courier") while the box is locked: the worker asks again later."""
    try:
        return desk.identity.unlocking()
    except StoreError as exc:
        raise DeviceRefused(NAME, exc.reason) from exc


@contextmanager
def open_line(desk: Desk) -> Iterator[Line]:
    from firmware.uplink.upload import Uploader

    links = Path(desk.config.station.data) / "uploads"
    with open_registry(desk) as registry, CentreClient(desk.config.centre.url, desk.identity.tls()) as client:
        receipts, most = desk.identity.certificate("receipt"), desk.config.centre.most_kbit_s
        uploader = Uploader(client, links, receipts, most)
        renewal = Renewal(desk.identity, desk.config.centre.url, desk.now)
        yield Line(registry, uploader, CentreSigner(client), client, renewal)


def _sign_anew(desk: Desk) -> None:
    """The journal signs under the new certificate; one that is closed now reads it when it opens."""
    signer = desk.identity.signer()
    with suppress(DeviceFault):
        desk.store.call(lambda journal: journal.certify(signer))


def courier(desk: Desk, post: Callable[[Answer], None]) -> Worker[Line]:
    return Worker(NAME, lambda: open_line(desk), post)


def deliver(desk: Desk) -> Job[Line]:
    """Send what lies in the outbox, most urgent first, then oldest, until it is empty or the line fails."""
    return Job(0, DELIVER, lambda line, stop: _Round(desk, line, stop).run(), PUT_OFF)


class _Round:
    """One walk over the outbox, and over what this box carries for another whose place it took."""

    def __init__(self, desk: Desk, line: Line, stop: Stop) -> None:
        self._desk, self._line, self._stop = desk, line, stop
        self._sent: list[str] = []
        self._refused: list[str] = []
        self._parcels = Parcels(desk)
        self._moved = False

    def run(self) -> Delivered:
        self._line.keep_certified(self._desk)
        try:
            failed = self._walk()
        except PUT_OFF as exc:
            failed = str(exc)
        moved = self._moved or bool(self._sent or self._refused)
        return Delivered(tuple(self._sent), tuple(self._refused), failed, moved)

    def _walk(self) -> str:
        """What went wrong on the way without ending it, or "". Raises what PUT_OFF names."""
        failed = report_adoptions(self._desk, self._line.client)
        self._parcels.carried = not failed
        while not self._stop:
            try:
                parcel = self._parcels.next()
                if parcel is None:
                    break
                self._send(parcel)
            except WRONG as exc:
                failed = str(exc)
        if not failed:
            _give_up(self._desk, self._line, self._stop)
        return failed

    def _send(self, parcel: Parcel) -> None:
        """Deliver one record, or keep it on the box as an incident. Raises what PUT_OFF names."""
        sealed = parcel.sealed
        try:
            receipt = self._line.uploader.send(
                sealed.path, sealed.record_digest, sealed.sealed_digest, self._progress, self._stop.wait
            )
        except RecordRefused as exc:
            reason = exc.reason
        except SealedFileDamaged:
            reason = "sealed_file_damaged"
        else:
            self._desk.store.call(lambda journal: parcel.delivered(journal, receipt))
            self._sent.append(sealed.record_id)
            return
        self._desk.store.call(lambda journal: parcel.refused(journal, reason))
        self._refused.append(sealed.record_id)

    def _progress(self, _done: int, _all: int) -> None:
        self._moved = True


def _give_up(desk: Desk, line: Line, stop: Stop) -> None:
    """Tell the centre of records that ended after a card was ordered: it holds their case.

    Raises what PUT_OFF names.
    """
    for record_id, attempts in desk.store.call(lambda journal: journal.to_give_up()):
        if stop:
            break
        try:
            line.signer.give_up(record_id, attempts)
        except CentreRefused as exc:
            log.warning("the centre did not take a given-up record: %s", exc.reason)
        desk.store.call(lambda journal, ended=record_id: journal.given_up(ended))  # type: ignore[misc]


def refresh(desk: Desk) -> Job[Line]:
    """Fetch a new signed extract of the registry, and the centre's newest papers for this box."""

    def work(line: Line, _: Stop) -> datetime:
        line.keep_certified(desk)
        signed_at = line.registry.refresh()
        fetch(desk.papers, line.client, desk.store.call)
        return signed_at

    return Job(0, REFRESH, work, PUT_OFF)
