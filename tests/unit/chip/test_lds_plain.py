from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.chip import CHIP_KEYS, FILES, KEYS, OTHER_KEYS, Keys, made_up, personalise, unheard

from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.chip.errors import ConditionsNotSatisfied, NotEnoughSpace, NotGenuine, NotLocked
from drivers.errors import UserRetry
from drivers.virtual.card import OfficerCard, VirtualCard, VirtualReader, blank_card, foreign_card


@pytest.fixture
def reader() -> Iterator[VirtualReader]:
    with VirtualReader() as opened:
        yield opened


@pytest.fixture
def card(reader: VirtualReader) -> VirtualCard:
    blank = blank_card()
    reader.put(blank)
    return blank


@pytest.fixture
def dialect(reader: VirtualReader) -> Dialect:
    return LdsPlain(reader)


def test_a_blank_card_becomes_operational(card: VirtualCard, dialect: LdsPlain) -> None:
    personalise(dialect)
    assert dialect.identify(KEYS).kind == CardKind.OURS_LOCKED
    for fid, content in FILES.items():
        assert dialect.read_file(fid, len(content), unheard) == content
    assert dialect.prove_locked(CHIP_KEYS) == (
        "plain_read_refused",
        "key_change_refused",
        "write_refused",
        "access_opens",
    )
    assert dialect.apdus == card.apdus


def test_a_chip_proves_the_rsa_key_it_was_given(card: VirtualCard, dialect: LdsPlain) -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 (the applet's only size: a lab's dialect)
    aa = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    dialect.identify(KEYS)
    dialect.put_keys(Keys(KEYS, aa=aa))
    for fid, content in FILES.items():
        dialect.write_file(fid, content, unheard)
    dialect.lock()
    assert dialect.prove_locked(Keys(KEYS, aa=aa))[-1] == "active_authentication"
    other = rsa.generate_private_key(65537, 1024)  # noqa: S505
    with pytest.raises(NotGenuine):
        dialect.prove_locked(
            Keys(KEYS, aa=other.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
        )


def test_keys_that_the_applet_does_not_take_are_refused(card: VirtualCard, dialect: LdsPlain) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    aa = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    dialect.identify(KEYS)
    for keys in (Keys(KEYS, aa=aa), Keys(KEYS, ca=aa), Keys(KEYS, can="123456")):
        with pytest.raises(ValueError, match="takes"):
            dialect.put_keys(keys)
    assert dialect.identify(KEYS).kind == CardKind.BLANK


def test_a_card_with_other_keys_is_foreign_locked_or_not(card: VirtualCard, dialect: LdsPlain) -> None:
    dialect.identify(OTHER_KEYS)
    dialect.put_keys(Keys(OTHER_KEYS))
    assert dialect.identify(KEYS).kind == CardKind.FOREIGN
    dialect.lock()
    assert dialect.identify(KEYS).kind == CardKind.FOREIGN


def test_cards_of_other_kinds_are_foreign(reader: VirtualReader, dialect: LdsPlain) -> None:
    for other in (foreign_card(), OfficerCard("CB-0042")):
        reader.put(other)
        assert dialect.identify(KEYS).kind == CardKind.FOREIGN


def test_a_blank_card_locked_too_early_is_not_blank(card: VirtualCard, dialect: LdsPlain) -> None:
    dialect.identify(KEYS)
    dialect.lock()
    assert dialect.identify(KEYS).kind == CardKind.FOREIGN


def test_a_keyless_card_that_holds_a_sod_is_not_blank(card: VirtualCard, dialect: LdsPlain) -> None:
    dialect.identify(KEYS)
    dialect.write_file(0x011D, made_up(40), unheard)
    assert dialect.identify(KEYS).kind == CardKind.FOREIGN


def test_an_unlocked_card_does_not_pass_for_locked(card: VirtualCard, dialect: LdsPlain) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(CHIP_KEYS)
    dialect.write_file(0x011E, FILES[0x011E], unheard)
    with pytest.raises(NotLocked):
        dialect.prove_locked(CHIP_KEYS)
    dialect.identify(KEYS)
    assert dialect.read_file(0x011E, 100, unheard) == FILES[0x011E]


def test_each_proof_of_the_lock_can_fail_by_itself(
    card: VirtualCard, dialect: LdsPlain, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(CHIP_KEYS)
    dialect.write_file(0x011E, FILES[0x011E], unheard)
    monkeypatch.setattr(dialect, "_prove_plain_read_refused", lambda: None)
    with pytest.raises(NotLocked, match="key_change_refused"):
        dialect.prove_locked(CHIP_KEYS)
    prove = dialect._prove_refused
    monkeypatch.setattr(
        dialect, "_prove_refused", lambda p, c, name: prove(p, c, name) if name == "write_refused" else None
    )
    with pytest.raises(NotLocked, match="write_refused"):
        dialect.prove_locked(CHIP_KEYS)


def test_after_the_lock_nothing_is_written(card: VirtualCard, dialect: LdsPlain) -> None:
    personalise(dialect)
    dialect.identify(KEYS)
    with pytest.raises(ConditionsNotSatisfied, match="6985"):
        dialect.write_file(0x0101, FILES[0x0101], unheard)
    with pytest.raises(ConditionsNotSatisfied):
        dialect.put_keys(CHIP_KEYS)


def test_writing_may_start_again_but_a_file_never_grows(card: VirtualCard, dialect: LdsPlain) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(CHIP_KEYS)
    for content in (made_up(700), made_up(700, "again"), made_up(650, "less")):
        dialect.write_file(0x010D, content, unheard)
        assert dialect.read_file(0x010D, 700, unheard) == content
    with pytest.raises(NotEnoughSpace, match="not enough memory"):
        dialect.write_file(0x010D, made_up(701), unheard)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_card_torn_at_any_apdu_can_be_finished(reader: VirtualReader, dialect: LdsPlain, when: str) -> None:
    """Tear at every APDU of a personalisation, put the card back, and go on from what it is."""
    at = 0
    while True:
        card = blank_card()
        reader.put(card)
        card.tear(at, when)  # type: ignore[arg-type]
        try:
            personalise(dialect)
        except UserRetry as retry:
            assert retry.reason == "hold_card_still"
        else:
            break
        reader.put(card)
        _finish(dialect)
        at += 1
    assert at > 40


def _finish(dialect: LdsPlain) -> None:
    kind = dialect.identify(KEYS).kind
    if kind == CardKind.BLANK:
        dialect.put_keys(CHIP_KEYS)
    if kind != CardKind.OURS_LOCKED:
        for fid, content in FILES.items():
            dialect.write_file(fid, content, unheard)
        dialect.lock()
    dialect.prove_locked(CHIP_KEYS)
    for fid, content in FILES.items():
        assert dialect.read_file(fid, len(content), unheard) == content


def test_guarded_data_groups_are_named_as_unreadable(card: VirtualCard, dialect: LdsPlain) -> None:
    assert dialect.unreadable == {0x0103, 0x0104}


def test_a_file_that_is_not_there_reads_as_none(card: VirtualCard, dialect: LdsPlain) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(CHIP_KEYS)
    assert dialect.read_file(0x0101, 10, unheard) is None


def test_a_torn_file_reads_as_what_it_holds(reader: VirtualReader) -> None:
    card = blank_card()
    reader.put(card)
    dialect = LdsPlain(reader)
    dialect.identify(KEYS)
    dialect.put_keys(CHIP_KEYS)
    card.tear(3, "before")
    with pytest.raises(UserRetry):
        dialect.write_file(0x0101, made_up(600), unheard)
    reader.put(card)
    assert dialect.identify(KEYS).kind == CardKind.OURS
    assert dialect.read_file(0x0101, 600, unheard) == made_up(600)[:255] + bytes(345)


def test_progress_adds_up_to_the_bytes_moved(card: VirtualCard, dialect: LdsPlain) -> None:
    moved: list[int] = []
    dialect.identify(KEYS)
    dialect.put_keys(CHIP_KEYS)
    dialect.write_file(0x0102, made_up(1000), moved.append)
    assert moved == [255, 255, 255, 235]
    moved.clear()
    dialect.read_file(0x0102, 1000, moved.append)
    assert sum(moved) == 1000


def test_an_empty_reader_asks_for_a_card(reader: VirtualReader, dialect: LdsPlain) -> None:
    with pytest.raises(UserRetry, match="place_card"):
        dialect.identify(KEYS)


def test_a_card_survives_being_saved_and_loaded(reader: VirtualReader, card: VirtualCard) -> None:
    personalise(LdsPlain(reader))
    reader.put(VirtualCard.from_bytes(card.to_bytes()))
    dialect = LdsPlain(reader)
    assert dialect.identify(KEYS).kind == CardKind.OURS_LOCKED
    assert dialect.read_file(0x0102, 5000, unheard) == FILES[0x0102]
