"""The host's side of SCP03, byte for byte against yubikit's, and against answers that no card may give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st
from yubikit.core.smartcard import scp as yubikit

from drivers.chip.apdu import CommandApdu
from drivers.chip.errors import CardRefused, SecureMessagingError
from drivers.chip.key_store import StaticKeys
from drivers.chip.processor import Plain
from drivers.chip.scp03 import KeysRefused, Level, Scp03, fitting, open_scp03
from drivers.chip.sp800_108 import aes_cmac, derive

AID = bytes.fromhex("A0000002471001")
KDD = bytes.fromhex("00112233445566778899")
KVN = 0x30
COUNTER = bytes.fromhex("00000A")
HOST_CHALLENGE = bytes.fromhex("0102030405060708")
KEYS = StaticKeys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
LONG_KEYS = StaticKeys(bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96)))
SIZES = st.sampled_from([1, 15, 16, 17, 200, 231, 232, 239, 240, 247, 255, 1000, 3000])


def kbkdf(key: bytes, constant: int, context: bytes, size: int) -> bytes:
    """SP 800-108 by the `cryptography` library, which proves itself against NIST's vectors."""
    before = bytes(11) + bytes((constant, 0)) + (size * 8).to_bytes(2, "big")
    made = KBKDFCMAC(
        AES, Mode.CounterMode, size, 1, None, CounterLocation.MiddleFixed, None, None,
        before + context, break_location=len(before),
    )  # fmt: skip
    return made.derive(key)


@dataclass
class Peer:
    """A card made of yubikit's parts: it answers each command as told and keeps what it was sent."""

    keys: StaticKeys = KEYS
    option: int = 0x70
    kvn: int = KVN
    challenge: bytes = b""
    counter: bytes = COUNTER
    plain: bytes = b""  # of the next answer
    sw: int = 0x9000
    spoil: Callable[[bytes], bytes] = bytes
    said: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.challenge = self.challenge or kbkdf(self.keys.enc, 0x02, self.counter + AID, 8)
        context, size = HOST_CHALLENGE + self.challenge, len(self.keys.enc)
        self.enc = kbkdf(self.keys.enc, 0x04, context, size)
        self.mac = kbkdf(self.keys.mac, 0x06, context, size)
        self.rmac = kbkdf(self.keys.mac, 0x07, context, size)
        self.state = yubikit.ScpState(yubikit.SessionKeys(self.enc, self.mac, self.rmac))
        self.host_cryptogram = kbkdf(self.mac, 0x01, context, 8)

    def transmit(self, apdu: bytes, timeout_s: float = 0) -> bytes:
        self.said.append(apdu)
        return self.spoil(self._answer(apdu))

    def _answer(self, apdu: bytes) -> bytes:
        if apdu[1] == 0x50:
            cryptogram = kbkdf(self.mac, 0x00, HOST_CHALLENGE + self.challenge, 8)
            head = KDD + bytes((self.kvn, 3, self.option)) + self.challenge + cryptogram
            return head + self.counter + b"\x90\x00"
        status = self.sw.to_bytes(2, "big")
        if apdu[1] == 0x82 or self.level < 0x10 or self.sw >> 8 not in (0x90, 0x62, 0x63):
            return (self.plain if apdu[1] != 0x82 and self.sw == 0x9000 else b"") + status
        data = self._encrypted()
        chaining = self.state._mac_chain  # after the peer's own `mac` of this command
        return data + yubikit._calculate_mac(self.rmac, chaining, data + status)[1] + status

    @property
    def level(self) -> int:
        return self.said[1][2]

    def _encrypted(self) -> bytes:
        if not self.plain:
            return b""
        cipher = yubikit._init_cipher(self.enc, self.state._enc_counter - 1, response=True)
        padded = self.plain + b"\x80" + bytes(-(len(self.plain) + 1) % 16)
        return cipher.encryptor().update(padded)

    def expected(self, header: bytes, data: bytes, encrypts: bool, le: bytes) -> bytes:
        """What yubikit sends for this command, formed as its processor does."""
        if encrypts and data:
            data = self.state.encrypt(data)
        else:
            self.state._enc_counter += 1  # 6.2.6: steps without data too
        size = len(data) + 8
        lc = bytes([size]) if size < 256 else b"\0" + size.to_bytes(2, "big")
        mac = self.state.mac(header + lc + data)
        return header + lc + data + mac + (le if size < 256 else le * 2)


def channel(peer: Peer, level: Level = Level.R_ENCRYPTION, kvn: int = KVN) -> Scp03:
    class Store:
        def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:
            assert (kvn, kdd) == (peer.kvn, KDD)
            return peer.keys

    return open_scp03(Plain(peer), Store(), kvn, level, AID, lambda size: HOST_CHALLENGE[:size])


@pytest.fixture(params=[KEYS, LONG_KEYS], ids=["aes128", "aes256"])
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    yield Peer(request.param)


# --- vectors ---


@pytest.mark.parametrize(
    ("size", "mac"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_cmac_is_that_of_rfc_4493(size: int, mac: str) -> None:
    message = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert aes_cmac(key, message[:size]).hex() == mac


@given(
    st.sampled_from([16, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
    st.integers(0, 7),
    st.binary(max_size=24),
    st.sampled_from([8, 16, 32]),
)
def test_derivation_is_sp_800_108(key: bytes, constant: int, context: bytes, size: int) -> None:
    assert derive(key, constant, context, size) == kbkdf(key, constant, context, size)


def test_a_chip_that_others_made_derives_so_too() -> None:
    """An NXP SE050E's answer to INITIALIZE UPDATE, with the session key that its owner published."""
    context = bytes.fromhex("112233445566778805437D4E3C213D20")
    s_mac = bytes.fromhex("5CAE32DEA3A3615E2AAE308D742277E0")
    assert derive(s_mac, 0x00, context, 8).hex() == "c4d889c1270264c4"


# --- byte for byte ---


@pytest.mark.parametrize("level", Level)
def test_the_handshake_is_yubikits(peer: Peer, level: Level) -> None:
    assert channel(peer, level).alive
    assert peer.said[0] == bytes.fromhex("8050300008") + HOST_CHALLENGE + b"\0"
    header = bytes((0x84, 0x82, level, 0, 0x10))
    assert peer.said[1] == header + peer.host_cryptogram + peer.state.mac(header + peer.host_cryptogram)


def test_yubikit_takes_the_same_card() -> None:
    """With AES-128: it derives no other session keys."""
    peer = Peer()
    params = yubikit.Scp03KeyParams(
        yubikit.KeyRef(1, KVN), yubikit.StaticKeys(peer.keys.enc, peer.keys.mac, peer.keys.dek)
    )

    def send(cla: int, ins: int, p1: int, p2: int, data: bytes) -> bytes:
        return peer.transmit(bytes((cla, ins, p1, p2, len(data))) + data + b"\0")[:-2]

    _, cryptogram = yubikit.ScpState.scp03_init(send, params, host_challenge=HOST_CHALLENGE)
    channel(peer)
    assert cryptogram == peer.said[-1][5:13]
    assert peer.said[0] == peer.said[1]


@given(
    long=st.booleans(), level=st.sampled_from(Level), exchanges=st.lists(st.tuples(SIZES, SIZES), max_size=5)
)
def test_every_command_and_answer_is_yubikits(
    long: bool, level: Level, exchanges: list[tuple[int, int]]
) -> None:
    peer = Peer(LONG_KEYS if long else KEYS)
    opened = channel(peer, level)
    peer.state._mac_chain = opened._chaining  # after EXTERNAL AUTHENTICATE, whose bytes are tested above
    for up, down in [(0, 0), *exchanges, (0, 20)]:
        data, peer.plain = (b"\x80\0\x37" * up)[:up], (b"\0\x80\x91" * down)[:down]
        le = b"\0" if level & 0x10 else b""
        wanted = peer.expected(bytes.fromhex("84E28800"), data, bool(level & 0x02), le)
        answer = opened.send(CommandApdu(0xE2, 0x88, 0, data, cla=0x80))
        assert peer.said[-1] == wanted
        assert (answer.data, answer.sw) == (peer.plain, 0x9000)


def test_yubikit_reveals_what_we_reveal() -> None:
    peer = Peer(plain=b"answer")
    opened = channel(peer)
    peer.state._mac_chain = opened._chaining
    wanted = peer.expected(bytes.fromhex("84E28800"), b"command", True, b"\0")
    assert opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80)).data == b"answer"
    assert peer.said[-1] == wanted
    sealed = peer._answer(wanted)
    assert peer.state.decrypt(peer.state.unmac(sealed[:-2], 0x9000)) == b"answer"


def test_iso_commands_get_the_secure_class_too() -> None:
    peer = Peer()
    opened = channel(peer, Level.C_MAC)
    opened.send(CommandApdu(0xA4, 2, 0x0C, b"\x01\x01"))
    assert peer.said[-1][0] == 0x04
    opened.send(CommandApdu(0xB0, ne=200))
    assert len(peer.said[-1]) == 5 + 8 + 1
    assert peer.said[-1][-1] == 200


@pytest.mark.parametrize(
    ("level", "nc", "room"),
    [(Level.C_MAC, 255, 247), (Level.C_DECRYPTION, 255, 239), (Level.R_ENCRYPTION, 1000, 991)],
)
def test_room_is_the_most_that_fits(level: Level, nc: int, room: int) -> None:
    assert fitting(level, nc) == room
    peer = Peer()
    opened = channel(peer, level)
    for size, more in ((room, False), (room + 1, True)):
        protected = opened._protect(CommandApdu(0xE2, data=bytes(size), cla=0x80))
        assert (len(protected.data) > nc) == more


def test_a_secret_goes_under_the_key_for_data() -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    wrapped = channel(Peer()).wrap(b"secret")
    plain = Cipher(AES(KEYS.dek), modes.CBC(bytes(16))).decryptor().update(wrapped)
    assert plain == b"secret\x80" + bytes(9)


# --- cards that are not what they say ---


def test_a_card_with_other_keys_gets_no_authentication() -> None:
    peer = Peer()
    peer.keys = LONG_KEYS
    with pytest.raises(KeysRefused):
        channel(peer)
    assert len(peer.said) == 1


def test_a_challenge_that_is_not_of_the_counter_is_a_replay() -> None:
    peer = Peer(challenge=b"replayed")
    with pytest.raises(KeysRefused, match="challenge"):
        channel(peer)
    assert len(peer.said) == 1


def test_a_random_challenge_needs_no_counter() -> None:
    assert channel(Peer(option=0x60, counter=b"", challenge=b"whatever")).alive


@pytest.mark.parametrize(
    ("option", "counter", "level"),
    [
        (0x71, COUNTER, Level.C_MAC),  # S16
        (0x10, COUNTER, Level.R_ENCRYPTION),  # no R-MAC
        (0x30, COUNTER, Level.R_ENCRYPTION),  # no R-ENCRYPTION
        (0x60, COUNTER, Level.C_MAC),  # a counter that i denies
        (0x70, b"", Level.C_MAC),  # no counter where i promises one
    ],
)
def test_an_offer_that_contradicts_itself_or_the_level_is_refused(
    option: int, counter: bytes, level: Level
) -> None:
    with pytest.raises(SecureMessagingError):
        channel(Peer(option=option, counter=counter, challenge=b"whatever"), level)


@pytest.mark.parametrize("answer", ["9000", "00" * 28 + "9000", "00" * 29 + "9000", "00" * 33 + "9000"])
def test_an_offer_of_another_form_is_refused(answer: str) -> None:
    with pytest.raises(SecureMessagingError):
        channel(Peer(spoil=lambda _: bytes.fromhex(answer)))


def test_another_key_version_than_asked_for_is_refused() -> None:
    with pytest.raises(SecureMessagingError, match="version"):
        channel(Peer(kvn=0x31))
    assert channel(Peer(kvn=0x31), kvn=0).alive


def test_a_card_that_takes_no_host_is_refused_with_its_status() -> None:
    peer = Peer()
    peer.spoil = lambda answer: answer if len(answer) > 2 else b"\x63\x00"
    with pytest.raises(CardRefused, match="6300"):
        channel(peer)


def test_a_locked_card_offers_nothing() -> None:
    with pytest.raises(CardRefused, match="6985"):
        channel(Peer(spoil=lambda _: b"\x69\x85"))


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the data": lambda a: bytes([a[0] ^ 1]) + a[1:],
    "a bit of the MAC": lambda a: a[:-3] + bytes([a[-3] ^ 1]) + a[-2:],
    "another status": lambda a: a[:-2] + b"\x62\x82",
    "no MAC": lambda a: a[:-10] + a[-2:],
    "nothing but 9000": lambda a: a[-2:],
    "data with an error": lambda a: a[:-2] + b"\x6a\x80",
    "shorter than a MAC": lambda a: a[:5] + a[-2:],
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_a_spoilt_answer_ends_the_channel(spoil: Callable[[bytes], bytes]) -> None:
    peer = Peer(plain=b"answer")
    opened = channel(peer)
    peer.state._mac_chain = opened._chaining
    peer.expected(bytes.fromhex("84E28800"), b"command", True, b"\0")
    peer.spoil = spoil
    with pytest.raises(SecureMessagingError):
        opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))
    assert not opened.alive
    with pytest.raises(SecureMessagingError, match="ended"):
        opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))


def test_an_answer_played_again_ends_the_channel() -> None:
    peer = Peer(plain=b"answer")
    opened = channel(peer)
    kept: list[bytes] = []
    for _ in range(2):
        peer.state._mac_chain = opened._chaining
        peer.expected(bytes.fromhex("84E28800"), b"command", True, b"\0")
        if kept:
            peer.spoil = lambda _: kept[0]
            with pytest.raises(SecureMessagingError, match="MAC"):
                opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))
        else:
            opened.send(CommandApdu(0xE2, 0x88, 0, b"command", cla=0x80))
            kept.append(peer._answer(peer.said[-1]))


@pytest.mark.parametrize(("sw", "goes_on"), [(0x6A82, True), (0x6982, False), (0x6988, False)])
def test_an_error_status_is_told_and_what_broke_the_channel_ends_it(sw: int, goes_on: bool) -> None:
    peer = Peer()
    opened = channel(peer)
    peer.sw = sw
    assert opened.send(CommandApdu(0xA4, 2, 0x0C, b"\x01\x01")).sw == sw
    assert opened.alive == goes_on
