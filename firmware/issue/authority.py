"""What is asked of the document signer, and whether a border would believe what it answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from firmware.document.data_groups import decode_dg1
from firmware.document.errors import NotAuthenticError
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.document.mrz import parse as parse_mrz
from firmware.document.passive import PaReport, passive_authentication, verify_signature
from firmware.document.sod import parse as parse_sod
from firmware.issue.errors import IssueBroken, OutOfOrder, SignerRefused
from firmware.issue.ports import Order, SigningRequest


def signing_request(record_id: str, attempt: int, image: CardImage, order: Order) -> SigningRequest:
    """The request for this image. Raises OutOfOrder if the order is for another person."""
    if parse_mrz(decode_dg1(image.files[Fid.DG1])).number != order.number:
        raise OutOfOrder("the order is for another person than the card image")
    return SigningRequest(
        record_id=record_id,
        number=order.number,
        case=order.case,
        box=order.box,
        epoch=order.epoch,
        attempt=attempt,
        data_group_hashes=image.data_group_hashes(),
        lds_version=image.lds_version,
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """The CSCAs that are trusted, and the time for which certificates must be valid."""

    trust: tuple[x509.Certificate, ...]
    now: Callable[[], datetime]

    def authenticate(self, sod: bytes, files: Mapping[int, bytes]) -> PaReport:
        """Passive authentication of what a card holds. Raises IssueBroken(check)."""
        try:
            return self._passive_authentication(sod, files)
        except NotAuthenticError as exc:
            raise IssueBroken(exc.check, str(exc)) from exc

    def check_signed(self, sod: bytes, files: Mapping[int, bytes]) -> None:
        """Raise SignerRefused for a signature that no border would believe: it never reaches a card."""
        try:
            self._passive_authentication(sod, files)
        except NotAuthenticError as exc:
            raise SignerRefused("sod_not_for_this_card") from exc

    def genuine(self, sod: bytes) -> bool:
        """Whether this is an EF.SOD that a trusted state signed, for whatever card."""
        try:
            verify_signature(parse_sod(sod), self.trust, self.now())
        except NotAuthenticError:
            return False
        return True

    def _passive_authentication(self, sod: bytes, files: Mapping[int, bytes]) -> PaReport:
        return passive_authentication(parse_sod(sod), files, self.trust, self.now())
