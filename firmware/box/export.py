"""`kiosk box export`: the old box closes its epoch and gives all that is not delivered to a stick.

The epoch is closed in the journal before the stick holds anything that a spare could use. Cut anywhere, the
same call goes on: the handover is the same, and what lies whole on the stick is not copied again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firmware.box import stick
from firmware.box.stick import SwapRefused
from firmware.box.warrants import Papers
from firmware.records import disk
from firmware.records.carried import BOX_CERTIFICATE
from firmware.records.errors import DiskFull
from firmware.records.format.errors import FormatError
from firmware.records.format.swap import Handover, Held
from firmware.records.format.warrants import ASSIGNMENT
from firmware.records.handover import ADOPTED, GIVEN, Giving
from firmware.records.journal import Journal
from firmware.records.sidecar import HEAD, SEALED

EXPORTED = "exported"
"""The act in the audit log: a stick was finished."""
Progress = Callable[[int, int], None]  # files on the stick, of files in all


@dataclass(frozen=True, slots=True)
class Exported:
    """What lies in `folder`. `delivered` of the records had their receipt already; `copied` files are new."""

    folder: Path
    box: str
    epoch: int
    closed_at: int
    records: int
    delivered: int
    drafts: int
    carried: int
    blanks_left: int
    copied: int


def export(
    journal: Journal,
    papers: Papers,
    target: Path,
    officer: str,
    to: str = "",
    progress: Progress | None = None,
) -> Exported:
    """Close the epoch and bring everything to the stick mounted at `target`; `to`: for this spare alone.

    Raises SwapRefused (stick_missing, stick_full, stick_failed, given_to_another), StoreError.
    """
    if not target.is_dir():
        raise SwapRefused("stick_missing", str(target))
    epoch = papers.epoch(journal)
    handover, body = _closed(journal, papers, Giving(epoch, officer, to))
    if to and handover.to != to:
        raise SwapRefused("given_to_another", handover.to or "any spare")
    folder = stick.make_folders(target, stick.SWAP, f"{handover.box}-{epoch}")
    copier = _Copier(journal, folder, handover)
    copied = copier.run(progress or _nobody)
    copied += stick.keep(folder / stick.HANDOVER, body)
    journal.audit.append(officer, EXPORTED, None, {"epoch": epoch, "copied": copied})
    return Exported(
        folder=folder,
        box=handover.box,
        epoch=epoch,
        closed_at=handover.closed_at,
        records=len(handover.sealed),
        delivered=copier.delivered,
        drafts=len(handover.drafts),
        carried=len(journal.carried.unsent()),
        blanks_left=handover.blanks.left,
        copied=copied,
    )


def _closed(journal: Journal, papers: Papers, giving: Giving) -> tuple[Handover, bytes]:
    """The handover of this epoch, made now unless it was."""
    box = papers.identity.box
    if journal.handovers.paper(GIVEN, box, giving.epoch) is None:
        _seal_all(journal)
        lease = papers.lease(journal, box)
        giving = Giving(
            epoch=giving.epoch,
            officer=giving.officer,
            to=giving.to,
            assignment=journal.warrants.newest(ASSIGNMENT, box) or b"",
            lease_serial=lease.serial if lease else 0,
            lease_used=journal.warrants.used(box, lease.serial) if lease else 0,
        )
    body = journal.handovers.give(giving)
    return Handover.read(body, papers.identity.certificate("box-ca"), journal.now()), body


def _seal_all(journal: Journal) -> None:
    """What is complete goes as a sealed record; what cannot be sealed here goes as a draft."""
    for record_id in journal.unsealed():
        with suppress(DiskFull, FormatError):
            journal.seal(record_id)


class _Copier:
    """Brings the files of one handover to its folder on the stick."""

    def __init__(self, journal: Journal, folder: Path, handover: Handover) -> None:
        self._journal, self._folder, self._handover = journal, folder, handover
        self._shelf = journal.shelf
        self.delivered = 0

    def run(self, progress: Progress) -> int:
        """How many files were written."""
        jobs = list(self._jobs())
        copied = 0
        for done, job in enumerate(jobs):
            progress(done, len(jobs))
            copied += job()
        progress(len(jobs), len(jobs))
        return copied

    def _jobs(self) -> Iterator[Callable[[], int]]:
        yield self._place
        outbox = stick.make_folders(self._folder, stick.OUTBOX)
        for held in self._handover.sealed:
            yield lambda held=held: self._record(held, outbox)  # type: ignore[misc]
        drafts = stick.make_folders(self._folder, stick.DRAFTS)
        for record_id in self._handover.drafts:
            yield lambda record_id=record_id: self._draft(record_id, drafts)  # type: ignore[misc]
        yield self._carried

    def _place(self) -> int:
        given = self._journal.handovers.paper(GIVEN, self._handover.box, self._handover.epoch)
        body = given.place if given else None
        return stick.keep(self._folder / stick.ASSIGNMENT, body) if body else 0

    def _record(self, held: Held, target: Path) -> int:
        """The sealed file with its sidecar, or the receipt of one that the centre has meanwhile."""
        stem = f"{held.sequence:08d}-{held.record_digest}"
        if receipt := self._journal.handovers.receipt(held.record_digest):
            self.delivered += 1
            return stick.keep(target / f"{stem}{stick.RECEIPT}", receipt)
        return _sealed(self._shelf.outbox, stem, held.sealed_digest, target)

    def _draft(self, record_id: str, drafts: Path) -> int:
        target = stick.make_folders(drafts, record_id)
        with disk.translated("list a draft"):
            names = sorted(each.name for each in (self._shelf.drafts / record_id).iterdir())
        return sum(
            stick.keep(target / name, disk.read(self._shelf.drafts / record_id / name)) for name in names
        )

    def _carried(self) -> int:
        """What this box itself had taken over, and its word on it."""
        copied = 0
        for file in self._journal.carried.unsent():
            target = stick.make_folders(self._folder, stick.CARRIED, file.box)
            source, sealed = file.sealed.path.parent, file.sealed
            if (source / BOX_CERTIFICATE).is_file():
                copied += stick.keep(target / BOX_CERTIFICATE, disk.read(source / BOX_CERTIFICATE))
            copied += _sealed(source, sealed.path.name.removesuffix(SEALED), sealed.sealed_digest, target)
        for paper in self._journal.handovers.papers(ADOPTED):
            target = stick.make_folders(self._folder, stick.PAPERS)
            for name, body in (
                ("adoption", paper.body),
                ("evidence", paper.evidence),
                ("place", paper.place),
            ):
                if body:
                    copied += stick.keep(target / f"{paper.box}-{paper.epoch}.{name}.json", body)
        return copied


def _sealed(source: Path, stem: str, digest: str, target: Path) -> int:
    """A sealed file and its sidecar; the file's own digest says whether it lies there whole."""
    copied = int(stick.keep(target / f"{stem}{HEAD}", disk.read(source / f"{stem}{HEAD}")))
    if not stick.is_whole(target / f"{stem}{SEALED}", digest):
        copied += stick.keep(target / f"{stem}{SEALED}", disk.read(source / f"{stem}{SEALED}"))
    return copied


def _nobody(_done: int, _all: int) -> None:
    """Nobody watches."""
