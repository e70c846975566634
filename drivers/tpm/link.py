"""The way to a TPM: the TSS's connection, and its response codes as this house's errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from drivers.errors import DeviceGone, ProtocolError
from drivers.tpm.errors import TPM, TpmRefused, Why

# TCG TSS 2.0 Overview and Common Structures, 3.4: bits 16..23 name the layer that speaks
_LAYER_TPM, _LAYER_MARSHAL, _LAYER_TCTI, _LAYER_LOADER = 0, 9, 10, 15
_FORMAT_ONE, _FORMAT_ONE_ERROR, _FORMAT_ZERO_ERROR = 0x080, 0x0BF, 0xFFF
_REFUSALS = MappingProxyType(  # TPM 2.0 Library, part 2, 6.6.3
    {
        0x08E: Why.AUTH_WRONG,  # TPM_RC_AUTH_FAIL: counted
        0x0A2: Why.AUTH_WRONG,  # TPM_RC_BAD_AUTH: not counted
        0x921: Why.LOCKED_OUT,  # TPM_RC_LOCKOUT
        0x09F: Why.FOREIGN,  # TPM_RC_INTEGRITY
        0x0A5: Why.FOREIGN,  # TPM_RC_BINDING
    }
)


@contextmanager
def opened(tcti: str) -> Iterator[Any]:
    """The ESAPI behind `tcti`; its own log is silent, for it writes an error for each wrong PIN."""
    if not tcti:
        raise DeviceGone(TPM, "open: [tpm] tcti names none")
    os.environ.setdefault("TSS2_LOG", "all+none")
    try:
        from tpm2_pytss import ESAPI, TSS2_Exception
    except (ImportError, OSError) as exc:
        raise DeviceGone(TPM, "open: tpm2-pytss is not installed (pip install idkiosk[tpm])") from exc
    try:
        esapi = ESAPI(tcti)
    except TSS2_Exception as exc:
        raise DeviceGone(TPM, f"open {tcti}") from exc
    try:
        yield esapi
    finally:
        esapi.close()


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """A TSS response code as DeviceGone, TpmRefused or ProtocolError (STYLE: once, at the link)."""
    try:
        from tpm2_pytss import TSS2_Exception
    except (ImportError, OSError) as exc:
        raise DeviceGone(TPM, "open: tpm2-pytss is not installed (pip install idkiosk[tpm])") from exc
    try:
        yield
    except TSS2_Exception as exc:
        raise _meaning(doing, int(exc.rc)) from exc


def _meaning(doing: str, code: int) -> DeviceGone | TpmRefused | ProtocolError:
    layer, error = code >> 16 & 0xFF, code & _FORMAT_ZERO_ERROR
    if layer in (_LAYER_TCTI, _LAYER_LOADER):
        return DeviceGone(TPM, f"{doing}: {code:#x}")
    if layer == _LAYER_MARSHAL:
        return TpmRefused(doing, Why.FOREIGN)
    if layer == _LAYER_TPM:
        if error & _FORMAT_ONE:
            error &= _FORMAT_ONE_ERROR
        return TpmRefused(f"{doing} ({code:#x})", _REFUSALS.get(error, Why.REFUSED))
    return ProtocolError(TPM, f"{doing}: {code:#x}")
