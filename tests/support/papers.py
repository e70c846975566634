"""Papers of a made-up centre for a made-up box: assignments and leases, and the box that takes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from firmware.box.warrants import Papers
from firmware.records.format.warrants import Assignment, Lease
from support import record

KEYS = record.keys()
ORDERS, ORDERS_KEY = record.issue("Orders to boxes")
SIGNER_SHA256 = "ab" * 32
ASSIGNMENT = Assignment(
    serial=3,
    box=record.BOX,
    epoch=3,
    role="unit",
    pool="T-79",
    home_unit="U-7901",
    capture_unit="U-7905",
    team="TEAM-4",
    station="Nhà văn hoá thôn Đoài",
    profile="training",
    replaces=None,
    at=record.NOW,
)
LEASE = Lease(
    serial=9,
    holder=record.BOX,
    pool="T-79",
    epoch=3,
    count=3,
    cases=("renewal", "first_issue"),
    until=record.NOW + timedelta(days=3),
    signer_sha256=SIGNER_SHA256,
    at=record.NOW,
)
TOKEN_LEASE = replace(LEASE, holder=f"token:{SIGNER_SHA256[:16]}", epoch=0)


class BoxIdentity:
    """As much of an identity as papers are judged by."""

    box = record.BOX
    epoch = 1

    def certificate(self, name: str) -> Any:
        return {"orders": ORDERS, "box.crt": KEYS.box.certificate}[name]


def papers(production: bool = False, box: str = record.BOX) -> Papers:
    identity: Any = BoxIdentity()
    identity.box = box
    return Papers(identity, production)


def signed(paper: Assignment | Lease, key: Any = ORDERS_KEY, **changes: Any) -> bytes:
    return replace(paper, **changes).signed(key).to_json()
