"""What can be wrong with a record or its receipt; nothing else leaves this package."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `where` is a path (`fingers[3].score`), `what` has no personal data."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class FormatError(Exception):
    """A record, a sealed file or a receipt is not what it must be."""


class SchemaRefused(FormatError):
    """The manifest breaks its schema or its rule pack; `problems` has them all."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class SealRefused(FormatError):
    """The sealed file is damaged, too large, not for this reader, or not in the one form a box writes."""


class SignatureRefused(FormatError):
    """A signature or its certificate does not hold."""


class ReceiptRefused(FormatError):
    """The receipt is malformed, not signed by the centre, or speaks of another record."""


class StatementRefused(FormatError):
    """A signed paper (assignment, lease, handover, …) is not in its form."""
