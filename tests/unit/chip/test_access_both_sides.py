"""The terminal meets the virtual chip, whose side of each protocol others wrote from the standard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.chip import FILES, KEYS, OTHER_KEYS, made_up, personalise
from support.issued import (
    CAN_DIGITS,
    Issue,
    SilentReader,
    chip_of,
    issued_card,
    pkcs8,
    private_key,
    public_key,
    security_infos,
)

from drivers.chip.access import Can, Password
from drivers.chip.active_authentication import authenticate_actively
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.blocks import BlockMemory, card_type
from drivers.chip.chip_authentication import authenticate_chip, chip_key
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.chip.errors import (
    AccessRefused,
    AccessUnsupported,
    CardRefused,
    FileNotFound,
    NotGenuine,
    SecureMessagingError,
    SecurityStatusNotSatisfied,
)
from drivers.chip.lds import LdsFiles, open_card, open_lds
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import parse
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card

CAN = Can(CAN_DIGITS)
READ = CommandApdu(Ins.READ_BINARY, ne=12)
AA_KEY = public_key(private_key(ec.SECP256R1, "aa"))


def reader_with(card: VirtualCard) -> VirtualReader:
    reader = VirtualReader().__enter__()
    reader.put(card)
    return reader


class Tampering(VirtualReader):
    """A reader through which somebody changes what the card answers."""

    change: Callable[[bytes], bytes] = staticmethod(lambda same: same)

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        return self.change(super().transmit(apdu, timeout_s))


def opened(issue: Issue | None = None, password: Password = KEYS) -> LdsFiles:
    return open_card(reader_with(issued_card(issue)), password)


@pytest.mark.parametrize("number", [12, 13, 15, 16])
@pytest.mark.parametrize("cipher", [2, 4])
@pytest.mark.parametrize("password", [KEYS, CAN], ids=["MRZ", "CAN"])
def test_every_pace_opens_and_reads(cipher: int, number: int, password: Password) -> None:
    files = opened(Issue(pace=((cipher, number),)), password)
    assert files.channel.protocol.startswith("PACE ECDH-GM AES")
    for fid in (0x0101, 0x011E):
        assert files.read_object(fid) == FILES[fid]


def test_a_card_with_several_ways_is_told_which() -> None:
    files = opened(Issue(pace=((2, 12), (4, 16), (4, 13))))
    assert files.channel.protocol == "PACE ECDH-GM AES-CBC-CMAC-256 brainpoolP384r1 MRZ"
    assert files.read_object(0x011D) == FILES[0x011D]


def test_a_card_without_pace_opens_with_bac_and_not_with_a_can() -> None:
    files = opened(Issue(pace=()))
    assert files.channel.protocol == "BAC"
    assert files.read_object(0x0102) == FILES[0x0102]
    with pytest.raises(AccessUnsupported):
        opened(Issue(pace=()), CAN)


@pytest.mark.parametrize("password", [OTHER_KEYS, Can("111111")])
def test_other_passwords_do_not_open(password: Password) -> None:
    with pytest.raises(AccessRefused):
        opened(None, password)


def test_a_card_without_a_can_says_so() -> None:
    with pytest.raises(AccessRefused, match="6A88"):
        opened(Issue(can=None), CAN)


def test_guarded_and_missing_files_say_so_and_the_channel_goes_on() -> None:
    files = opened()
    with pytest.raises(SecurityStatusNotSatisfied):
        files.read_object(0x0103)
    with pytest.raises(FileNotFound):
        files.read_object(0x010C)
    assert files.read_object(0x0101) == FILES[0x0101]


# --- blocks ---


BIG = {**FILES, 0x0102: b"\x75\x82\x4e\x20" + made_up(20000)}


@pytest.mark.parametrize(
    ("extended", "chaining", "most"), [(65535, True, 7), (4000, True, 8), (1000, True, 23), (0, True, 92)]
)
def test_a_large_file_is_read_in_blocks_as_large_as_the_card_says(
    extended: int, chaining: bool, most: int
) -> None:
    card = issued_card(Issue(extended=extended, chaining=chaining, files=BIG))
    reader = reader_with(card)
    memory = BlockMemory()
    assert open_card(reader, KEYS, memory).read_object(0x0102) == BIG[0x0102]
    files = open_card(reader, KEYS, memory)
    before = card.apdus
    assert files.read_object(0x0102) == BIG[0x0102]
    assert card.apdus - before <= most


@pytest.mark.parametrize("bare_errors", [False, True])
def test_a_card_that_says_nothing_is_asked_for_less_and_remembered(bare_errors: bool) -> None:
    """Block sizes fall for the kind of card; where an error ended the channel, PACE is run again."""
    reader = SilentReader().__enter__()
    reader.put(issued_card(Issue(extended=0, chaining=False, bare_errors=bare_errors)))
    memory = BlockMemory()
    assert open_card(reader, KEYS, memory).read_object(0x0102) == FILES[0x0102]
    kind = card_type(Plain(reader), reader.connect())
    assert kind.extended is None
    assert memory.reading(kind).size == 0xDF


# --- chip authentication ---


@pytest.mark.parametrize("ca", [1, 2, 4])
@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.BrainpoolP256R1])
@pytest.mark.parametrize("pace", [((2, 13),), ()], ids=["PACE", "BAC"])
def test_the_chip_proves_its_key_and_reads_go_on_in_the_new_channel(
    ca: int, curve: type[ec.EllipticCurve], pace: tuple[tuple[int, int], ...]
) -> None:
    issue = Issue(pace=pace, ca=ca, ca_curve=curve)
    files = opened(issue)
    before = files.channel
    key = chip_key(parse(security_infos(issue)))
    assert key is not None
    files.adopt(authenticate_chip(before, key))
    assert "CA-ECDH" in files.channel.protocol
    assert not before.alive
    assert files.read_object(0x011D) == FILES[0x011D]
    with pytest.raises(SecureMessagingError):
        before.send(READ)


def test_a_copy_of_a_chip_without_its_key_is_not_genuine() -> None:
    """The files of one chip on another: DG14's public key is not that of the key inside."""
    key = chip_key(parse(security_infos(Issue(ca_curve=ec.SECP256R1))))
    assert key is not None
    copy = issued_card(Issue(ca_curve=ec.SECP256R1))
    chip_of(copy).set_ca(pkcs8(private_key(ec.SECP256R1, "somebody")))
    with pytest.raises(NotGenuine):
        authenticate_chip(open_card(reader_with(copy), KEYS).channel, key)


def test_a_chip_that_refuses_the_protocol_is_refused() -> None:
    card = issued_card()
    chip_of(card).ca = None
    key = chip_key(parse(security_infos(Issue())))
    assert key is not None
    with pytest.raises(CardRefused):
        authenticate_chip(open_card(reader_with(card), KEYS).channel, key)


# --- active authentication ---


def test_the_chip_signs_and_a_copy_cannot() -> None:
    infos = parse(security_infos(Issue()))
    name = authenticate_actively(opened().channel, AA_KEY, infos)
    assert name == "AA ECDSA P-256 sha256"
    other = public_key(private_key(ec.SECP256R1, "somebody"))
    with pytest.raises(NotGenuine):
        authenticate_actively(opened().channel, other, infos)


@pytest.mark.parametrize(
    "change",
    [lambda s: s[:-1], lambda s: s + b"\0", lambda s: bytes(64), lambda s: s[32:] + s[:32], lambda s: b""],
)
def test_a_changed_signature_is_not_genuine(change: Callable[[bytes], bytes]) -> None:
    channel = opened().channel

    class Liar:
        def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
            answer = channel.send(command, timeout_s)
            return ResponseApdu(change(answer.data), answer.sw)

    with pytest.raises(NotGenuine):
        authenticate_actively(Liar(), AA_KEY, parse(security_infos(Issue())))


def test_the_plain_applet_signs_with_rsa_and_a_copy_cannot() -> None:
    """RSA-1024 is all that this applet can (the key is laid into it, not sent)."""
    card = blank_card()
    reader = reader_with(card)
    personalise(LdsPlain(reader))
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 (as above)
    numbers = key.private_numbers()
    halves = {0x60: numbers.public_numbers.n, 0x61: numbers.d}
    chip_of(card).rsa.update({tag: number.to_bytes(128, "big") for tag, number in halves.items()})
    files = open_card(reader, KEYS)
    assert files.channel.protocol == "BAC"
    assert authenticate_actively(files.channel, public_key(key)) == "AA RSA-1024 ISO 9796-2 SHA1"
    other = public_key(rsa.generate_private_key(65537, 1024))  # noqa: S505 (as above)
    with pytest.raises(NotGenuine):
        authenticate_actively(files.channel, other)


# --- tampering with AES ---


TAMPERING: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the cryptogram": lambda a: a[:5] + bytes([a[5] ^ 1]) + a[6:],
    "a bit of the MAC": lambda a: a[:-3] + bytes([a[-3] ^ 1]) + a[-2:],
    "another status outside": lambda a: a[:-2] + b"\x62\x82",
    "the data left out": lambda a: a[-16:],
    "the MAC left out": lambda a: a[:-12] + a[-2:],
    "only 9000": lambda _: b"\x90\x00",
    "cut off": lambda a: a[:7] + a[-2:],
    "half a block": lambda a: b"\x87\x09\x01" + a[3:11] + a[-16:],
}


@pytest.mark.parametrize("how", TAMPERING)
def test_a_changed_answer_ends_an_aes_channel(how: str) -> None:
    reader = Tampering().__enter__()
    reader.put(issued_card())
    files = open_card(reader, KEYS)
    files.select(0x011E)
    reader.change = TAMPERING[how]
    with pytest.raises(SecureMessagingError):
        files.channel.send(READ)
    reader.change = lambda same: same
    with pytest.raises(SecureMessagingError, match="ended"):
        files.channel.send(READ)


def test_an_old_answer_is_not_taken_again_in_an_aes_channel() -> None:
    reader = Tampering().__enter__()
    reader.put(issued_card())
    files = open_card(reader, KEYS)
    files.select(0x011E)
    heard: list[bytes] = []
    reader.change = lambda answer: heard.append(answer) or answer  # type: ignore[func-returns-value]
    files.channel.send(READ)
    reader.change = lambda _: heard[0]
    with pytest.raises(SecureMessagingError):
        files.channel.send(READ)


def test_without_a_reset_a_card_of_the_field_still_opens_once() -> None:
    reader = reader_with(issued_card())
    atr = reader.connect()
    files = open_lds(reader, KEYS, atr=atr)
    assert isinstance(files.channel, SecureMessaging)
    assert files.read_object(0x0102) == FILES[0x0102]
