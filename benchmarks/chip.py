"""Chip: how many APDUs and bytes a card takes, what protecting them costs, how long it lies in the field.

Counts are exact. Times are ratios within one run. The cards are virtual; the air is a model of ISO 14443-4.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from benchmarks.echo import EchoCard, Tape
from benchmarks.figure import About, Figure, figure
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import Profile, load_profile
from drivers.chip.key_store import StaticKeys, diversify
from drivers.chip.process import ChipProcess
from drivers.chip.scp03 import Level
from drivers.chip.secure_messaging import AesSuite, SecureMessaging, Suite, TripleDesSuite
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from drivers.virtual.card.air import Air
from drivers.virtual.card.scp03 import LAB_MASTER
from drivers.virtual.card.sm import SecureMessaging as CardSide
from drivers.virtual.card.suites import Aes128, TripleDes
from drivers.virtual.card.words import parse
from drivers.virtual.pcscd import PrivatePcscd
from drivers.virtual.vpcd import VpcdSlot
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.features import features_of
from firmware.sim.people import citizen

if TYPE_CHECKING:
    from drivers.api import ChipReader

DAY = datetime(2026, 3, 2, tzinfo=UTC)
CONTENT_BYTES = 20_356
"""DG1, DG2, EF.COM and EF.SOD of the card that others' block sizes were compared on."""
SOD_BYTES, COM_BYTES = 1028, 23
WRAPPED_BYTES, WRAPS, ROUNDS, CARDS = 223, 400, 7, 5
LONGEST_SHORT = 239  # payload of a short command under AES secure messaging
FAST = Air(bit_rate=424, fsc=4096, fsd=4096, page_write_s=0.0, response_s=0.0)
USUAL = Air(bit_rate=424, page_write_s=0.0, response_s=0.0)


class LabKeys:
    """The virtual cards' issuer: a key that everybody knows."""

    def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:  # noqa: ARG002 (one master key)
        return diversify(LAB_MASTER, kdd)


# --- counts ----------------------------------------------------------------------------------------


def apdus() -> list[Figure]:
    """APDUs to write DG1, a DG2 of 19 kB, EF.COM and EF.SOD, by dialect and block size."""
    aims = {"short": 92, "b1000": 26, "b4000": 11}
    blocks = {"short": 255, "b1000": 1000, "b4000": 4000}
    rows = []
    for name in ("lds-plain", "iso7816-scp03", "store-data"):
        for size, most in blocks.items():
            if name == "lds-plain" and size != "short":
                continue
            count = _writing(replace(load_profile(name), write_block=most)).apdus
            best = (name, size) in BEST
            rows.append(
                figure(
                    f"chip.apdus.{size}" if best else f"chip.apdus.{size}.{name}",
                    count,
                    "APDUs",
                    aims[size] if best else None,
                )
            )
    return rows


BEST = {("lds-plain", "short"), ("store-data", "b1000"), ("store-data", "b4000")}


def bytes_ratio() -> list[Figure]:
    """Bytes on the wire, both ways, for each byte of content."""
    iso = load_profile("iso7816-scp03")
    assert iso.scp03 is not None
    level_3 = replace(iso, write_block=255, scp03=replace(iso.scp03, level=Level.C_DECRYPTION))
    return [
        figure("chip.bytes_ratio.scp03_03", _writing(level_3).ratio, "", 1.08),
        figure("chip.bytes_ratio.sm_short", _protected(LONGEST_SHORT), "", 1.16),
        figure("chip.bytes_ratio.sm_1000", _protected(1000), "", 1.05),
        figure("chip.bytes_ratio.sm_short.read", _reading(replace(iso, read_blocks=(0xDF,))).ratio, ""),
        figure("chip.bytes_ratio.sm_1000.read", _reading(replace(iso, read_blocks=(1000,))).ratio, ""),
    ]


def _protected(block: int) -> float:
    """20 kB in UPDATE BINARY under AES secure messaging, each opened and answered by the card's side."""
    keys = bytes(range(16)), bytes(range(16, 32))
    card, moved, size = CardSide(Aes128(*keys)), 0, 20_000

    class Wire:
        def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:  # noqa: ARG002
            nonlocal moved
            sent = command.to_bytes()
            card.open(parse(sent))
            answer = card.seal(b"", 0x9000)
            moved += len(sent) + len(answer)
            return ResponseApdu.parse(answer)

    channel = SecureMessaging(Wire(), AesSuite(*keys), bytes(16))
    for at in range(0, size, block):
        data = bytes(min(block, size - at))
        channel.send(CommandApdu(Ins.UPDATE_BINARY, at >> 8, at & 0xFF, data))
    return moved / size


def air_ratio() -> list[Figure]:
    """Air time of writing a card at 424 kbit/s for each second that its bytes alone would take."""
    profile = replace(load_profile("store-data"), write_block=4000)
    return [
        figure("chip.air_ratio", _writing(profile, FAST).air_ratio, "", 1.15),
        figure("chip.air_ratio.frames_256", _writing(profile, USUAL).air_ratio, ""),
    ]


@dataclass(frozen=True, slots=True)
class Moved:
    apdus: int
    wire_bytes: int
    air_s: float
    bound_s: float

    @property
    def ratio(self) -> float:
        return self.wire_bytes / CONTENT_BYTES

    @property
    def air_ratio(self) -> float:
        return self.air_s / self.bound_s


def _writing(profile: Profile, air: Air = FAST) -> Moved:
    """What the content takes to be written, once the card has its keys."""
    with _begun(profile, air) as (reader, tape, dialect):
        before = dialect.apdus, tape.wire_bytes, reader.taken.air_s
        for fid, content in _content().items():
            dialect.write_file(fid, content, _unheard)
        return _moved(before, reader, tape, dialect, air)


def _reading(profile: Profile) -> Moved:
    """What it takes to be read back through PACE, once that is open."""
    with _begun(profile, FAST) as (reader, tape, dialect):
        for fid, content in {**_image("iso7816-scp03").files, **_content()}.items():
            dialect.write_file(fid, content, _unheard)
        dialect.read_file(Fid.COM, 1, _unheard)
        before = dialect.apdus, tape.wire_bytes, reader.taken.air_s
        for fid, content in _content().items():
            if dialect.read_file(fid, len(content), _unheard) != content:
                raise AssertionError(f"EF {fid:04X} came back otherwise")
        return _moved(before, reader, tape, dialect, FAST)


def _moved(
    before: tuple[int, int, float], reader: VirtualReader, tape: Tape, dialect: Dialect, air: Air
) -> Moved:
    apdus, wire, air_s = before
    return Moved(
        dialect.apdus - apdus, tape.wire_bytes - wire, reader.taken.air_s - air_s, air.bound_s(CONTENT_BYTES)
    )


@contextmanager
def _begun(profile: Profile, air: Air) -> Iterator[tuple[VirtualReader, Tape, Dialect]]:
    """A blank card that has just got its keys."""
    with VirtualReader(air) as reader:
        reader.put(blank_card(kind=profile.name, extended=65535))
        tape = Tape(reader)
        dialect = open_dialect(profile, cast("ChipReader", tape), LabKeys(), BlockMemory())
        image = _image(profile.name)
        if dialect.identify(image.keys.access).kind != CardKind.BLANK:
            raise AssertionError("a new card is not blank")
        dialect.put_keys(image.keys)
        yield reader, tape, dialect


# --- times, as ratios ------------------------------------------------------------------------------


def host_us() -> list[Figure]:
    """Host CPU of protecting a command of 223 bytes and checking its answer."""
    peer = _yubikit_us()
    return [
        figure("chip.host_us.aes", _wrap_us(AesSuite, Aes128, 16), "µs", 1.5 * peer, "yubikit's SCP03", peer),
        figure(
            "chip.host_us.tdes", _wrap_us(TripleDesSuite, TripleDes, 8), "µs", None, "yubikit's SCP03", peer
        ),
    ]


def _wrap_us(host: Callable[..., Suite], card: Callable[..., object], ssc_size: int) -> float:
    keys = bytes(range(16)), bytes(range(16, 32))
    command = CommandApdu(Ins.UPDATE_BINARY, data=bytes(WRAPPED_BYTES))
    answering = CardSide(card(*keys))  # type: ignore[arg-type]
    answers: list[bytes] = []

    class Recorded:
        """Answers as the card would, made before the clock runs."""

        def send(self, _: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:  # noqa: ARG002
            return ResponseApdu.parse(answers[self.at()])

        def __init__(self) -> None:
            self._n = -1

        def at(self) -> int:
            self._n += 1
            return self._n

    for _ in range(WRAPS):
        answering._step()  # the command's own count
        answers.append(answering.seal(b"", 0x9000))

    def run() -> None:
        channel = SecureMessaging(Recorded(), host(*keys), bytes(ssc_size))
        for _ in range(WRAPS):
            channel.send(command)

    return _cpu_us(run)


def _yubikit_us() -> float:
    """The same bytes through yubikit's SCP03 at level 33."""
    from yubikit.core.smartcard import scp

    keys = scp.SessionKeys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
    header, data = b"\x84\xd6\0\0", bytes(WRAPPED_BYTES)
    answers: list[bytes] = []
    chains = scp.ScpState(keys)
    for _ in range(WRAPS):
        encrypted = chains.encrypt(data)
        chains.mac(header + bytes([len(encrypted) + 8]) + encrypted)
        answers.append(scp._calculate_mac(keys.key_srmac, chains._mac_chain, b"\x90\0")[1])

    def run() -> None:
        state = scp.ScpState(keys)
        for answer in answers:
            encrypted = state.encrypt(data)
            state.mac(header + bytes([len(encrypted) + 8]) + encrypted)
            state.unmac(answer, 0x9000)

    return _cpu_us(run)


def _cpu_us(run: Callable[[], None]) -> float:
    run()
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        spent.append((time.process_time() - began) * 1e6 / WRAPS)
    return statistics.median(spent)


def over_floor() -> Figure:
    """A whole card through pcscd and vpcd beside the same bytes through a card that only echoes."""
    wholes: list[float] = []
    floors: list[float] = []
    with ExitStack() as stack:
        pcscd = stack.enter_context(PrivatePcscd())
        slot = stack.enter_context(VpcdSlot(pcscd.ports[0]))
        reader = stack.enter_context(ChipProcess(pcscd.readers[0], virtual=True, env=dict(pcscd.env)))
        for _ in range(CARDS):
            tape = Tape(reader)
            _swap(slot, reader, blank_card(kind="store-data"))
            wholes.append(_timed(partial(_personalise, tape)))
            _swap(slot, reader, cast("VirtualCard", EchoCard(tape.answers())))
            floors.append(_timed(tape.replay))
    whole, floor = statistics.median(wholes), statistics.median(floors)
    return figure("chip.over_floor", whole / floor, "", 2.0, "an echo card, s", floor)


def _swap(slot: VpcdSlot, reader: ChipProcess, card: VirtualCard) -> None:
    """Put another card in once pcscd has seen the slot empty."""
    reader.disconnect()
    slot.remove()
    reader.await_card(False, 5.0)
    slot.insert(card)
    reader.await_card(True, 5.0)


def _personalise(tape: Tape) -> None:
    """Keys, files, read-back, lock and its proof: all that a card goes through but the signature."""
    dialect = open_dialect("store-data", cast("ChipReader", tape), LabKeys(), BlockMemory())
    image = _image("store-data")
    dialect.identify(image.keys.access)
    dialect.put_keys(image.keys)
    files = {**image.files, Fid.SOD: _sod()}
    for fid, content in files.items():
        dialect.write_file(fid, content, _unheard)
    for fid, content in files.items():
        if dialect.read_file(fid, len(content), _unheard) != content:
            raise AssertionError(f"EF {fid:04X} came back otherwise")
    dialect.lock()
    dialect.prove_locked(image.keys)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


# --- what is written -------------------------------------------------------------------------------


@cache
def _content() -> Mapping[int, bytes]:
    """The four files of the comparison, CONTENT_BYTES together; EF.SOD in size only."""
    person = _image("lds-plain").files
    dg1, com = person[Fid.DG1], person[Fid.COM]
    left = CONTENT_BYTES - len(dg1) - len(com) - SOD_BYTES
    return {Fid.DG1: dg1, Fid.DG2: _object(0x75, left), Fid.COM: com, Fid.SOD: _sod()}


def _sod() -> bytes:
    return _object(0x77, SOD_BYTES)


def _object(tag: int, size: int) -> bytes:
    """A data object of `size` bytes in all."""
    value = np.random.default_rng(tag).bytes(size - 4)
    return bytes([tag, 0x82]) + len(value).to_bytes(2, "big") + value


@cache
def _image(dialect: str) -> CardImage:
    features = features_of(load_profile(dialect))
    return CardImage.of({**citizen(1, DAY.date()).fields}, _portrait(), DAY, features)


@cache
def _portrait() -> bytes:
    """A JPEG 2000 picture of noise of about 15 kB."""
    noise = np.random.default_rng(7).integers(0, 255, (531, 413, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(
        file, "JPEG2000", quality_mode="rates", quality_layers=[44], irreversible=True
    )
    return file.getvalue()


def _unheard(_: int) -> None:
    """Progress that nobody watches."""


FIGURES: Sequence[Callable[[], Figure | list[Figure]]] = (apdus, bytes_ratio, air_ratio, host_us, over_floor)

VIRTUAL = "the card"
ABOUT: Mapping[str, About] = {
    "chip.apdus.short": About("writing 20,356 B in short APDUs, by the plain applet", simulated=VIRTUAL),
    "chip.apdus.b1000": About("the same in blocks of 1000 B, by STORE DATA", simulated=VIRTUAL),
    "chip.apdus.b4000": About("the same in blocks of 4000 B, by STORE DATA", simulated=VIRTUAL),
    "chip.bytes_ratio.scp03_03": About("writing under SCP03 level 03, short APDUs", simulated=VIRTUAL),
    "chip.bytes_ratio.sm_short": About("20 kB of UPDATE BINARY under AES secure messaging, short APDUs"),
    "chip.bytes_ratio.sm_1000": About("the same in blocks of 1000 B"),
    "chip.bytes_ratio.sm_short.read": About("four files read through PACE in 223 B", simulated=VIRTUAL),
    "chip.bytes_ratio.sm_1000.read": About("the same in blocks of 1000 B", simulated=VIRTUAL),
    "chip.host_us.aes": About("AES secure messaging of 223 B, wrapped and answer checked", cpu=True),
    "chip.host_us.tdes": About("3DES secure messaging of 223 B", cpu=True),
    "chip.over_floor": About(
        "a whole card through pcscd and vpcd ÷ its bytes through an echo", simulated=VIRTUAL
    ),
    "chip.air_ratio": About("writing at 424 kbit/s, frames of 4096 B ÷ the bits alone", simulated="the air"),
    "chip.air_ratio.frames_256": About("the same with frames of 256 B", simulated="the air"),
}
