"""A stick that `kiosk box export` made: the handover says what must lie on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from firmware.box import found_sealed
from firmware.box.found import Found, Trust, place_of, read_most, while_valid
from firmware.box.stick import ASSIGNMENT, CARRIED, DRAFTS, HANDOVER, OUTBOX, PAPERS, RECEIPT, SwapRefused
from firmware.box.warrants import MAX_PAPER
from firmware.records.format import swap
from firmware.records.format.errors import FormatError, SignatureRefused, StatementRefused
from firmware.records.format.paper import MAX_BYTES
from firmware.records.format.receipt import MAX_RECEIPT_BYTES, SignedReceipt
from firmware.records.format.swap import Adoption, Handover, Held
from firmware.records.handover import ADOPTED, Paper
from firmware.records.sidecar import Head

ADOPTION, EVIDENCE, PLACE = ".adoption.json", ".evidence.json", ".place.json"


def read(folder: Path, trust: Trust, rest: bool) -> Found:
    """Raises SwapRefused: stick_foreign, stick_damaged, stick_incomplete, stick_failed."""
    body = read_most(folder / HANDOVER, MAX_BYTES)
    handover, certificate = handover_of(body, trust)
    lost: list[str] = []
    sealed, delivered = _sealed(folder / OUTBOX, handover, certificate, trust, lost)
    drafts = dict(_drafts(folder / DRAFTS, handover, lost))
    place = _place(folder, handover, trust)
    if lost and not rest:
        incomplete = all(line.endswith("missing") for line in lost)
        raise SwapRefused("stick_incomplete" if incomplete else "stick_damaged", "; ".join(lost[:5]))
    carried = found_sealed.carried(folder / CARRIED, trust, lost)
    return Found(
        known_by=swap.HANDOVER,
        box=handover.box,
        epoch=handover.epoch,
        closed_at=handover.closed_at,
        evidence=body,
        place=place,
        to=handover.to,
        certificate=certificate,
        sealed=tuple((folder / OUTBOX, head) for head in sealed),
        delivered=delivered,
        drafts=drafts,
        blanks_stated=handover.blanks.left,
        lost=tuple(lost),
        carried=carried,
        papers=tuple(papers(folder / PAPERS, trust)),
        given_up=handover.given_up,
    )


def handover_of(body: bytes, trust: Trust) -> tuple[Handover, bytes]:
    """A handover and its box's certificate (DER), verified. Raises SwapRefused."""
    try:
        paper = Handover.unverified(body)
        return Handover.read(body, trust.box_ca, _moment(paper.certificate, trust.now)), paper.certificate
    except StatementRefused as exc:
        raise SwapRefused("stick_damaged", HANDOVER) from exc
    except SignatureRefused as exc:
        raise SwapRefused("stick_foreign", str(exc)) from exc


def _moment(certificate: bytes, now: datetime) -> datetime:
    try:
        return while_valid(x509.load_der_x509_certificate(certificate), now)
    except ValueError:
        return now  # the statement's own check says what is wrong with it


def _place(folder: Path, handover: Handover, trust: Trust) -> bytes | None:
    if not handover.assignment:
        return None
    if not (folder / ASSIGNMENT).is_file():
        raise SwapRefused("stick_incomplete", ASSIGNMENT)
    body = read_most(folder / ASSIGNMENT, MAX_PAPER)
    if sha256(body).hexdigest() != handover.assignment:
        raise SwapRefused("stick_damaged", ASSIGNMENT)
    return place_of(body, handover.box, handover.epoch, trust)


def _sealed(
    folder: Path, handover: Handover, certificate: bytes, trust: Trust, lost: list[str]
) -> tuple[list[Head], int]:
    """What is whole and named, and how many the centre has already."""
    _, key = found_sealed.box_certificate(x509.load_der_x509_certificate(certificate), trust)
    outbox = found_sealed.look(folder, handover.box, key, trust.alive)
    whole = {(head.sequence, head.record_digest, head.sealed_digest): head for head in outbox.whole}
    sealed, delivered = [], 0
    for held in handover.sealed:
        head = whole.get((held.sequence, held.record_digest, held.sealed_digest))
        if _has_receipt(folder, handover.box, held, trust):
            delivered += 1
        elif head is not None:
            sealed.append(head)
        else:
            here = any(folder.glob(f"{held.sequence:08d}-{held.record_digest}*.age"))
            lost.append(f"sealed record {held.sequence}: {'damaged' if here else 'missing'}")
    return sealed, delivered


def _has_receipt(folder: Path, box: str, held: Held, trust: Trust) -> bool:
    path = folder / f"{held.sequence:08d}-{held.record_digest}{RECEIPT}"
    if not path.is_file():
        return False
    try:
        receipt = SignedReceipt.from_json(read_most(path, MAX_RECEIPT_BYTES)).verify(trust.receipts)
    except FormatError:
        return False
    said = (receipt.box, receipt.sequence, receipt.record_digest, receipt.sealed_digest)
    return said == (box, held.sequence, held.record_digest, held.sealed_digest)


def _drafts(folder: Path, handover: Handover, lost: list[str]) -> Iterator[tuple[str, Path]]:
    for record_id in handover.drafts:
        if (folder / record_id).is_dir():
            yield record_id, folder / record_id
        else:
            lost.append(f"draft {record_id}: missing")


def papers(folder: Path, trust: Trust) -> Iterator[Paper]:
    """Adoptions that the failed box kept, signed by boxes of ours. Raises SwapRefused for any other."""
    for path in sorted(folder.glob(f"*{ADOPTION}")) if folder.is_dir() else ():
        body = read_most(path, MAX_BYTES)
        try:
            certificate = Adoption.unverified(body).certificate
            made = Adoption.read(body, trust.box_ca, _moment(certificate, trust.now))
        except FormatError as exc:
            raise SwapRefused("stick_damaged", path.name) from exc
        beside = [path.with_name(path.name.removesuffix(ADOPTION) + end) for end in (EVIDENCE, PLACE)]
        evidence, place = (read_most(each, MAX_BYTES) if each.is_file() else None for each in beside)
        yield Paper(0, ADOPTED, made.box, made.epoch, body, evidence, place, "", None)
