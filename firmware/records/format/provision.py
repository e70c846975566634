"""What a centre puts on the stick that makes a blank box a box of its own: a signed table of its files.

<stick>/idkiosk-provision/<box>/
    manifest.json                             signed by `orders.pem`, written last: without it nothing counts
    tls-ca.pem csca.pem box-ca.pem receipt.pem extract.pem orders.pem     whom the box trusts
    recipients.txt recovery.txt service.txt   to whom it writes (age)
    assignment.json lease.json                where it stands, and what it may issue offline
    kiosk.toml officers.json registry.extract the site's settings, the staff, the signed registry extract
    enrolment-code.txt                        the box makes its own key and enrols over the line, or else
    box.key.pem enrolment.json                a training box's key, ready: no line is needed
    card-keys.toml                            the issuer's keys of a training station's cards

The box meets `orders.pem` on the stick for the first time: the `seal` of the manifest is compared by eye.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records.format import check as c
from firmware.records.format import statement
from firmware.records.format.errors import StatementRefused
from firmware.records.format.schema import BOX
from firmware.records.format.statement import Statement, moment, moment_of
from firmware.records.format.warrants import PRODUCTION, TRAINING

FOLDER, MANIFEST, PROVISION = "idkiosk-provision", "manifest.json", "provision"
TYPE = "idkiosk-provision/1"
MAX_MANIFEST = 64 << 10
ORDERS = "orders.pem"
ANCHORS = (
    "tls-ca.pem", "csca.pem", "box-ca.pem", "receipt.pem", "extract.pem", ORDERS,
    "recipients.txt", "recovery.txt", "service.txt",
)  # fmt: skip
ASSIGNMENT, LEASE, SETTINGS = "assignment.json", "lease.json", "kiosk.toml"
STAFF, EXTRACT, CARD_KEYS = "officers.json", "registry.extract", "card-keys.toml"
CODE, KEY, ENROLMENT = "enrolment-code.txt", "box.key.pem", "enrolment.json"
ALWAYS = (*ANCHORS, ASSIGNMENT, SETTINGS, STAFF, EXTRACT)
BY_CODE, BY_KEY = frozenset({CODE}), frozenset({KEY, ENROLMENT})
MOST: Mapping[str, int] = MappingProxyType(
    dict.fromkeys((*ANCHORS, KEY), 8 << 10)
    | dict.fromkeys((ASSIGNMENT, LEASE, SETTINGS), 16 << 10)
    | {STAFF: 256 << 10, EXTRACT: 256 << 20, CODE: 100, ENROLMENT: 64 << 10, CARD_KEYS: 64 << 10}
)
"""Every file that a stick may bring, and its greatest size in bytes."""

_NAME = r"[a-z][a-z0-9.-]{2,40}"
_file = c.fields({"bytes": c.integer(1, max(MOST.values())), "sha256": c.text(64, 64, r"[0-9a-f]{64}")})
_body = c.fields(
    {
        "type": c.must_be(TYPE),
        "box": c.text(32, 1, BOX),
        "profile": c.one_of(PRODUCTION, TRAINING),
        "files": c.mapping(_NAME, _file, len(MOST), len(ALWAYS)),
        "at": c.moment,
    }
)


@dataclass(frozen=True, slots=True)
class File:
    """One file of the stick: its length and its SHA-256 in hex."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> File:
        return cls(len(data), sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Provision:
    """The stick of one box. `files` by name: all of ALWAYS, and either BY_CODE or BY_KEY."""

    box: str
    profile: str
    files: Mapping[str, File]
    at: datetime

    @property
    def brings_key(self) -> bool:
        """A training box's key lies on the stick: it needs no line to enrol."""
        return KEY in self.files

    def signed(self, key: ec.EllipticCurvePrivateKey) -> Statement:
        files = {name: {"bytes": file.size, "sha256": file.sha256} for name, file in self.files.items()}
        body = {"type": TYPE, "box": self.box, "profile": self.profile, "files": files, "at": moment(self.at)}
        return statement.sign(PROVISION, body, key)

    @classmethod
    def read(cls, data: bytes, orders: x509.Certificate) -> Provision:
        """Raises StatementRefused, SignatureRefused."""
        paper = statement.read(data, PROVISION, _body, MAX_MANIFEST)
        paper.verify(orders)
        return cls._of(paper.body)

    @classmethod
    def _of(cls, body: Mapping[str, Any]) -> Provision:
        files = {name: File(file["bytes"], file["sha256"]) for name, file in body["files"].items()}
        made = cls(body["box"], body["profile"], files, moment_of(body["at"]))
        _need_whole(made)
        return made


def seal(manifest: bytes) -> str:
    """Sixteen letters to compare by eye: of all that the stick brings, and of who signed it."""
    return statement.letters(manifest)


def _need_whole(made: Provision) -> None:
    """Raise StatementRefused for files missing, unknown, too long, or of two ways to enrol."""
    names = set(made.files)
    if missing := sorted(set(ALWAYS) - names):
        raise StatementRefused(f"the stick lacks {', '.join(missing)}")
    if unknown := sorted(names - set(MOST)):
        raise StatementRefused(f"no stick brings {', '.join(unknown)}")
    if too_long := sorted(name for name in names if made.files[name].size > MOST[name]):
        raise StatementRefused(f"too long: {', '.join(too_long)}")
    if names & (BY_CODE | BY_KEY) not in (BY_CODE, BY_KEY):
        raise StatementRefused("a box enrols by a code or by a training key, and by one of them")
    if made.profile == PRODUCTION and (made.brings_key or CARD_KEYS in names):
        raise StatementRefused("a production box makes its own key: none comes on a stick")
