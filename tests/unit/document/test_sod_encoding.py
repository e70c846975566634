"""An EF.SOD that is not strict DER is not read at all."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pa import HASHES, authenticate, genuine, refused
from support.signer import ef_sod

from firmware.document import der
from firmware.document.errors import Check, NotAuthenticError
from firmware.document.signatures import check_key
from firmware.document.sod import parse


def test_bytes_after_the_end_are_found() -> None:
    refused(ef_sod(HASHES) + b"\0", Check.SOD)


def test_bytes_after_the_cms_inside_the_wrapper_are_found() -> None:
    inner = der.one(ef_sod(HASHES)).value
    refused(der.tlv(0x77, inner + b"\x05\x00"), Check.SOD)


def test_an_indefinite_length_is_found() -> None:
    inner = der.one(der.one(ef_sod(HASHES)).value).value
    refused(der.tlv(0x77, b"\x30\x80" + inner + b"\0\0"), Check.SOD)


def test_a_length_longer_than_it_need_be_is_found() -> None:
    inner = der.one(der.one(ef_sod(HASHES)).value).value
    long = b"\x30\x83" + len(inner).to_bytes(3, "big") + inner
    refused(der.tlv(0x77, long), Check.SOD)


def test_deep_nesting_ends_in_an_error_not_in_the_stack() -> None:
    nested = b"\x05\x00"
    for _ in range(5000):
        nested = der.tlv(0x30, nested)
    refused(der.tlv(0x77, nested), Check.SOD)


def test_a_sod_larger_than_a_file_is_found() -> None:
    refused(der.tlv(0x77, der.tlv(0x04, bytes(40000))), Check.SOD)


def test_unsorted_signed_attributes_are_found() -> None:
    sod = parse(ef_sod(HASHES))
    members = der.many(der.one(sod.signed_attributes).value)
    swapped = b"".join(member.raw for member in reversed(members))
    original = b"".join(member.raw for member in members)
    refused(ef_sod_replaced(original, swapped), Check.SOD)


def ef_sod_replaced(old: bytes, new: bytes) -> bytes:
    sod = ef_sod(HASHES)
    # the same DS and hashes: attributes differ in nothing, so `old` is in this one too
    assert old in sod and len(old) == len(new)
    return sod.replace(old, new)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), min_size=1, max_size=3))
def test_no_damaged_sod_is_believed_or_breaks_the_parser(damage: list[tuple[int, int]]) -> None:
    sod = bytearray(genuine())
    for where, change in damage:
        sod[where % len(sod)] ^= change
    if bytes(sod) != genuine():
        with pytest.raises(NotAuthenticError):
            authenticate(bytes(sod))


@given(st.binary(max_size=300))
def test_noise_is_refused_with_a_typed_error(noise: bytes) -> None:
    with pytest.raises(NotAuthenticError):
        parse(noise)


def test_an_ed25519_key_is_not_on_the_list() -> None:
    with pytest.raises(NotAuthenticError):
        check_key(ed25519.Ed25519PrivateKey.generate().public_key())
