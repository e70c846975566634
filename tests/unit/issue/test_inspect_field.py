"""Cards of the field under the guard's look: PACE, Active and Chip Authentication, DG3 withheld, clones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.issued import SilentReader, pkcs8
from support.passports import FIELD, TRUST, bearer, chip_of, look, passport
from support.people import CAPTURED, PERSON, jp2
from support.signer import NOW, ef_sod

from drivers.api import Deadline
from drivers.chip import security_infos
from drivers.chip.access import Can
from drivers.chip.security_infos import ID_PACE, PaceInfo
from drivers.chip.transcript import Player, Recorder, Sort, from_text, to_text
from drivers.virtual.card import VirtualReader, blank_card
from drivers.virtual.card.chip import Traits
from drivers.virtual.card.files import ALWAYS
from firmware.document.errors import Check
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.findings import Extra, Outcome, Verdict
from firmware.issue.inspect import OUT_OF_SCOPE, Inspection, Seen, inspect


def failed(found: Inspection) -> set[str]:
    return {str(each.check) for each in found.findings if each.outcome is Outcome.FAILED}


@pytest.mark.parametrize("extended", [0, 1000, 65535])
@pytest.mark.parametrize("bare_errors", [False, True])
def test_a_card_of_the_field_is_genuine_and_every_single_check_held(extended: int, bare_errors: bool) -> None:
    found = look(passport(traits=Traits(extended=extended, bare_errors=bare_errors)))
    assert found.verdict is Verdict.GENUINE, (found.why, found.findings)
    assert {each.check for each in found.findings} == {*Check, *Extra}
    assert {each.outcome for each in found.findings} == {Outcome.HELD}
    assert found.protocol.startswith("PACE ECDH-GM AES-CBC-CMAC-128")
    assert len(found.cplc) == 2 * 42


def test_dg3_is_refused_and_said_to_be_out_of_scope() -> None:
    found = look(passport())
    dg3 = next(each for each in found.files if each.name == "DG3")
    assert (dg3.seen, dg3.size, dg3.detail) == (Seen.REFUSED, None, OUT_OF_SCOPE)
    assert Fid.DG3 not in found.contents
    assert 3 in found.signed.data_groups


def test_the_number_on_the_face_opens_it_as_well() -> None:
    can = bearer().image.keys.can
    assert can is not None
    found = look(passport(), password=Can(can))
    assert (found.verdict, found.protocol[-3:]) == (Verdict.GENUINE, "CAN")
    wrong = look(passport(), password=Can("000000" if can != "000000" else "111111"))
    assert (wrong.verdict, wrong.contents.keys() - {Fid.CARD_ACCESS}) == (Verdict.CLOSED, set())


# --- clones ---


def other_key() -> bytes:
    return pkcs8(ec.generate_private_key(ec.SECP256R1()))


def test_a_copy_without_the_chips_keys_is_found_by_both_proofs() -> None:
    """All that can be read is genuine; what cannot be read is not there."""
    found = look(passport(aa=other_key()))
    assert (found.verdict, failed(found)) == (Verdict.FORGED, {Extra.ACTIVE})
    found = look(passport(ca=pkcs8(ec.generate_private_key(ec.BrainpoolP256R1()))))
    assert (found.verdict, failed(found)) == (Verdict.FORGED, {Extra.CHIP})
    found = look(passport(aa=None, ca=None))
    assert (found.verdict, failed(found)) == (Verdict.FORGED, {Extra.ACTIVE, Extra.CHIP})


@pytest.mark.parametrize("gone", [Fid.DG14, Fid.DG15, Fid.DG1])
def test_a_copy_that_leaves_the_file_out_is_found_by_what_was_signed(gone: int) -> None:
    found = look(passport({gone: b""}))
    assert found.verdict is Verdict.FORGED
    assert Check.HASHES in failed(found)


def test_a_downgraded_card_access_does_not_agree_with_dg14() -> None:
    """Somebody between card and reader offers what is easier to break."""
    weaker = PaceInfo(f"{ID_PACE}.2.1", 2, 12)
    found = look(passport({Fid.CARD_ACCESS: security_infos.encode([weaker])}))
    assert (found.verdict, failed(found)) == (Verdict.FORGED, {Check.CARD_ACCESS})
    assert "3DES" in found.protocol


def test_a_card_access_that_was_taken_away_is_missed() -> None:
    found = look(passport({Fid.CARD_ACCESS: b""}))
    assert (found.verdict, failed(found)) == (Verdict.FORGED, {Check.CARD_ACCESS})
    assert found.protocol == "BAC"


# --- not finished ---


def test_a_card_that_was_never_locked_is_not_genuine() -> None:
    card = passport()
    chip_of(card).locked = False
    found = look(card)
    assert (found.verdict, failed(found)) == (Verdict.TORN, {Extra.CLOSED})


@pytest.mark.parametrize("kind", ["iso7816-scp03", "store-data"])
def test_a_blank_of_the_field_is_blank(kind: str) -> None:
    assert look(blank_card(kind=kind)).verdict is Verdict.BLANK


def test_a_card_that_shows_its_data_to_anybody_is_unprotected() -> None:
    card = passport()
    chip_of(card).files.put(Fid.DG1, bearer().files[Fid.DG1], ALWAYS)
    found = look(card)
    assert (found.verdict, failed(found)) == (Verdict.UNPROTECTED, {Extra.PLAIN_READ})


# --- another generation, another state ---


def test_a_card_of_lds_1_7_without_chip_keys_is_genuine_too() -> None:
    image = CardImage.of(
        PERSON, jp2(), CAPTURED, replace(FIELD, aa=None, ca=None, lds_version="0107", dg3=False)
    )
    none: dict[int, bytes] = {Fid.DG3: b"", Fid.DG15: b""}
    sod = ef_sod(image.data_group_hashes())
    found = look(passport({**none, **image.files, Fid.SOD: sod}, aa=None, ca=None))
    assert found.verdict is Verdict.GENUINE, (found.why, found.findings)
    assert found.outcome(Extra.ACTIVE) is found.outcome(Extra.CHIP) is Outcome.NOT_MADE


# --- the channel ---


def test_active_authentication_goes_on_in_chip_authentications_channel() -> None:
    """One chip holds both keys: nothing is opened again between the two proofs (Doc 9303-11, 6.2)."""
    reader = VirtualReader()
    reader.put(passport())
    recorder = Recorder(reader)
    assert look(reader=recorder).verdict is Verdict.GENUINE
    told = [event.data[:4].hex() if event.sort is Sort.COMMAND else event.sort for event in recorder.events]
    agreed, signed = told.index("0c860000"), told.index("0c880000")
    assert agreed < signed
    assert Sort.RESET not in told[agreed:]


def test_a_chip_that_fails_chip_authentication_is_still_asked_to_sign() -> None:
    found = look(passport(ca=pkcs8(ec.generate_private_key(ec.BrainpoolP256R1()))))
    assert found.outcome(Extra.CHIP) is Outcome.FAILED
    assert found.outcome(Extra.ACTIVE) is Outcome.HELD


def test_block_sizes_are_tried_out_once_however_often_the_channel_ends() -> None:
    """Every refusal ends this card's channel, and DG3 is one."""
    reader = SilentReader()
    reader.put(passport(traits=Traits(extended=0, chaining=False, bare_errors=True)))
    recorder = Recorder(reader)
    assert look(reader=recorder).verdict is Verdict.GENUINE
    too_long = [event for event in recorder.events if event.sort is Sort.ANSWER and event.data == b"\x67\0"]
    assert len(too_long) == 2  # extended, then FF


# --- transcripts ---


def test_a_whole_inspection_replays_byte_for_byte() -> None:
    """PACE, Active and Chip Authentication with all their random numbers."""
    reader = VirtualReader()
    reader.put(passport())
    recorder = Recorder(reader)
    arguments: Any = (bearer().image.keys.access, TRUST, NOW, Deadline.after(60))
    with recorder:
        first = inspect(recorder, *arguments, random=recorder.random)
    player = Player(from_text(to_text(recorder.events)))
    again = inspect(player, *arguments, random=player.random)
    assert player.finished
    assert again == first
    assert first.verdict is Verdict.GENUINE
