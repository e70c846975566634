"""A box is opened by its staff after a cold boot, handed over, and another one takes its place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from support import office
from support.kiosk import Story, story

from centre.station import Station
from config.catalogue import code_of
from firmware.box.errors import LockedOut, PinWrong
from firmware.box.identity import Identity
from firmware.box.officers import write_officers
from firmware.records.errors import StoreLocked
from firmware.records.keys import BoxKeys
from firmware.sim.card_keys import write_card_keys
from firmware.sim.citizen import qr_picture
from firmware.sim.officer import PINS, staff
from statemachine.session import Stage
from statemachine.states import S
from ui_fb import screens as ui


@dataclass
class Lock:
    """What `firmware.box.unlock.Unlocking` promises, without a TPM."""

    tries: int = 3
    shut: bool = True
    asked: list[str] = field(default_factory=list)

    def locked(self) -> bool:
        return self.shut

    def badges(self) -> tuple[str, ...]:
        return tuple(PINS)

    def left(self) -> int:
        return self.tries

    def unlock(self, badge: str, pin: str) -> None:
        self.asked.append(badge)
        if self.tries == 0:
            raise LockedOut(600)
        if pin != PINS[badge]:
            self.tries -= 1
            raise PinWrong(self.tries)
        self.shut = False


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Lock:
    """The box was just switched on: nothing of its folder opens until one of its staff was there."""
    lock, keys, drafts = Lock(), Identity.keys, Identity.unlocking

    def opened(identity: Identity, simulated: bool) -> BoxKeys:
        if lock.shut:
            raise StoreLocked("use the box's keys")
        return keys(identity, simulated)

    def read(identity: Identity) -> object:
        if lock.shut:
            raise StoreLocked("use the box's keys")
        return drafts(identity)

    monkeypatch.setattr(Identity, "lock", property(lambda _: lock))
    monkeypatch.setattr(Identity, "keys", opened)
    monkeypatch.setattr(Identity, "unlocking", read)
    return lock


def asked_for(s: Story, badge: str) -> None:
    s.comes(ui.StartBox)
    s.badge(None)
    s.staff_reader.awaits_card()
    s.badge(badge)
    s.comes(S.OFFICER)


def opens(s: Story, lock: Lock) -> None:
    """Somebody else opened it: the story ends well."""
    lock.shut = False
    s.kiosk.desk.store.worker.wake()
    s.comes(S.ATTRACT)


@pytest.mark.parametrize("badge", [office.OFFICER, office.TECHNICIAN])
def test_any_of_its_staff_opens_a_box_that_was_switched_on(lock: Lock, badge: str) -> None:
    with story(started=False) as s:
        s.start()
        asked_for(s, badge)
        s.types(PINS[badge])
        s.comes(S.ATTRACT)
        s.comes(lambda: s.kiosk.flow.session.trouble == "")
        s.until(S.LANGUAGE)
        assert "box_unlocked" in s.acts()


def test_the_visit_that_the_power_cut_goes_on_once_the_box_is_open(lock: Lock) -> None:
    lock.shut = False
    with story(at="FINGERS-1") as s:
        s.until(S.FINGERS)
        left = s.fingers_left
        s.restart(before=lambda: setattr(lock, "shut", True))
        asked_for(s, office.OFFICER)
        s.types(PINS[office.OFFICER])
        s.comes(S.FINGERS)
        assert s.fingers_left == left


def test_a_wrong_pin_counts_down_and_a_locked_out_badge_is_told_so(lock: Lock) -> None:
    with story(started=False) as s:
        s.start()
        asked_for(s, office.OFFICER)
        s.types("000000")
        s.comes(lambda: s.screen.tries_left == 2)
        assert s.screen.problem == "wrong_pin"
        s.types("000000")
        s.comes(lambda: s.screen.tries_left == 1)
        s.types("000000")
        s.comes(ui.StartBox)
        assert (s.screen.problem, s.screen.error) == ("pin_locked", code_of("box_locked"))
        opens(s, lock)


def test_a_locked_box_says_so_with_its_code_and_serves_nobody(lock: Lock) -> None:
    with story(started=False) as s:
        s.start()
        s.comes(ui.StartBox)
        assert s.screen.error == code_of("box_locked") != ""
        assert s.screen.targets((800, 480)) == ()
        opens(s, lock)


# --- a swap ------------------------------------------------------------------------------------------


def sticks(s: Story) -> Path:
    """Where this story's sticks are put in: a folder is a stick."""
    folder = s.folder / "sticks"
    folder.mkdir(exist_ok=True)
    desk = s.kiosk.desk
    desk.config = replace(desk.config, station=replace(desk.config.station, sticks=str(folder)))
    return folder


def technician(s: Story) -> None:
    s.badge(None)
    s.staff_reader.awaits_card()
    s.badge(office.TECHNICIAN)
    s.comes(lambda: s.state in (S.STATUS, S.OFFICER))
    if s.state is S.STATUS:
        s.touch("technician")
    s.types(PINS[office.TECHNICIAN])
    s.comes(S.TECHNICIAN)


def at_stage(s: Story, stage: Stage) -> None:
    s.comes(lambda: s.state is S.SWAP and s.kiosk.flow.session.stage is stage)


def hands_over(s: Story) -> None:
    folder = sticks(s)
    technician(s)
    s.touch("acts", "act:give")
    at_stage(s, Stage.STICK)
    (folder / "stick").mkdir()
    at_stage(s, Stage.FOUND)
    s.touch("ok")
    at_stage(s, Stage.DONE)


def test_a_box_is_handed_over_in_three_acts_and_then_serves_nobody() -> None:
    with story() as s:
        hands_over(s)
        assert dict(s.screen.facts)["box"] == office.BOX
        assert list((s.folder / "sticks" / "stick").rglob("handover.json"))
        s.touch("ok")
        s.comes(ui.OutOfOrder)
        assert (s.screen.closed, s.screen.error) == (True, code_of("box_handed_over"))
        technician(s)
        s.touch("acts", "act:codes")
        assert s.screen.cause.startswith("Máy này đã được bàn giao")


def test_a_box_that_was_handed_over_says_so_after_a_restart_and_resumes_no_visit() -> None:
    with story() as s:
        hands_over(s)
        s.restart()
        s.comes(ui.OutOfOrder)
        assert s.screen.closed


def test_a_stick_of_nobody_is_refused_with_what_to_do_and_the_next_one_is_read() -> None:
    with story() as s:
        folder = sticks(s)
        technician(s)
        s.touch("acts", "act:take")
        at_stage(s, Stage.STICK)
        (folder / "holiday").mkdir()
        at_stage(s, Stage.REFUSED)
        assert (s.screen.error, bool(s.screen.remedy)) == (code_of("stick_foreign"), True)
        s.touch("back")
        s.comes(S.TECHNICIAN)


def test_an_officer_opens_no_swap() -> None:
    with story() as s:
        s.badge(None)
        s.staff_reader.awaits_card()
        s.badge(office.OFFICER)
        s.comes(S.STATUS)
        s.touch("technician")
        s.types(PINS[office.OFFICER])
        s.comes(lambda: getattr(s.screen, "problem", "") == "not_allowed")
        assert s.state is S.OFFICER


SPARE = "BOX-STORY-02"


def spare_comes(s: Story) -> str:
    """The old box is carried away; a spare of the same authority stands there. The recovery code's digits."""
    stick = sticks(s) / "stick"
    centre, after = Station(s.folder / "centre"), s.folder / "spare"
    centre.enrol_box(SPARE, after / "identity")
    write_officers(after / "identity" / "officers.json", staff())
    write_card_keys(after / "identity")
    digits = centre.recovery(stick / "recovery-identity.age")
    stick.rename(s.folder / "stick")
    s.kiosk.close()
    s.box = after
    s._build()
    sticks(s)
    s.start()
    return digits


@pytest.mark.parametrize("way", ["scan", "type"])
def test_a_spare_takes_the_place_in_five_acts_and_the_ticket_goes_on_there(way: str) -> None:
    with story(at="FINGERS-1") as s:
        s.touch("help")
        s.comes(S.HELP)
        s.touch("back")
        s.comes(lambda: s.kiosk.flow.session.ticket)
        ticket, record = s.screen.ticket, s.record_id
        s.touch("ok")
        s.comes(S.ATTRACT)
        hands_over(s)
        digits = spare_comes(s)
        technician(s)
        s.touch("acts", "act:take")
        at_stage(s, Stage.STICK)
        (s.folder / "stick").rename(s.folder / "sticks" / "stick")  # 1: the stick is put in
        at_stage(s, Stage.FOUND)
        assert dict(s.screen.facts)["drafts"] == "1"
        s.touch("ok")  # 2: yes, this one
        if way == "scan":
            s.station.camera.show_picture(qr_picture(digits))  # 3: the technician's card before the camera
        else:
            s.touch("type")
            s.types("000000000000")
            at_stage(s, Stage.BLANKS)
            s.types("5")
            s.comes(lambda: getattr(s.screen, "problem", False))
            s.touch("type")
            s.types(digits)
        if way == "scan":
            at_stage(s, Stage.BLANKS)
            s.types("5")  # 4: the blanks, counted
        at_stage(s, Stage.DONE)
        assert s.screen.tickets == (ticket,)
        s.touch("ok")  # 5: ready
        s.comes(S.ATTRACT)
        s.station.camera.show_picture(None)
        assert s.ask(lambda journal: journal.counts().blanks.left) == 5
        s.begins()
        s.comes(ui.Identify)
        s.touch("by:ticket")
        s.types(ticket.replace(" ", ""))
        s.comes(S.PROVE)
        assert s.kiosk.visit.record_id == record
