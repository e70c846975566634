"""The box asks the centre for its papers: what is new is taken, and nothing that comes back stops the box."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from support import box, record
from support.centre import TestStation, as_box
from support.papers import ASSIGNMENT, LEASE, papers, signed

from centre.papers import Place, Terms
from firmware.box.fetch import PATHS, fetch
from firmware.box.identity import Identity
from firmware.box.warrants import Papers, Taken
from firmware.records.journal import Journal
from firmware.uplink.client import CentreClient

T = TypeVar("T")
Answers = dict[str, httpx.Response]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as opened:
        yield opened


def client(answers: Callable[[str], httpx.Response]) -> CentreClient:
    def answer(asked: httpx.Request) -> httpx.Response:
        said = answers(asked.url.path)
        return httpx.Response(said.status_code, headers=said.headers, stream=httpx.ByteStream(said.content))

    transport = httpx.MockTransport(answer)
    return CentreClient("https://centre", ssl.create_default_context(), transport=transport)


def ask(journal: Journal) -> Callable[[Callable[[Journal], T]], T]:
    return lambda question: question(journal)


def fetched(journal: Journal, **answers: httpx.Response) -> tuple[Taken, ...]:
    """`assignment` and `lease` as the centre answers; what is not named is a 404."""
    none = httpx.Response(404, json={"reason": "no_paper"})
    with client(lambda path: answers.get(path.rpartition("/")[2], none)) as line:
        return fetch(papers(), line, ask(journal))


def paper(data: bytes) -> httpx.Response:
    return httpx.Response(200, content=data)


def test_no_paper_is_no_error(journal: Journal) -> None:
    before = journal.audit.head()
    assert fetched(journal) == ()
    assert journal.audit.head() == before


def test_what_is_new_is_taken_once(journal: Journal) -> None:
    answers = {"assignment": paper(signed(ASSIGNMENT)), "lease": paper(signed(LEASE))}
    assert fetched(journal, **answers) == (Taken("assignment", 3, True), Taken("lease", 9, True))
    assert fetched(journal, **answers) == ()


@pytest.mark.parametrize(
    "answer",
    [
        paper(b""),
        paper(b"{" * 10_000),
        paper(b" " * 100_000),
        paper(signed(ASSIGNMENT, box="BOX-02")),
        paper(signed(ASSIGNMENT, record.keys().receipt_key)),
        httpx.Response(500),
        httpx.Response(302, headers={"Location": "https://elsewhere/"}),
        httpx.Response(403, json={"reason": "other_box"}),
    ],
)
def test_a_wrong_answer_changes_nothing(journal: Journal, answer: httpx.Response) -> None:
    assert fetched(journal, assignment=paper(signed(ASSIGNMENT))) != ()
    assert fetched(journal, assignment=answer, lease=answer) == ()
    assert papers().assignment(journal) == ASSIGNMENT


def test_the_assignment_is_asked_for_first() -> None:
    assert [path.rpartition("/")[2] for path in PATHS] == ["assignment", "lease"]


def test_what_a_real_centre_signs_is_what_the_box_takes(tmp_path: Path, journal: Journal) -> None:
    station = TestStation(tmp_path)
    enrolled = station.enrol(record.BOX)
    here = Place("T-79", "U-7901", "U-7905", "TEAM-4", "thôn Đoài")
    station.station.assign(record.BOX, here, now=station.now)
    terms = Terms(20, ("renewal",), station.now + timedelta(days=3), "ab" * 32)
    station.station.lease(record.BOX, terms, now=station.now)
    own = Papers(Identity(enrolled.folder), production=False)
    with station.asgi() as app:
        http = as_box(app, enrolled)

        def answer(path: str) -> httpx.Response:
            got = http.get(path)
            return httpx.Response(got.status_code, content=got.content)

        with client(answer) as line:
            assert [taken.kind for taken in fetch(own, line, ask(journal))] == ["assignment", "lease"]
            moved = replace(here, pool="T-01", home_unit="U-0101", capture_unit="U-0102")
            station.station.assign(record.BOX, moved, now=station.now)
            assert [taken.kind for taken in fetch(own, line, ask(journal))] == ["assignment"]
    kept = own.assignment(journal)
    assert kept is not None
    assert (kept.home_unit, kept.epoch) == ("U-0101", 2)
