"""A border guard's look: a good card, a torn one, a forged one, a foreign one, and one that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from support.issue import IMAGE, Desk, finished, new_card, sod_bytes, with_file
from support.pa import HASHES
from support.signer import NOW, csca, document_signer, ef_sod, state

from drivers.api import Deadline
from drivers.chip.access import Can
from drivers.chip.errors import SecurityStatusNotSatisfied
from drivers.chip.lds import LdsFiles
from drivers.errors import UserRetry
from drivers.virtual.card import OfficerCard, VirtualCard, VirtualReader, blank_card, foreign_card
from firmware.document.errors import Check
from firmware.document.lds import Fid
from firmware.document.mrz import BacKeys
from firmware.issue.findings import Extra, Outcome, Verdict
from firmware.issue.inspect import Inspection, Seen, inspect

TRUST = (state()[0].certificate,)


def look(card: VirtualCard | None, trust: tuple[x509.Certificate, ...] = TRUST, **kw: Any) -> Inspection:
    with VirtualReader() as reader:
        if card is not None:
            reader.put(card)
        password = kw.pop("password", IMAGE.access)
        return inspect(reader, password, trust, kw.pop("at", NOW), Deadline.after(60))


def failed(found: Inspection) -> set[str]:
    return {str(each.check) for each in found.findings if each.outcome is Outcome.FAILED}


# --- a good card ---


def test_a_good_card_is_genuine_and_every_check_of_it_is_named() -> None:
    found = look(finished())
    assert found.verdict is Verdict.GENUINE, found
    assert found.protocol.startswith("BAC")
    assert {each.name: each.size for each in found.files} == {
        "DG1": len(IMAGE.files[Fid.DG1]),
        "DG2": len(IMAGE.files[Fid.DG2]),
        "DG13": len(IMAGE.files[Fid.DG13]),
        "EF.COM": len(IMAGE.files[Fid.COM]),
        "EF.SOD": len(found.contents[Fid.SOD]),
    }
    assert {check for check in Check if found.outcome(check) is not Outcome.HELD} == {
        Check.CARD_ACCESS,
        Check.CHIP_KEY,
    }, "this chip has no DG14"
    assert found.outcome(Extra.PLAIN_READ) is found.outcome(Extra.CLOSED) is Outcome.HELD
    assert found.outcome(Extra.ACTIVE) is found.outcome(Extra.CHIP) is Outcome.NOT_MADE
    assert "Made-up DS" in found.signed.document_signer
    assert found.signed.data_groups == (1, 2, 13)
    assert found.signed.signature_algorithm == "sha256_ecdsa"


def test_nothing_personal_is_in_what_an_inspection_prints_of_itself() -> None:
    found = look(finished())
    said = repr(found)
    for secret in (IMAGE.access.document_number, IMAGE.access.birth, "NGUYEN", "001304000017"):
        assert secret not in said
    assert found.contents[Fid.DG1] == IMAGE.files[Fid.DG1]


def test_an_inspection_changes_nothing_on_the_card() -> None:
    card = finished()
    before = card.to_bytes()
    look(card)
    assert card.to_bytes() == before


def test_ef_com_is_not_needed_to_find_what_was_signed() -> None:
    """What EF.COM leaves out is read because EF.SOD lists it, and the lie is a finding."""
    com = IMAGE.files[Fid.COM]
    short = com[:1] + bytes([com[1] - 1]) + com[2:-4] + bytes([com[-4] - 1]) + com[-3:-1]
    found = look(with_file(finished(), Fid.COM, short))
    assert found.verdict is Verdict.FORGED
    assert failed(found) == {Check.COM}


# --- torn cards ---


@pytest.mark.parametrize("at", range(6, 60, 6))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_torn_card_is_torn_until_its_last_byte_is_there(at: int, when: Any) -> None:
    """Then it is genuine, locked or not: that is what a border says, and why ISSUING never goes back."""
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    card.tear(at, when)
    with pytest.raises(UserRetry):
        desk.issue()
    found, whole = look(card), sod_bytes(card) == desk.journal.now.sod
    if whole:
        assert found.verdict is Verdict.GENUINE
        assert found.outcome(Extra.CLOSED) is Outcome.NOT_MADE, "not claimed of a card that is not locked"
    else:
        assert found.verdict in (Verdict.TORN, Verdict.BLANK), (found.verdict, found.why)


def test_a_card_that_was_torn_in_the_middle_of_its_signature_is_torn() -> None:
    card = finished()
    sod = look(card).contents[Fid.SOD]
    for keep in (0, 1, 4, 200, len(sod) - 2):
        found = look(with_file(card, Fid.SOD, sod[:keep] + bytes(len(sod) - keep)))
        assert found.verdict is Verdict.TORN, (keep, found.verdict, found.why)


def test_a_card_without_signature_says_that_no_check_was_made() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.dialect.identify(IMAGE.access)
    desk.dialect.put_keys(IMAGE_KEYS)
    for fid, content in IMAGE.files.items():
        desk.dialect.write_file(fid, content, lambda _: None)
    found = look(card)
    assert (found.verdict, found.why) == (
        Verdict.TORN, "EF.SOD is missing: the card was never finished",
    )  # fmt: skip
    assert not any(found.outcome(check) is Outcome.HELD for check in Check)
    assert {each.name: each.seen for each in found.files}["EF.SOD"] is Seen.MISSING


class IMAGE_KEYS:  # noqa: N801  a value with the names of ChipKeys
    access = IMAGE.access
    can = aa = ca = None


# --- forged and foreign cards ---


def flipped(fid: int) -> Callable[[VirtualCard], VirtualCard]:
    content = IMAGE.files[fid]
    return lambda card: with_file(card, fid, content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("fid", [Fid.DG1, Fid.DG2, Fid.DG13])
def test_a_flipped_bit_is_found_and_the_signature_still_told(fid: int) -> None:
    found = look(flipped(fid)(finished()))
    assert found.verdict is Verdict.FORGED
    assert failed(found) == {Check.HASHES}
    assert found.outcome(Check.SIGNATURE) is Outcome.HELD
    assert f"DG{fid - 0x100}" in next(each.detail for each in found.findings if each.check is Check.HASHES)


def test_a_signature_of_another_state_is_untrusted_though_all_else_holds() -> None:
    foreign = csca("Somebody else's CSCA")
    card = with_file(finished(), Fid.SOD, ef_sod(HASHES, document_signer(foreign)))
    found = look(card)
    assert found.verdict is Verdict.UNTRUSTED
    assert failed(found) == {Check.CHAIN}
    assert found.outcome(Check.SIGNATURE) is Outcome.HELD
    assert "Somebody else" in found.why
    assert look(card, (foreign.certificate,)).verdict is Verdict.GENUINE


def test_an_authority_that_only_has_the_right_name_is_a_forgery() -> None:
    found = look(with_file(finished(), Fid.SOD, ef_sod(HASHES, document_signer(csca()))))
    assert found.verdict is Verdict.FORGED
    assert failed(found) == {Check.CHAIN}


def test_an_expired_signer_is_expired_and_not_forged() -> None:
    found = look(finished(), at=NOW + timedelta(days=400))
    assert found.verdict is Verdict.EXPIRED
    assert failed(found) == {Check.VALIDITY}


def test_without_trust_store_nothing_is_genuine() -> None:
    assert look(finished(), ()).verdict is Verdict.UNTRUSTED


def test_other_hashes_under_a_good_signature_are_found() -> None:
    found = look(with_file(finished(), Fid.SOD, ef_sod({**HASHES, 1: bytes(32)})))
    assert (found.verdict, failed(found)) == (Verdict.FORGED, {Check.HASHES})


def test_a_signature_of_nobody_is_found_as_such() -> None:
    def other(signed: dict[str, Any]) -> None:
        signed["signer_infos"][0]["signature"] = b"\x30" * 70

    found = look(with_file(finished(), Fid.SOD, ef_sod(HASHES, bend=other)))
    assert found.verdict is Verdict.FORGED
    assert Check.SIGNATURE in failed(found)
    assert found.outcome(Check.HASHES) is Outcome.HELD, "says what is right as well"


@pytest.mark.parametrize("fid", [Fid.DG1, Fid.DG2, Fid.DG13])
def test_a_card_that_refuses_or_hides_a_signed_file_is_not_genuine(
    fid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only DG3 and DG4 may be withheld: nobody claims what was not compared."""
    read_object = LdsFiles.read_object

    def withheld(files: LdsFiles, which: int, *rest: Any) -> bytes:
        if which == fid:
            raise SecurityStatusNotSatisfied("SELECT", 0x6982)
        return read_object(files, which, *rest)

    card = finished()
    monkeypatch.setattr(LdsFiles, "read_object", withheld)
    found = look(card)
    assert found.verdict is Verdict.FORGED
    assert failed(found) == {Check.HASHES}


# --- cards that do not open ---


def test_other_keys_do_not_open_and_say_so() -> None:
    found = look(finished(), password=BacKeys("001099999", "900101", "400101"))
    assert found.verdict is Verdict.CLOSED
    assert "6300" in found.why
    assert not found.contents


def test_a_number_of_a_card_without_pace_does_not_open_it() -> None:
    assert look(finished(), password=Can("123456")).verdict is Verdict.UNSUPPORTED


def test_a_blank_a_strangers_card_and_none_are_told_apart() -> None:
    assert look(blank_card()).verdict is Verdict.BLANK
    assert look(foreign_card()).verdict is Verdict.NO_EMRTD
    assert look(OfficerCard("CB-0001")).verdict is Verdict.NO_EMRTD
    with pytest.raises(UserRetry, match="place_card"):
        look(None)


def test_a_card_lifted_while_it_is_read_is_for_the_person() -> None:
    card = finished()
    card.lift_after(apdus=15)
    with pytest.raises(UserRetry, match="hold_card_still"):
        look(card)


def test_what_comes_of_it_is_a_value() -> None:
    found = look(blank_card())
    assert replace(found, why="") != found
    assert not found.good
