from __future__ import annotations

import ecdsa
import pytest
from cryptography.hazmat.primitives.asymmetric import ec as openssl
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ecdsa.der import encode_bitstring, encode_integer, encode_octet_string, encode_oid, encode_sequence
from hypothesis import given
from hypothesis import strategies as st

from drivers.chip.chip_authentication import chip_key
from drivers.chip.ec import BRAINPOOL_P256R1, CURVES, P_256, Curve, public_key
from drivers.chip.errors import CardError, MalformedData, UnknownAlgorithm
from drivers.chip.kdf import SessionCipher
from drivers.chip.security_infos import (
    ID_CA,
    ID_PK_ECDH,
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    OtherInfo,
    PaceInfo,
    SecurityInfo,
    decode_oid,
    encode,
    parse,
)
from drivers.chip.security_infos import encode_oid as encoded_oid

# EF.CardAccess of a test card, published with an open PACE implementation: Terminal Authentication, Chip
# Authentication 2, PACE, domain parameters of Chip Authentication, the address of a description
PUBLISHED = bytes.fromhex(
    "318182300D060804007F00070202020201023012060A04007F000702020302020201020201413012060A04007F000702020402"
    "0202010202010D301C060904007F000702020302300C060704007F0007010202010D020141302B060804007F0007020206161F"
    "655041202D2042447220476D6248202D20546573746B617274652076322E30"
)


def point(curve: Curve) -> bytes:
    key = openssl.generate_private_key(curve.openssl).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def named(curve: Curve, raw: bytes) -> bytes:
    oids = [tuple(map(int, oid.split("."))) for oid in ("1.2.840.10045.2.1", curve.oid)]
    return encode_sequence(encode_sequence(*(encode_oid(*oid) for oid in oids)), encode_bitstring(raw, 0))


def standardised(curve: Curve, raw: bytes) -> bytes:
    parameters = encode_oid(0, 4, 0, 127, 0, 7, 1, 2) + encode_integer(curve.parameter_id)
    return encode_sequence(encode_sequence(parameters), encode_bitstring(raw, 0))


def written_out(curve: Curve, raw: bytes, cofactor: int | None = 1, generator: bytes | None = None) -> bytes:
    equation, size = curve.parameters.curve, curve.size
    p = int(equation.p())

    def element(coefficient: int) -> bytes:
        return encode_octet_string(int(coefficient % p).to_bytes(size, "big"))

    parts = [
        encode_integer(1),
        encode_sequence(encode_oid(1, 2, 840, 10045, 1, 1), encode_integer(p)),
        encode_sequence(element(equation.a()), element(equation.b())),
        encode_octet_string(generator or curve.encode(curve.generator)),
        encode_integer(curve.order),
    ]
    if cofactor is not None:
        parts.append(encode_integer(cofactor))
    algorithm = encode_sequence(encode_oid(1, 2, 840, 10045, 2, 1), encode_sequence(*parts))
    return encode_sequence(algorithm, encode_bitstring(raw, 0))


INFOS: tuple[SecurityInfo, ...] = (
    PaceInfo("0.4.0.127.0.7.2.2.4.2.2", 2, 13),
    PaceInfo("0.4.0.127.0.7.2.2.4.2.4", 2, 16),
    ChipAuthenticationInfo(f"{ID_CA}.2.2", 1, 200),
    ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, named(P_256, P_256.encode(P_256.generator)), 200),
    ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.3"),
    OtherInfo("0.4.0.127.0.7.2.2.2", b"\x02\x01\x01"),
)


def test_what_is_encoded_is_read_back_whatever_the_order() -> None:
    assert set(parse(encode(INFOS))) == set(INFOS)
    assert encode(INFOS) == encode(tuple(reversed(INFOS)))


def test_a_published_card_is_understood_and_nothing_of_it_is_lost() -> None:
    infos = parse(PUBLISHED)
    assert PaceInfo("0.4.0.127.0.7.2.2.4.2.2", 2, 13) in infos
    assert ChipAuthenticationInfo(f"{ID_CA}.2.2", 2, 0x41) in infos
    assert len(infos) == 5
    assert sorted(encode(infos)) == sorted(PUBLISHED)


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=6), st.integers(0, 2), st.integers(0, 39))
def test_object_identifiers_are_read_as_they_were_written(rest: list[int], first: int, second: int) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    try:
        assert decode_oid(encoded_oid(dotted)) == dotted
    except MalformedData:
        assert len(encoded_oid(dotted)) > 32
    library = ecdsa.der.encode_oid(first, second, *rest)
    assert library[2:] == encoded_oid(dotted)


MALFORMED = {
    "nothing": "",
    "no set": "3000",
    "two sets": "31003100",
    "an indefinite length": "31800000",
    "a long form of a short length": "3181023000",
    "an element that is no sequence": "31020500",
    "an empty element": "31023000",
    "no identifier": "31053003020101",
    "an identifier only": "310430020600",
    "an empty identifier": "310730050600020101",
    "an arc cut off": "3108300606018102 0101",
    "an arc with padding": "31093007060280010 20101",
    "four parts": "310D300B06012A020101020101020101".replace("310D300B", "310E300C"),
    "PACE with a negative version": "3114301 2060A04007F000702020402020201FE02010D",
    "PACE with a padded version": "31153013060A04007F00070202040202020200 0202010D",
    "PACE without a version": "3110300E060A04007F0007020204020205000500",
    "a number of nine bytes": "311B3019060A04007F000702020402020209010000000000000000" + "0500",
    "a key that is none": "3110300E060904007F0007020201020201 01",
    "AA without an algorithm": "310D300B060667810801010502 0101",
    "cut off": "31143012060A04007F00070202040202020102",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_der_or_not_these_infos_is_refused(name: str) -> None:
    with pytest.raises(MalformedData):
        parse(bytes.fromhex(MALFORMED[name].replace(" ", "")))


def test_too_many_and_too_much_are_refused() -> None:
    with pytest.raises(MalformedData, match="65 elements"):
        parse(encode([OtherInfo("1.2.3", b"\x02\x01" + bytes([at])) for at in range(65)]))
    with pytest.raises(MalformedData, match="bytes"):
        parse(bytes(9000))


@given(st.binary(max_size=200))
def test_any_bytes_are_infos_or_malformed(data: bytes) -> None:
    for raw in (data, b"\x31" + bytes([min(len(data), 127)]) + data[:127]):
        try:
            infos = parse(raw)
        except MalformedData:
            continue
        assert set(parse(encode(infos))) == set(infos)


# --- public keys ---


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
@pytest.mark.parametrize("form", [named, standardised, written_out])
def test_each_form_of_a_key_is_read(curve: Curve, form: object) -> None:
    raw = point(curve)
    assert public_key(form(curve, raw)) == (curve, raw)  # type: ignore[operator]
    with pytest.raises(MalformedData):
        public_key(form(curve, raw[:-1] + bytes([raw[-1] ^ 1])))  # type: ignore[operator]


def test_parameters_that_are_nearly_those_of_a_curve_are_of_none() -> None:
    """A generator of somebody's choosing is the attack that a comparison of all parameters stops."""
    curve = BRAINPOOL_P256R1
    raw = point(curve)
    assert public_key(written_out(curve, raw, cofactor=None)) == (curve, raw)
    with pytest.raises(UnknownAlgorithm):
        public_key(written_out(curve, raw, generator=raw))
    with pytest.raises(UnknownAlgorithm):
        public_key(written_out(curve, raw, cofactor=2))


def test_a_coordinate_has_one_form_only() -> None:
    """x and x + p are the same in the field; only the smaller is an encoding."""
    curve = BRAINPOOL_P256R1
    p = int(curve.parameters.curve.p())
    point = curve.generator
    while int(point.x()) + p >= 1 << 256:
        point = point + curve.generator
    x, y = int(point.x()), int(point.y())
    assert curve.decode(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")) == point
    with pytest.raises(MalformedData):
        curve.decode(b"\x04" + (x + p).to_bytes(32, "big") + y.to_bytes(32, "big"))


@given(st.binary(max_size=120), st.integers(0, 90))
def test_a_damaged_key_is_a_card_error(noise: bytes, at: int) -> None:
    whole = named(P_256, P_256.encode(P_256.generator))
    for damaged in (noise, whole[:at] + noise, whole[:at] + bytes(1) + whole[at + 1 :]):
        try:
            public_key(damaged)
        except CardError:
            continue
        assert damaged[: len(whole)] == whole


# --- which key Chip Authentication asks about ---


def key_info(key_id: int | None) -> ChipAuthenticationPublicKeyInfo:
    return ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, named(P_256, P_256.encode(P_256.generator)), key_id)


def test_the_strongest_way_to_a_key_is_taken() -> None:
    infos = (
        key_info(1),
        key_info(2),
        ChipAuthenticationInfo(f"{ID_CA}.2.1", 1, 1),
        ChipAuthenticationInfo(f"{ID_CA}.2.4", 1, 2),
    )
    found = chip_key(infos)
    assert found is not None
    assert (found.key_id, found.cipher) == (2, SessionCipher.AES_256)


def test_a_key_without_a_way_is_for_3des_and_no_key_is_none() -> None:
    found = chip_key((key_info(None),))
    assert found is not None
    assert found.cipher is SessionCipher.TDES
    assert chip_key(()) is None


@pytest.mark.parametrize("key_id", [None, 1, 300])
def test_an_info_without_an_identifier_is_for_the_only_key_and_for_no_other(key_id: int | None) -> None:
    aes = ChipAuthenticationInfo(f"{ID_CA}.2.2", 1)
    found = chip_key((aes, key_info(key_id)))
    assert found is not None
    assert (found.cipher, found.key_id) == (SessionCipher.AES_128, key_id)
    of_several = chip_key((aes, key_info(1), key_info(2)))
    assert of_several is not None
    assert of_several.cipher is SessionCipher.TDES


def unknown_key(key_id: int | None) -> ChipAuthenticationPublicKeyInfo:
    p_521 = openssl.generate_private_key(openssl.SECP521R1()).public_key()
    spki = p_521.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, spki, key_id)


@pytest.mark.parametrize("first", [0, 1])
def test_a_key_on_an_unknown_curve_does_not_hide_one_that_is_known(first: int) -> None:
    keys = (unknown_key(2), key_info(1))
    ways = (ChipAuthenticationInfo(f"{ID_CA}.2.4", 1, 2), ChipAuthenticationInfo(f"{ID_CA}.2.2", 1, 1))
    found = chip_key((keys[first], keys[1 - first], *ways))
    assert found is not None
    assert (found.key_id, found.cipher) == (1, SessionCipher.AES_128)
    with pytest.raises(UnknownAlgorithm):
        chip_key((unknown_key(2), *ways))


@pytest.mark.parametrize(
    "infos",
    [
        (ChipAuthenticationPublicKeyInfo("0.4.0.127.0.7.2.2.1.1", b"\x30\x00"),),
        (key_info(1), ChipAuthenticationInfo(f"{ID_CA}.2.2", 2, 1)),
        (key_info(1), ChipAuthenticationInfo(f"{ID_CA}.1.2", 1, 1)),
    ],
)
def test_ways_that_are_not_known_are_said_to_be_so(infos: tuple[SecurityInfo, ...]) -> None:
    with pytest.raises(UnknownAlgorithm):
        chip_key(infos)
