"""The small signed file beside each sealed record, from which the outbox can be rebuilt.

    outbox/00000042-<record digest>.age         the sealed record
    outbox/00000042-<record digest>.head.json   {"head": {…}, "signature": base64 ECDSA}

Nothing in it is personal. The newest one outlives its record, so that numbering goes on without a gap.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records import disk
from firmware.records.errors import StoreDamaged
from firmware.records.format import check as c
from firmware.records.format.data_quality import VIRTUES
from firmware.records.format.errors import Problem
from firmware.records.format.schema import BOX
from firmware.records.format.signing import Signer

TYPE = "idkiosk-outbox/1"
SEALED, HEAD = ".age", ".head.json"
_STEM = re.compile(r"(\d{8})-([0-9a-f]{64})", re.ASCII)
_MAX_BYTES = 8 << 10


@dataclass(frozen=True, slots=True)
class Head:
    """What the outbox must know of a sealed record. Moments as text, digests as lower-case hexadecimal."""

    box: str
    epoch: int
    sequence: int
    record_id: str
    record_digest: str
    previous_digest: str
    sealed_digest: str
    size_bytes: int
    audit_head: str
    case: str
    rule_pack: str
    sealed_at: str
    live_cards: int
    void_cards: int
    quality: dict[str, int]
    """Percent by virtue (`format.data_quality`): right, complete, clean, alive."""

    @property
    def stem(self) -> str:
        """The common part of the two file names."""
        return f"{self.sequence:08d}-{self.record_digest}"

    def statement(self) -> bytes:
        """What is signed: canonical JSON with its type."""
        return _canonical({"type": TYPE, **asdict(self)})


def write(folder: Path, head: Head, signer: Signer) -> None:
    """Sign and write the sidecar, durably."""
    signature = signer.key.sign(head.statement(), ec.ECDSA(hashes.SHA256()))
    value = {"head": asdict(head), "signature": base64.b64encode(signature).decode()}
    disk.write(folder / f"{head.stem}{HEAD}", _canonical(value))


def read(path: Path, key: ec.EllipticCurvePublicKey) -> Head:
    """Raises StoreDamaged unless it is a sidecar that the box of this key signed."""
    try:
        value = json.loads(disk.read(path)[:_MAX_BYTES])
        problems: list[Problem] = []
        _shape(value, "", problems)
        if problems:
            raise StoreDamaged(f"read {path.name[:8]}: {problems[0]}")
        head = Head(**value["head"])
        signature = base64.b64decode(value["signature"], validate=True)
        key.verify(signature, head.statement(), ec.ECDSA(hashes.SHA256()))
    except (ValueError, binascii.Error, InvalidSignature) as exc:
        raise StoreDamaged(f"read the sidecar {path.name[:8]}") from exc
    if path.name != f"{head.stem}{HEAD}":
        raise StoreDamaged(f"read the sidecar {path.name[:8]}")
    return head


def stem_of(path: Path) -> tuple[int, str] | None:
    """Sequence and record digest that a file name carries; None for a name of neither kind."""
    for ending in (SEALED, HEAD):
        if path.name.endswith(ending):
            match = _STEM.fullmatch(path.name.removesuffix(ending))
            return (int(match[1]), match[2]) if match else None
    return None


def _canonical(value: dict[str, Any]) -> bytes:
    return rfc8785.dumps(value)


_digest = c.text(64, 64, r"[0-9a-f]{64}")
_count = c.integer(0, 2**53 - 1)
_fields: dict[str, Any] = {
    "box": c.text(32, 1, BOX),
    "epoch": _count,
    "sequence": _count,
    "record_id": c.text(36, 32, r"[0-9a-f-]+"),
    "record_digest": _digest,
    "previous_digest": _digest,
    "sealed_digest": _digest,
    "size_bytes": _count,
    "audit_head": _digest,
    "case": c.text(40),
    "rule_pack": c.text(40),
    "sealed_at": c.moment,
    "live_cards": _count,
    "void_cards": _count,
    "quality": c.fields(dict.fromkeys(VIRTUES, c.integer(0, 100))),
}
_shape = c.fields({"head": c.fields(_fields), "signature": c.text(200)})
