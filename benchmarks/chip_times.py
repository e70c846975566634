"""Chip: what protecting an APDU costs, and a whole card beside its floor. Times are ratios within one run."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import cast

from benchmarks.chip_content import LabKeys, card_image, sod, unheard
from benchmarks.echo import EchoCard, Halves, Tape
from benchmarks.figure import About, Figure, figure
from benchmarks.results import CHECKOUT
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import Profile, load_profile
from drivers.chip.process import ChipProcess
from drivers.chip.secure_messaging import AesSuite, SecureMessaging, Suite, TripleDesSuite
from drivers.passing import PassingReader
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from drivers.virtual.card.sm import SecureMessaging as CardSide
from drivers.virtual.card.suites import Aes128, TripleDes
from drivers.virtual.pcscd import PrivatePcscd
from drivers.virtual.vpcd import VpcdSlot
from firmware.document.lds import Fid
from firmware.issue.ports import DocumentSigner
from firmware.issue.transaction import Transaction

KIND = "store-data"
WRAPPED_BYTES, WRAPS, ROUNDS, CARDS = 223, 400, 7, 15


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


def over_floor() -> list[Figure]:
    """A whole card through pcscd and vpcd beside the same bytes through a card that only echoes."""
    sys.path.append(str(CHECKOUT / "tests"))  # its made-up person, journal and signer
    whole, floor = _beside_floor(_personalise)
    issued, its_floor = _beside_floor(_issue)
    echo = "an echo card, s"
    return [
        figure("chip.over_floor", whole / floor, "", 2.0, echo, floor),
        figure("chip.over_floor.transaction", issued / its_floor, "", None, echo, its_floor),
    ]


def card_ms() -> list[Figure]:
    """CPU of the whole card of `chip.over_floor`: the host's part, and the virtual card's."""
    spent = [_halves() for _ in range(CARDS)]
    return [
        figure("chip.card_ms.host", statistics.median(host for host, _ in spent), "ms"),
        figure("chip.card_ms.virtual_card", statistics.median(card for _, card in spent), "ms"),
    ]


def _halves() -> tuple[float, float]:
    with VirtualReader() as reader:
        reader.put(blank_card(kind=KIND))
        halves = Halves(reader)
        began = time.thread_time()
        _personalise(halves)
        whole_s = time.thread_time() - began
        return (whole_s - halves.spent_s) * 1e3, halves.spent_s * 1e3


def _beside_floor(act: Callable[[PassingReader], None]) -> tuple[float, float]:
    """Seconds of `act` on a new card and of its bytes on an echo, undisturbed."""
    wholes: list[Sequence[float]] = []
    floors: list[Sequence[float]] = []
    with ExitStack() as stack:
        stack.enter_context(_one_core())
        pcscd = stack.enter_context(PrivatePcscd())
        slot = stack.enter_context(VpcdSlot(pcscd.ports[0]))
        reader = stack.enter_context(ChipProcess(pcscd.readers[0], virtual=True, env=dict(pcscd.env)))
        for _ in range(CARDS):
            _swap(slot, reader, blank_card(kind=KIND))
            tape = Tape(reader)
            act(tape)
            wholes.append(tape.laps)
            _swap(slot, reader, cast("VirtualCard", EchoCard(tape.answers())))
            floors.append(tape.replay())
    return _undisturbed(wholes), _undisturbed(floors)


@contextmanager
def _one_core() -> Iterator[None]:
    """For what is begun inside: spread over cores, the floor is half as much again as often as not."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _undisturbed(runs: Sequence[Sequence[float]]) -> float:
    """The sum of the least that each exchange took in any run, with the work before it.

    What else the machine does lengthens some of them in every run, and says nothing about the chip.
    """
    return sum(min(laps) for laps in zip(*runs, strict=True))


def _swap(slot: VpcdSlot, reader: ChipProcess, card: VirtualCard) -> None:
    """Put another card in once pcscd has seen the slot empty."""
    reader.disconnect()
    slot.remove()
    reader.await_card(False, 5.0)
    slot.insert(card)
    reader.await_card(True, 5.0)


def _personalise(reader: PassingReader) -> None:
    """Keys, files, read-back, the chip's own proofs, lock and its proof: all but the signature."""
    dialect = open_dialect(_profile(), reader, LabKeys(), BlockMemory())
    person = card_image(KIND)
    dialect.identify(person.keys.access)
    dialect.put_keys(person.keys)
    files = {**person.files, Fid.SOD: sod()}
    for fid, content in files.items():
        dialect.write_file(fid, content, unheard)
    for fid, content in files.items():
        if dialect.read_file(fid, len(content), unheard) != content:
            raise AssertionError(f"EF {fid:04X} came back otherwise")
    dialect.prove_keys(person.keys)
    dialect.lock()
    dialect.prove_locked(person.keys)


def _issue(reader: PassingReader) -> None:
    """The whole transaction, its journal in memory and its signature there already."""
    from support.dialects import MasterKeys
    from support.issue import ORDER, RECORD, FakeAttempt, FakeJournal, full_image
    from support.signer import NOW, state

    transaction = Transaction(
        open_dialect(_profile(), reader, MasterKeys(), BlockMemory()),
        FakeJournal(FakeAttempt(image=full_image(KIND, 15_000).to_bytes())),
        _signer(),
        (state()[0].certificate,),
        lambda _: ORDER,
        lambda: NOW,
        lambda _: None,
    )
    for step in (transaction.write, transaction.verify, transaction.lock):
        step(RECORD)


@cache
def _signer() -> DocumentSigner:
    """Asked again, it gives the signature that it gave before."""
    from support.signer import TestSigner

    signer: DocumentSigner = TestSigner()
    return signer


@cache
def _profile() -> Profile:
    return load_profile(KIND)


FIGURES: Sequence[Callable[[], list[Figure]]] = (host_us, over_floor, card_ms)

VIRTUAL = "the card"
ABOUT: Mapping[str, About] = {
    "chip.host_us.aes": About("AES secure messaging of 223 B, wrapped and answer checked", cpu=True),
    "chip.host_us.tdes": About("3DES secure messaging of 223 B", cpu=True),
    "chip.over_floor": About(
        "a whole card through pcscd and vpcd ÷ its bytes through an echo, on one core", simulated=VIRTUAL
    ),
    "chip.over_floor.transaction": About(
        "the same for the whole transaction: every file read back twice, the signature checked thrice",
        simulated=VIRTUAL,
    ),
    "chip.card_ms.host": About("CPU of the host for a whole card", cpu=True),
    "chip.card_ms.virtual_card": About(
        "CPU of the virtual card beside it: no part of the product", cpu=True, simulated=VIRTUAL
    ),
}
