"""Which document signer this box asks: `[signer] kind` chooses, here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from firmware.issue.errors import SignerRefused
from firmware.issue.ports import DocumentSigner, SigningRequest

if TYPE_CHECKING:
    from firmware.app.desk import Desk


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
    """What this box may sign without asking: its own cards, while its clock is trusted."""

    def leave(request: SigningRequest) -> None:
        if (request.box, request.epoch) != (desk.identity.box, desk.identity.epoch):
            raise SignerRefused("other_box")
        if desk.distrust is not None:
            raise SignerRefused("clock")

    return leave
