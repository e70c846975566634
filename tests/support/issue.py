"""A desk that issues made-up cards: journal in memory, plain LDS cards, and the world's truth beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.ports import IssueProgress, Order
from firmware.issue.transaction import Transaction
from support.people import CAPTURED, PERSON, jp2
from support.signer import NOW, TestSigner, state

RECORD = "00000000-0000-4000-8000-000000000001"
ORDER = Order(PERSON["number"], "first", "BOX-01", 3)
IMAGE = CardImage.of(PERSON, jp2(), CAPTURED)
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
    dress: Callable[[LdsPlain], Any] = lambda dialect: dialect
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.reader.__enter__()
        self.restart()

    def restart(self) -> None:
        self.dialect = LdsPlain(self.reader)
        self.transaction = Transaction(
            self.dress(self.dialect),
            self.journal,
            self.signer,
            (state()[0].certificate,),
            lambda record_id: ORDER,
            lambda: self.now,
            self.seen.append,
        )

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


def new_card() -> VirtualCard:
    return blank_card()


def content(card: VirtualCard) -> dict[int, bytes]:
    """What the card's memory holds, read by nobody's command."""
    files = _applet(card)["files"]
    return {int(fid, 16): bytes.fromhex(each["content"]) for fid, each in files.items()}


def sod_bytes(card: VirtualCard) -> bytes:
    """EF.SOD as far as it is anything; b"" where no byte ever came."""
    return content(card).get(Fid.SOD, b"").rstrip(b"\0")


def has_keys(card: VirtualCard) -> bool:
    return bool(_applet(card)["access"])


def locked(card: VirtualCard) -> bool:
    return bool(_applet(card)["locked"])


def assert_live(desk: Desk, card: VirtualCard) -> None:
    assert locked(card)
    assert content(card) == {**IMAGE.files, Fid.SOD: desk.journal.now.sod}
    assert desk.journal.report is not None
    assert desk.journal.report["sod_sha256"] == hashlib.sha256(content(card)[Fid.SOD]).hexdigest()


def _applet(card: VirtualCard) -> dict[str, Any]:
    applications: list[dict[str, Any]] = json.loads(card.to_bytes())["applications"]
    applet: dict[str, Any] = applications[0]["state"]
    return applet
