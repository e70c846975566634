"""Sealed files beside their sidecars, of one box: which are there, in their size.

Their digests are judged as they are copied (`firmware.records.carried`): a stick is read once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.box.found import Trust, while_valid
from firmware.box.stick import SwapRefused
from firmware.records import sidecar
from firmware.records.carried import BOX_CERTIFICATE
from firmware.records.errors import StoreError
from firmware.records.format.cms import check_certificate
from firmware.records.format.errors import SignatureRefused
from firmware.records.format.signing import common_name
from firmware.records.sidecar import HEAD, SEALED, Head


@dataclass
class Outbox:
    """What a folder holds. `gone`: sidecars whose sealed file is not there; `damaged` in words."""

    folder: Path
    whole: list[Head] = field(default_factory=list)
    gone: list[Head] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    spoilt: list[Head] = field(default_factory=list)
    """Sidecars whose sealed file is there and is not what was sealed: each is in `damaged` too."""


def box_certificate(certificate: x509.Certificate, trust: Trust) -> tuple[str, ec.EllipticCurvePublicKey]:
    """Whose it is, and its key. Raises SwapRefused("stick_foreign")."""
    try:
        check_certificate(certificate, trust.box_ca, while_valid(certificate, trust.now))
    except SignatureRefused as exc:
        raise SwapRefused("stick_foreign", "a certificate of another authority") from exc
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SwapRefused("stick_foreign", "a certificate without an elliptic-curve key")
    return common_name(certificate), key


def look(
    folder: Path,
    box: str,
    key: ec.EllipticCurvePublicKey,
    alive: Callable[[], None],
    doubts: Callable[[Head], bool] = lambda _: False,
) -> Outbox:
    """Every sidecar in `folder` that `box` signed, and whether its file is there.

    `alive` is called for each. A record that is in doubt is read to its end here: what else is taken depends
    on it.
    """
    found = Outbox(folder)
    for path in sorted(folder.glob(f"*{HEAD}")) if folder.is_dir() else ():
        alive()
        head = _head(path, box, key)
        if head is None:
            found.damaged.append(f"sealed record {path.name[:8]}: its sidecar is damaged")
            continue
        _sort(found, head, doubts(head))
    for path in sorted(folder.glob(f"*{SEALED}")) if folder.is_dir() else ():
        if not path.with_name(path.name.removesuffix(SEALED) + HEAD).exists():
            found.damaged.append(f"sealed record {path.name[:8]}: it has no sidecar")
    return found


def _head(path: Path, box: str, key: ec.EllipticCurvePublicKey) -> Head | None:
    try:
        head = sidecar.read(path, key)
    except StoreError:
        return None
    return head if head.box == box else None


def _sort(found: Outbox, head: Head, doubted: bool) -> None:
    path = found.folder / f"{head.stem}{SEALED}"
    try:
        whole = path.stat().st_size == head.size_bytes
        if whole and doubted:
            whole = sha256(path.read_bytes()).hexdigest() == head.sealed_digest
    except FileNotFoundError:
        found.gone.append(head)
        return
    except OSError:
        whole = False
    if whole:
        found.whole.append(head)
        return
    found.spoilt.append(head)
    found.damaged.append(f"sealed record {head.sequence}: its file is damaged")


def carried(folder: Path, trust: Trust, lost: list[str]) -> tuple[tuple[Path, Head], ...]:
    """Other boxes' records that the failed one had taken over; what is not whole is listed in `lost`."""
    found: list[tuple[Path, Head]] = []
    for below in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            certificate = x509.load_der_x509_certificate((below / BOX_CERTIFICATE).read_bytes())
            box, key = box_certificate(certificate, trust)
        except (OSError, ValueError, SwapRefused):
            lost.append(f"records of {below.name[:32]}: nobody known sealed them")
            continue
        outbox = look(below, box, key, trust.alive)
        lost.extend(f"{box}: {line}" for line in outbox.damaged)
        found.extend((below, head) for head in outbox.whole)
    return tuple(found)
