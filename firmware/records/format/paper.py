"""A signed statement as a dataclass: its body is its fields, with a type of its own.

A `BoxPaper` is what a box says of itself, signed with the certificate that goes along; a `CentrePaper` is an
order, signed with the centre's key for orders alone, so that a receipt can never pass for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.records.format import check as c
from firmware.records.format import statement
from firmware.records.format.errors import SignatureRefused
from firmware.records.format.signing import Signer
from firmware.records.format.statement import Statement, moment, moment_of

MAX_BYTES = 8 << 20  # a handover of a month without a line


class Paper:
    """`named` and `table` say its form, `nested` its inner dataclasses, `moments` its fields that are one."""

    named: ClassVar[str]
    table: ClassVar[c.Check]
    nested: ClassVar[Mapping[str, type]] = {}
    moments: ClassVar[tuple[str, ...]] = ("at",)

    def body(self) -> dict[str, Any]:
        plain = {one.name: _plain(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]
        return {"type": f"idkiosk-{self.named}/1", **plain}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From a body that passed the table."""
        plain = {name: value for name, value in body.items() if name != "type"}
        plain |= {name: moment_of(body[name]) for name in cls.moments}
        plain |= {name: _inside(inner, body[name]) for name, inner in cls.nested.items()}
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()})


class BoxPaper(Paper):
    def signed(self, signer: Signer) -> Statement:
        return statement.sign_as_box(self.named, self.body(), signer)

    @classmethod
    def read(cls, data: bytes, box_ca: x509.Certificate, at: datetime) -> Self:
        """The paper, if the box that it speaks of signed it. Raises StatementRefused, SignatureRefused."""
        paper = cls.unverified(data)
        made = cls.of(paper.body)
        if paper.verify_box(box_ca, at) != made.speaker:
            raise SignatureRefused(f"the {cls.named} is signed by another box than it speaks of")
        return made

    @classmethod
    def unverified(cls, data: bytes) -> Statement:
        """Its form alone. Raises StatementRefused."""
        return statement.read(data, cls.named, cls.table, MAX_BYTES)

    @property
    def speaker(self) -> str:
        """The box that must have signed."""
        raise NotImplementedError


class CentrePaper(Paper):
    def signed(self, key: ec.EllipticCurvePrivateKey) -> Statement:
        return statement.sign(self.named, self.body(), key)

    @classmethod
    def read(cls, data: bytes, orders: x509.Certificate) -> Self:
        """Raises StatementRefused, SignatureRefused."""
        paper = statement.read(data, cls.named, cls.table)
        paper.verify(orders)
        return cls.of(paper.body)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return value


def _inside(inner: type, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(inner(**one) for one in value)
    return None if value is None else inner(**value)
