"""Whatever a chip holds, the decoders return or raise DocumentError (long: `make fuzz`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzz import bent, fuzzed
from support.pa import HASHES, IMAGE, authenticate, genuine
from support.people import CAPTURED, PERSON, jp2
from support.signer import NOW, state

from firmware.document import der, passive
from firmware.document import mrz as zone
from firmware.document.chip_keys import Features
from firmware.document.data_groups import (
    decode_card_access,
    decode_com,
    decode_dg1,
    decode_dg2,
    decode_dg3,
    decode_dg13,
    decode_dg14,
    decode_dg15,
)
from firmware.document.errors import DocumentError
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.document.security import chip_keys
from firmware.document.sod import parse

CHIP = CardImage.of(
    PERSON,
    jp2(),
    CAPTURED,
    Features(aa="rsa1024", ca="brainpoolP256r1", pace=True, can=True, dg3=True),
    [Finger(2, bytes(64), 8, 8, Compression.RAW)],
)
DECODERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "der.one": (der.one, IMAGE.files[Fid.DG13]),
    "der.many": (der.many, IMAGE.files[Fid.DG13]),
    "der.check_strict": (der.check_strict, IMAGE.files[Fid.DG13]),
    "EF.COM": (decode_com, IMAGE.files[Fid.COM]),
    "DG1": (decode_dg1, IMAGE.files[Fid.DG1]),
    "DG2": (decode_dg2, IMAGE.files[Fid.DG2]),
    "DG3": (decode_dg3, CHIP.files[Fid.DG3]),
    "DG14": (decode_dg14, CHIP.files[Fid.DG14]),
    "chip keys": (chip_keys, CHIP.files[Fid.DG14]),
    "DG15": (decode_dg15, CHIP.files[Fid.DG15]),
    "EF.CardAccess": (decode_card_access, CHIP.files[Fid.CARD_ACCESS]),
    "card image with keys": (CardImage.from_bytes, CHIP.to_bytes()),
    "DG13": (decode_dg13, IMAGE.files[Fid.DG13]),
    "card image": (CardImage.from_bytes, IMAGE.to_bytes()),
    "EF.SOD": (parse, genuine()),
    "certificate": (passive.load_certificate, state()[1].der),
    "zone": (lambda data: zone.parse(data.decode("utf-8", "replace")), zone.td1(PERSON).encode()),
}


@pytest.mark.parametrize("what", DECODERS)
@fuzzed
@given(data=st.data())
def test_a_decoder_returns_or_raises_its_own_error(what: str, data: st.DataObject) -> None:
    decode, sample = DECODERS[what]
    with suppress(DocumentError):
        decode(data.draw(bent((sample,)) | st.binary(max_size=300)))


@pytest.mark.parametrize("what", DECODERS)
def test_the_samples_themselves_are_good(what: str) -> None:
    decode, sample = DECODERS[what]
    decode(sample)


@fuzzed
@given(bent((genuine(),)))
def test_a_bent_sod_is_believed_only_where_all_that_is_signed_is_the_same(sod: bytes) -> None:
    try:
        report = authenticate(sod)
    except DocumentError:
        return
    was, is_now = parse(genuine()), parse(sod)
    assert (is_now.content, is_now.signed_attributes) == (was.content, was.signed_attributes)
    assert report.data_groups == tuple(sorted(HASHES))


@fuzzed
@given(st.sampled_from((Fid.DG1, Fid.DG2, Fid.DG13, Fid.COM)), st.data())
def test_a_bent_file_is_never_believed(fid: int, data: st.DataObject) -> None:
    other = data.draw(bent((IMAGE.files[fid],)))
    if other == IMAGE.files[fid]:
        return
    try:
        passive.passive_authentication(
            parse(genuine()), {**IMAGE.files, fid: other}, [state()[0].certificate], NOW
        )
    except DocumentError:
        return
    assert fid == Fid.COM, "EF.COM is not signed"
    assert set(decode_com(other).tags) == set(decode_com(IMAGE.files[fid]).tags)


@fuzzed
@given(bent((jp2(),)))
def test_an_encoded_portrait_decodes_to_itself_or_is_not_encoded(image: bytes) -> None:
    with suppress(DocumentError):
        content = CardImage.of(PERSON, image, CAPTURED).files[Fid.DG2]
        assert decode_dg2(content).image == image
