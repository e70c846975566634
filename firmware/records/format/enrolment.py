"""What a box and the centre say to each other about certificates.

A box that is enrolled asks for another certificate by a statement of its own (`CertificateRequest`): for a
short-lived TLS key, or for its identity anew. A box that is not yet enrolled shows a request (PKCS #10) and
takes an `Enrolment`: its certificate and whom it trusts.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firmware.records.format import check as c
from firmware.records.format import statement
from firmware.records.format.errors import Problem, SignatureRefused, StatementRefused
from firmware.records.format.schema import BOX
from firmware.records.format.signing import Signer
from firmware.records.format.statement import Statement

CERTIFICATE_REQUEST = "certificate_request"
TYPE, ENROLMENT_TYPE = "idkiosk-certificate-request/1", "idkiosk-enrolment/1"
TLS, IDENTITY = "tls", "identity"
MAX_REQUEST = 4 << 10
MAX_ENROLMENT = 64 << 10
request_text = c.text(MAX_REQUEST, 1, r"[A-Za-z0-9+/]+={0,2}")
"""PKCS #10: base64 of DER."""
FILE = re.compile(r"[a-z-]{1,30}(\.crt)?\.(pem|txt)", re.ASCII)

_body = c.fields(
    {
        "type": c.must_be(TYPE),
        "kind": c.one_of(TLS, IDENTITY),
        "box": c.text(32, 1, BOX),
        "request": request_text,
    }
)


def _lines(value: Any, where: str, problems: list[Problem]) -> None:
    """PEM, or a recipient: visible ASCII in lines."""
    if not isinstance(value, str) or not re.fullmatch(r"[ -~\n]{1,8192}", value, re.ASCII):
        problems.append(Problem(where, "must be lines of ASCII"))


_enrolment = c.fields(
    {
        "type": c.must_be(ENROLMENT_TYPE),
        "box": c.text(32, 1, BOX),
        "epoch": c.integer(0, 2**31),
        "files": c.mapping(FILE.pattern, _lines, 16, 1),
    }
)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """`request` is PKCS #10 in DER; `kind` is TLS or IDENTITY."""

    kind: str
    box: str
    request: bytes

    def signed(self, signer: Signer) -> Statement:
        """In the box's name, by the identity that it has now."""
        body = {
            "type": TYPE,
            "kind": self.kind,
            "box": self.box,
            "request": base64.b64encode(self.request).decode(),
        }
        return statement.sign_as_box(CERTIFICATE_REQUEST, body, signer)

    @classmethod
    def read(
        cls, data: bytes, authority: x509.Certificate, at: datetime
    ) -> tuple[CertificateRequest, x509.Certificate]:
        """The request, and the box's certificate that it is signed by.

        Raises StatementRefused, and SignatureRefused unless a box of `authority` asks for itself.
        """
        signed = statement.read(data, CERTIFICATE_REQUEST, _body, MAX_REQUEST + (16 << 10))
        box = signed.verify_box(authority, at)
        if signed.body["box"] != box:
            raise SignatureRefused("the request is in another box's name")
        made = cls(signed.body["kind"], box, request_in(signed.body["request"]))
        return made, x509.load_der_x509_certificate(signed.certificate)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an enrolled box needs beside its keys: `files` by name, `box.crt.pem` and the anchors."""

    box: str
    epoch: int
    files: Mapping[str, str]

    @property
    def seal(self) -> str:
        """Sixteen letters to compare by eye: of the box, its certificate and all whom it trusts."""
        return statement.letters(
            rfc8785.dumps({"box": self.box, "epoch": self.epoch, "files": dict(self.files)})
        )

    def to_json(self) -> bytes:
        whole = {"type": ENROLMENT_TYPE, "box": self.box, "epoch": self.epoch, "files": dict(self.files)}
        return json.dumps(whole, indent=1, sort_keys=True).encode()

    @classmethod
    def read(cls, data: bytes) -> Enrolment:
        """Raises StatementRefused. Nothing in it is believed for having arrived."""
        value = statement.parse(data, "enrolment", _enrolment, MAX_ENROLMENT)
        return cls(value["box"], value["epoch"], value["files"])


def request_in(text: str) -> bytes:
    """The bytes of a text that `request_text` has passed. Raises StatementRefused."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise StatementRefused("a certificate request is base64 of DER") from exc


def requested(data: bytes, box: str | None = None) -> tuple[str, ec.EllipticCurvePublicKey]:
    """The box and the key of a request (PKCS #10, PEM or DER) whose sender holds that key.

    Raises StatementRefused: unreadable, of another `box`, not P-256, or not signed by its own key.
    """
    if len(data) > MAX_REQUEST:
        raise StatementRefused("a certificate request is shorter")
    try:
        pem = data.lstrip().startswith(b"-----")
        request = x509.load_pem_x509_csr(data) if pem else x509.load_der_x509_csr(data)
        key, holds = request.public_key(), request.is_signature_valid
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as exc:
        raise StatementRefused("this is no certificate request") from exc
    name = str(names[0].value) if len(names) == 1 else ""
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise StatementRefused("a box's key is a P-256 key")
    if not holds:
        raise StatementRefused("the request is not signed by its own key")
    if not re.fullmatch(BOX, name) or (box is not None and name != box):
        raise StatementRefused("the request is for another box" if box else "the request names no box")
    return name, key
