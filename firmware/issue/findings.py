"""What an inspection found out, check by check, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from firmware.document.errors import Check, NotAuthenticError

T = TypeVar("T")


class Extra(StrEnum):
    """The checks of an inspection that are not passive authentication's."""

    PLAIN_READ = "plain_read_refused"  # nothing personal without BAC or PACE (Doc 9303-11, 4.2)
    CLOSED = "personalisation_closed"  # no channel opens in which its files could be written
    ACTIVE = "active_authentication"  # Doc 9303-11, 6.1
    CHIP = "chip_authentication"  # Doc 9303-11, 6.2


class Outcome(StrEnum):
    HELD = "held"
    FAILED = "failed"
    NOT_MADE = "not_made"  # the chip does not offer it, or an earlier one failed; `detail` says which


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `detail` is English, technical and never personal."""

    check: Check | Extra
    outcome: Outcome
    detail: str = ""


class Verdict(StrEnum):
    """What the card is, as far as it could be told."""

    GENUINE = "genuine"  # every check that could be made held
    FORGED = "forged"  # something is not what was signed, or not by whom it says
    UNTRUSTED = "untrusted"  # whole, but signed by an authority that the trust store does not have
    EXPIRED = "expired"  # whole and trusted, but a certificate is not valid now
    UNPROTECTED = "unprotected"  # whole and trusted, but shows a person's data to anybody
    TORN = "torn"  # opens, and its personalisation was never finished
    CLOSED = "closed"  # does not open with what was given
    UNSUPPORTED = "unsupported"  # asks for a way to open or read it that this terminal does not have
    BLANK = "blank"  # an eMRTD application without access keys
    NO_EMRTD = "no_emrtd"  # no eMRTD application at all
    BROKEN = "broken"  # breaks the protocol


@dataclass
class Sheet:
    """The findings as they come, each check once, in the order of the checks."""

    rows: dict[Check | Extra, Finding] = field(default_factory=dict)

    def ask(self, check: Check, call: Callable[[], T]) -> T | None:
        """The value of `call`, or None after noting the check that it found failed."""
        try:
            value = call()
        except NotAuthenticError as exc:
            self.failed(exc.check, str(exc).removeprefix(f"{exc.check}: "))
            if exc.check is not check:
                self.not_made(check, f"{exc.check} failed")
            return None
        self.held(check)
        return value

    def ask_whether(self, check: Check, call: Callable[[], bool]) -> None:
        """As `ask`; a False says that the chip has nothing that could be checked."""
        try:
            there = call()
        except NotAuthenticError as exc:
            self.failed(check, str(exc).removeprefix(f"{exc.check}: "))
            return
        if there:
            self.held(check)
        else:
            self.not_made(check, "the chip has nothing to check it with")

    def held(self, check: Check | Extra, detail: str = "") -> None:
        self._note(Finding(check, Outcome.HELD, detail))

    def failed(self, check: Check | Extra, detail: str) -> None:
        self.rows.pop(check, None)  # of several results of one check the failure counts
        self._note(Finding(check, Outcome.FAILED, detail))

    def not_made(self, check: Check | Extra, why: str) -> None:
        self._note(Finding(check, Outcome.NOT_MADE, why))

    def all_not_made(self, checks: Iterable[Check | Extra], why: str) -> None:
        for check in checks:
            self.not_made(check, why)

    def outcome(self, check: Check | Extra) -> Outcome:
        found = self.rows.get(check)
        return found.outcome if found else Outcome.NOT_MADE

    @property
    def broken(self) -> frozenset[Check | Extra]:
        """The checks that failed."""
        return frozenset(row.check for row in self.rows.values() if row.outcome is Outcome.FAILED)

    @property
    def findings(self) -> tuple[Finding, ...]:
        order: list[Check | Extra] = [*Check, *Extra]
        return tuple(sorted(self.rows.values(), key=lambda row: order.index(row.check)))

    def _note(self, finding: Finding) -> None:
        self.rows.setdefault(finding.check, finding)
