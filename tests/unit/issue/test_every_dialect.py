"""The whole transaction over each dialect: from the image its chip can take to a locked, proven card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.dialects import FIELD, GP_TEST_KEY, MasterKeys
from support.issue import ORDER, RECORD, FakeAttempt, FakeJournal, full_image, locked, serial_of
from support.issued import chip_of
from support.signer import NOW, TestSigner, state

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.scp03_card import Scp03Card
from drivers.chip.security_infos import PaceInfo, encode
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualReader, blank_card
from drivers.virtual.card.field import FieldChip
from drivers.virtual.card.files import ALWAYS
from drivers.virtual.card.words import Right
from firmware.document.lds import Fid
from firmware.issue.errors import IssueBroken
from firmware.issue.transaction import Transaction

STEPS = (Transaction.write, Transaction.verify, Transaction.lock)


@dataclass
class Corner:
    name: str
    reader: VirtualReader
    journal: FakeJournal
    signer: TestSigner
    memory: BlockMemory

    def issue(self) -> None:
        """From wherever the journal stands, as after a restart."""
        transaction = self.transaction()
        for step in STEPS:
            step(transaction, RECORD)

    def transaction(self) -> Transaction:
        dialect = open_dialect(self.name, self.reader, MasterKeys(GP_TEST_KEY), self.memory)
        return Transaction(
            dialect,
            self.journal,
            self.signer,
            (state()[0].certificate,),
            lambda _: ORDER,
            lambda: NOW,
            lambda _: None,
        )


@pytest.fixture(params=FIELD)
def corner(request: pytest.FixtureRequest) -> Iterator[Corner]:
    journal = FakeJournal(FakeAttempt(image=full_image(request.param).to_bytes()))
    with VirtualReader() as reader:
        yield Corner(request.param, reader, journal, TestSigner(), BlockMemory())


def test_a_card_becomes_live_and_its_report_says_how(corner: Corner) -> None:
    card = blank_card(kind=corner.name)
    corner.reader.put(card)
    corner.issue()
    report = corner.journal.report
    assert report is not None
    assert locked(card)
    assert report["protocol"] == "PACE ECDH-GM AES-CBC-CMAC-128 P-256 MRZ"
    assert report["read_by_issuer"] == ["DG3"], "no guard reads it, and nobody after the lock"
    assert set(report["files"]) == {
        *("DG1", "DG2", "DG3", "DG13", "DG14", "DG15"),
        *("EF.CardAccess", "EF.COM", "EF.SOD"),
    }
    assert set(report["data_groups"]) == {"1", "2", "3", "13", "14", "15"}
    cplc = bytes.fromhex(serial_of(card) or "")
    assert report["card_serial"] == (cplc[:4] + cplc[10:18]).hex().upper()
    assert len(report["card_serial"]) == 24
    assert {"personalisation_refused", "active_authentication", "chip_authentication"} <= set(
        report["checks"]
    )


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_card_torn_here_and_there_is_finished_when_it_comes_back(corner: Corner, when: str) -> None:
    card = blank_card(kind=corner.name)
    corner.reader.put(card)
    tears = 0
    for at in (3, 9, 13, 17, 21, 26, 31, 34, 41, 47, 55, 8, 60, 5):
        card.tear(at, when)  # type: ignore[arg-type]
        try:
            corner.issue()
        except UserRetry as retry:
            assert retry.reason == "hold_card_still"
            tears += 1
        if corner.journal.report:
            break
        corner.reader.put(card)
    card.tear(10_000, "before")
    if not corner.journal.report:
        corner.issue()
    assert tears > 5
    assert locked(card)
    assert len(corner.signer.granted) == 1


def test_another_blank_is_not_taken_for_the_torn_one(corner: Corner) -> None:
    """The serial tells them apart, where opening would not."""
    card, other = blank_card(kind=corner.name), blank_card(kind=corner.name)
    corner.reader.put(card)
    card.tear(25, "before")
    with pytest.raises(UserRetry, match="hold_card_still"):
        corner.issue()
    corner.reader.put(other)
    with pytest.raises(UserRetry, match="card_foreign"):
        corner.issue()
    corner.reader.put(card)
    corner.issue()
    assert locked(card)
    assert not locked(other)


def test_a_chip_that_has_another_private_key_never_gets_a_sod(
    corner: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = ec.generate_private_key(ec.SECP256R1())
    card = blank_card(kind=corner.name)
    corner.reader.put(card)
    chip = chip_of(card)
    monkeypatch.setattr(type(chip), "set_aa", lambda chip, _: setattr(chip, "aa", another))
    with pytest.raises(IssueBroken, match="chip_keys"):
        corner.issue()
    assert not corner.journal.now.issuing
    assert corner.signer.granted == {}
    assert Fid.SOD not in chip.files
    assert not locked(card)


def test_a_chip_that_loses_its_private_key_with_the_lock_is_not_complete(corner: Corner) -> None:
    card = blank_card(kind=corner.name)
    corner.reader.put(card)
    transaction = corner.transaction()
    transaction.write(RECORD)
    transaction.verify(RECORD)
    chip_of(card).aa = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(IssueBroken, match="chip_keys"):
        transaction.lock(RECORD)
    assert corner.journal.report is None
    assert corner.journal.now.issuing


def misplace(monkeypatch: pytest.MonkeyPatch) -> None:
    """EF.CardAccess is under the application, where no border looks for it."""
    lies_here = FieldChip._lies_here

    def here(chip: FieldChip, right: Right, fid: int) -> bool:
        return chip._inside if fid == Fid.CARD_ACCESS else lies_here(chip, right, fid)

    monkeypatch.setattr(FieldChip, "_lies_here", here)


def test_a_chip_that_hides_how_it_is_opened_never_gets_a_sod(
    corner: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    misplace(monkeypatch)
    card = blank_card(kind=corner.name)
    corner.reader.put(card)
    for _ in range(2):
        with pytest.raises(IssueBroken, match=r"read_back.*EF\.CardAccess"):
            corner.issue()
    assert corner.signer.granted == {}
    assert Fid.SOD not in chip_of(card).files
    assert not locked(card)


def test_a_chip_that_hides_how_it_is_opened_after_its_lock_is_not_complete(
    corner: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    corner.reader.put(blank_card(kind=corner.name))
    transaction = corner.transaction()
    transaction.write(RECORD)
    transaction.verify(RECORD)
    lock_alone = corner.transaction()
    card = cast("Scp03Card", lock_alone._card)
    monkeypatch.setattr(card, "lock", lambda lock=card.lock: (lock(), misplace(monkeypatch)))
    with pytest.raises(IssueBroken, match="lock"):
        lock_alone.lock(RECORD)
    assert corner.journal.report is None


def test_a_chip_that_offers_something_else_after_its_lock_is_not_complete(corner: Corner) -> None:
    """PACE opens it; what it opened with is not what was frozen and signed."""
    card = blank_card(kind=corner.name)
    corner.reader.put(card)
    transaction = corner.transaction()
    transaction.write(RECORD)
    transaction.verify(RECORD)
    chip_of(card).files.put(Fid.CARD_ACCESS, encode((PaceInfo("0.4.0.127.0.7.2.2.4.2.4", 2, 13),)), ALWAYS)
    with pytest.raises(IssueBroken, match=r"EF\.CardAccess"):
        transaction.lock(RECORD)
    assert corner.journal.report is None


def test_the_image_is_written_as_it_was_frozen(corner: Corner) -> None:
    """Whatever the dialect does with it."""
    before = corner.journal.now
    corner.reader.put(blank_card(kind=corner.name))
    corner.issue()
    assert replace(corner.journal.now, sod=None, issuing=False, stage="") == before
