"""Chip: APDUs, bytes and air time of writing and reading a card. Counts are exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks.chip_content import CONTENT_BYTES, LabKeys, card_image, four_files, unheard
from benchmarks.echo import Tape
from benchmarks.figure import About, Figure, figure
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import Profile, load_profile
from drivers.chip.scp03 import Level
from drivers.chip.secure_messaging import AesSuite, SecureMessaging
from drivers.virtual.card import VirtualReader, blank_card
from drivers.virtual.card.air import Air
from drivers.virtual.card.sm import SecureMessaging as CardSide
from drivers.virtual.card.suites import Aes128
from drivers.virtual.card.words import parse
from firmware.document.lds import Fid

LONGEST_SHORT = 239  # payload of a short command under AES secure messaging
FAST = Air(bit_rate=424, fsc=4096, fsd=4096, page_write_s=0.0, response_s=0.0)
USUAL = Air(bit_rate=424, page_write_s=0.0, response_s=0.0)


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
        for fid, content in four_files().items():
            dialect.write_file(fid, content, unheard)
        return _moved(before, reader, tape, dialect, air)


def _reading(profile: Profile) -> Moved:
    """What it takes to be read back through PACE, once that is open."""
    with _begun(profile, FAST) as (reader, tape, dialect):
        for fid, content in {**card_image("iso7816-scp03").files, **four_files()}.items():
            dialect.write_file(fid, content, unheard)
        dialect.read_file(Fid.COM, 1, unheard)
        before = dialect.apdus, tape.wire_bytes, reader.taken.air_s
        for fid, content in four_files().items():
            if dialect.read_file(fid, len(content), unheard) != content:
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
        dialect = open_dialect(profile, tape, LabKeys(), BlockMemory())
        person = card_image(profile.name)
        if dialect.identify(person.keys.access).kind != CardKind.BLANK:
            raise AssertionError("a new card is not blank")
        dialect.put_keys(person.keys)
        yield reader, tape, dialect


FIGURES: Sequence[Callable[[], list[Figure]]] = (apdus, bytes_ratio, air_ratio)

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
    "chip.air_ratio": About("writing at 424 kbit/s, frames of 4096 B ÷ the bits alone", simulated="the air"),
    "chip.air_ratio.frames_256": About("the same with frames of 256 B", simulated="the air"),
}
