"""An object of a TPM as it lies on a disk: useless to everybody but the TPM that made it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from drivers.tpm.errors import TpmRefused, Why

MOST_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Blob:
    """TPM2B_PUBLIC and TPM2B_PRIVATE (TPM 2.0 Library, part 2, 12.2.5 and 12.3.7), as they are marshalled."""

    public: bytes
    private: bytes

    def to_json(self) -> dict[str, str]:
        return {name: base64.b64encode(getattr(self, name)).decode() for name in ("public", "private")}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Raises TpmRefused(FOREIGN) for what `to_json` never made."""
        if not isinstance(value, Mapping) or set(value) != {"public", "private"}:
            raise TpmRefused("read an object", Why.FOREIGN)
        return cls(_bytes(value["public"]), _bytes(value["private"]))


def _bytes(text: object) -> bytes:
    try:
        data = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except ValueError as exc:
        raise TpmRefused("read an object", Why.FOREIGN) from exc
    if not 0 < len(data) <= MOST_BYTES:
        raise TpmRefused("read an object", Why.FOREIGN)
    return data
