"""Cards of other makers: ways offered and not spoken here, refusals in their own words, large files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

import pytest
from support.passports import bearer, chip_of, look, passport
from support.signer import NOW, ef_sod

from drivers.chip import security_infos
from drivers.chip.access import Can
from drivers.chip.security_infos import ID_PACE, PaceInfo
from drivers.virtual.card import VirtualCard, VirtualReader
from drivers.virtual.card.files import SECURED
from drivers.virtual.card.words import StatusWord
from firmware.document.errors import Check
from firmware.document.lds import Fid, dg_number
from firmware.document.security import decode_dg14, encode_dg14
from firmware.issue.findings import Extra, Outcome, Verdict
from firmware.issue.inspect import OUT_OF_SCOPE, UNSPOKEN, FileRead, Inspection, Seen

UNKNOWN = (
    PaceInfo(f"{ID_PACE}.2.2", 2, 14),  # brainpoolP320r1
    PaceInfo(f"{ID_PACE}.4.2", 2, 13),  # integrated mapping
    PaceInfo(f"{ID_PACE}.1.2", 2, 0),  # a finite field
)
GET_CHALLENGE = bytes.fromhex("00840000")
SELECT_AID = bytes.fromhex("00A4040C07A0000002471001")
CAN = bearer().image.keys.can or "099999"


class Answering(VirtualReader):
    """A reader on which the card answers `sw` to every command that begins with one of `to`."""

    def __init__(self, card: VirtualCard, sw: int, *to: bytes) -> None:
        super().__init__()
        self.put(card)
        self._sw, self._to = sw, to

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        return self._sw.to_bytes(2, "big") if apdu.startswith(self._to) else super().transmit(apdu, timeout_s)


def speaking(pace: PaceInfo) -> VirtualCard:
    """A genuine card that offers this PACE and no other, in EF.CardAccess and in DG14."""
    others = [info for info in decode_dg14(bearer().files[Fid.DG14]) if not isinstance(info, PaceInfo)]
    files: dict[int, bytes] = {Fid.DG14: encode_dg14([pace, *others])}
    return passport({**files, Fid.CARD_ACCESS: security_infos.encode([pace]), Fid.SOD: signed(files)})


def signed(files: Mapping[int, bytes]) -> bytes:
    """EF.SOD over the bearer's data groups with these in place of their like."""
    changed = {dg_number(fid): sha256(content).digest() for fid, content in files.items()}
    return ef_sod({**bearer().image.data_group_hashes(), **{n: each for n, each in changed.items() if n}})


def file(found: Inspection, fid: Fid) -> FileRead:
    return next(each for each in found.files if each.fid == fid)


# --- PACE that is offered, and not spoken here ---


@pytest.mark.parametrize("pace", UNKNOWN, ids=lambda pace: pace.protocol)
def test_pace_not_spoken_here_is_said_where_bac_opens_the_card_instead(pace: PaceInfo) -> None:
    found = look(speaking(pace))
    assert (found.verdict, found.protocol[:3]) == (Verdict.GENUINE, "BAC")
    assert file(found, Fid.CARD_ACCESS).detail == UNSPOKEN
    assert file(look(passport()), Fid.CARD_ACCESS).detail == ""


@pytest.mark.parametrize("sw", [0x6985, 0x6982, 0x6D00, 0x6F00])
@pytest.mark.parametrize("pace", UNKNOWN, ids=lambda pace: pace.protocol)
def test_a_card_with_only_pace_not_spoken_here_is_unsupported_and_neither_blank_nor_broken(
    pace: PaceInfo, sw: int
) -> None:
    found = look(reader=Answering(speaking(pace), sw, GET_CHALLENGE))
    assert found.verdict is Verdict.UNSUPPORTED
    assert "PACE" in found.why


def test_the_number_on_the_face_of_such_a_card_is_not_called_wrong() -> None:
    assert look(speaking(UNKNOWN[0]), password=Can(CAN)).verdict is Verdict.UNSUPPORTED
    assert look(passport(), password=Can("000000" if CAN != "000000" else "111111")).verdict is Verdict.CLOSED


@pytest.mark.parametrize("sw", [0x6982, 0x6985])
def test_a_card_that_hides_its_application_before_pace_is_opened(sw: int) -> None:
    found = look(reader=Answering(passport(), sw, SELECT_AID))
    assert (found.verdict, found.protocol[:4]) == (Verdict.GENUINE, "PACE")
    assert (found.outcome(Extra.PLAIN_READ), found.outcome(Extra.CLOSED)) == (Outcome.HELD, Outcome.NOT_MADE)
    only_other = look(reader=Answering(speaking(UNKNOWN[0]), sw, SELECT_AID))
    assert only_other.verdict is Verdict.UNSUPPORTED


# --- refusals ---


def refusing(fid: Fid, sw: int) -> VirtualCard:
    """The genuine card, with its own word for a file that it does not show."""
    card = passport()
    files = chip_of(card).files
    shows = files.read

    def read(offset: int, ne: int) -> bytes:
        if files.current == fid:
            raise StatusWord(sw)
        return shows(offset, ne)

    chip_of(card).files.read = read  # type: ignore[method-assign]
    files.put(fid, bearer().files[fid], SECURED)
    return card


@pytest.mark.parametrize("sw", [0x6982, 0x6985, 0x6986, 0x6A88, 0x6300, 0x6A80])
def test_dg3_is_not_read_whatever_words_the_chip_has_for_that(sw: int) -> None:
    found = look(refusing(Fid.DG3, sw))
    assert found.verdict is Verdict.GENUINE, (found.why, found.findings)
    assert (file(found, Fid.DG3).seen, file(found, Fid.DG3).detail) == (Seen.REFUSED, OUT_OF_SCOPE)


@pytest.mark.parametrize("sw", [0x6982, 0x6985, 0x6A88])
def test_no_other_signed_file_may_be_withheld_in_any_words(sw: int) -> None:
    found = look(refusing(Fid.DG15, sw))
    assert (found.verdict, found.outcome(Check.HASHES)) == (Verdict.FORGED, Outcome.FAILED)
    assert file(found, Fid.DG15).seen is Seen.REFUSED


@pytest.mark.parametrize("sw", [0x6F00, 0x6581, 0x6700])
def test_a_card_that_fails_at_a_file_is_broken_and_not_refusing(sw: int) -> None:
    assert look(refusing(Fid.DG15, sw)).verdict is Verdict.BROKEN


# --- files longer than READ BINARY with a 15-bit offset reaches ---


def large(fid: Fid, tag: bytes) -> VirtualCard:
    files: dict[int, bytes] = {fid: tag + b"\x83\x00\x90\x00" + bytes(0x9000)}
    return passport({**files, Fid.SOD: signed(files)})


def test_a_genuine_file_too_large_to_read_is_not_read_and_never_called_forged() -> None:
    found = look(large(Fid.DG2, b"\x75"))
    assert (found.verdict, file(found, Fid.DG2).seen) == (Verdict.UNSUPPORTED, Seen.NOT_READ)
    assert Outcome.FAILED not in {each.outcome for each in found.findings}
    assert "32767" in found.why


def test_a_file_that_was_not_read_makes_no_card_genuine_nor_only_expired() -> None:
    """Whoever exchanges a file could claim any length for it."""
    for fid, tag in ((Fid.DG2, b"\x75"), (Fid.DG15, b"\x6f")):
        exchanged: dict[int, bytes] = {fid: tag + b"\x82\xff\xff" + bytes(300)}
        for at in (NOW, NOW + timedelta(days=400)):
            assert look(passport(exchanged), at=at).verdict is Verdict.UNSUPPORTED


def test_a_changed_file_beside_one_too_large_is_still_forged() -> None:
    card = large(Fid.DG2, b"\x75")
    content = bearer().files[Fid.DG1]
    chip_of(card).files.put(Fid.DG1, content[:-1] + bytes([content[-1] ^ 1]), SECURED)
    assert look(card).verdict is Verdict.FORGED
