"""The centre's signed receipt: the only thing that lets a box purge a record."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records.format import check as c
from firmware.records.format.errors import Problem, ReceiptRefused
from firmware.records.format.schema import BOX

TYPE = "idkiosk-receipt/1"
MAX_RECEIPT_BYTES = 8 << 10
_BASE64 = re.compile(r"[A-Za-z0-9+/]{60,120}={0,2}", re.ASCII)


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

    def to_bytes(self) -> bytes:
        """The canonical JSON that is signed (RFC 8785); raises ValueError for a naive `at`."""
        if self.at.tzinfo is None:
            raise ValueError("the receipt's moment must be aware")
        return rfc8785.dumps(
            {
                "type": TYPE,
                "kind": str(self.kind),
                "record_digest": self.record_digest,
                "sealed_digest": self.sealed_digest,
                "position": self.position,
                "box": self.box,
                "sequence": self.sequence,
                "audit_head": self.audit_head,
                "at": self.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            }
        )


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt and the ECDSA P-256 / SHA-256 signature (DER) over `receipt.to_bytes()`."""

    receipt: Receipt
    signature: bytes

    def to_json(self) -> bytes:
        """`{"receipt": {…}, "signature": base64}`, canonical: the wire form and the stored form."""
        return rfc8785.dumps(
            {
                "receipt": json.loads(self.receipt.to_bytes()),
                "signature": base64.b64encode(self.signature).decode(),
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> SignedReceipt:
        """Parse `to_json` bytes, strictly. Raises ReceiptRefused; does not verify."""
        if len(data) > MAX_RECEIPT_BYTES:
            raise ReceiptRefused(f"the receipt is longer than {MAX_RECEIPT_BYTES} bytes")
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as exc:
            raise ReceiptRefused("the receipt is not JSON") from exc
        problems: list[Problem] = []
        _signed(value, "", problems)
        if problems:
            raise ReceiptRefused("; ".join(map(str, problems)))
        if not _BASE64.fullmatch(value["signature"]):
            raise ReceiptRefused("the signature is not base64 of an ECDSA signature")
        return cls(_receipt_from(value["receipt"]), base64.b64decode(value["signature"] + "=="))

    def verify(self, certificate: x509.Certificate) -> Receipt:
        """Return the receipt if `certificate`'s key signed it; raises ReceiptRefused."""
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ReceiptRefused("the receipt certificate holds no elliptic-curve key")
        try:
            key.verify(self.signature, self.receipt.to_bytes(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as exc:
            raise ReceiptRefused("the centre's signature on the receipt does not hold") from exc
        return self.receipt


def sign(receipt: Receipt, key: ec.EllipticCurvePrivateKey) -> SignedReceipt:
    """Sign at the centre, with the receipt key (P-256)."""
    return SignedReceipt(receipt, key.sign(receipt.to_bytes(), ec.ECDSA(hashes.SHA256())))


_digest = c.text(64, 64, r"[0-9a-f]{64}")
_signed = c.fields(
    {
        "receipt": c.fields(
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
        ),
        "signature": c.text(200),
    }
)


def _receipt_from(value: dict[str, Any]) -> Receipt:
    at = c.parse_moment(value["at"])
    if at is None:  # the checker has just said that it is one
        raise ReceiptRefused("at: must be a UTC moment")
    return Receipt(
        ReceiptKind(value["kind"]),
        value["record_digest"],
        value["sealed_digest"],
        value["position"],
        value["box"],
        value["sequence"],
        value["audit_head"],
        at,
    )
