"""AES secure messaging: its primitives against published vectors, its envelope against the chip's side."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.errors import SecureMessagingError
from drivers.chip.kdf import Purpose, SessionCipher
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import (
    AesSuite,
    SecureMessaging,
    Suite,
    TripleDesSuite,
    pad,
    unpad,
)
from drivers.virtual.card import sm
from drivers.virtual.card.suites import SUITES
from drivers.virtual.card.words import parse

RFC4493_KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
MESSAGE = bytes.fromhex(
    "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51"
    "30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"
)
KEYS = {
    16: RFC4493_KEY,
    24: bytes.fromhex("8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B"),
    32: bytes.fromhex("603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"),
}
# AES-CMAC of the first 40 bytes of MESSAGE (RFC 4493, 4; SP 800-38B, D.2 and D.3), cut to 8 bytes
TOKENS = {16: "DFA66747DE9AE630", 24: "8A1DE5BE2EB31AAD", 32: "AAF3D8F1DE5640C2"}
SECRET = bytes(range(32))


class Chip:
    """The chip's envelope, written by others; the inside answers with `data` and `sw`."""

    def __init__(self, arc: int, data: bytes = b"", sw: int = 0x9000) -> None:
        self._channel = sm.SecureMessaging(SUITES[arc].of(SECRET))
        self._answer = data, sw
        self.heard: tuple[bytes, int] = (b"", 0)

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        inner = self._channel.open(parse(apdu))
        self.heard = inner.data, inner.ne
        return self._channel.seal(*self._answer)


@pytest.mark.parametrize("size", [16, 24, 32])
def test_the_mac_is_aes_cmac_cut_to_eight_bytes(size: int) -> None:
    assert AesSuite(KEYS[size], KEYS[size]).mac(MESSAGE[:40]).hex().upper() == TOKENS[size]


def test_the_iv_is_the_counter_enciphered() -> None:
    """With the counter chosen so that its cipher is known (FIPS 197, appendix C.1), the IV is seen."""
    key = bytes(range(16))
    ssc = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    iv = bytes.fromhex("69C4E0D86A7B0430D8CDB78070B4C55A")
    suite = AesSuite(key, key)
    # one block of IV ^ SSC enciphers to E(K, SSC) once more
    block = bytes(a ^ b for a, b in zip(iv, ssc, strict=True))
    assert suite.encrypt(ssc, block) == iv
    assert suite.decrypt(ssc, iv) == block


ARCS = {cipher.arc: cipher for cipher in SessionCipher if cipher.arc in SUITES}


@pytest.mark.parametrize("arc", ARCS)
@given(
    data=st.binary(max_size=1200),
    answer=st.binary(max_size=1200),
    ne=st.sampled_from([0, 1, 223, 256, 300, 65536]),
    sw=st.sampled_from([0x9000, 0x6282, 0x6982, 0x6A82]),
)
def test_the_chip_understands_the_terminal_and_the_terminal_the_chip(
    arc: int, data: bytes, answer: bytes, ne: int, sw: int
) -> None:
    chip = Chip(arc, answer, sw)
    suite = ARCS[arc].session(SECRET)
    channel = SecureMessaging(Plain(chip), suite, bytes(suite.ssc_size))
    for _ in range(3):
        response = channel.send(CommandApdu(Ins.UPDATE_BINARY, 1, 2, data, ne))
        assert chip.heard == (data, ne)
        assert (response.data, response.sw) == (answer, sw)
    assert channel.alive


SUITES_HERE = [AesSuite(KEYS[16], KEYS[32]), TripleDesSuite(KEYS[16], RFC4493_KEY)]


@pytest.mark.parametrize("suite", SUITES_HERE, ids=["AES", "3DES"])
@given(st.binary(max_size=80), st.integers(0x6100, 0x9FFF))
def test_any_answer_is_a_bare_refusal_or_the_end(suite: Suite, data: bytes, sw: int) -> None:
    class Below:
        def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
            return ResponseApdu(data, sw)

    channel = SecureMessaging(Below(), suite, bytes(suite.ssc_size))
    try:
        response = channel.send(CommandApdu(Ins.READ_BINARY, ne=16))
    except SecureMessagingError:
        assert data or sw == 0x9000
    else:
        assert (data, response.sw) == (b"", sw)
    assert not channel.alive


BODIES = {
    "no cryptogram": b"\x87\x01\x01",
    "half a block": b"\x87\x05\x01" + bytes(4),
    "another padding": b"\x87\x11\x02" + bytes(16),
    "no padding inside": b"\x87\x11\x01" + bytes(16),
    "nothing at all": b"\x87\x00",
}


@pytest.mark.parametrize("suite", SUITES_HERE, ids=["AES", "3DES"])
@pytest.mark.parametrize("name", BODIES)
def test_a_card_with_the_keys_may_not_send_what_has_no_form(suite: Suite, name: str) -> None:
    """The MAC is right: the form is looked at all the same."""
    body = BODIES[name] + b"\x99\x02\x90\x00"
    mac = suite.mac(pad((2).to_bytes(suite.ssc_size, "big") + body, suite.block))

    class Below:
        def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
            return ResponseApdu(body + b"\x8e\x08" + mac, 0x9000)

    channel = SecureMessaging(Below(), suite, bytes(suite.ssc_size))
    with pytest.raises(SecureMessagingError):
        channel.send(CommandApdu(Ins.READ_BINARY, ne=16))
    assert not channel.alive


@given(st.binary(max_size=70), st.binary(min_size=1, max_size=64))
def test_padding_of_sixteen_is_undone_and_nothing_else_is(data: bytes, noise: bytes) -> None:
    assert unpad(pad(data, 16), 16) == data
    assert len(pad(data, 16)) % 16 == 0
    whole = noise + bytes(-len(noise) % 16)
    try:
        assert pad(unpad(whole, 16), 16) == whole
    except SecureMessagingError:
        assert b"\x80" not in whole[-16:] or whole.rstrip(b"\0")[-1:] != b"\x80"


def test_a_counter_runs_over_and_a_channel_renewed_starts_at_nothing() -> None:
    sent: list[bytes] = []

    class Below:
        def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
            sent.append(command.data)
            return ResponseApdu(b"", 0x6F00)

    suite = AesSuite(KEYS[16], KEYS[16])
    old = SecureMessaging(Below(), suite, b"\xff" * 16, "BAC")
    old.send(CommandApdu(Ins.READ_BINARY, ne=1))
    renewed = old.rekeyed(suite, "CA")
    assert (old.alive, renewed.alive, renewed.protocol) == (False, True, "CA")
    renewed.send(CommandApdu(Ins.READ_BINARY, ne=1))
    header = pad(bytes.fromhex("0CB00000"), 16)
    for data, ssc in zip(sent, (0, 1), strict=True):
        mac = CMAC(AES(KEYS[16]))
        mac.update(pad(ssc.to_bytes(16, "big") + header + b"\x97\x01\x01", 16))
        assert data == b"\x97\x01\x01\x8e\x08" + mac.finalize()[:8]


def test_keys_of_each_size_come_from_the_hash_the_standard_names() -> None:
    sizes = {cipher: len(cipher.key(SECRET, Purpose.ENC)) for cipher in SessionCipher}
    assert list(sizes.values()) == [16, 16, 24, 32]
    assert (
        SessionCipher.AES_192.key(SECRET, Purpose.MAC) == SessionCipher.AES_256.key(SECRET, Purpose.MAC)[:24]
    )
    assert (
        SessionCipher.AES_128.key(SECRET, Purpose.MAC) != SessionCipher.AES_256.key(SECRET, Purpose.MAC)[:16]
    )
    parity = {byte.bit_count() % 2 for byte in SessionCipher.TDES.key(SECRET, Purpose.ENC)}
    assert parity == {1}
