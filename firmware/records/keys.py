"""The keys that the records of one box need, from whatever key store the box has."""

from __future__ import annotations

from dataclasses import dataclass

import pyrage
from cryptography import x509

from firmware.records.format.signing import Signer


@dataclass(slots=True)
class BoxKeys:
    """`simulated` is true on a virtual station and goes into every record.

    `signer` signs manifests, sidecars and audit checkpoints, and its certificate's CN is the box id; drafts
    are wrapped to `identity` (this box) and `recovery_recipient` (the station's `age1…`); sealed records go
    to `centre_recipients`; `receipt_certificate` is the centre's. Nothing of it changes but `signer`, by
    `certify`.
    """

    signer: Signer
    box_ca: x509.Certificate
    receipt_certificate: x509.Certificate
    centre_recipients: tuple[str, ...]
    identity: pyrage.x25519.Identity
    recovery_recipient: str
    simulated: bool

    @property
    def box(self) -> str:
        return self.signer.box

    def certify(self, renewed: Signer) -> None:
        """Sign under a renewed certificate from here on; ValueError unless key and box are the same."""
        same = (renewed.box, renewed.key.public_key()) == (self.box, self.signer.key.public_key())
        if not same:
            raise ValueError("a renewed certificate is for the same key of the same box")
        self.signer = renewed
