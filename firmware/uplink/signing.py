"""The document signer at the centre, as the chip transaction wants it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from typing import Any

from firmware.issue.errors import SignerNotReached, SignerRefused, SignerUnavailable
from firmware.issue.ports import SigningRequest
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreRefused, CentreUnreachable, CentreWrong

EF_SOD_TAG = 0x77
MAX_SOD_BYTES = 16 * 1024


class CentreSigner:
    """`firmware.issue.ports.DocumentSigner` over POST /v1/sign.

    An attempt's number goes up only when the journal has its predecessor LOST with an officer's name,
    so asking for attempt n reports 1 to n-1 as lost; the centre voids what it granted for them.
    """

    def __init__(self, client: CentreClient) -> None:
        self._client = client

    def close(self) -> None:
        """Let go of the line to the centre."""
        self._client.close()

    def sign(self, request: SigningRequest) -> bytes:
        """EF.SOD; the same bytes each time the same attempt is asked.

        Raises SignerUnavailable when the centre cannot be asked or does not answer as it must
        (SignerNotReached where it cannot have signed), SignerRefused with the centre's reason.
        """
        body = {**request.to_json(), "lost": list(range(1, request.attempt))}
        try:
            answer = self._client.post_json("/v1/sign", body)
        except (CentreUnreachable, CentreWrong) as exc:
            kind = SignerUnavailable if exc.in_doubt else SignerNotReached
            raise kind(str(exc)) from exc
        except CentreRefused as exc:
            raise SignerRefused(exc.reason) from exc
        return _ef_sod(answer)

    def give_up(self, record_id: str, attempts: Collection[int]) -> int:
        """Report that these attempts' cards will never be completed (the record was abandoned).

        The centre voids what it granted for them and frees the case; how many grants that were.
        Raises UplinkError; until it succeeds no other record can be signed for the same case.
        """
        body = {"record_id": record_id, "attempts": sorted(attempts)}
        voided = self._client.post_json("/v1/void", body).get("voided")
        if not isinstance(voided, int):
            raise CentreWrong("the centre did not say what it voided")
        return voided


def _ef_sod(answer: Mapping[str, Any]) -> bytes:
    try:
        ef_sod = base64.b64decode(answer["ef_sod"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as exc:
        raise SignerUnavailable("the centre's answer holds no EF.SOD") from exc
    if not 0 < len(ef_sod) <= MAX_SOD_BYTES or ef_sod[0] != EF_SOD_TAG:
        raise SignerUnavailable("the centre's answer holds no EF.SOD")
    return ef_sod
