"""The document signer of the centre: EF.SOD under the key of its PKI (ICAO Doc 9303-10, 4.6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from centre.pki import Credential
from firmware.records.format.signing import LDS_1_7, Signer, ef_sod


def sign_document(
    data_groups: Mapping[int, bytes], signer: Credential, at: datetime, lds_version: str = LDS_1_7
) -> bytes:
    """EF.SOD over the data groups' SHA-256, signed with ECDSA at the time `at`."""
    return ef_sod(data_groups, Signer(signer.key, signer.certificate), at, lds_version)
