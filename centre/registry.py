"""The population registry as the boxes see it: persons by number, and extracts for offline days.

An extract is a text file of lines. The first is `{"header": {…}, "signature": base64}`, where the
signature is ECDSA P-256 with SHA-256 over the header's canonical JSON (RFC 8785) and the header
holds the SHA-256 of all that follows; then one person a line, in the order of their numbers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import Connection, delete, select
from sqlalchemy import insert as insert_into

from centre import db
from centre.errors import CentreSetupError
from centre.pki import Credential

EXTRACT_FORMAT = "idkiosk-registry-extract/1"
EXTRACT_DAYS = 30
NUMBER = re.compile(r"[0-9]{12}")
FIELDS = frozenset(
    [
        "number",
        "full_name",
        "birth_date",
        "sex",
        "nationality",
        "ethnicity",
        "religion",
        "place_of_origin",
        "residence",
        "identifying_marks",
        "issue_date",
        "expiry_date",
        "father_name",
        "mother_name",
        "spouse_name",
        "old_number",
    ]
)
REQUIRED = ("number", "full_name", "birth_date", "sex")
FINGERS = tuple(
    f"{hand}_{finger}"
    for hand in ("right", "left")
    for finger in ("thumb", "index", "middle", "ring", "little")
)
FIELD_CHARS = 500
TEMPLATE_BYTES = 64 * 1024

Person = dict[str, Any]


def check_person(person: object, where: str) -> Person:
    """The person in NFC, as it is stored: its fields, and `fingers` (position → base64 template).

    Raises CentreSetupError naming `where`, the key and what is allowed.
    """
    if not isinstance(person, dict):
        raise CentreSetupError(f"{where}: a person is an object of fields")
    fields = {key: value for key, value in person.items() if key != "fingers"}
    for key, value in fields.items():
        if key not in FIELDS:
            raise CentreSetupError(f"{where}: unknown field {key!r}; known: {sorted(FIELDS)}")
        if not isinstance(value, str) or len(value) > FIELD_CHARS:
            raise CentreSetupError(f"{where}: {key} must be text of at most {FIELD_CHARS} letters")
        fields[key] = unicodedata.normalize("NFC", value)
    for key in REQUIRED:
        if not fields.get(key):
            raise CentreSetupError(f"{where}: {key} is missing")
    if not NUMBER.fullmatch(fields["number"]):
        raise CentreSetupError(f"{where}: number must be 12 digits")
    if fields["sex"] not in ("M", "F"):
        raise CentreSetupError(f"{where}: sex must be M or F")
    _check_date(fields["birth_date"], where)
    return {**fields, "fingers": _check_fingers(person.get("fingers", {}), where)}


def load_persons(text: bytes) -> list[Person]:
    """Persons of a JSON list. Raises CentreSetupError saying which entry is wrong and why."""
    try:
        entries = json.loads(text)
    except ValueError as exc:
        raise CentreSetupError(f"this is not JSON: {exc}") from exc
    if not isinstance(entries, list):
        raise CentreSetupError("the file must hold a JSON list of persons")
    return [check_person(entry, f"person {place}") for place, entry in enumerate(entries, 1)]


def store(connection: Connection, persons: Iterable[Person]) -> int:
    """Put `persons` in, replacing those of the same number; how many there were."""
    count = 0
    for person in persons:
        number = person["number"]
        fields = {key: value for key, value in person.items() if key != "fingers"}
        connection.execute(delete(db.persons).where(db.persons.c.number == number))
        connection.execute(
            insert_into(db.persons).values(number=number, fields=fields, fingers=person["fingers"])
        )
        count += 1
    return count


def find(connection: Connection, number: str) -> Person | None:
    """The person of `number`, or None."""
    row = connection.execute(select(db.persons).where(db.persons.c.number == number)).first()
    return None if row is None else {**row.fields, "fingers": row.fingers}


def everyone(connection: Connection) -> Iterator[Person]:
    for row in connection.execute(select(db.persons).order_by(db.persons.c.number)):
        yield {**row.fields, "fingers": row.fingers}


def make_extract(persons: Iterable[Person], signer: Credential, at: datetime) -> bytes:
    """The signed extract over `persons` (sorted by number), valid for EXTRACT_DAYS from `at`."""
    lines = [rfc8785.dumps(person) + b"\n" for person in persons]
    body = b"".join(lines)
    header: dict[str, Any] = {
        "format": EXTRACT_FORMAT,
        "issued_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "valid_until": (at.astimezone(UTC) + timedelta(days=EXTRACT_DAYS)).isoformat(timespec="seconds"),
        "persons": len(lines),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    signature = signer.key.sign(rfc8785.dumps(header), ec.ECDSA(SHA256()))
    first = rfc8785.dumps({"header": header, "signature": base64.b64encode(signature).decode()})
    return first + b"\n" + body


def _check_date(text: str, where: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError as exc:
        raise CentreSetupError(f"{where}: birth_date must be YYYY-MM-DD") from exc


def _check_fingers(fingers: object, where: str) -> Mapping[str, str]:
    if not isinstance(fingers, dict):
        raise CentreSetupError(f"{where}: fingers must be an object of position: base64")
    for position, template in fingers.items():
        if position not in FINGERS:
            raise CentreSetupError(f"{where}: unknown finger {position!r}; known: {FINGERS}")
        try:
            raw = base64.b64decode(template, validate=True)
        except (TypeError, ValueError, binascii.Error) as exc:
            raise CentreSetupError(f"{where}: the template of {position} is no base64") from exc
        if not 0 < len(raw) <= TEMPLATE_BYTES:
            raise CentreSetupError(f"{where}: {position} has no template of ≤ {TEMPLATE_BYTES} bytes")
    return fingers
