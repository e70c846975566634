"""The courier: brings sealed records to the centre and its receipts back, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.worker import Job, Stop, Worker
from firmware.app.desk import Desk
from firmware.uplink.client import CentreClient, Timeouts
from firmware.uplink.errors import CentreRefused, UplinkError
from firmware.uplink.registry import Registry

if TYPE_CHECKING:
    from drivers.worker import Answer
    from firmware.uplink.upload import Uploader

DELIVER, REFRESH = "deliver", "refresh"


@dataclass(frozen=True, slots=True)
class Line:
    """What the courier's thread owns."""

    registry: Registry
    uploader: Uploader


@dataclass(frozen=True, slots=True)
class Delivered:
    """`sent` record ids with a verified receipt; `failed`: the line or the centre stopped us."""

    sent: tuple[str, ...]
    refused: tuple[str, ...]
    failed: str


def registry_of(desk: Desk) -> Registry:
    """A registry over a connection of its own, with the signed extract of this box beside it."""
    timeouts = Timeouts(whole_s=desk.config.centre.timeout_s)
    client = CentreClient(desk.config.centre.url, desk.identity.tls(), timeouts)
    extract = Path(desk.config.station.data) / "registry.extract"
    return Registry(client, extract, desk.identity.certificate("extract"))


@contextmanager
def open_line(desk: Desk) -> Iterator[Line]:
    from firmware.uplink.upload import Uploader

    client = CentreClient(desk.config.centre.url, desk.identity.tls())
    links = Path(desk.config.station.data) / "uploads"
    with client:
        yield Line(registry_of(desk), Uploader(client, links, desk.identity.certificate("receipt")))


@contextmanager
def open_registry(desk: Desk) -> Iterator[Registry]:
    yield registry_of(desk)


def courier(desk: Desk, post: Callable[[Answer], None]) -> Worker[Line]:
    return Worker("courier", lambda: open_line(desk), post)


def deliver(desk: Desk) -> Job[Line]:
    """Send what lies in the outbox, oldest first, until it is empty or the line fails."""

    def send_all(line: Line, stop: Stop) -> Delivered:
        sent: list[str] = []
        refused: list[str] = []
        after = 0
        while not stop:
            sealed = desk.store.call(lambda journal, after=after: journal.next_sealed(after))  # type: ignore[misc]
            if sealed is None:
                break
            after = sealed.sequence
            try:
                receipt = line.uploader.send(sealed.path, sealed.record_digest, sealed.sealed_digest)
            except CentreRefused as exc:
                reason = exc.reason
                desk.store.call(lambda j, s=sealed, r=reason: j.refused_by_centre(s.record_id, r))  # type: ignore[misc]
                refused.append(sealed.record_id)
                continue
            except UplinkError as exc:
                return Delivered(tuple(sent), tuple(refused), str(exc))
            desk.store.call(lambda j, s=sealed, r=receipt: j.delivered(s.record_id, r))  # type: ignore[misc]
            sent.append(sealed.record_id)
        return Delivered(tuple(sent), tuple(refused), "")

    return Job(0, DELIVER, send_all)


def refresh() -> Job[Line]:
    """Fetch a new signed extract of the registry."""
    return Job(0, REFRESH, lambda line, _: line.registry.refresh(), (UplinkError,))
