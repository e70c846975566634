"""The card proves what it is: Chip and Active Authentication, strictly and with the terminal."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.channels import open_channel
from support.chip import FILES, KEYS
from support.operational_card import Air, chip_of, operational_card, point

from drivers.chip.active_authentication import authenticate_actively
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu, Sw
from drivers.chip.chip_authentication import ChipKey, authenticate_chip
from drivers.chip.ec import BRAINPOOL_P256R1, P_256
from drivers.chip.errors import CardRefused, NotGenuine
from drivers.chip.kdf import SessionCipher
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import ActiveAuthenticationInfo
from drivers.virtual.card import VirtualCard, blank_card

CA_KEY = ec.generate_private_key(ec.SECP256R1())
CA_KEY_BRAINPOOL = ec.generate_private_key(ec.BrainpoolP256R1())
AA_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 (the applet's limit)
ECDSA_SHA256 = ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.3")
SELECT = "00A4040C07A0000002471001"
CHALLENGE = CommandApdu(Ins.INTERNAL_AUTHENTICATE, data=bytes(range(8)), ne=256)
CA_AES_128 = bytes.fromhex("800A04007F00070202030202")


def card() -> VirtualCard:
    return operational_card(aa=AA_KEY, ca=CA_KEY)


def opened(with_card: VirtualCard, air: Air | None = None) -> SecureMessaging:
    with_card.power_on()
    return open_channel(Plain(air or Air(with_card)), KEYS)


def public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_of(key: ec.EllipticCurvePrivateKey, cipher: SessionCipher, key_id: int | None = None) -> ChipKey:
    curve = P_256 if key.curve.name == "secp256r1" else BRAINPOOL_P256R1
    return ChipKey(f"0.4.0.127.0.7.2.2.3.2.{cipher.arc}", cipher, key_id, curve, point(key))


# --- Chip Authentication ---


@pytest.mark.parametrize("key", [CA_KEY, CA_KEY_BRAINPOOL], ids=lambda key: key.curve.name)
@pytest.mark.parametrize("cipher", SessionCipher)
@pytest.mark.parametrize("key_id", [None, 1])
def test_the_chip_goes_on_under_the_new_keys(
    key: ec.EllipticCurvePrivateKey, cipher: SessionCipher, key_id: int | None
) -> None:
    renewed = authenticate_chip(opened(operational_card(ca=key)), key_of(key, cipher, key_id))
    assert renewed.send(CommandApdu(Ins.READ_BINARY, ne=256)).data == FILES[0x011E]


def test_it_opens_over_bac_as_well() -> None:
    channel = opened(operational_card(access=None, ca=CA_KEY))
    renewed = authenticate_chip(channel, key_of(CA_KEY, SessionCipher.AES_256))
    assert renewed.send(CommandApdu(Ins.READ_BINARY, ne=256)).data == FILES[0x011E]


def test_a_chip_with_another_key_is_found_out() -> None:
    copy = opened(operational_card(ca=ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(NotGenuine):
        authenticate_chip(copy, key_of(CA_KEY, SessionCipher.AES_128))


def test_the_old_keys_are_dead_once_the_new_ones_live() -> None:
    air = Air(card())
    channel = opened(air.card, air)
    authenticate_chip(channel, key_of(CA_KEY, SessionCipher.AES_128))
    assert air.transmit(air.said[-2][0]) == b"\x69\x88"
    assert chip_of(air.card).chip.channel is None


def test_without_a_key_there_is_no_chip_authentication() -> None:
    with pytest.raises(CardRefused, match="6A88"):
        authenticate_chip(opened(operational_card()), key_of(CA_KEY, SessionCipher.AES_128))


CA_STRICT = {
    "general authenticate first": ([(0x86, 0x0000, "7C00")], 0x6985),
    "a protocol it has not": ([(0x22, 0x41A4, "800A04007F00070202030102")], 0x6A80),
    "no protocol": ([(0x22, 0x41A4, "840101")], 0x6A80),
    "PACE's template": ([(0x22, 0xC1A4, CA_AES_128.hex())], 0x6A86),
    "no key in MSE:Set KAT": ([(0x22, 0x41A6, "840101")], 0x6A80),
    "a point off the curve": ([(0x22, 0x41A6, "914104" + "01" * 64)], 0x6A80),
    "a compressed point": ([(0x22, 0x41A6, "912102" + "01" * 32)], 0x6A80),
    "no point": ([(0x22, 0x41A4, CA_AES_128.hex()), (0x86, 0x0000, "7C00")], 0x6A80),
    "a command between": (
        [(0x22, 0x41A4, CA_AES_128.hex()), (0xA4, 0x020C, "011E"), (0x86, 0x0000, "7C00")],
        0x6985,
    ),
    "two general authenticates": (
        [(0x22, 0x41A4, CA_AES_128.hex()), (0x86, 0x0000, "7C00"), (0x86, 0x0000, "7C00")],
        0x6985,
    ),
}


@pytest.mark.parametrize("what", CA_STRICT)
def test_chip_authentication_out_of_order_is_refused_and_the_channel_stays(what: str) -> None:
    commands, sw = CA_STRICT[what]
    channel = opened(card())
    answers = [send(channel, *command) for command in commands]
    assert answers[-1].sw == sw
    assert send(channel, 0xA4, 0x020C, "011E").sw == Sw.OK


def test_in_the_clear_it_is_refused() -> None:
    plain = card()
    for apdu, sw in ((SELECT, "9000"), ("002241A40C" + CA_AES_128.hex(), "6982"), ("00860000027C00", "6982")):
        assert plain.transmit(bytes.fromhex(apdu)).hex() == sw


def send(channel: SecureMessaging, ins: int, p1p2: int, data: str) -> ResponseApdu:
    ne = 256 if ins == Ins.GENERAL_AUTHENTICATE else 0
    return channel.send(CommandApdu(Ins(ins), p1p2 >> 8, p1p2 & 0xFF, bytes.fromhex(data), ne))


# --- Active Authentication ---


def test_the_field_chip_signs_with_ecdsa() -> None:
    name = authenticate_actively(opened(card()), public(AA_KEY), [ECDSA_SHA256])
    assert name.startswith("AA ECDSA")


def test_a_copy_without_the_key_is_found_out() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(NotGenuine):
        authenticate_actively(opened(operational_card(aa=other)), public(AA_KEY), [ECDSA_SHA256])


def test_the_plain_applet_signs_with_rsa() -> None:
    name = authenticate_actively(opened(applet()), public(RSA_KEY))
    assert name == "AA RSA-1024 ISO 9796-2 SHA1"


@pytest.mark.parametrize("make", [lambda: operational_card(), lambda: applet(signing=False)])
def test_without_a_key_there_is_no_signature(make: object) -> None:
    assert opened(make()).send(CHALLENGE).sw in (0x6A88, 0x6985)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (CommandApdu(Ins.INTERNAL_AUTHENTICATE, data=bytes(7), ne=256), 0x6700),
        (CommandApdu(Ins.INTERNAL_AUTHENTICATE, data=bytes(8)), 0x6700),
        (CommandApdu(Ins.INTERNAL_AUTHENTICATE, 0x01, 0x00, bytes(8), 256), 0x6A86),
    ],
)
def test_a_challenge_of_another_shape_is_refused(command: CommandApdu, sw: int) -> None:
    for each in (card(), applet()):
        assert opened(each).send(command).sw == sw


def test_nothing_is_signed_in_the_clear() -> None:
    for each in (card(), applet()):
        each.power_on()
        each.transmit(bytes.fromhex(SELECT))
        assert each.transmit(bytes.fromhex("0088000008000102030405060700")) == b"\x69\x82"


def applet(signing: bool = True) -> VirtualCard:
    """A plain applet with access keys and its RSA key, over its own commands."""
    blank = blank_card()
    blank.power_on()
    numbers = RSA_KEY.private_numbers()
    fields = (KEYS.document_number, KEYS.birth, KEYS.expiry)
    keys = b"".join(bytes((4, len(field))) + field.encode() for field in fields)
    apdus = [bytes.fromhex(SELECT), b"\0\xda\0\x62" + bytes((len(keys) + 2, 0x62, len(keys))) + keys]
    if signing:
        halves = ((0x60, numbers.public_numbers.n), (0x61, numbers.d))
        apdus += [
            bytes((0, 0xDA, 0, tag, 133)) + bytes.fromhex("6000048180") + half.to_bytes(128, "big")
            for tag, half in halves
        ]
    for apdu in apdus:
        assert blank.transmit(apdu) == b"\x90\x00"
    return blank


def test_the_keys_survive_being_saved() -> None:
    again = VirtualCard.from_bytes(card().to_bytes())
    channel = authenticate_chip(opened(again), key_of(CA_KEY, SessionCipher.AES_256))
    authenticate_actively(channel, public(AA_KEY), [ECDSA_SHA256])
    again = VirtualCard.from_bytes(applet().to_bytes())
    authenticate_actively(opened(again), public(RSA_KEY))
