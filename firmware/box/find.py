"""What a technician brings from a failed box: a stick, its storage card, or the centre's order alone.

Whatever leaves this module is signed by a box of ours or by the centre; of sealed files the sidecars are, and
their digests are judged as they are copied. Whether this box may take it is for `firmware.box.adopt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from firmware.box import found_disk, found_stick
from firmware.box.found import Found, Trust, read_most
from firmware.box.stick import HANDOVER, RECOVERY, SWAP, SwapRefused
from firmware.box.warrants import MAX_PAPER
from firmware.records.format import swap
from firmware.records.format.errors import SignatureRefused, StatementRefused
from firmware.records.format.warrants import Assignment

CARD_FOLDERS = ("", "var/box", "var/lib/idkiosk", "var/lib/idkiosk/var/box")
"""Where a box's data lies on its storage card, below what the technician names."""
MOST_LOOSE = 50
"""How many loose papers of a stick are looked at."""


def find(source: Path, trust: Trust, rest: bool = False) -> Found:
    """What `source` is and holds: a stick or its folder, a storage card or a data folder, or an order's file.

    `rest`: what is missing or damaged is listed in `lost` instead of refused. Raises SwapRefused:
    stick_missing, stick_foreign, stick_incomplete, stick_damaged, stick_ambiguous, paper_forged.
    """
    if source.name == HANDOVER:
        source = source.parent
    if source.is_file():
        return _order(source, trust)
    if not source.is_dir():
        raise SwapRefused("stick_missing", str(source))
    if (folder := _swap_folder(source, trust)) is not None:
        found = found_stick.read(folder, trust, rest)
        return replace(found, recovery=_recovery(folder, source))
    for below in CARD_FOLDERS:
        if (source / below / "identity" / "box.crt.pem").is_file():
            return replace(found_disk.read(source / below, trust), recovery=_recovery(source))
    return next(_loose_orders(source, trust), None) or _nothing(source)


def _nothing(source: Path) -> Found:
    raise SwapRefused("stick_foreign", f"nothing of a box lies in {source}")


def _swap_folder(source: Path, trust: Trust) -> Path | None:
    """The one hand-over that is still to be adopted; None where the source is no stick of a swap."""
    if (source / HANDOVER).is_file():
        return source
    if not (source / SWAP).is_dir():
        if source.parent.name == SWAP:
            raise SwapRefused("stick_incomplete", source.name)
        return None
    folders = sorted(path for path in (source / SWAP).iterdir() if path.is_dir())
    whole = [path for path in folders if (path / HANDOVER).is_file()]
    if not whole:
        raise SwapRefused("stick_incomplete", ", ".join(path.name for path in folders))
    fresh = [path for path in whole if not _is_adopted(path, trust)] or whole
    if len(fresh) > 1:
        raise SwapRefused("stick_ambiguous", ", ".join(path.name for path in fresh))
    return fresh[0]


def _is_adopted(folder: Path, trust: Trust) -> bool:
    box, _, epoch = folder.name.rpartition("-")
    return epoch.isdigit() and trust.adopted(box, int(epoch))


def _recovery(*folders: Path) -> Path | None:
    """The station's recovery identity, where it came along."""
    places = (place / RECOVERY for folder in folders for place in (folder, *list(folder.parents)[:2]))
    return next((place for place in places if place.is_file()), None)


# --- the centre's order ------------------------------------------------------------------------------


def _order(path: Path, trust: Trust) -> Found:
    try:
        body = read_most(path, MAX_PAPER)
        order = Assignment.read(body, trust.orders)
    except SignatureRefused as exc:
        raise SwapRefused("paper_forged", path.name) from exc
    except StatementRefused as exc:
        raise SwapRefused("stick_foreign", f"{path.name} is no order") from exc
    if order.replaces is None:
        raise SwapRefused("stick_foreign", f"{path.name} is no order to replace a box")
    replaces = order.replaces
    return Found(swap.ORDER, replaces.box, replaces.epoch, None, evidence=body, place=body)


def _loose_orders(folder: Path, trust: Trust) -> Iterator[Found]:
    for path in sorted(folder.glob("*.json"))[:MOST_LOOSE]:
        try:
            yield _order(path, trust)
        except SwapRefused:
            continue
