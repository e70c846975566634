"""Which document signer this box asks: `[signer] kind` chooses, here and nowhere else.

With a token in the box (`pkcs11`) the centre is asked first; the token signs under its lease where the centre
cannot be reached. A record has one of the two as its authority, and keeps it:

    the centre was asked, and may have signed      every attempt is the centre's: without a line it waits
    the centre refused                             the same: the token does not sign what the centre refused
    the centre was not reached at all              the token may sign, if a lease allows it
    the token has signed an attempt                every attempt is the lease's

That the centre is asked is in the journal before it is. A number of the lease that was counted for an attempt
stays that attempt's: the centre is not asked for it any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from firmware.box.lease import Ask, Here, LeaseRefused, Leases
from firmware.box.token_marks import TokenMarks
from firmware.issue.errors import SignerNotReached, SignerRefused, SignerUnavailable
from firmware.issue.ports import DocumentSigner, Order, SigningRequest
from firmware.issue.signers import signer_sha256
from firmware.records.authority import Authority

if TYPE_CHECKING:
    from firmware.app.desk import Desk
    from firmware.records.journal import Journal

log = logging.getLogger("firmware.signer")


class HeldSigner(DocumentSigner, Protocol):
    """A document signer that holds a line or a session."""

    def close(self) -> None: ...


def open_signer(desk: Desk) -> HeldSigner:
    """The signer of this box's configuration; what it needs is opened when it is first asked.

    Raises SignerNotAllowed.
    """
    from firmware.issue.signers import FileSigner, Pkcs11Signer
    from firmware.uplink.signing import CentreSigner

    settings = desk.config.signer
    if settings.kind == "centre":
        return CentreSigner(desk.centre())
    certificate = Path(settings.certificate)
    if settings.kind == "file":
        profile = desk.config.station.profile
        return FileSigner(Path(settings.key), certificate, desk.now, leave_of(desk), profile)

    assert desk.token is not None  # noqa: S101  preflight has seen to it
    token = Pkcs11Signer(desk.token, settings.key, certificate, desk.now, leave_of(desk))
    return CentreFirst(CentreSigner(desk.centre()), token, desk.store.call)


class CentreFirst:
    """`firmware.issue.ports.DocumentSigner`: the centre, or where it cannot be reached the token."""

    def __init__(self, centre: HeldSigner, token: HeldSigner, ask: Ask) -> None:
        self.centre, self.token = centre, token
        self._ask = ask

    def sign(self, request: SigningRequest) -> bytes:
        """EF.SOD. Raises SignerRefused and SignerUnavailable; LeaseRefused if line and lease both fail."""
        authority = self._ask(lambda journal: authority_of(journal, request))
        if authority is Authority.LEASE:
            return self.token.sign(request)
        here = (request.record_id, request.attempt)
        if authority is Authority.NOBODY:
            self._ask(lambda journal: journal.authorities.centre_asked(*here))
        try:
            return self.centre.sign(request)
        except SignerNotReached:
            if authority is Authority.CENTRE:
                raise
        self._ask(lambda journal: journal.authorities.centre_not_reached(*here))
        return self.token.sign(request)

    def close(self) -> None:
        """Let go of the line and of the token."""
        try:
            self.centre.close()
        finally:
            self.token.close()


def authority_of(journal: Journal, request: SigningRequest) -> Authority:
    """Who alone may sign this attempt; NOBODY: whoever is asked first."""
    if journal.warrants.use_of(request.record_id, request.attempt) is not None:
        return Authority.LEASE
    return journal.authorities.of(request.record_id)


def leave_of(desk: Desk) -> Callable[[SigningRequest], None]:
    """What this box may sign without asking: under a lease, counted first.

    A virtual station that nobody assigned signs its own cards with its file, while its clock is trusted.
    """

    def leave(request: SigningRequest) -> None:
        if not desk.store.call(lambda journal: needs_lease(desk, journal)):
            _own_card(desk, request)
            return
        use = desk.leases.count(desk.store.call, request)
        log.info("lease %s: card %s", use.serial, use.n)

    return leave


def needs_lease(desk: Desk, journal: Journal) -> bool:
    """Whether what is signed in this box is signed under a lease."""
    kind = desk.config.signer.kind
    return kind == "pkcs11" or (kind == "file" and desk.papers.assignment(journal) is not None)


def why_not(desk: Desk, journal: Journal, record_id: str) -> str:
    """Why no card can be made of this record here now, as a key; "" one can, if the signer answers."""
    if desk.distrust is not None:
        return "clock"
    if not needs_lease(desk, journal) or (desk.config.signer.kind == "pkcs11" and desk.reached):
        return ""
    draft = journal.draft(record_id)
    order = Order("", draft.case, str(draft.assignment["box"]), int(draft.assignment["epoch"]))
    return desk.leases.may_issue(journal, order)


def leases_of(desk: Desk) -> Leases:
    """The right to issue of this box; its token keeps the count of a lease that travels."""
    certificate = Path(desk.config.signer.certificate)

    def here() -> Here:
        cases = desk.pack.offline_cases if desk.ruled else ()
        try:
            return Here(desk.now(), desk.distrust, signer_sha256(certificate), cases)
        except SignerUnavailable as exc:
            raise LeaseRefused("signer_away") from exc

    return Leases(desk.papers, here, TokenMarks(desk.token) if desk.token is not None else None)


def _own_card(desk: Desk, request: SigningRequest) -> None:
    if (request.box, request.epoch) != (desk.identity.box, desk.identity.epoch):
        raise SignerRefused("other_box")
    if desk.distrust is not None:
        raise LeaseRefused("clock")
