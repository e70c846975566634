"""`kiosk card resume`, `void`, `stock`, `kiosk officer unlock`: the journal, two officers, the very card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from support import box, record
from support.people import CAPTURED, jp2
from typer.testing import CliRunner

from centre.pki import Role
from centre.station import Station
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.errors import UserRetry
from drivers.virtual.card import OfficerCard, VirtualCard, VirtualReader, blank_card
from firmware import cli, cli_counter, cli_shared, cli_torn
from firmware.box.identity import Identity
from firmware.box.officers import write_officers
from firmware.document.image import CardImage
from firmware.issue.findings import Verdict
from firmware.issue.ports import Order
from firmware.issue.signers import FileSigner
from firmware.issue.transaction import Transaction
from firmware.records.journal import Journal
from firmware.records.report import audit_rows, list_records
from firmware.records.states import RecordState
from firmware.sim.officer import PINS, staff

FIRST, SECOND, TECHNICIAN = PINS
NOW = record.NOW
DAY_BEFORE = NOW - timedelta(days=1)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> datetime:
        return NOW

    monkeypatch.setattr(cli_shared, "now", now)
    monkeypatch.setattr(cli_torn, "CARD_S", 0.02)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An enrolled box on its first morning."""
    station = Station(tmp_path / "centre")
    station.init(DAY_BEFORE)
    station.enrol_box(record.BOX, tmp_path / "box" / "identity", DAY_BEFORE)
    write_officers(tmp_path / "box" / "identity" / "officers.json", staff())
    return tmp_path / "box"


def journal_of(data: Path) -> closing[Journal]:
    keys = Identity(data / "identity").keys(simulated=True)
    return closing(Journal(data / "records", keys, lambda: NOW))


def torn(data: Path, apdus: int) -> tuple[str, str, VirtualCard]:
    """A record whose card was lifted after so many APDUs and that waits: its id, its ticket, its card."""
    identity, pki = Identity(data / "identity"), Station(data.parent / "centre").pki
    values = {name: each["value"] for name, each in record.subject().items()}
    subject = {**values, "expiry_date": "2029-05-06"}
    card, reader = blank_card(), VirtualReader()
    signer = FileSigner(
        pki.key_path(Role.DOCUMENT_SIGNER),
        pki.certificate_path(Role.DOCUMENT_SIGNER),
        lambda: NOW,
        lambda _: None,
        "virtual",
    )
    with journal_of(data) as journal, reader:
        record_id = box.filled(journal)
        journal.freeze(record_id, CardImage.of(subject, jp2(), CAPTURED).to_bytes())
        order = Order(values["number"], "first_issue", record.BOX, identity.epoch)
        transaction = Transaction(
            LdsPlain(reader), journal, signer, [identity.certificate("csca")],
            lambda _: order, lambda: NOW, lambda _: None,
        )  # fmt: skip
        reader.put(card)
        card.lift_after(apdus)
        with suppress(UserRetry):
            transaction.write(record_id)
            transaction.verify(record_id)
        ticket = journal.wait(record_id, "interrupted", NOW + timedelta(days=30))
    return record_id, ticket, card


def run(data: Path, *words: str, pins: tuple[str, ...] = ()) -> Result:
    typed = "".join(f"{pin}\n" for pin in pins)
    return CliRunner().invoke(cli.app, [*words, "--data", str(data)], input=typed)


def badges(*names: str) -> list[str]:
    return [word for name in names for word in ("--badge", name)]


def state(data: Path) -> RecordState:
    with journal_of(data) as journal:
        (row,) = list_records(journal.shelf)
        return row.state


def acts(data: Path) -> list[tuple[str, str]]:
    with journal_of(data) as journal:
        return [(row.actor, row.act) for row in audit_rows(journal.shelf)]


@pytest.fixture
def saved(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "card.json"


ISSUING = 44
"""APDUs after which EF.SOD is on its way."""


def resumed(data: Path, key: str, saved: Path, card: VirtualCard, *more: str) -> Result:
    saved.write_bytes(card.to_bytes())
    return run(
        data, "card", "resume", key, *badges(FIRST), "--virtual", str(saved), *more, pins=(PINS[FIRST],)
    )


# --- resume ---


@pytest.mark.parametrize("by", ["ticket", "record"])
def test_a_torn_card_is_finished_by_an_officer_and_the_record_sealed(
    data: Path, saved: Path, by: str
) -> None:
    record_id, ticket, card = torn(data, ISSUING)
    assert state(data) is RecordState.ISSUING
    done = resumed(data, ticket if by == "ticket" else record_id, saved, card)
    assert done.exit_code == 0, done.output
    assert "finished and sealed" in done.output
    assert state(data) is RecordState.SEALED
    assert (FIRST, "card_resumed") in acts(data)


def test_a_finished_card_is_genuine_for_anybody(data: Path, saved: Path) -> None:
    from drivers.api import Deadline
    from firmware.document.mrz import access_keys, td1
    from firmware.issue.inspect import inspect

    _, ticket, card = torn(data, ISSUING)
    assert resumed(data, ticket, saved, card).exit_code == 0
    values = {name: each["value"] for name, each in record.subject().items()}
    keys = access_keys(td1({**values, "expiry_date": "2029-05-06"}))
    with VirtualReader() as reader:
        reader.put(VirtualCard.from_bytes(saved.read_bytes()))
        trust = [Identity(data / "identity").certificate("csca")]
        assert inspect(reader, keys, trust, NOW, Deadline.after(60)).verdict is Verdict.GENUINE


def test_another_card_is_not_written_and_the_record_waits_on(data: Path, saved: Path) -> None:
    _, ticket, _ = torn(data, ISSUING)
    other = blank_card()
    before = other.to_bytes()
    done = resumed(data, ticket, saved, other)
    assert done.exit_code == 69, done.output
    assert "not the card of this record" in done.output
    assert saved.read_bytes() == before
    with journal_of(data) as journal:
        (row,) = list_records(journal.shelf)
        assert (row.state, row.at_kiosk, row.waiting) == (RecordState.ISSUING, False, "interrupted")
        assert journal.resume(ticket) == row.record_id, "under the same ticket"


@pytest.mark.parametrize("profile", ["training", "production"])
def test_no_record_of_a_real_box_ends_with_a_virtual_card(
    data: Path, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    _, ticket, card = torn(data, ISSUING)
    site = tmp_path / "site.toml"
    site.write_text(f'[station]\nprofile = "{profile}"\n[badge]\nreader = "Badges"\n')
    reader = VirtualReader()
    reader.put(OfficerCard(FIRST))
    monkeypatch.setattr(cli_counter, "open_badges", lambda name: reader)
    saved.write_bytes(card.to_bytes())
    words = ("card", "resume", ticket, "--config", str(site), "--virtual", str(saved))
    done = run(data, *words, pins=(PINS[FIRST],))
    assert (done.exit_code, "for a virtual station" in done.stderr) == (2, True), done.output
    assert state(data) is RecordState.ISSUING


def test_a_record_whose_card_was_not_begun_goes_on_with_its_citizen(data: Path, saved: Path) -> None:
    _, ticket, card = torn(data, 10)
    done = resumed(data, ticket, saved, card)
    assert (done.exit_code, "FROZEN" in done.stderr) == (1, True)


def test_a_technician_a_stranger_and_a_wrong_pin_do_not_get_there(data: Path, saved: Path) -> None:
    _, ticket, card = torn(data, ISSUING)
    saved.write_bytes(card.to_bytes())
    rest = ("--virtual", str(saved))
    for who, pins in ((TECHNICIAN, (PINS[TECHNICIAN],)), ("NV-9999", ()), (FIRST, ("000000",) * 5)):
        done = run(data, "card", "resume", ticket, *badges(who), *rest, pins=pins)
        assert done.exit_code == 77, (who, done.output)
    assert "locked" in done.stderr
    done = run(data, "card", "resume", ticket, *badges(FIRST), *rest, pins=(PINS[FIRST],))
    assert done.exit_code == 77, "the right PIN comes too late"
    assert state(data) is RecordState.ISSUING


def test_a_running_kiosk_keeps_the_journal_to_itself(data: Path, saved: Path) -> None:
    _, ticket, card = torn(data, ISSUING)
    with journal_of(data):
        done = resumed(data, ticket, saved, card)
        assert done.exit_code == 69
        assert "the kiosk is running" in done.stderr
        shown = run(data, "card", "stock", "show")
        assert (shown.exit_code, "live 1" in shown.output) == (0, True), "what only reads goes beside it"


@pytest.mark.parametrize("key", ["1234 5678", "nothing", "00000000-0000-4000-8000-000000000009"])
def test_a_key_of_no_record_is_said(data: Path, saved: Path, key: str) -> None:
    torn(data, 10)
    assert run(data, "card", "resume", key, *badges(FIRST)).exit_code == 1


# --- void ---


def test_two_officers_void_a_card_and_the_next_attempt_waits(data: Path) -> None:
    record_id, ticket, _ = torn(data, ISSUING)
    done = run(
        data, "card", "void", ticket, "--yes", *badges(FIRST, SECOND), pins=(PINS[FIRST], PINS[SECOND])
    )
    assert done.exit_code == 0, done.output
    assert "may be live" in done.output
    assert "void 1" in done.output
    with journal_of(data) as journal:
        assert journal.attempt(record_id).number == 2
        (lost,) = journal.void_cards(record_id)
        assert list(lost["officers"]) == [FIRST, SECOND]
        assert journal.blanks().void == 1


def test_a_card_that_was_not_live_is_lost_and_not_on_the_void_list(data: Path) -> None:
    record_id, ticket, _ = torn(data, 10)
    done = run(
        data, "card", "void", ticket, "--yes", *badges(FIRST, SECOND), pins=(PINS[FIRST], PINS[SECOND])
    )
    assert (done.exit_code, "not live" in done.output) == (0, True)
    with journal_of(data) as journal:
        assert journal.void_cards(record_id) == ()
        assert journal.attempt(record_id).number == 2


@pytest.mark.parametrize(
    ("who", "pins", "code"),
    [
        ((FIRST,), (PINS[FIRST],), 2),
        ((FIRST, FIRST), (PINS[FIRST], PINS[FIRST]), 77),
        ((FIRST, TECHNICIAN), (PINS[FIRST], PINS[TECHNICIAN]), 77),
        ((FIRST, SECOND), (PINS[FIRST], *["000000"] * 5), 77),
    ],
)
def test_one_officer_alone_voids_nothing(
    data: Path, who: tuple[str, ...], pins: tuple[str, ...], code: int
) -> None:
    record_id, ticket, _ = torn(data, ISSUING)
    done = run(data, "card", "void", ticket, "--yes", *badges(*who), pins=pins)
    assert done.exit_code == code, done.output
    with journal_of(data) as journal:
        assert journal.attempt(record_id).number == 1


def test_a_second_thought_voids_nothing(data: Path) -> None:
    record_id, ticket, _ = torn(data, ISSUING)
    done = run(data, "card", "void", ticket, *badges(FIRST, SECOND), pins=(PINS[FIRST], PINS[SECOND], "n"))
    assert done.exit_code == 1
    with journal_of(data) as journal:
        assert journal.attempt(record_id).number == 1


# --- the blanks ---


def test_blanks_are_booked_in_and_spoiled_and_always_add_up(data: Path) -> None:
    torn(data, ISSUING)
    assert run(data, "card", "stock", "load", "50", *badges(FIRST), pins=(PINS[FIRST],)).exit_code == 0
    both = (*badges(FIRST, SECOND),)
    done = run(data, "card", "stock", "spoil", "3", *both, pins=(PINS[FIRST], PINS[SECOND]))
    assert "in 50 = " in done.output
    shown = run(data, "card", "stock", "show", "--json")
    assert shown.stdout.strip() == '{"taken_in": 50, "live": 1, "void": 3, "left": 46}'
    alone = run(data, "card", "stock", "spoil", "3", *badges(FIRST), pins=(PINS[FIRST],))
    assert alone.exit_code == 2
    assert (FIRST, "blanks_in") in acts(data)


# --- badges on a reader, and the tries ---


def test_a_box_of_the_field_reads_the_badge_and_takes_no_name_for_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[station]\nprofile = "training"\n[badge]\nreader = "Badges"\n')
    named = run(data, "card", "stock", "load", "5", "--config", str(site), *badges(FIRST))
    assert named.exit_code == 2
    reader = VirtualReader()
    reader.put(OfficerCard(FIRST))
    monkeypatch.setattr(cli_counter, "open_badges", lambda name: reader)
    read = run(data, "card", "stock", "load", "5", "--config", str(site), pins=(PINS[FIRST],))
    assert read.exit_code == 0, read.output
    reader.put(blank_card())
    assert run(data, "card", "stock", "load", "5", "--config", str(site)).exit_code == 69
    site.write_text('[station]\nprofile = "training"\n')
    without = run(data, "card", "stock", "load", "5", "--config", str(site))
    assert (without.exit_code, "no reader for badges" in without.stderr) == (69, True)


def test_another_officer_gives_the_tries_back(data: Path) -> None:
    run(data, "card", "stock", "load", "1", *badges(FIRST), pins=("000000",) * 5)
    own = run(data, "officer", "unlock", FIRST, *badges(FIRST), pins=(PINS[FIRST],))
    assert own.exit_code == 77
    assert run(data, "officer", "unlock", "NV-9999", *badges(SECOND)).exit_code == 1
    done = run(data, "officer", "unlock", FIRST, *badges(SECOND), pins=(PINS[SECOND],))
    assert done.exit_code == 0, done.output
    load = run(data, "card", "stock", "load", "1", *badges(FIRST), pins=(PINS[FIRST],))
    assert load.exit_code == 0
    assert (SECOND, "pin_unlocked") in acts(data)


def test_a_folder_without_a_box_is_said(tmp_path: Path) -> None:
    done = run(tmp_path, "card", "void", "12345678", *badges(FIRST))
    assert (done.exit_code, "holds no box" in done.stderr) == (1, True)
