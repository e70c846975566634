"""`kiosk box retire`: the box erases its keys and all that it kept, and leaves one signed proof.

The proof is in the journal before the box forgets anything, then beside it: whoever finds it on the disk
goes on with the erasing. Keys go first: what is left without them is noise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from firmware.box import stick
from firmware.box.export import EXPORTED
from firmware.box.identity import Identity
from firmware.box.init import ABOUT
from firmware.box.stick import SwapRefused
from firmware.box.warrants import Papers
from firmware.records import disk
from firmware.records.journal import Journal
from firmware.records.shelf import DATABASE
from firmware.records.vault import KEY

PROOF = "retirement.json"
MOST_NAMED = 900


@dataclass(frozen=True, slots=True)
class Left:
    """What a box still has to do. `drafts`: waiting or open visits, and records that are not sealed."""

    unsent: int
    carried: int
    drafts: int
    unreported: int

    def __bool__(self) -> bool:
        return any((self.unsent, self.carried, self.drafts, self.unreported))

    def __str__(self) -> str:
        return (
            f"{self.unsent} unsent, {self.carried} of other boxes, {self.drafts} drafts,"
            f" {self.unreported} adoptions to report"
        )


def left(journal: Journal, epoch: int) -> Left:
    """What would be lost. Nothing, once the epoch was handed over and a stick with everything finished."""
    if _exported(journal, epoch):
        return Left(0, 0, 0, 0)
    return Left(
        journal.counts().outbox.unsent,
        journal.carried.counts().unsent,
        journal.handovers.drafts_left(),
        len(journal.handovers.unreported()),
    )


def sign(journal: Journal, papers: Papers, officer: str) -> bytes:
    """Retire the box in its journal and return the signed proof; the same each time.

    Raises SwapRefused("box_not_empty") with what is left, StoreError.
    """
    epoch = papers.epoch(journal)
    remaining = left(journal, epoch)
    if remaining:
        raise SwapRefused("box_not_empty", str(remaining))
    return journal.handovers.retire(epoch, officer, tuple(_named(papers.identity)))


def begun(data: Path) -> bytes | None:
    """The proof of a retirement whose erasing has begun; then only `erase` is left to do."""
    proof = data / PROOF
    return disk.read(proof) if proof.is_file() else None


def erase(data: Path, identity: Identity, proof: bytes, out: Path) -> None:
    """Write the proof to `out` and into `data`, then erase everything else in `data`. The journal is closed.

    Cut anywhere, the same call finishes it. Raises SwapRefused(stick_…) before anything is erased when `out`
    cannot be written; StoreError, and IdentityError for keys in a TPM that cannot be had: they live still.
    """
    stick.keep(out, proof)
    if not (data / PROOF).is_file():
        disk.write(data / PROOF, proof)
    for path in _secrets(data, identity):
        disk.overwrite_and_remove(path)
    _destroy_keys(identity)
    for path in sorted(data.iterdir()):
        if path.name != PROOF:
            _wipe(path)


def _exported(journal: Journal, epoch: int) -> bool:
    """Whether a stick was finished after the hand-over of this epoch."""
    return journal.handovers.closed(epoch) and any(
        json.loads(detail).get("epoch") == epoch for detail in journal.audit.details(EXPORTED)
    )


def _destroy_keys(identity: Identity) -> None:
    """The identity's own way; `identity.json` goes right after, and tells a next try that this is done."""
    about = identity.folder / ABOUT
    if about.is_file():
        identity.erase()
        disk.remove(about)


def _secrets(data: Path, identity: Identity) -> list[Path]:
    """Private keys in files first; then the keys of drafts, and the journal."""
    files = [
        path for path in (identity.folder / "box.key.pem", identity.folder / "drafts.age") if path.is_file()
    ]
    drafts = sorted((data / "records" / "drafts").glob(f"*/{KEY}"))
    return [*files, *drafts, *sorted((data / "records").glob(f"{DATABASE}*"))]


def _named(identity: Identity) -> list[str]:
    """What `erase` destroys: keys that are no files first, then every file of the identity, then the rest."""
    files = [f"identity/{path.name}" for path in sorted(identity.folder.iterdir())]
    rest = [path.name for path in sorted(identity.folder.parent.iterdir())]
    return [*identity.beyond_files, *files, *rest][:MOST_NAMED]


def _wipe(path: Path) -> None:
    """Remove a file or a whole folder; nothing beyond a link is touched."""
    if path.is_symlink() or not path.is_dir():
        disk.remove(path)
        return
    with disk.translated("erase a folder"):
        inside = sorted(path.iterdir())
    for each in inside:
        _wipe(each)
    with disk.translated("erase a folder"):
        path.rmdir()
