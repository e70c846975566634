"""The storage card of a box that no longer runs: its signed sidecars say how far it came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.box import found_sealed, found_stick, old_journal
from firmware.box.found import Found, Trust, place_of
from firmware.box.found_sealed import Outbox
from firmware.box.old_journal import OldJournal
from firmware.box.stick import SwapRefused
from firmware.records.format import swap
from firmware.records.format.errors import FormatError
from firmware.records.format.swap import Handover
from firmware.records.format.warrants import Assignment
from firmware.records.handover import ADOPTED, GIVEN
from firmware.records.rebuild import LOST
from firmware.records.shelf import CARRIED, DRAFTS, OUTBOX
from firmware.records.states import HAS_DRAFT
from firmware.records.vault import KEY

_RECORD = re.compile(r"[0-9a-f]{32}", re.ASCII)
UNREADABLE = "the old journal: step times, blanks and which records were delivered"


@dataclass(frozen=True, slots=True)
class _Card:
    """One old box's data folder. `journal` None: it cannot be read."""

    records: Path
    box: str
    certificate: x509.Certificate
    journal: OldJournal | None
    outbox: Outbox


def read(data: Path, trust: Trust) -> Found:
    """Raises SwapRefused: stick_foreign, stick_damaged, stick_failed."""
    card = _card(data, trust)
    lost = [] if card.journal else [UNREADABLE]
    epoch = _epoch(data, card)
    given = _given(card, epoch, trust)
    torn = _torn(card)
    gone = [head for head in card.outbox.gone if head.record_id not in torn]
    acked = card.journal.acked if card.journal else frozenset()
    sealed = [head for head in card.outbox.whole if head.record_digest not in acked]
    spoilt = [head for head in card.outbox.spoilt if head.record_id not in torn]
    lost += card.outbox.damaged
    known = {head.record_id for head in (*card.outbox.whole, *gone, *spoilt)}
    numbers = [head.sequence for head in (*card.outbox.whole, *gone, *spoilt)]
    last = max([*numbers, card.journal.last if card.journal else 0])
    lost += [f"draft {path.name.removesuffix(LOST)}: set aside as damaged" for path in _aside(card)]
    carried = found_sealed.carried(card.records / CARRIED, trust, lost)
    return Found(
        known_by=swap.HANDOVER if given else swap.DISK,
        box=card.box,
        epoch=epoch,
        closed_at=given[0].closed_at if given else last,
        evidence=given[1] if given else None,
        place=place_of(_assignment(card), card.box, epoch, trust),
        to=given[0].to if given else "",
        certificate=card.certificate.public_bytes(Encoding.DER),
        sealed=tuple((card.outbox.folder, head) for head in sealed),
        delivered=len(gone),
        drafts=dict(_drafts(card, known, given[0] if given else None)),
        at_kiosk=card.journal.at_kiosk if card.journal else "",
        blanks_stated=_blanks(card, given[0] if given else None),
        lost=tuple(lost),
        carried=carried,
        papers=tuple(p for p in card.journal.papers if p.kind == ADOPTED) if card.journal else (),
        given_up=card.journal.given_up if card.journal else (),
    )


def _card(data: Path, trust: Trust) -> _Card:
    try:
        pem = (data / "identity" / "box.crt.pem").read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
    except (OSError, ValueError) as exc:
        raise SwapRefused("stick_damaged", "box.crt.pem") from exc
    box, key = found_sealed.box_certificate(certificate, trust)
    records = data / "records"
    outbox = found_sealed.look(
        records / OUTBOX, box, key, trust.alive, lambda head: _has_key(records, head.record_id)
    )
    return _Card(records, box, certificate, old_journal.read(records, box), outbox)


def _assignment(card: _Card) -> bytes | None:
    return card.journal.assignment if card.journal else None


def _epoch(data: Path, card: _Card) -> int:
    """The newest that anything on the card speaks of."""
    epochs = [head.epoch for head in (*card.outbox.whole, *card.outbox.gone)]
    try:
        epochs.append(int(json.loads((data / "identity" / "identity.json").read_bytes())["epoch"]))
    except (OSError, ValueError, KeyError, TypeError):
        epochs.append(0)
    body = _assignment(card)
    if body is not None:
        try:
            epochs.append(Assignment.of(json.loads(body)["assignment"]).epoch)
        except (ValueError, KeyError, TypeError, FormatError) as exc:
            raise SwapRefused("stick_damaged", "the old box's assignment") from exc
    return max(epochs)


def _given(card: _Card, epoch: int, trust: Trust) -> tuple[Handover, bytes] | None:
    """The handover that the old box had signed already, though its stick is not here."""
    for paper in card.journal.papers if card.journal else ():
        if paper.kind == GIVEN and paper.box == card.box and paper.epoch == epoch:
            return found_stick.handover_of(paper.body, trust)[0], paper.body
    return None


def _torn(card: _Card) -> set[str]:
    """Records whose sealing was cut off: a sidecar without its file, and the draft still there."""
    return {
        head.record_id
        for head in (*card.outbox.gone, *card.outbox.spoilt)
        if _is_draft(card, head.record_id) and _has_key(card.records, head.record_id)
    }


def _has_key(records: Path, record_id: str) -> bool:
    """Whether its draft is still there; a sealed record's is destroyed."""
    return (records / DRAFTS / record_id / KEY).exists()


def _is_draft(card: _Card, record_id: str) -> bool:
    """By the journal where it can be read; else a folder with its key is one."""
    return card.journal is None or card.journal.states.get(record_id) in HAS_DRAFT


def _drafts(card: _Card, sealed: set[str], given: Handover | None) -> Iterator[tuple[str, Path]]:
    folder = card.records / DRAFTS
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not _RECORD.fullmatch(path.name) or path.name in sealed or not _is_draft(card, path.name):
            continue
        if given is None or path.name in given.drafts:
            yield path.name, path


def _aside(card: _Card) -> list[Path]:
    return sorted((card.records / DRAFTS).glob(f"*{LOST}"))


def _blanks(card: _Card, given: Handover | None) -> int | None:
    if given is not None:
        return given.blanks.left
    return card.journal.blanks.left if card.journal else None
