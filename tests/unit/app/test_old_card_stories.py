"""Identified by the chip of the old card: six digits, PACE, and whose card it proves to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support import office
from support.issued import chip_of, takes_short_apdus_only
from support.kiosk import Story, story
from support.old_card import access_number, old_card
from support.signer import state

from centre.pki import Credential, Pki, Role
from drivers.chip import security_infos
from drivers.chip.security_infos import ID_PACE, PaceInfo
from drivers.virtual.card import VirtualCard, foreign_card
from drivers.virtual.card.files import ALWAYS
from firmware.document.lds import Fid
from firmware.sim.people import Citizen
from statemachine.states import S

STRANGER = Credential(state()[1].key, state()[1].certificate)
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


def asked(s: Story) -> None:
    """The citizen has chosen the chip, and is asked for its six digits."""
    s.until(S.IDENTIFY)
    s.touch("by:chip")
    s.comes(lambda: s.name == "EnterCan")


def genuine(s: Story, person: Citizen | None = None, locked: bool = True) -> VirtualCard:
    signer = Pki(s.centre.folder / "pki").credential(Role.DOCUMENT_SIGNER)
    return old_card(person or s.person, signer, LONG_AGO, locked)


def of_another_pace(card: VirtualCard) -> VirtualCard:
    other = security_infos.encode([PaceInfo(f"{ID_PACE}.2.2", 2, 14)])
    chip_of(card).files.put(Fid.CARD_ACCESS, other, ALWAYS)
    return card


def test_the_chip_says_who_it_is_and_the_record_says_how() -> None:
    with story() as s:
        asked(s)
        s.types(access_number(s.person))
        s.comes(lambda: s.name == "OldChip")
        s.station.chip.put(genuine(s))
        s.comes(S.PROVE)
        assert s.kiosk.visit.number == s.person.number
        s.station.chip.lift()
        s.until(S.FAREWELL)
        s.comes(lambda: s.record == "PURGED")
        (opened,) = s.centre.records()
        old = opened.manifest["old_card"]
        assert (old["read"], old["verdict"], len(old["sod_sha256"])) == ("chip", "genuine", 64)


@pytest.mark.parametrize(
    ("card", "digits", "problem"),
    [
        ("genuine", "000000", "can_wrong"),
        ("foreign", None, "foreign"),
        ("stranger's", None, "not_genuine"),
        ("never locked", None, "unreadable"),
        ("of another PACE", None, "unsupported"),
    ],
)
def test_a_card_that_does_not_say_who_it_is_is_told_why(card: str, digits: str | None, problem: str) -> None:
    with story() as s:
        asked(s)
        s.types(digits or access_number(s.person))
        s.comes(lambda: s.name == "OldChip")
        cards = {
            "genuine": lambda: genuine(s),
            "foreign": foreign_card,
            "stranger's": lambda: old_card(s.person, STRANGER, LONG_AGO),
            "never locked": lambda: genuine(s, locked=False),
            "of another PACE": lambda: of_another_pace(genuine(s)),
        }
        s.station.chip.put(cards[card]())
        s.comes(lambda: s.name == "EnterCan" and s.screen.problem != "")
        assert s.screen.problem == problem
        s.touch("back")
        s.comes(lambda: s.name == "Identify")


def test_a_reader_for_short_apdus_only_reads_the_card_when_it_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story() as s:
        asked(s)
        s.types(access_number(s.person))
        s.comes(lambda: s.name == "OldChip")
        old = genuine(s)
        takes_short_apdus_only(monkeypatch)
        s.station.chip.put(old)
        s.comes(lambda: s.name == "EnterCan" and s.screen.problem == "unreadable")
        s.types(access_number(s.person))
        s.comes(S.PROVE)
        assert s.kiosk.visit.number == s.person.number


def test_another_persons_card_leads_to_that_person_who_must_prove_it() -> None:
    with story() as s:
        asked(s)
        s.types(access_number(office.NEXT))
        s.comes(lambda: s.name == "OldChip")
        s.station.chip.put(genuine(s, office.NEXT))
        s.comes(S.PROVE)
        assert s.kiosk.visit.number == office.NEXT.number


def test_a_reader_that_goes_away_while_it_is_needed_leaves_the_other_ways() -> None:
    with story() as s:
        asked(s)
        s.types("123456")
        s.comes(lambda: s.name == "OldChip")
        s.reader.unplug()
        s.comes(lambda: s.name == "Identify")
        assert "by:chip" not in {target.action for target in s.screen.targets((800, 480))}
