"""A made-up, valid record: a box with its own tiny CA, a manifest and its files. Nothing of a real person."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firmware.records.format.manifest import FIRST, FORMAT, files_table
from firmware.records.format.schema import FINGERS
from firmware.records.format.signing import Signer

NOW = datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)
BOX = "BOX-01"
NAME = "Nguyễn Thị Thử Nghiệm"
NUMBER = "001304000017"  # Hà Nội, female born in 2004: made up


@dataclass(frozen=True)
class Keys:
    """One authority, one box under it, one receipt signer, one age identity each."""

    box_ca: x509.Certificate
    box_ca_key: ec.EllipticCurvePrivateKey
    box: Signer
    receipt_key: ec.EllipticCurvePrivateKey
    receipt: x509.Certificate
    centre: pyrage.x25519.Identity
    recovery: pyrage.x25519.Identity
    station: pyrage.x25519.Identity


def issue(
    name: str,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
    ca: bool = False,
    begins: datetime = NOW - timedelta(days=1),
    days: int = 400,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for a new P-256 key, self-signed when there is no issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True,
        )
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


@cache
def keys(box: str = BOX) -> Keys:
    """The same keys for the whole test run (making them takes time)."""
    ca, ca_key = issue("Test box CA", ca=True)
    box_certificate, box_key = issue(box, (ca, ca_key))
    receipt, receipt_key = issue("Test receipt signer")
    identity = pyrage.x25519.Identity.generate
    return Keys(
        ca, ca_key, Signer(box_key, box_certificate), receipt_key, receipt, identity(), identity(), identity()
    )


def files() -> dict[str, bytes]:
    """Bytes that stand for pictures: the format does not look into them."""
    named = {f"fingers/{finger}.png": f"ridges of {finger}".encode() for finger in FINGERS}
    return {**named, "portrait.jp2": b"a face" * 50, "chip/report.json": b'{"checks":[]}'}


SCORER = {"name": "preview", "version": "1", "estimate": True}
AT = "2026-03-02T03:00:00Z"


def stated(value: str, source: str = "registry") -> dict[str, Any]:
    return {"value": value, "source": source, "previous": None, "seen": True, "confirmed": True}


def subject() -> dict[str, Any]:
    return {
        "number": stated(NUMBER),
        "full_name": stated(NAME),
        "birth_date": stated("2004-05-06"),
        "sex": stated("F"),
        "nationality": stated("Việt Nam"),
        "residence": stated("Số 1 đường Thử, phường Mẫu, Hà Nội", "citizen"),
    }


def finger(position: str, score: int = 60) -> dict[str, Any]:
    attempts = [{"at": AT, "score": score - 20, "hint": "press_more"}, {"at": AT, "score": score}]
    image = f"fingers/{position}.png"
    return {
        "position": position,
        "image": image,
        "score": score,
        "scorer": SCORER,
        "attempts": attempts,
        "exception": None,
        "ppi": 500,
    }


def excepted(position: str, reason: str = "missing") -> dict[str, Any]:
    exception = {"reason": reason, "permanence": "permanent", "officers": ["O-1", "O-2"], "at": AT}
    return {
        "position": position,
        "image": None,
        "score": None,
        "scorer": None,
        "attempts": [],
        "exception": exception,
    }


def portrait() -> dict[str, Any]:
    scores = {"sharpness": 0.9, "inter_eye_distance_px": 131}
    return {"image": "portrait.jp2", "scores": scores, "scorer": SCORER, "attempts": 1, "at": AT}


def assignment(box: str = BOX) -> dict[str, Any]:
    return {
        "home_unit": "unit-7",
        "capture_unit": "unit-9",
        "box": box,
        "epoch": 1,
        "team": "team-3",
        "shift": "2026-03-02-A",
        "officers": ["O-1"],
    }


def manifest(**changes: Any) -> dict[str, Any]:
    """A valid manifest of record number 1; `changes` replace whole sections."""
    whole = {
        "format": FORMAT,
        "record_id": "0123456789abcdef0123456789abcdef",
        "rule_pack": "7/2024",
        "case": "first_issue",
        "simulated": True,
        "sequence": 1,
        "previous_digest": FIRST,
        "audit_head": "ab" * 32,
        "started_at": AT,
        "completed_at": "2026-03-02T03:04:00Z",
        "assignment": assignment(),
        "subject": subject(),
        "proof": {"method": "finger", "finger": "right_index", "score": 61.5, "at": AT},
        "guardian": None,
        "consent": {"given": True, "text_version": "2026-1", "at": AT},
        "eid_request": {"wanted": False, "at": AT},
        "fingers": [finger(position) for position in FINGERS],
        "portrait": portrait(),
        "corrections": [],
        "iris": {"captured": False, "reason": "no_sensor"},
        "old_card": None,
        "registry": None,
        "issued_here": True,
        "chip": {
            "attempt": 1,
            "sod_sha256": "cd" * 32,
            "card_serial": None,
            "read_back": True,
            "passive_authentication": True,
            "locked": True,
            "report": "chip/report.json",
            "at": AT,
        },
        "void_cards": [],
        "steps": [{"step": "FINGERS", "at": AT}],
        "files": files_table(files()),
    }
    return copy.deepcopy({**whole, **changes})
