"""The stick of a swap: where everything lies on it, and files that are whole or not there.

<stick>/recovery-identity.age            the station's recovery identity, behind twelve digits (may lie here)
<stick>/idkiosk-swap/<box>-<epoch>/
    assignment.json                      the old box's assignment, as the centre signed it
    outbox/<number>-<digest>.age         sealed records with their sidecars (.head.json); where the centre
    outbox/<number>-<digest>.receipt.json    has a record meanwhile, its signed receipt instead
    drafts/<record id>/…                 waiting drafts, as they lie in the old box's vault
    carried/<box>/…                      other boxes' sealed records that the old box had taken over
    papers/<box>-<epoch>.….json          its adoptions of those boxes
    handover.json                        the old box's signed word, written last: without it, nothing counts
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from firmware.records import disk
from firmware.records.errors import DiskFull, StoreError

SWAP = "idkiosk-swap"
HANDOVER, ASSIGNMENT = "handover.json", "assignment.json"
OUTBOX, DRAFTS, CARRIED, PAPERS = "outbox", "drafts", "carried", "papers"
RECEIPT = ".receipt.json"
RECOVERY = "recovery-identity.age"


class SwapRefused(Exception):
    """A swap that cannot go on like this. `reason` is the key of a text; `detail` is nobody's data."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


@contextmanager
def on_stick() -> Iterator[None]:
    """What fails in the block is the stick. Raises SwapRefused: stick_full, stick_failed."""
    try:
        yield
    except DiskFull as exc:
        raise SwapRefused("stick_full") from exc
    except StoreError as exc:
        raise SwapRefused("stick_failed", exc.doing) from exc


def make_folders(root: Path, *below: str) -> Path:
    """`root`/below…, made durably; `root` exists. Raises SwapRefused."""
    with on_stick():
        for name in below:
            root = root / name
            if not root.is_dir():
                disk.make_folder(root)
    return root


def keep(path: Path, data: bytes) -> bool:
    """Write a file to the stick and read it back; False when it lay there whole. Raises SwapRefused."""
    with on_stick():
        if path.is_file() and disk.read(path) == data:
            return False
        disk.write(path, data)
        if disk.read_back(path) != data:
            raise SwapRefused("stick_failed", f"{path.name} was not read back")
    return True


def is_whole(path: Path, digest: str) -> bool:
    """Whether a file lies there with this SHA-256. Raises SwapRefused when the stick cannot be read."""
    with on_stick():
        return path.is_file() and sha256(disk.read(path)).hexdigest() == digest
