"""The manifest's bytes: RFC 8785 canonical JSON, and the digest that is the record's identity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import rfc8785

from firmware.records.format.errors import Problem, SchemaRefused, SealRefused
from firmware.records.format.record_rules import FIRST
from firmware.records.format.schema import FORMAT

MAX_MANIFEST_BYTES = 1 << 20
__all__ = ["FIRST", "FORMAT", "canonical", "files_table", "parse", "record_digest"]


def canonical(manifest: Mapping[str, Any]) -> bytes:
    """Return the one byte form of `manifest` (RFC 8785). Raises SchemaRefused if it is not JSON."""
    try:
        return rfc8785.dumps(dict(manifest))
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError) as exc:
        raise SchemaRefused((Problem("manifest", "cannot be written as RFC 8785 JSON"),)) from exc


def record_digest(manifest_bytes: bytes) -> str:
    """SHA-256 of the canonical manifest in lower-case hexadecimal: the identity of the record."""
    return sha256(manifest_bytes).hexdigest()


def files_table(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """The manifest's `files`: name → SHA-256 and size of each file in the seal."""
    return {
        name: {"sha256": sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(files.items())
    }


def parse(data: bytes) -> dict[str, Any]:
    """Read manifest bytes, which must be canonical already. Raises SealRefused if they are not."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise SealRefused(f"manifest.json is longer than {MAX_MANIFEST_BYTES} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise SealRefused("manifest.json is not JSON") from exc
    if not isinstance(value, dict):
        raise SealRefused("manifest.json is not an object")
    try:
        same = canonical(value) == data
    except SchemaRefused as exc:
        raise SealRefused("manifest.json cannot be written canonically") from exc
    if not same:
        raise SealRefused("manifest.json is not in RFC 8785 canonical form")
    return value
