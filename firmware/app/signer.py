"""Which document signer this box asks: `[signer] kind` chooses, here and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from firmware.box.lease import Here, LeaseRefused, Leases
from firmware.box.token_marks import TokenMarks
from firmware.issue.errors import SignerRefused, SignerUnavailable
from firmware.issue.ports import DocumentSigner, Order, SigningRequest
from firmware.issue.signers import signer_sha256

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
    settings = desk.config.signer
    if settings.kind == "centre":
        from firmware.uplink.signing import CentreSigner

        return CentreSigner(desk.centre())
    from firmware.issue.signers import FileSigner, Pkcs11Signer

    certificate = Path(settings.certificate)
    if settings.kind == "file":
        profile = desk.config.station.profile
        return FileSigner(Path(settings.key), certificate, desk.now, leave_of(desk), profile)

    assert desk.token is not None  # noqa: S101  preflight has seen to it
    return Pkcs11Signer(desk.token, settings.key, certificate, desk.now, leave_of(desk))


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
    """Whether cards are signed in this box under a lease."""
    kind = desk.config.signer.kind
    return kind == "pkcs11" or (kind == "file" and desk.papers.assignment(journal) is not None)


def why_not(desk: Desk, journal: Journal, record_id: str) -> str:
    """Why no card can be made of this record here now, as a key; "" one can, if the signer answers."""
    if desk.distrust is not None:
        return "clock"
    if not needs_lease(desk, journal):
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
