"""The chip's report: what of a finished card goes into the record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from firmware.document import lds
from firmware.document.lds import Fid
from firmware.document.passive import PaReport
from firmware.issue.mark import Mark
from firmware.issue.ports import Attempt, Personalizer

NAMES = {lds.dg_fid(n): f"DG{n}" for n in lds.DG_TAGS} | {
    Fid.CARD_ACCESS: "EF.CardAccess",
    Fid.COM: "EF.COM",
    Fid.SOD: "EF.SOD",
}
READ_BACK = "read_back"  # every file, byte for byte: through the access protocol, or `read_by_issuer`


def chip_report(
    attempt: Attempt,
    files: Mapping[int, bytes],
    authenticated: PaReport,
    locked: Sequence[str],
    card: Personalizer,
    mark: Mark,
    at: datetime,
) -> dict[str, Any]:
    """JSON with the names of the manifest's `chip`; `card_serial` is None where the card has none.

    `apdus` counts those of the attempt, over restarts, less what was torn.
    """
    groups = {lds.dg_number(fid): content for fid, content in files.items()}
    return {
        "attempt": attempt.number,
        "sod_sha256": hashlib.sha256(files[Fid.SOD]).hexdigest(),
        "card_serial": mark.serial,
        "dialect": card.name,
        "files": {NAMES[fid]: len(content) for fid, content in files.items()},
        "data_groups": {str(n): hashlib.sha256(c).hexdigest() for n, c in groups.items() if n},
        "checks": [READ_BACK, *authenticated.checks, *locked],
        "protocol": card.protocol,
        "read_by_issuer": [NAMES[fid] for fid in files if fid in card.guarded],
        "read_back": True,
        "passive_authentication": True,
        "locked": True,
        "document_signer": authenticated.document_signer,
        "csca": authenticated.csca,
        "block_bytes": card.block_bytes,
        "apdus": mark.apdus,
        "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
