"""The centre's signed receipt: the only thing that lets a box purge a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records.format import check as c
from firmware.records.format import statement
from firmware.records.format.errors import ReceiptRefused, SignatureRefused, StatementRefused
from firmware.records.format.schema import BOX
from firmware.records.format.statement import Statement, moment, moment_of

NAME = "receipt"
TYPE = "idkiosk-receipt/1"
MAX_RECEIPT_BYTES = 8 << 10


class ReceiptKind(StrEnum):
    """All three let the box purge; in the last two a person at the centre decides what becomes of it."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE_PERSON = "DUPLICATE_PERSON"
    HELD = "HELD"


@dataclass(frozen=True, slots=True)
class Receipt:
    """`position` in the centre's ledger from 1; `box`, `sequence` and `audit_head` as the record has them."""

    kind: ReceiptKind
    record_digest: str
    sealed_digest: str
    position: int
    box: str
    sequence: int
    audit_head: str
    at: datetime

    @property
    def body(self) -> dict[str, Any]:
        """What is signed; raises ValueError for a naive `at`."""
        names = ("record_digest", "sealed_digest", "position", "box", "sequence", "audit_head")
        plain = {name: getattr(self, name) for name in names}
        return {"type": TYPE, "kind": str(self.kind), **plain, "at": moment(self.at)}

    def to_bytes(self) -> bytes:
        """The canonical JSON that is signed (RFC 8785)."""
        return rfc8785.dumps(self.body)


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt and the ECDSA P-256 / SHA-256 signature (DER) over `receipt.to_bytes()`."""

    receipt: Receipt
    signature: bytes

    def to_json(self) -> bytes:
        """`{"receipt": {…}, "signature": base64}`, canonical: the wire form and the stored form."""
        return self._statement.to_json()

    @classmethod
    def from_json(cls, data: bytes) -> SignedReceipt:
        """Parse `to_json` bytes, strictly. Raises ReceiptRefused; does not verify."""
        try:
            paper = statement.read(data, NAME, _table, MAX_RECEIPT_BYTES)
        except StatementRefused as exc:
            raise ReceiptRefused(str(exc)) from exc
        return cls(_receipt_from(paper.body), paper.signature)

    def verify(self, certificate: x509.Certificate) -> Receipt:
        """Return the receipt if `certificate`'s key signed it; raises ReceiptRefused."""
        try:
            self._statement.verify(certificate)
        except SignatureRefused as exc:
            raise ReceiptRefused(str(exc)) from exc
        return self.receipt

    @property
    def _statement(self) -> Statement:
        return Statement(NAME, self.receipt.body, self.signature)


def sign(receipt: Receipt, key: ec.EllipticCurvePrivateKey) -> SignedReceipt:
    """Sign at the centre, with the receipt key (P-256)."""
    return SignedReceipt(receipt, statement.sign(NAME, receipt.body, key).signature)


_digest = c.text(64, 64, r"[0-9a-f]{64}")
_table = c.fields(
    {
        "type": c.must_be(TYPE),
        "kind": c.one_of(*ReceiptKind),
        "record_digest": _digest,
        "sealed_digest": _digest,
        "position": c.integer(1, 2**53 - 1),
        "box": c.text(32, 1, BOX),
        "sequence": c.integer(1, 2**53 - 1),
        "audit_head": _digest,
        "at": c.moment,
    }
)


def _receipt_from(body: Mapping[str, Any]) -> Receipt:
    plain = {name: value for name, value in body.items() if name != "type"}
    return Receipt(**{**plain, "kind": ReceiptKind(body["kind"]), "at": moment_of(body["at"])})
