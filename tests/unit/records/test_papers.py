"""Papers between centre and boxes: read back as written, believed only from who may write them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from support import papers, record

from firmware.records.format import statement, swap
from firmware.records.format.errors import FormatError, SignatureRefused, StatementRefused
from firmware.records.format.paper import MAX_BYTES
from firmware.records.format.signing import Signer
from firmware.records.format.warrants import Assignment, Lease, Replaces

KEYS = record.keys()
ASSIGNMENT = replace(papers.ASSIGNMENT, replaces=Replaces("BOX-09", 1))
LEASE = papers.TOKEN_LEASE
HANDOVER = swap.Handover(
    box=record.BOX,
    epoch=2,
    closed_at=41,
    head="12" * 32,
    to="",
    assignment="34" * 32,
    blanks=swap.Blanks(300, 39, 2, 259),
    void_cards=("56" * 32, "78" * 32),
    given_up=(swap.GivenUp("f" * 32, "renewal", "7/2024", 2),),
    sealed=(swap.Held(40, "9a" * 32, "bc" * 32, 2_000_000), swap.Held(41, "12" * 32, "de" * 32, 1)),
    drafts=("0" * 32,),
    lease_serial=9,
    lease_used=12,
    audit_head="f0" * 32,
    at=record.NOW,
)
ADOPTION = swap.Adoption(
    by=record.BOX,
    by_epoch=1,
    box="BOX-09",
    epoch=1,
    closed_at=None,
    known_by=swap.ORDER,
    evidence="ab" * 32,
    records=0,
    drafts=(),
    blanks_stated=None,
    blanks_counted=12,
    officer="T-1",
    at=record.NOW,
)
RETIREMENT = swap.Retirement(record.BOX, 2, 41, ("journal.db", "drafts"), "f0" * 32, "T-1", record.NOW)
BOX_PAPERS = [HANDOVER, ADOPTION, RETIREMENT]


def test_what_the_centre_signs_is_read_back() -> None:
    key = KEYS.receipt_key
    for paper in (ASSIGNMENT, LEASE):
        assert type(paper).read(paper.signed(key).to_json(), KEYS.receipt) == paper


@pytest.mark.parametrize("paper", BOX_PAPERS, ids=lambda paper: paper.named)
def test_what_a_box_signs_is_read_back(paper: Any) -> None:
    data = paper.signed(KEYS.box).to_json()
    assert type(paper).read(data, KEYS.box_ca, record.NOW) == paper


def test_no_other_key_writes_orders() -> None:
    certificate, key = record.issue("stranger")
    with pytest.raises(SignatureRefused):
        Assignment.read(ASSIGNMENT.signed(key).to_json(), KEYS.receipt)
    with pytest.raises(SignatureRefused):
        Lease.read(LEASE.signed(KEYS.receipt_key).to_json(), certificate)


@pytest.mark.parametrize("paper", BOX_PAPERS, ids=lambda paper: paper.named)
def test_a_box_speaks_for_itself_alone(paper: Any) -> None:
    other = replace(paper, **{"by" if isinstance(paper, swap.Adoption) else "box": "BOX-77"})
    with pytest.raises(SignatureRefused, match="another box"):
        type(paper).read(other.signed(KEYS.box).to_json(), KEYS.box_ca, record.NOW)


def test_a_stranger_with_a_certificate_of_their_own_is_no_box() -> None:
    certificate, key = record.issue(record.BOX)
    stranger = Signer(key, certificate)
    with pytest.raises(SignatureRefused, match="authority"):
        swap.Handover.read(HANDOVER.signed(stranger).to_json(), KEYS.box_ca, record.NOW)


def test_one_paper_never_passes_for_another() -> None:
    """The body names its type under the signature, so that moving it under another name shows."""
    lease = json.loads(LEASE.signed(KEYS.receipt_key).to_json())
    lease["assignment"] = lease.pop("lease")
    with pytest.raises(StatementRefused):
        Assignment.read(rfc8785.dumps(lease), KEYS.receipt)


@pytest.mark.parametrize("name", [*HANDOVER.body()])
def test_every_field_of_a_handover_is_under_the_signature(name: str) -> None:
    value = json.loads(HANDOVER.signed(KEYS.box).to_json())
    was = value["handover"][name]
    changes = {
        "int": 7,
        "str": "ab" * 32,
        "list": [],
        "dict": {"taken_in": 1, "live": 0, "void": 0, "left": 1},
    }
    named = {"box": "BOX-77", "to": "BOX-77", "at": "2026-01-01T00:00:00Z"}
    value["handover"][name] = named.get(name, changes[type(was).__name__])
    with pytest.raises(SignatureRefused if name != "type" else StatementRefused):
        swap.Handover.read(rfc8785.dumps(value), KEYS.box_ca, record.NOW)
    del value["handover"][name]
    with pytest.raises(StatementRefused, match="missing"):
        swap.Handover.read(rfc8785.dumps(value), KEYS.box_ca, record.NOW)


def test_only_the_canonical_form_is_read() -> None:
    value = json.loads(HANDOVER.signed(KEYS.box).to_json())
    with pytest.raises(StatementRefused, match="one form"):
        swap.Handover.read(json.dumps(value).encode(), KEYS.box_ca, record.NOW)


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    for read in (
        lambda: Assignment.read(data, KEYS.receipt),
        lambda: Lease.read(data, KEYS.receipt),
        lambda: swap.Handover.read(data, KEYS.box_ca, record.NOW),
    ):
        with pytest.raises(FormatError):
            read()


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_bent_byte_is_never_believed(place: int, byte: int) -> None:
    data = bytearray(HANDOVER.signed(KEYS.box).to_json())
    place %= len(data)
    if data[place] == byte:
        return
    data[place] = byte
    with pytest.raises(FormatError):
        swap.Handover.read(bytes(data), KEYS.box_ca, record.NOW)


def test_a_huge_or_deep_paper_is_refused_unread() -> None:
    for data in (b"[" * 100_000, b" " * (MAX_BYTES + 1)):
        with pytest.raises(StatementRefused):
            swap.Handover.read(data, KEYS.box_ca, record.NOW)


def test_an_expired_certificate_signs_nothing() -> None:
    data = HANDOVER.signed(KEYS.box).to_json()
    with pytest.raises(SignatureRefused, match="valid"):
        swap.Handover.read(data, KEYS.box_ca, record.NOW + timedelta(days=20_000))


def test_a_key_of_another_kind_is_no_authority() -> None:
    curve = ec.generate_private_key(ec.SECP384R1())
    paper = statement.sign("lease", LEASE.signed(KEYS.receipt_key).body, curve)
    with pytest.raises(FormatError):
        Lease.read(paper.to_json(), KEYS.receipt)
