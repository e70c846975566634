"""PACE, Chip Authentication and secure messaging with OpenPACE, which strangers wrote, at the other end.

Each end of ours meets it: the terminal, and the virtual chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.channels import open_channel
from support.chip import FILES, KEYS, made_up
from support.issued import CAN_DIGITS, Issue, issued_card, private_key
from support.openpace import CAN, MRZ, End, Refused, libraries
from support.pace_chip import PaceChip, card_access

from drivers.chip.access import Can, Password
from drivers.chip.apdu import CommandApdu, Ins
from drivers.chip.bac import check_digit
from drivers.chip.chip_authentication import ID_CA_ECDH, ChipKey, authenticate_chip
from drivers.chip.ec import BRAINPOOL_P256R1, CURVES, Curve
from drivers.chip.errors import AccessRefused, MalformedData, SecureMessagingError
from drivers.chip.kdf import SessionCipher
from drivers.chip.processor import Plain
from drivers.chip.tlv import encode, parse
from drivers.virtual.card import VirtualReader

try:
    libraries()
except OSError as missing:
    pytest.skip(f"OpenPACE is not installed: {missing}", allow_module_level=True)

FILE = made_up(1200, "openpace")
CIPHERS = {1: 8, 2: 16, 3: 16, 4: 16}  # by the last arc: bytes of a block
WAYS = [
    pytest.param((cipher, curve.parameter_id), id=f"{curve.name} {cipher}")
    for cipher in CIPHERS
    for curve in CURVES
]
OID, CA_OID = bytes.fromhex("04007F000702020402"), bytes.fromhex("04007F000702020302")


def zone() -> str:
    """The machine readable zone of a TD1 whose three fields are KEYS."""
    number, birth, expiry = (
        field + check_digit(field) for field in (KEYS.document_number, KEYS.birth, KEYS.expiry)
    )
    return f"I<UTO{number:<25}{birth}F{expiry}UTO".replace(" ", "<").ljust(90, "<")


PASSWORDS: dict[str, tuple[Password, str, int]] = {
    "MRZ": (KEYS, zone(), MRZ),
    "CAN": (Can(CAN_DIGITS), CAN_DIGITS, CAN),
}


def pad(data: bytes, block: int) -> bytes:
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def only(data: bytes, *tags: int) -> bytes:
    """The value inside the nested objects `tags`."""
    for tag in tags:
        ((found, data),) = parse(data)
        assert found == tag
    return data


class Channel:
    """Secure messaging in OpenPACE's hands (Doc 9303-11, 9.8), from either end."""

    def __init__(self, end: End, block: int) -> None:
        self.end, self.block = end, block

    def protect(self, data: bytes, rest: bytes, header: bytes = b"") -> bytes:
        """DO 87, `rest` and DO 8E; a command's `header` is under the MAC too."""
        self.end.step()
        body = encode(0x87, b"\x01" + self.end.encrypt(pad(data, self.block))) if data else b""
        body += rest
        covered = (pad(header, self.block) if header else b"") + (pad(body, self.block) if body else b"")
        return body + encode(0x8E, self.end.mac(covered))

    def reveal(self, protected: bytes, header: bytes = b"") -> bytes:
        """What DO 87 holds, once DO 8E is right."""
        self.end.step()
        body, mac = protected[:-10], protected[-8:]
        covered = (pad(header, self.block) if header else b"") + (pad(body, self.block) if body else b"")
        assert protected[-10:-8] == b"\x8e\x08" and self.end.mac(covered) == mac
        found = dict(parse(body)).get(0x87)
        if found is None:
            return b""
        return self.end.decrypt(found[1:]).rstrip(b"\0")[:-1]


class Chip(PaceChip):
    """OpenPACE's chip with one file of 1,200 bytes; `garbles` changes the answers inside the channel."""

    def __init__(self, way: tuple[int, int], password: str, kind: int) -> None:
        super().__init__(b"", *way)
        self._end = End(self.access, password, kind)
        self._channel = Channel(self._end, CIPHERS[way[0]])
        self.garbles: Callable[[bytes], bytes] = lambda same: same

    def close(self) -> None:
        self._end.close()

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        if apdu[0] == 0x0C and self.opened:
            return self.garbles(self._inside(apdu))
        return super().transmit(apdu, timeout_s)

    def _inside(self, apdu: bytes) -> bytes:
        header, protected = apdu[:4], apdu[5:-1]
        offset = apdu[2] << 8 | apdu[3]
        given = self._channel.reveal(protected, header)
        data = FILE[offset : offset + 100] if apdu[1] == Ins.READ_BINARY else b""
        data = b"\x7c\0" if apdu[1] == Ins.GENERAL_AUTHENTICATE else data
        answer = self._channel.protect(data, bytes.fromhex("99029000")) + b"\x90\x00"
        if apdu[1] == Ins.GENERAL_AUTHENTICATE:
            self._authenticate_chip(only(given, 0x7C, 0x80))
        elif apdu[1:4] == bytes.fromhex("2241A6"):  # 3DES: the key comes with MSE:Set KAT
            self._authenticate_chip(only(given, 0x91))
        return answer

    def chip_key(self, cipher: int, curve: Curve) -> ChipKey:
        """A key pair of the chip, as DG14 says of it."""
        self._renewed = Channel(self._end, CIPHERS[cipher])
        point = self._end.chip_authentication_key(cipher, curve.parameter_id)
        agreed = next(each for each in SessionCipher if each.arc == cipher)
        return ChipKey(f"{ID_CA_ECDH}.{cipher}", agreed, None, curve, point)

    def _authenticate_chip(self, theirs: bytes) -> None:
        self._end.authenticate_chip(theirs)
        self._channel = self._renewed

    def _nonce(self, _: bytes) -> bytes:
        return self._say(0x80, self._end.conceal_nonce())

    def _map(self, data: bytes) -> bytes:
        ours = self._end.mapping_key()
        self._end.map(only(data, 0x7C, 0x81))
        return self._say(0x82, ours)

    def _agree(self, data: bytes) -> bytes:
        ours, self._of_terminal = self._end.ephemeral_key(), only(data, 0x7C, 0x83)
        self._end.agree(self._of_terminal)
        return self._say(0x84, ours)

    def _check(self, data: bytes) -> bytes:
        try:
            self._end.check(only(data, 0x7C, 0x85))
        except Refused:
            return b"\x63\x00"
        self.opened = True
        return self._say(0x86, self._end.token(self._of_terminal))


class Terminal:
    """OpenPACE's terminal at our virtual chip."""

    def __init__(self, reader: VirtualReader, way: tuple[int, int], password: str, kind: int) -> None:
        self._reader, self._way, self._kind = reader, way, kind
        self._end = End(card_access(way), password, kind)
        self._channel = Channel(self._end, CIPHERS[way[0]])

    def close(self) -> None:
        self._end.close()

    def open(self) -> None:
        template = encode(0x80, OID + bytes([self._way[0]])) + encode(0x83, bytes([self._kind]))
        self._send(bytes.fromhex("0022C1A4"), template, le=False)
        self._end.reveal_nonce(self._step(b"", 0x80))
        self._end.map(self._step(encode(0x81, self._end.mapping_key()), 0x82))
        theirs = self._step(encode(0x83, self._end.ephemeral_key()), 0x84)
        self._end.agree(theirs)
        self._end.check(self._step(encode(0x85, self._end.token(theirs)), 0x86, last=True))

    def read(self, fid: int, size: int, select: bool = True) -> bytes:
        """The application, a file in it, and all of its bytes, under secure messaging."""
        if select:
            self._inside(bytes.fromhex("0CA4040C"), bytes.fromhex("A0000002471001"))
        self._inside(bytes.fromhex("0CA4020C"), fid.to_bytes(2, "big"))
        content = b""
        while len(content) < size:
            ne = bytes([min(0x80, size - len(content))])
            content += self._inside(bytes((0x0C, 0xB0, len(content) >> 8, len(content) & 0xFF)), b"", ne)
        return content

    def authenticate_chip(self, cipher: int, curve: Curve, theirs: bytes) -> None:
        """Chip Authentication; the channel goes on under the new keys."""
        ours = self._end.chip_authentication_key(cipher, curve.parameter_id)
        if cipher == 1:
            self._inside(bytes.fromhex("0C2241A6"), encode(0x91, ours))
        else:
            self._inside(bytes.fromhex("0C2241A4"), encode(0x80, CA_OID + bytes([cipher])))
            self._inside(bytes.fromhex("0C860000"), encode(0x7C, encode(0x80, ours)), b"\0")
        self._end.authenticate_chip(theirs)
        self._channel = Channel(self._end, CIPHERS[cipher])

    def _step(self, data: bytes, expected: int, last: bool = False) -> bytes:
        header = bytes.fromhex("00860000" if last else "10860000")
        return only(self._send(header, encode(0x7C, data)), 0x7C, expected)

    def _inside(self, header: bytes, data: bytes, ne: bytes = b"") -> bytes:
        protected = self._channel.protect(data, encode(0x97, ne) if ne else b"", header)
        return self._channel.reveal(self._send(header, protected))

    def _send(self, header: bytes, data: bytes, le: bool = True) -> bytes:
        answer = self._reader.transmit(header + bytes([len(data)]) + data + (b"\0" if le else b""))
        if answer[-2:] != b"\x90\x00":
            raise Refused(answer[-2:].hex())
        return answer[:-2]


@pytest.fixture
def reader() -> Iterator[VirtualReader]:
    with VirtualReader() as reader:
        yield reader


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("way", WAYS[len(CURVES) :])  # of 3DES, see below
def test_our_terminal_opens_a_chip_of_openpace_and_reads_in_its_channel(
    way: tuple[int, int], password: str
) -> None:
    ours, *theirs = PASSWORDS[password]
    with closing(Chip(way, *theirs)) as chip:
        channel = open_channel(Plain(chip), ours)
        assert chip.opened
        read = b"".join(
            channel.send(CommandApdu(Ins.READ_BINARY, at >> 8, at & 0xFF, ne=100)).data
            for at in range(0, len(FILE), 100)
        )
        assert read == FILE


def test_its_nonce_of_one_des_block_is_refused() -> None:
    """Doc 9303-11, 4.4.3.1: not shorter than the key, 112 bits of 3DES. OpenPACE gives 64."""
    with closing(Chip((1, 12), CAN_DIGITS, CAN)) as chip, pytest.raises(MalformedData, match="8 bytes"):
        open_channel(Plain(chip), Can(CAN_DIGITS))


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_terminal_of_openpace_opens_our_chip_and_reads_in_its_channel(
    reader: VirtualReader, way: tuple[int, int], password: str
) -> None:
    reader.put(issued_card(Issue(pace=(way,))))
    reader.connect()
    with closing(Terminal(reader, way, *PASSWORDS[password][1:])) as terminal:
        terminal.open()
        for fid in (0x0101, 0x0102, 0x011E):
            assert terminal.read(fid, len(FILES[fid])) == FILES[fid]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_our_terminal_authenticates_a_chip_of_openpace(cipher: int, curve: Curve) -> None:
    with closing(Chip((2, 12), CAN_DIGITS, CAN)) as chip:
        before = open_channel(Plain(chip), Can(CAN_DIGITS))
        channel = authenticate_chip(before, chip.chip_key(cipher, curve))
        assert channel.send(CommandApdu(Ins.READ_BINARY, ne=100)).data == FILE[:100]


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_terminal_of_openpace_authenticates_our_chip(reader: VirtualReader, cipher: int) -> None:
    reader.put(issued_card(Issue(pace=((2, 12),))))
    reader.connect()
    key = private_key(Issue().ca_curve, "ca").public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with closing(Terminal(reader, (2, 12), CAN_DIGITS, CAN)) as terminal:
        terminal.open()
        terminal.read(0x011E, 14)
        terminal.authenticate_chip(cipher, BRAINPOOL_P256R1, point)
        assert terminal.read(0x0101, len(FILES[0x0101]), select=False) == FILES[0x0101]


@pytest.mark.parametrize("password", PASSWORDS)
def test_neither_end_opens_with_another_password(reader: VirtualReader, password: str) -> None:
    ours, right, kind = PASSWORDS[password]
    wrong = right[:5] + ("1" if right[5] == "0" else "0") + right[6:]
    with closing(Chip((2, 12), wrong, kind)) as chip, pytest.raises(AccessRefused):
        open_channel(Plain(chip), ours)
    reader.put(issued_card(Issue(pace=((2, 12),))))
    reader.connect()
    with closing(Terminal(reader, (2, 12), wrong, kind)) as terminal, pytest.raises(Refused, match="6300"):
        terminal.open()


@pytest.mark.parametrize("bit", range(0, 8 * 129, 61))
def test_one_bit_of_its_answer_changed_ends_the_channel(bit: int) -> None:
    def garbled(answer: bytes) -> bytes:
        assert len(answer) == 131  # DO 87 of 113 bytes, DO 99, DO 8E, 9000
        changed = bytearray(answer)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    with closing(Chip((2, 12), CAN_DIGITS, CAN)) as chip:
        channel = open_channel(Plain(chip), Can(CAN_DIGITS))
        chip.garbles = garbled
        with pytest.raises(SecureMessagingError):
            channel.send(CommandApdu(Ins.READ_BINARY, ne=100))
        assert not channel.alive
