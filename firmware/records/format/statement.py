"""What is signed as JSON has one form: `{"<name>": {…}, "signature": base64}`, canonical (RFC 8785).

The signature is ECDSA with SHA-256 (DER) over the canonical body, which names its own type. A statement of
a box also carries that box's certificate (`"certificate"`: base64 of DER): its reader knows the authority.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.records.format import check as c
from firmware.records.format.cms import check_certificate
from firmware.records.format.errors import Problem, SignatureRefused, StatementRefused
from firmware.records.format.signing import Signer, common_name

MAX_BYTES = 512 << 10
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{60,120}={0,2}", re.ASCII)
_MAX_CERTIFICATE = 8 << 10


@dataclass(frozen=True, slots=True)
class Statement:
    """`body` is plain JSON that fits its table; nothing is verified yet."""

    name: str
    body: Mapping[str, Any]
    signature: bytes
    certificate: bytes = b""

    def to_json(self) -> bytes:
        """The wire form and the stored form."""
        whole: dict[str, Any] = {
            self.name: dict(self.body),
            "signature": base64.b64encode(self.signature).decode(),
        }
        if self.certificate:
            whole["certificate"] = base64.b64encode(self.certificate).decode()
        return rfc8785.dumps(whole)

    def verify(self, certificate: x509.Certificate) -> None:
        """Raise SignatureRefused unless `certificate`'s key signed the body."""
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SignatureRefused("the certificate holds no elliptic-curve key")
        try:
            key.verify(self.signature, rfc8785.dumps(dict(self.body)), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as exc:
            raise SignatureRefused(f"the signature on the {self.name} does not hold") from exc

    def verify_box(self, authority: x509.Certificate, at: datetime) -> str:
        """The box that signed, by the certificate that came along, issued by `authority` and valid at `at`.

        Raises SignatureRefused.
        """
        try:
            certificate = x509.load_der_x509_certificate(self.certificate)
        except ValueError as exc:
            raise SignatureRefused(f"the {self.name} brings no certificate of a box") from exc
        check_certificate(certificate, authority, at)
        self.verify(certificate)
        return common_name(certificate)


def sign(name: str, body: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> Statement:
    """Sign `body` with a key that every reader knows."""
    return Statement(name, body, key.sign(rfc8785.dumps(dict(body)), ec.ECDSA(hashes.SHA256())))


def sign_as_box(name: str, body: Mapping[str, Any], signer: Signer) -> Statement:
    """Sign `body` with a box's key; its certificate goes along."""
    made = sign(name, body, signer.key)
    return Statement(name, made.body, made.signature, signer.certificate.public_bytes(Encoding.DER))


def read(data: bytes, name: str, table: c.Check, most: int = MAX_BYTES) -> Statement:
    """Parse `to_json` bytes, strictly; the body must pass `table`. Raises StatementRefused.

    Nothing is verified yet.
    """
    whole = c.fields({name: table, "signature": c.text(200)}, {"certificate": c.text(_MAX_CERTIFICATE * 2)})
    value = parse(data, name, whole, most)
    if not _SIGNATURE.fullmatch(value["signature"]):
        raise StatementRefused("the signature is not base64 of an ECDSA signature")
    try:
        certificate = base64.b64decode(value.get("certificate", ""), validate=True)
        made = Statement(name, value[name], base64.b64decode(value["signature"] + "=="), certificate)
        canonical = made.to_json() == data
    except (ValueError, rfc8785.CanonicalizationError) as exc:
        raise StatementRefused(f"the {name} does not hold what JSON of this form holds") from exc
    if not canonical:
        raise StatementRefused(f"the {name} is not in the one form that is signed")
    return made


def parse(data: bytes, name: str, table: c.Check, most: int) -> Any:
    """The JSON in at most `most` bytes, if it passes `table`. Raises StatementRefused."""
    if len(data) > most:
        raise StatementRefused(f"the {name} is longer than {most} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise StatementRefused(f"the {name} is not JSON") from exc
    problems: list[Problem] = []
    table(value, "", problems)
    if problems:
        raise StatementRefused("; ".join(map(str, problems))[:2000])
    return value


def letters(data: bytes) -> str:
    """Sixteen letters to compare by eye, in fours: 80 bits of SHA-256, base 32 (RFC 4648)."""
    text = base64.b32encode(sha256(data).digest()[:10]).decode()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def moment(at: datetime) -> str:
    """An aware datetime as a statement writes it. Raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a statement's moment must be aware")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """The aware datetime of a text that `check.moment` has passed."""
    at = c.parse_moment(text)
    if at is None:
        raise StatementRefused("not a UTC moment")
    return at
