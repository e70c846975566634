"""Telling the centre whose place this box took: only then does it take that box's records from this one."""

from __future__ import annotations

import json
from typing import Any

from firmware.records.format.swap import HANDOVER
from firmware.uplink.client import CentreClient


def report(client: CentreClient, adoption: bytes, evidence: bytes | None) -> str:
    """Send a signed adoption with the handover that it rests on; the centre's outcome. Again does no harm.

    Raises CentreUnreachable, CentreRefused, CentreWrong.
    """
    made: dict[str, Any] = json.loads(adoption)
    rests_on = json.loads(evidence) if evidence and made["adoption"]["known_by"] == HANDOVER else None
    answer = client.post_json("/v1/swaps", {"adoption": made, "handover": rests_on})
    return str(answer.get("outcome", ""))
