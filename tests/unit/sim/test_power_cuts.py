"""Power cuts: drawn from a seed, never fewer than asked for; where a restart must land, by the disk alone."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from support import box

from drivers.virtual.card.card import blank_card
from firmware.cli import seconds_of
from firmware.records.report import explain
from firmware.sim.cuts import MUST, Beside, Cut, draw
from firmware.sim.disk import HAVE_NO_OTHER, OnDisk, _lands
from firmware.sim.line import Line
from firmware.sim.office import DemoFailed, Wishes
from firmware.sim.power import Power
from firmware.sim.reckoning import show_ordeal
from firmware.sim.saved_card import SavedCard
from firmware.sim.show import console
from statemachine.states import S


@pytest.mark.parametrize("seed", range(20))
def test_as_many_cuts_are_drawn_as_were_asked_for_spread_over_the_visits(seed: int) -> None:
    cuts = draw(20, 5, seed)
    assert len(cuts) == 20
    assert [sum(cut.visit == visit for cut in cuts) for visit in range(5)] == [4] * 5
    assert set(MUST) <= {cut.place for cut in cuts}
    assert cuts == draw(20, 5, seed)


def test_another_seed_draws_other_cuts() -> None:
    assert draw(20, 5, 1) != draw(20, 5, 2)


def test_a_visits_cuts_come_in_the_procedures_order() -> None:
    order = list(S)
    for before, after in itertools.pairwise(draw(200, 1, 7)):
        if isinstance(before.place, S) and isinstance(after.place, S):
            assert order.index(before.place) <= order.index(after.place)


class Mortal:
    """Counts its deaths."""

    deaths = 0

    def kill(self) -> None:
        self.deaths += 1


def power(line: Line, *cuts: Cut) -> tuple[Power, Mortal]:
    supply, kiosk = Power(cuts, line), Mortal()
    supply.visit(0)
    supply.on(cast("Any", kiosk))
    return supply, kiosk


@pytest.fixture
def far() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def test_the_power_goes_at_the_apdu_that_was_drawn(far: socket.socket) -> None:
    with Line(port_of(far)) as line:
        supply, kiosk = power(line, cut := Cut(0, S.WRITE_CHIP, 0.1))
        supply.entered(S.WRITE_CHIP)
        for _ in range(cut.apdus - 1):
            supply.answered()
        assert kiosk.deaths == 0
        supply.answered()
        supply.answered()
        assert kiosk.deaths == 1 and supply.fired is cut


def test_a_cut_whose_step_was_passed_by_comes_at_once(far: socket.socket) -> None:
    with Line(port_of(far)) as line:
        supply, kiosk = power(line, Cut(0, S.REVIEW, 0.0))
        supply.entered(S.FINGERS)
        assert supply.cut_what_is_due() and kiosk.deaths == 1
        assert supply.left_over() is None


def test_a_cut_of_another_visit_is_not_due(far: socket.socket) -> None:
    with Line(port_of(far)) as line:
        supply, _ = power(line, Cut(1, S.REVIEW, 0.0))
        supply.entered(S.FINGERS)
        assert supply.left_s is None and supply.left_over() is None


def test_the_power_goes_in_the_middle_of_an_upload(far: socket.socket) -> None:
    with Line(port_of(far)) as line:
        supply, kiosk = power(line, cut := Cut(0, Beside.UPLOAD, 0.5))
        supply.entered(S.RECEIPT)
        with socket.create_connection(("127.0.0.1", line.port)) as near:
            there, _ = far.accept()
            near.sendall(bytes(cut.bytes))
            got = 0
            while got < cut.bytes:
                got += len(there.recv(65536))
            there.close()
        assert kiosk.deaths == 1 and supply.fired is cut


def test_an_upload_that_was_smaller_than_its_cut_is_cut_when_it_is_done(far: socket.socket) -> None:
    with Line(port_of(far)) as line:
        supply, kiosk = power(line, Cut(0, Beside.UPLOAD, 1.0))
        supply.delivered()
        assert kiosk.deaths == 0  # another record's
        supply.entered(S.RECEIPT)
        supply.delivered()
        assert kiosk.deaths == 1


def test_a_cut_line_tears_what_is_open_and_lets_nothing_through(far: socket.socket) -> None:
    with Line(port_of(far)) as line:
        with socket.create_connection(("127.0.0.1", line.port)) as near:
            there, _ = far.accept()
            near.sendall(b"hello")
            assert there.recv(5) == b"hello"
            line.cut()
            assert near.recv(1) == b"" and there.recv(1) == b""
            there.close()
        with socket.create_connection(("127.0.0.1", line.port)) as near, suppress(ConnectionError):
            assert near.recv(1) == b""
        with socket.create_server(("127.0.0.1", 0)) as other:
            line.mend(port_of(other))
            with socket.create_connection(("127.0.0.1", line.port)) as near:
                there, _ = other.accept()
                there.sendall(b"back")
                assert near.recv(4) == b"back"
                there.close()


def test_what_a_card_did_outlives_the_process_that_held_it(tmp_path: Path) -> None:
    file, answers = tmp_path / "card.json", []
    card = SavedCard.at(file, blank_card(), lambda card: answers.append(card.apdus))
    before = file.read_bytes()
    card.power_on()
    card.transmit(bytes.fromhex("00A4040C07A0000002471001"))
    assert answers == [1]
    assert SavedCard.at(file, blank_card()).to_bytes() == card.to_bytes() == file.read_bytes()
    assert before  # a blank lies in its file from the beginning


def test_where_a_restart_lands_is_said_by_the_disk(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:

        def lands(record_id: str) -> frozenset[S]:
            return _lands(explain(journal.shelf, record_id))

        record_id = box.begin(journal)
        journal.step(record_id, "PROVE")
        assert lands(record_id) == HAVE_NO_OTHER
        for part, value, blobs in box.parts():
            journal.accept(record_id, part, value, blobs)
            if part == "proof":
                journal.step(record_id, "FINGERS")
            if part == "finger/right_thumb":
                assert lands(record_id) == {S.FINGERS}
        assert lands(record_id) == {S.CONFIRM}
        journal.freeze(record_id, box.IMAGE)
        assert lands(record_id) == {S.PLACE_CARD}
        journal.step(record_id, "VERIFY_CHIP")
        box.issuing(journal, record_id)
        assert lands(record_id) == {S.VERIFY_CHIP}
        journal.complete(record_id, 1, box.REPORT)
        assert lands(record_id) == {S.RECEIPT}
        journal.seal(record_id)
        assert lands(record_id) == HAVE_NO_OTHER
    assert str(OnDisk("DRAFT", "FINGERS")) == "DRAFT at FINGERS"


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("2h", 7200), ("30m", 1800), ("90s", 90), ("1.5h", 5400)]
)
def test_a_span_of_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["2", "h", "-1h", "0s", "two hours", "999h", "nanh"])
def test_a_span_of_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        seconds_of(text)


def test_a_card_behind_pcscd_is_not_asked_to_outlive_the_kiosk(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="--pcsc"):
        show_ordeal(Wishes(power_cuts=1, pcsc=True, folder=tmp_path), console())
    assert not list(tmp_path.iterdir())
