"""The courier: brings sealed records to the centre and its receipts back, on a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.errors import DeviceFault
from drivers.worker import Job, Stop, Worker
from firmware.app.desk import Desk
from firmware.records.errors import StoreError
from firmware.records.format.errors import FormatError
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreRefused, CentreWrong, SealedFileDamaged, UplinkError
from firmware.uplink.registry import Registry
from firmware.uplink.signing import CentreSigner

if TYPE_CHECKING:
    from drivers.worker import Answer
    from firmware.records.outbox import SealedFile
    from firmware.uplink.upload import Uploader

log = logging.getLogger("firmware.courier")

DELIVER, REFRESH = "deliver", "refresh"
PUT_OFF = (UplinkError, FormatError, StoreError, DeviceFault, OSError)
"""What ends a round: the line, the journal, or the disk beneath."""
WRONG = (CentreWrong, FormatError)
"""What ends one record's try only: a receipt that is not for it keeps nothing else on the box."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the courier's thread owns."""

    registry: Registry
    uploader: Uploader
    signer: CentreSigner


@dataclass(frozen=True, slots=True)
class Delivered:
    """`sent` record ids with a verified receipt; `failed`: the line or the centre stopped us."""

    sent: tuple[str, ...]
    refused: tuple[str, ...]
    failed: str


@contextmanager
def open_registry(desk: Desk) -> Iterator[Registry]:
    """A registry over a connection of its own, with the signed extract of this box beside it."""
    extract = Path(desk.config.station.data) / "registry.extract"
    with desk.centre() as client:
        yield Registry(client, extract, desk.identity.certificate("extract"), desk.now)


@contextmanager
def open_line(desk: Desk) -> Iterator[Line]:
    from firmware.uplink.upload import Uploader

    links = Path(desk.config.station.data) / "uploads"
    with open_registry(desk) as registry, CentreClient(desk.config.centre.url, desk.identity.tls()) as client:
        uploader = Uploader(client, links, desk.identity.certificate("receipt"))
        yield Line(registry, uploader, CentreSigner(client))


def courier(desk: Desk, post: Callable[[Answer], None]) -> Worker[Line]:
    return Worker("courier", lambda: open_line(desk), post)


def deliver(desk: Desk) -> Job[Line]:
    """Send what lies in the outbox, oldest first, until it is empty or the line fails."""

    def send_all(line: Line, stop: Stop) -> Delivered:
        sent: list[str] = []
        refused: list[str] = []
        after, failed = 0, ""
        while not stop:
            try:
                sealed = desk.store.call(lambda journal, after=after: journal.next_sealed(after))  # type: ignore[misc]
                if sealed is None:
                    break
                after = sealed.sequence
                stays = _send(desk, line, sealed)
            except WRONG as exc:
                failed = str(exc)
                continue
            except PUT_OFF as exc:
                return Delivered(tuple(sent), tuple(refused), str(exc))
            (sent if stays is None else refused).append(sealed.record_id)
        return Delivered(tuple(sent), tuple(refused), failed or _give_up(desk, line, stop))

    return Job(0, DELIVER, send_all)


def _send(desk: Desk, line: Line, sealed: SealedFile) -> str | None:
    """Deliver one record; why it stays on the box as an incident, or None. Raises what PUT_OFF names."""
    try:
        receipt = line.uploader.send(sealed.path, sealed.record_digest, sealed.sealed_digest)
    except CentreRefused as exc:
        reason = exc.reason
    except SealedFileDamaged:
        reason = "sealed_file_damaged"
    else:
        desk.store.call(lambda journal: journal.delivered(sealed.record_id, receipt))
        return None
    desk.store.call(lambda journal: journal.refused_by_centre(sealed.record_id, reason))
    return reason


def _give_up(desk: Desk, line: Line, stop: Stop) -> str:
    """Tell the centre of records that ended after a card was ordered: it holds their case; why not, or ""."""
    for record_id, attempts in desk.store.call(lambda journal: journal.to_give_up()):
        if stop:
            break
        try:
            line.signer.give_up(record_id, attempts)
        except CentreRefused as exc:
            log.warning("the centre did not take a given-up record: %s", exc.reason)
        except UplinkError as exc:
            return str(exc)
        desk.store.call(lambda journal, ended=record_id: journal.given_up(ended))  # type: ignore[misc]
    return ""


def refresh() -> Job[Line]:
    """Fetch a new signed extract of the registry."""
    return Job(0, REFRESH, lambda line, _: line.registry.refresh(), (UplinkError, OSError))
