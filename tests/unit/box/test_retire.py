"""A box is retired only when nothing would be lost, and then nothing is left but its word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import record, swap

from firmware.box import retire
from firmware.box.stick import SwapRefused
from firmware.records.errors import HandedOver
from firmware.records.format.swap import Retirement

pytestmark = pytest.mark.usefixtures("quick")


def retired(box: swap.SwapBox, out: Path) -> Retirement:
    with box.journal() as journal:
        proof = retire.sign(journal, box.papers, "O-1")
    retire.erase(box.data, box.identity, proof, out)
    return Retirement.read(proof, swap.centre().box_ca[0], record.NOW)


def test_a_box_with_work_left_is_not_erased(tmp_path: Path) -> None:
    box = swap.unit(tmp_path)
    with box.journal() as journal:
        swap.sealed(journal)
        swap.waiting(journal, swap.filled(journal))
    with pytest.raises(SwapRefused) as refused:
        retired(box, tmp_path / "proof.json")
    assert refused.value.reason == "box_not_empty"
    assert refused.value.detail.startswith("1 unsent, 0 of other boxes, 1 drafts")
    with box.journal() as journal:
        assert not journal.handovers.closed(1)


def test_an_empty_box_leaves_its_signed_proof_and_nothing_else(tmp_path: Path) -> None:
    box = swap.unit(tmp_path)
    with box.journal() as journal:
        file = swap.sealed(journal)
        (path,) = (box.data / "records" / "outbox").glob("*.head.json")
        head = json.loads(path.read_text())["head"]["audit_head"]
        journal.delivered(file.record_id, swap.centre().receipt("BOX-01", file, head))
    proof = retired(box, tmp_path / "proof.json")
    assert (proof.box, proof.epoch, proof.closed_at, proof.officer) == ("BOX-01", 1, 1, "O-1")
    assert "identity/box.key.pem" in proof.erased
    assert [path.name for path in box.data.iterdir()] == ["retirement.json"]
    assert (tmp_path / "proof.json").read_bytes() == (box.data / "retirement.json").read_bytes()


def test_what_was_handed_over_on_a_finished_stick_may_be_erased(tmp_path: Path, stick: Path) -> None:
    box = swap.unit(tmp_path)
    with box.journal() as journal:
        swap.sealed(journal)
        swap.waiting(journal, swap.filled(journal))
    box.export(stick)
    assert retired(box, tmp_path / "proof.json").closed_at == 1


def test_a_carried_record_keeps_its_box_from_being_erased(tmp_path: Path, stick: Path) -> None:
    old, new = swap.unit(tmp_path), swap.spare(tmp_path)
    with old.journal() as journal:
        swap.sealed(journal)
    old.export(stick)
    new.adopt(stick)
    with pytest.raises(SwapRefused) as refused:
        retired(new, tmp_path / "proof.json")
    assert "1 of other boxes" in refused.value.detail and "1 adoptions" in refused.value.detail


def test_from_the_signature_on_the_box_begins_nothing(tmp_path: Path) -> None:
    box = swap.unit(tmp_path)
    with box.journal() as journal:
        first = retire.sign(journal, box.papers, "O-1")
        assert retire.sign(journal, box.papers, "O-2") == first
        with pytest.raises(HandedOver):
            swap.begin(journal)


def test_nothing_is_erased_before_the_proof_is_written(tmp_path: Path) -> None:
    box = swap.unit(tmp_path)
    with box.journal() as journal:
        proof = retire.sign(journal, box.papers, "O-1")
    with pytest.raises(SwapRefused):
        retire.erase(box.data, box.identity, proof, tmp_path / "no" / "such" / "stick")
    assert (box.data / "identity" / "box.key.pem").exists()
