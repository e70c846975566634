"""The host's side of SCP03, byte for byte against yubikit's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given
from hypothesis import strategies as st
from support.scp03_peer import HOST_CHALLENGE, KEYS, KVN, LONG_KEYS, Peer, channel, kbkdf
from yubikit.core.smartcard import scp as yubikit

from drivers.chip.apdu import CommandApdu
from drivers.chip.scp03 import Level, fitting
from drivers.chip.sp800_108 import aes_cmac, derive

SIZES = st.sampled_from([1, 15, 16, 17, 200, 231, 232, 239, 240, 247, 255, 1000, 3000])


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
