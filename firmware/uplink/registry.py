"""Who has this number? The centre's registry, or its signed extract on the box when it is silent."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyrage
from cryptography import x509

from firmware.records.format.schema import FINGERS
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import (
    CentreRefused,
    CentreUnreachable,
    CentreWrong,
    NotOurCentre,
    PersonUnknown,
    UplinkError,
)
from firmware.uplink.extract import Extract, keep

MAX_EXTRACT_BYTES = 256 << 20
MAX_FIELD_CHARS = 500


class Source(StrEnum):
    REGISTRY = "registry"
    EXTRACT = "extract"


@dataclass(frozen=True, slots=True)
class Person:
    """`fields` by the names of the record (full_name, birth_date, …); `fingers`: position → template.

    `as_of` is when the centre said so: now, or when it signed the extract.
    """

    number: str
    fields: Mapping[str, str]
    fingers: Mapping[str, bytes]
    source: Source
    as_of: datetime


class Registry:
    """Look-ups over one client and, beside it, the extract at `extract` (which need not exist).

    `box` is the key that the extract is encrypted to. The file may be replaced by another Registry.
    """

    def __init__(
        self,
        client: CentreClient,
        extract: Path,
        certificate: x509.Certificate,
        box: pyrage.x25519.Identity,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._path = extract
        self._certificate = certificate
        self._box = box
        self._clock = clock
        self._extract: Extract | None = None

    def lookup(self, number: str) -> Person:
        """The person of `number` (12 digits).

        Raises PersonUnknown; CentreUnreachable when neither centre nor extract can say; CentreRefused;
        CentreWrong when another person is answered, the extract is not to be trusted, or what answers is not
        our centre and there is no extract.
        """
        if len(number) != 12 or not (number.isascii() and number.isdigit()):
            raise ValueError("a number has twelve digits")
        try:
            answer = self._client.get_json(f"/v1/registry/{number}")
        except (CentreUnreachable, NotOurCentre) as exc:  # a captive portal is no centre: as if offline
            return self._offline(number, exc)
        except CentreRefused as exc:
            if (exc.status, exc.reason) == (404, "person_unknown"):
                raise PersonUnknown from exc
            raise
        return to_person(answer, number, Source.REGISTRY, self._clock())

    def refresh(self) -> datetime:
        """Fetch an extract, put it, verified and encrypted, in the place of the old; when it was signed.

        Raises CentreUnreachable, CentreRefused, CentreWrong (ExtractRefused); the old one then stays.
        """
        data = self._client.get("/v1/registry/extract", MAX_EXTRACT_BYTES)
        return keep(data, self._path, self._certificate, self._clock(), self._box.to_public())

    def _offline(self, number: str, silence: UplinkError) -> Person:
        now = self._clock()
        try:
            if self._extract is None or not self._extract.is_current:
                self._extract = Extract(self._path, self._certificate, now, self._box)
        except FileNotFoundError:
            raise silence from None
        answer = self._extract.person(number, now)
        if answer is None:
            raise CentreUnreachable("the extract does not hold this number") from silence
        return to_person(answer, number, Source.EXTRACT, self._extract.issued_at)


def to_person(answer: Mapping[str, Any], number: str, source: Source, as_of: datetime) -> Person:
    """The answer as a Person. Raises CentreWrong if it is malformed or of another number."""
    if answer.get("number") != number:
        raise CentreWrong("the registry answered another person")
    fields = {key: value for key, value in answer.items() if key != "fingers"}
    templates = answer.get("fingers", {})
    known = isinstance(templates, Mapping) and set(templates) <= set(FINGERS)
    if not known or not all(
        isinstance(value, str) and len(value) <= MAX_FIELD_CHARS for value in fields.values()
    ):
        raise CentreWrong("the registry's answer is not a person")
    try:
        fingers = {
            str(position): base64.b64decode(template, validate=True)
            for position, template in templates.items()
        }
    except (TypeError, ValueError, binascii.Error) as exc:
        raise CentreWrong("the registry's finger templates are malformed") from exc
    return Person(number, fields, fingers, source, as_of)
