"""DG14, DG15, EF.CardAccess and the image that binds them to the chip's private keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from support.people import CAPTURED, PERSON, jp2, people

from drivers.chip.ec import public_key
from drivers.chip.security_infos import ChipAuthenticationPublicKeyInfo, OtherInfo, PaceInfo
from firmware.document import image_form, lds, security
from firmware.document.chip_keys import Features, ImageKeys
from firmware.document.data_groups import (
    decode_card_access,
    decode_com,
    decode_dg3,
    decode_dg14,
    decode_dg15,
    encode_card_access,
    encode_dg14,
    encode_dg15,
)
from firmware.document.errors import DataGroupError, ImageError, KeyFormatError
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.document.keys import encode_public, load_private, load_public
from firmware.document.lds import Fid
from firmware.document.mrz import BacKeys

WHOLE = Features(aa="p256", ca="brainpoolP256r1", pace=True, can=True, dg3=True, lds_version="0108")
FINGERS = (Finger(2, bytes(64), 8, 8, Compression.RAW), Finger(7, bytes(64), 8, 8, Compression.RAW))
CHIP = CardImage.of(PERSON, jp2(), CAPTURED, WHOLE, FINGERS)
CURVES = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.BrainpoolP256R1(), ec.BrainpoolP384R1())


def features() -> st.SearchStrategy[Features]:
    return st.builds(
        Features,
        aa=st.sampled_from((None, "p256", "rsa1024")),
        ca=st.sampled_from((None, "p256", "brainpoolP256r1")),
        pace=st.just(True),
        can=st.booleans(),
        dg3=st.booleans(),
        lds_version=st.sampled_from(("0107", "0108")),
    ) | st.builds(Features, aa=st.sampled_from((None, "p256", "rsa1024")))


# --- keys ---


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_a_public_key_writes_its_whole_curve_and_reads_back(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve).public_key()
    encoded = encode_public(key)
    assert bytes.fromhex("06072a8648ce3d0101") in encoded  # prime-field: written out, not named
    assert load_public(encoded) == key


def test_the_terminals_side_reads_the_curves_that_are_written_out() -> None:
    for curve in (ec.SECP256R1(), ec.BrainpoolP256R1()):
        key = ec.generate_private_key(curve).public_key()
        assert public_key(encode_public(key))[0].openssl.name == curve.name


def test_a_curve_with_one_parameter_changed_is_none() -> None:
    encoded = bytearray(encode_public(ec.generate_private_key(ec.BrainpoolP256R1()).public_key()))
    encoded[80] ^= 1
    with pytest.raises(KeyFormatError):
        load_public(bytes(encoded))


@pytest.mark.parametrize("encoded", [b"", b"\x30\x00", bytes(3000), b"\x30\x03\x02\x01\x05"])
def test_what_is_no_key_is_refused(encoded: bytes) -> None:
    for load in (load_public, load_private):
        with pytest.raises(KeyFormatError):
            load(encoded)


# --- files ---


def test_card_access_has_the_bytes_of_the_standard() -> None:
    assert encode_card_access([security.PACE]).hex() == "31143012060a04007f0007020204020202010202010c"
    assert decode_card_access(CHIP.files[Fid.CARD_ACCESS]) == (security.PACE,)


def test_dg14_says_what_card_access_says_and_holds_the_chips_key() -> None:
    infos = decode_dg14(CHIP.files[Fid.DG14])
    assert set(decode_card_access(CHIP.files[Fid.CARD_ACCESS])) <= set(infos)
    assert security.ACTIVE_AUTHENTICATION_ECDSA in infos
    [spki] = security.chip_keys(CHIP.files[Fid.DG14])
    assert CHIP.keys.ca is not None
    assert load_public(spki) == load_private(CHIP.keys.ca).public_key()


def test_dg15_is_the_public_key_of_active_authentication() -> None:
    assert CHIP.keys.aa is not None
    assert decode_dg15(CHIP.files[Fid.DG15]) == load_private(CHIP.keys.aa).public_key()
    lab = CardImage.of(PERSON, jp2(), CAPTURED, Features(aa="rsa1024"))
    key = decode_dg15(lab.files[Fid.DG15])
    assert isinstance(key, rsa.RSAPublicKey) and key.key_size == 1024
    assert Fid.DG14 not in lab.files  # RSA says its own hash


@pytest.mark.parametrize("content", [b"", b"\x6e\x00", b"\x6f\x02\x30\x00", b"\x6e\x02\x31\x00", b"\x31\x00"])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    for decode in (decode_dg14, decode_dg15, decode_card_access):
        with pytest.raises(DataGroupError):
            decode(content)


def test_unknown_infos_are_kept() -> None:
    foreign = OtherInfo("1.3.6.1.4.1.99999.1", b"\x02\x01\x05")
    assert foreign in decode_dg14(encode_dg14([security.PACE, foreign]))


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ([security.PACE, PaceInfo(security.PACE_ECDH_GM_AES_128, 2, 13)], [security.PACE]),
        ([replace(security.PACE, parameter_id=13)], [security.PACE]),
        (None, [security.PACE]),  # a chip in the middle hides PACE, so that BAC is used
        ([security.PACE], None),
    ],
)
def test_card_access_that_is_not_its_copy_is_found(outside: Any, inside: Any) -> None:
    with pytest.raises(DataGroupError, match="CardAccess"):
        security.check_copy(
            None if outside is None else encode_card_access(outside),
            None if inside is None else encode_dg14(inside),
        )


def test_chip_authentication_without_a_key_that_can_be_used_is_found() -> None:
    info, key = security.chip_authentication(CHIP.keys.ca_public or b"")
    assert isinstance(key, ChipAuthenticationPublicKeyInfo)
    another = replace(key, public_key=encode_public(ec.generate_private_key(CURVES[0]).public_key()))
    unusable = replace(key, public_key=b"\x30\x03\x02\x01\x05")
    for infos in ([info], [info, unusable], [key, another]):
        with pytest.raises(DataGroupError, match="DG14"):
            security.chip_keys(encode_dg14(infos))
    assert security.chip_keys(encode_dg14([security.PACE])) == ()


# --- the image ---


@settings(max_examples=25, deadline=None)
@given(people(), features())
def test_any_image_reads_back_and_its_parts_too(person: dict[str, str], wanted: Features) -> None:
    image = CardImage.of(person, jp2(), CAPTURED, wanted, FINGERS)
    assert CardImage.from_bytes(image.to_bytes()) == image
    assert image.lds_version == wanted.lds_version
    assert (Fid.DG3 in image.files) == wanted.dg3
    assert (Fid.DG15 in image.files) == (wanted.aa is not None)
    assert (Fid.CARD_ACCESS in image.files) == wanted.pace
    assert (image.keys.can or "") in (person["number"][-6:], "")
    numbers = [lds.DG_NUMBERS[tag] for tag in decode_com(image.files[Fid.COM]).tags]
    assert numbers == sorted(image.data_group_hashes())
    if wanted.dg3:
        assert decode_dg3(image.files[Fid.DG3]) == FINGERS


def test_an_image_frozen_by_the_version_before_is_still_written_as_it_was() -> None:
    plain = CardImage.of(PERSON, jp2(), CAPTURED)
    before = image_form.write(plain.files, plain.keys, image_form.VERSION_1)
    again = CardImage.from_bytes(before)
    assert again.files == plain.files and again.keys == ImageKeys(plain.access)


def test_another_chip_of_the_same_person_has_other_keys_and_all_else_alike() -> None:
    other = CHIP.with_new_keys()
    assert other.keys.aa != CHIP.keys.aa and other.keys.ca != CHIP.keys.ca
    assert (other.keys.access, other.keys.can) == (CHIP.keys.access, CHIP.keys.can)
    changed = {fid for fid in CHIP.files if other.files[fid] != CHIP.files[fid]}
    assert changed == {Fid.DG14, Fid.DG15}
    plain = CardImage.of(PERSON, jp2(), CAPTURED)
    assert plain.with_new_keys() == plain


def test_an_image_whose_files_are_not_of_its_keys_is_none() -> None:
    other = CardImage.of(PERSON, jp2(), CAPTURED, WHOLE, FINGERS)
    without = {fid: data for fid, data in CHIP.files.items() if fid != Fid.CARD_ACCESS}
    for files, keys in (
        ({**CHIP.files, Fid.DG14: other.files[Fid.DG14]}, CHIP.keys),
        ({**CHIP.files, Fid.DG15: other.files[Fid.DG15]}, CHIP.keys),
        (CHIP.files, replace(CHIP.keys, ca=None)),
        (CHIP.files, replace(CHIP.keys, aa=None)),
        (CHIP.files, replace(CHIP.keys, aa=b"no key")),
        (CHIP.files, replace(CHIP.keys, access=BacKeys("304000018", "040506", "290506"))),
        (without, CHIP.keys),
        ({**CHIP.files, Fid.SOD: b"\x77\x00"}, CHIP.keys),
    ):
        with pytest.raises(ImageError):
            CardImage(files, keys)


def test_private_keys_are_never_printed() -> None:
    assert CHIP.keys.aa is not None
    assert "aa" not in repr(CHIP.keys) and CHIP.keys.aa.hex() not in repr(CHIP.keys)


@pytest.mark.parametrize(
    "wrong", [{"aa": "p521"}, {"ca": "rsa1024"}, {"ca": ""}, {"can": True}], ids=lambda wrong: str(wrong)
)
def test_features_that_no_chip_has_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Features(**wrong)


@pytest.mark.parametrize("can", ["12345", "1234567", "12345a", "١٢٣٤٥٦"])
def test_a_card_access_number_has_six_digits(can: str) -> None:
    with pytest.raises(ImageError):
        ImageKeys(CHIP.access, can=can)


def test_dg15_is_only_made_around_a_key() -> None:
    with pytest.raises(DataGroupError):
        encode_dg15(b"\x30\x03\x02\x01\x05")
