"""A registry that is down, slow, wrong or lying: the officer is called with the reason, the draft is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import office
from support.bad_centre import Answer, Twist, quick, story_before
from support.kiosk import Story, story
from support.rows import row
from support.wire import CuttingProxy, http_answer, scripted_centre

from centre import pki
from centre.pki import Pki, Role
from centre.station import Station
from firmware.app import desk as desks
from firmware.uplink.client import CentreClient
from statemachine.states import S
from ui_fb import screens as ui

LOOKUP = "/v1/registry/0"
"""Where people are looked up; every made-up number begins with a 0."""


def looked_up(s: Story) -> None:
    """Walk to the look-up by the number, and stop."""
    s.until(ui.Identify)
    s.touch("by:number")
    s.types(s.person.number)


def kept_for_the_officer(s: Story, reason: str) -> None:
    s.comes(S.HELP)
    assert (s.screen.reason, s.screen.retry) == (reason, False)
    assert s.record == "DRAFT"
    part = s.ask(lambda journal: journal.draft(s.record_id).parts["work/registry"])
    assert part["number"] == s.person.number
    s.touch("back")
    s.comes(lambda: s.kiosk.flow.session.ticket)
    assert s.state is S.PAUSED, "nobody is sent home empty-handed"


def told(change: Callable[[dict[str, Any]], Any]) -> Callable[[Answer], Answer]:
    return lambda answer: Answer.of(change(json.loads(answer.body)))


def without(*names: str) -> Callable[[dict[str, Any]], Any]:
    return lambda person: {name: value for name, value in person.items() if name not in names}


ANSWERS: dict[str, tuple[Callable[[Answer], Answer], str]] = {
    "another person": (told(lambda person: person | {"number": office.NEXT.number}), "registry_wrong"),
    "nobody": (lambda _: Answer.of({"reason": "person_unknown"}, 404), "person_unknown"),
    "no JSON": (lambda _: Answer(200, b'{"number": "0'), "registry_wrong"),
    "a list": (lambda _: Answer.of([1]), "registry_wrong"),
    "a depth without end": (lambda _: Answer(200, b"[" * 200_000), "registry_wrong"),
    "five megabytes": (lambda _: Answer(200, b" " * (5 << 20)), "registry_wrong"),
    "a redirection": (lambda _: Answer(302, b""), "registry_wrong"),
    "a field that is a number": (told(lambda person: person | {"full_name": 7}), "registry_wrong"),
    "a field without end": (told(lambda person: person | {"residence": "x" * 501}), "registry_wrong"),
    "no birth date": (told(without("birth_date")), "registry_wrong"),
    "no name": (told(without("full_name")), "registry_wrong"),
    "another sex than the number's": (
        told(lambda person: person | {"sex": "F" if person["sex"] == "M" else "M"}), "registry_wrong"
    ),
    "a finger that is none": (told(lambda person: person | {"fingers": {"nose": "AAAA"}}), "registry_wrong"),
    "templates that are no base64": (
        told(lambda person: person | {"fingers": {"right_index": "%"}}), "registry_wrong"
    ),
    "not now": (lambda _: Answer.of({"reason": "busy"}, 503), "registry_away"),
    "not for you": (lambda _: Answer.of({"reason": "box_unknown"}, 403), "registry_away"),
}  # fmt: skip


def test_a_wrong_answer_is_for_the_officer(monkeypatch: pytest.MonkeyPatch) -> None:
    twist = Twist(LOOKUP).put_before(monkeypatch)
    # without an extract on the box: what a silent centre leaves to say is another test
    Twist("/v1/registry/extract", instead=Answer(503, b"")).put_before(monkeypatch)
    with story() as s:
        for asked, (what, (change, reason)) in enumerate(ANSWERS.items(), start=1):
            with row(what):
                twist.change = change
                looked_up(s)
                kept_for_the_officer(s, reason)
                assert twist.asked == asked
                s.touch("ok")
                s.comes(S.ATTRACT)


def test_a_person_whom_the_registry_does_not_know_is_for_the_officer() -> None:
    with story(office.STRANGER) as s:
        looked_up(s)
        kept_for_the_officer(s, "person_unknown")


def test_a_registry_that_is_down_is_answered_for_by_the_extract_on_the_box() -> None:
    with story() as s:
        s.comes(lambda: (s.box / "registry.extract").exists())
        s.centre.stop()
        looked_up(s)
        s.comes(S.PROVE)
        part = s.ask(lambda journal: journal.draft(s.record_id).parts["work/registry"])
        assert part["source"] == "extract"


def test_a_registry_that_is_down_without_an_extract_is_for_the_officer() -> None:
    with story_before(port=1) as s:
        s.start()
        looked_up(s)
        kept_for_the_officer(s, "registry_away")


def test_an_extract_that_was_changed_on_the_box_is_not_believed() -> None:
    with story() as s:
        extract = s.box / "registry.extract"
        s.comes(extract.exists)
        s.centre.stop()
        kept = bytearray(extract.read_bytes())
        kept[-20] ^= 1
        extract.write_bytes(kept)
        looked_up(s)
        kept_for_the_officer(s, "registry_wrong")


def test_the_wait_for_a_silent_registry_is_what_the_configuration_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    class Remembered(CentreClient):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self.timeouts)

    monkeypatch.setattr(desks, "CentreClient", Remembered)
    quick(monkeypatch, timeout_s=1.0)
    with scripted_centre(centre_keys(), None) as port, story_before(port) as s:
        s.start()
        looked_up(s)
        kept_for_the_officer(s, "registry_away")
    assert made and all(max(each.connect_s, each.step_s, each.whole_s) <= 1.0 for each in made)


def centre_keys() -> Pki:
    """The keys of the centre that every story's box is enrolled at."""
    return Station(Path(office._kept().name) / "centre").pki


BYTES = {
    "an answer cut short": (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", "registry_away"),
    "no HTTP": (b"\x00\x01\x02 this is no answer\r\n\r\n", "registry_away"),
    "a head without end": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000, "registry_away"),
    "an empty answer": (http_answer(200, b""), "registry_wrong"),
}


@pytest.mark.parametrize("what", BYTES)
def test_bytes_that_are_no_answer_are_for_the_officer(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, reason = BYTES[what]
    quick(monkeypatch, timeout_s=3.0)
    with scripted_centre(centre_keys(), data) as port, story_before(port) as s:
        s.start()
        looked_up(s)
        kept_for_the_officer(s, reason)


def test_a_line_that_is_cut_in_the_middle_is_for_the_officer(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, timeout_s=3.0)
    with story(started=False) as s:
        proxy = CuttingProxy(target=s.centre.port, cut_after=900)
        with proxy.running() as port:
            s.centre.port = port
            s._build()
            s.start()
            looked_up(s)
            kept_for_the_officer(s, "registry_away")
            assert proxy.sent >= 900


def another_authority(folder: Path) -> Pki:
    made = pki.create(folder / "pki")
    shutil.copy(centre_keys().certificate_path(Role.BOX_CA), made.certificate_path(Role.BOX_CA))
    return made


def expired_server(folder: Path) -> Pki:
    shutil.copytree(centre_keys().folder, folder / "pki")
    made = Pki(folder / "pki")
    past = datetime.now(UTC) - timedelta(days=4000)
    server = pki._server(made.credential(Role.TLS_CA), past)
    made.certificate_path(Role.TLS_SERVER).write_bytes(server.certificate_pem)
    made.key_path(Role.TLS_SERVER).write_bytes(server.key_pem)
    return made


OTHERS = {
    "a server of another authority": another_authority,
    "a server whose certificate is over": expired_server,
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_not_the_centre_is_believed_nothing(what: str, tmp_path: Path) -> None:
    with (
        scripted_centre(OTHERS[what](tmp_path), http_answer(200, b"{}")) as port,
        story_before(port) as s,
    ):
        s.start()
        looked_up(s)
        kept_for_the_officer(s, "registry_wrong")
