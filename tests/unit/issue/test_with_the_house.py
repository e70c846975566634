"""The transaction over the real journal, the centre's real signer and the virtual card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import box, record
from support.issue import IMAGE, ORDER, content, locked, new_card, sod_bytes

from centre import pki
from centre.signer import sign_document
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualReader
from firmware.document.lds import Fid
from firmware.issue.ports import DocumentSigner, IssueJournal, Personalizer, SigningRequest
from firmware.issue.transaction import Transaction
from firmware.records.journal import Journal
from firmware.records.states import RecordState


class CentreInProcess:
    """The centre's signature without its ledger and wire."""

    def __init__(self, keys: pki.Pki) -> None:
        self._signer = keys.credential(pki.Role.DOCUMENT_SIGNER)

    def sign(self, request: SigningRequest) -> bytes:
        body = json.loads(json.dumps(request.to_json()))
        hashes = {int(n): bytes.fromhex(h) for n, h in body["data_groups"].items()}
        return sign_document(hashes, self._signer, record.NOW)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.create(tmp_path_factory.mktemp("centre") / "pki", record.NOW)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as journal:
        yield journal


def transaction(journal: Journal, keys: pki.Pki, reader: VirtualReader) -> Transaction:
    card: Personalizer = LdsPlain(reader)
    port: IssueJournal = journal
    signer: DocumentSigner = CentreInProcess(keys)
    trust = [keys.certificate(pki.Role.CSCA)]
    return Transaction(card, port, signer, trust, lambda _: ORDER, lambda: record.NOW, lambda _: None)


def issue(journal: Journal, keys: pki.Pki, reader: VirtualReader, record_id: str) -> None:
    """As the flow does it: a new dialect and transaction for each of the three states."""
    for step in (Transaction.write, Transaction.verify, Transaction.lock):
        step(transaction(journal, keys, reader), record_id)


def frozen(journal: Journal) -> str:
    record_id = box.filled(journal)
    journal.freeze(record_id, IMAGE.to_bytes())
    return record_id


def test_a_record_becomes_complete_and_is_sealed_with_its_report(journal: Journal, keys: pki.Pki) -> None:
    record_id, card = frozen(journal), new_card()
    with VirtualReader() as reader:
        reader.put(card)
        issue(journal, keys, reader, record_id)
        assert reader.info.virtual
    assert journal.state(record_id) is RecordState.COMPLETE
    assert locked(card)
    chip = journal.draft(record_id)
    assert chip.state is RecordState.COMPLETE
    journal.seal(record_id)
    assert journal.state(record_id) is RecordState.SEALED


def test_a_card_torn_in_the_sod_is_issuing_then_void_and_listed(journal: Journal, keys: pki.Pki) -> None:
    record_id, card, second = frozen(journal), new_card(), new_card()
    with VirtualReader() as reader:
        for apdus in range(20, 60):
            reader.put(card)
            card.lift_after(apdus)
            with pytest.raises(UserRetry, match="hold_card_still"):
                issue(journal, keys, reader, record_id)
            if sod_bytes(card):
                break
        assert journal.state(record_id) is RecordState.ISSUING
        lost_sod = journal.attempt(record_id).sod
        assert lost_sod is not None
        assert transaction(journal, keys, reader).lost(record_id, box.OFFICERS) == 2
        reader.put(second)
        issue(journal, keys, reader, record_id)
    assert [each["sod_sha256"] for each in journal.void_cards(record_id)] == [
        hashlib.sha256(lost_sod).hexdigest()
    ]
    assert content(second)[Fid.SOD] == journal.attempt(record_id).sod != lost_sod
