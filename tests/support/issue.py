"""A desk that issues made-up cards: journal in memory, any dialect, and the world's truth beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import load_profile
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.document.keys import load_private
from firmware.document.lds import Fid
from firmware.issue.features import features_of
from firmware.issue.ports import IssueProgress, Order
from firmware.issue.transaction import Transaction
from support.dialects import MasterKeys
from support.people import CAPTURED, PERSON, jp2
from support.signer import NOW, TestSigner, state

RECORD = "00000000-0000-4000-8000-000000000001"
ORDER = Order(PERSON["number"], "first", "BOX-01", 3)
IMAGE = CardImage.of(PERSON, jp2(), CAPTURED)
OF_THE_CARD = (0x2F00, 0x2F01)  # EF.DIR, EF.ATR/INFO: nobody writes them
OFFICERS = ("CB-0001",)
COMMITS = ("keep_image", "stage", "keep_sod", "issuing", "complete")


@dataclass(frozen=True)
class FakeAttempt:
    number: int = 1
    image: bytes = IMAGE.to_bytes()
    sod: bytes | None = None
    issuing: bool = False
    stage: str = ""
    inherited: bool = False


@dataclass
class FakeJournal:
    """`IssueJournal` in memory, as strict as the real one about what may follow what."""

    now: FakeAttempt = field(default_factory=FakeAttempt)
    void: list[str] = field(default_factory=list)
    report: Mapping[str, Any] | None = None
    said: list[tuple[Any, ...]] = field(default_factory=list)
    dies_before: str | None = None

    def attempt(self, record_id: str) -> FakeAttempt:
        assert record_id == RECORD
        return self.now

    def keep_image(self, record_id: str, number: int, image: bytes) -> None:
        self._say(number, "keep_image")
        assert self.now.inherited and not self.now.stage and self.now.sod is None
        self.now = replace(self.now, image=image, inherited=False)

    def stage(self, record_id: str, number: int, stage: str) -> None:
        self._say(number, "stage", stage)
        self.now = replace(self.now, stage=stage)

    def keep_sod(self, record_id: str, number: int, sod: bytes) -> None:
        self._say(number, "keep_sod")
        assert self.now.sod is None
        self.now = replace(self.now, sod=sod)

    def issuing(self, record_id: str, number: int, sod_sha256: bytes) -> None:
        self._say(number, "issuing")
        assert self.now.sod is not None and hashlib.sha256(self.now.sod).digest() == sod_sha256
        self.now = replace(self.now, issuing=True)

    def complete(self, record_id: str, number: int, report: Mapping[str, Any]) -> None:
        self._say(number, "complete")
        assert self.now.issuing and self.report is None
        self.report = json.loads(json.dumps(report))

    def lost(self, record_id: str, number: int, officers: Sequence[str]) -> int:
        self._say(number, "lost")
        assert self.report is None
        if self.now.issuing and self.now.sod is not None:
            self.void.append(hashlib.sha256(self.now.sod).hexdigest())
        self.now = FakeAttempt(number + 1, self.now.image, inherited=True)
        return number + 1

    def _say(self, number: int, *what: Any) -> None:
        assert number == self.now.number
        if self.dies_before == what[0]:
            self.dies_before = None
            raise PowerCut
        self.said.append(what)


class PowerCut(BaseException):
    """The box loses power here."""


@dataclass
class Desk:
    """One kiosk's chip corner. `restart` forgets all but journal, cards and the centre's ledger."""

    reader: VirtualReader = field(default_factory=VirtualReader)
    journal: FakeJournal = field(default_factory=FakeJournal)
    signer: TestSigner = field(default_factory=TestSigner)
    seen: list[IssueProgress] = field(default_factory=list)
    dress: Callable[[Dialect], Any] = lambda dialect: dialect
    now: datetime = NOW
    kind: str = "lds-plain"

    def __post_init__(self) -> None:
        self.reader.__enter__()
        self.restart()

    def restart(self) -> None:
        self.dialect = open_dialect(self.kind, self.reader, MasterKeys(), BlockMemory())
        self.transaction = Transaction(
            self.dress(self.dialect),
            self.journal,
            self.signer,
            (state()[0].certificate,),
            lambda record_id: ORDER,
            lambda: self.now,
            self.seen.append,
        )

    @property
    def image(self) -> CardImage:
        """What the present attempt writes."""
        return CardImage.from_bytes(self.journal.now.image)

    def issue(self) -> None:
        """The three states of the flow, from wherever the journal stands."""
        for step in (self.transaction.write, self.transaction.verify, self.transaction.lock):
            step(RECORD)

    def asks(self, call: Callable[[], object]) -> str | None:
        """What the person is asked for, if anything."""
        try:
            call()
        except UserRetry as exc:
            return exc.reason
        return None


@cache
def full_image(kind: str, portrait_bytes: int = 80) -> CardImage:
    """All that a card of this dialect takes; DG3 has one small finger."""
    features = features_of(load_profile(kind))
    portrait = jp2(
        body=bytes(range(256)) * (portrait_bytes // 256) + b"\xff\xd9" * (portrait_bytes % 256 // 2)
    )
    fingers = [Finger(2, bytes(range(200, 248)) * 4, 16, 12, Compression.RAW, 500)]
    return CardImage.of(PERSON, portrait, CAPTURED, features, fingers if features.dg3 else ())


def desk_of(kind: str, **how: Any) -> Desk:
    """A desk of this dialect, where the record is a full card."""
    return Desk(journal=FakeJournal(FakeAttempt(image=full_image(kind).to_bytes())), kind=kind, **how)


def new_card(kind: str = "lds-plain", recreates: bool = True) -> VirtualCard:
    return blank_card(kind=kind, recreates=recreates)


def content(card: VirtualCard) -> dict[int, bytes]:
    """What the card's memory holds, read by nobody's command."""
    files = {int(fid, 16): each for fid, each in _applet(card)["files"].items()}
    return {fid: bytes.fromhex(each["content"]) for fid, each in files.items() if fid not in OF_THE_CARD}


def sod_bytes(card: VirtualCard) -> bytes:
    """EF.SOD as far as it is anything; b"" where no byte ever came."""
    return content(card).get(Fid.SOD, b"").rstrip(b"\0")


def has_keys(card: VirtualCard) -> bool:
    return bool(_applet(card)["access"])


def locked(card: VirtualCard) -> bool:
    return bool(_applet(card)["locked"])


def serial_of(card: VirtualCard) -> str | None:
    """Where the card says which one it is."""
    cplc: str | None = _applet(card)["personalisation"].get("cplc")
    return cplc


def keys_match(card: VirtualCard, image: CardImage) -> bool:
    """Whether the card holds just the keys that were frozen."""
    chip, keys = _applet(card), image.keys
    ec = [bytes.fromhex(chip[name]) if chip[name] else None for name in ("aa", "ca")]
    if chip["rsa"]:
        private = load_private(keys.aa or b"")
        assert isinstance(private, rsa.RSAPrivateKey)
        numbers = private.private_numbers()
        halves = {0x60: numbers.public_numbers.n, 0x61: numbers.d}
        return {int(p2): int(half, 16) for p2, half in chip["rsa"].items()} == halves
    access = [keys.access.document_number, keys.access.birth, keys.access.expiry]
    return (chip["access"], chip["can"], ec) == (access, keys.can, [keys.aa, keys.ca])


def assert_live(desk: Desk, card: VirtualCard) -> None:
    assert locked(card)
    assert content(card) == {**desk.image.files, Fid.SOD: desk.journal.now.sod}
    assert keys_match(card, desk.image)
    assert desk.journal.report is not None
    assert desk.journal.report["sod_sha256"] == hashlib.sha256(content(card)[Fid.SOD]).hexdigest()


def _applet(card: VirtualCard) -> dict[str, Any]:
    applications: list[dict[str, Any]] = json.loads(card.to_bytes())["applications"]
    applet: dict[str, Any] = applications[0]["state"]
    return applet


def finished() -> VirtualCard:
    """A plain card as `Desk` issues it, locked."""
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.issue()
    return card


def with_file(card: VirtualCard, fid: int, content: bytes) -> VirtualCard:
    """The same card with other bytes in one file: what no command of the card would do."""
    saved = json.loads(card.to_bytes())
    for application in saved["applications"]:
        application["state"]["files"][f"{fid:04X}"]["content"] = content.hex()
    return VirtualCard.from_bytes(json.dumps(saved).encode())
