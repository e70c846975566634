"""A token over PKCS#11 (SoftHSM 2): it signs and derives, keeps its keys, and says why it will not."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256, sha384
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from support.softhsm import PIN, SoftHsm, softhsm

from config import schema
from drivers.chip.key_store import KeyStore, KeyStoreError, diversify
from drivers.chip.sp800_108 import aes_cmac
from drivers.errors import DeviceGone
from drivers.token.errors import TokenRefused, Why
from drivers.token.key_store import TokenKeyStore
from drivers.token.pkcs11 import Token, pin_in
from firmware.issue.card_keys import card_keys, token_of

KDD = bytes(range(10))
MASTER = bytes(range(16))


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    with softhsm(tmp_path_factory.mktemp("softhsm")) as made:
        made.ec_key("ds")
        made.ec_key("ds-384", "secp384r1")
        made.ec_key("copyable", extractable=True)
        made.aes_key("scp03-30", MASTER)
        made.aes_key("scp03-31", MASTER + MASTER)
        made.aes_key("scp03-32", MASTER, extractable=True)
        made.aes_key("scp03-33", MASTER + MASTER[:8])
        yield made


@pytest.fixture
def token(hsm: SoftHsm) -> Iterator[Token]:
    with hsm.token() as opened:
        yield opened


def test_what_the_token_signs_holds_under_its_public_key(token: Token) -> None:
    for label, hashed, named in (("ds", sha256, SHA256()), ("ds-384", sha384, SHA384())):
        key = token.ec_key(label)
        digest = hashed(b"text").digest()
        raw = key.sign_digest(digest)
        half = len(raw) // 2
        signature = utils.encode_dss_signature(*(int.from_bytes(p, "big") for p in (raw[:half], raw[half:])))
        key.public_key.verify(signature, digest, ec.ECDSA(utils.Prehashed(named)))


def test_its_cmac_is_that_of_the_standard(token: Token) -> None:
    assert token.aes_key("scp03-30").cmac(b"message") == aes_cmac(MASTER, b"message")


@pytest.mark.parametrize(("kvn", "master"), [(0x30, MASTER), (0x31, MASTER + MASTER)])
def test_a_cards_keys_are_those_that_a_file_would_give(token: Token, kvn: int, master: bytes) -> None:
    store: KeyStore = TokenKeyStore(token)
    assert store.static_keys(kvn, KDD) == diversify(master, KDD)


@pytest.mark.parametrize("kvn", [0x2F, 0x32, 0x33])
def test_no_card_gets_keys_of_a_master_that_is_not_there_can_leave_or_is_of_another_size(
    token: Token, kvn: int
) -> None:
    with pytest.raises(KeyStoreError, match=f"{kvn:02X}"):
        TokenKeyStore(token).static_keys(kvn, KDD)


def test_diversification_data_has_ten_bytes(token: Token) -> None:
    with pytest.raises(KeyStoreError):
        TokenKeyStore(token).static_keys(0x30, KDD[:9])


@pytest.mark.parametrize(("label", "why"), [("nobody", Why.NO_KEY), ("copyable", Why.KEY_CAN_LEAVE)])
def test_a_key_that_is_not_there_or_could_be_copied_is_refused(token: Token, label: str, why: Why) -> None:
    with pytest.raises(TokenRefused) as caught:
        token.ec_key(label)
    assert caught.value.why is why


def test_a_wrong_pin_is_told_from_a_token_that_is_gone(hsm: SoftHsm, tmp_path: Path) -> None:
    with pytest.raises(TokenRefused) as caught:
        hsm.token("00000000").aes_key("scp03-30")
    assert caught.value.why is Why.PIN_WRONG
    assert "00000000" not in str(caught.value)
    (tmp_path / "text.so").write_text("no library")
    for module, label in (
        (hsm.module, "another"),
        (tmp_path / "none.so", hsm.label),
        (tmp_path / "text.so", "a"),
    ):
        with pytest.raises(DeviceGone):
            Token(module, label, lambda: PIN).aes_key("scp03-30")


def test_a_refused_pin_is_not_tried_until_the_token_locks_itself(hsm: SoftHsm) -> None:
    asked: list[str] = []

    def wrong() -> str:
        asked.append("00000000")
        return asked[-1]

    token = Token(hsm.module, hsm.label, wrong)
    for _ in range(5):
        with pytest.raises(TokenRefused):
            token.ec_key("ds")
    assert len(asked) == 1


def test_a_pin_is_read_when_it_is_needed_without_the_end_of_its_line(hsm: SoftHsm, tmp_path: Path) -> None:
    token = Token(hsm.module, hsm.label, pin_in(tmp_path / "pin"))
    with pytest.raises(TokenRefused) as caught:
        token.ec_key("ds")
    assert caught.value.why is Why.NO_PIN
    (tmp_path / "pin").write_text(f"{PIN}\n")
    with token:
        assert token.ec_key("ds").label == "ds"


def test_a_session_that_ended_is_gone_and_the_next_question_begins_another(hsm: SoftHsm) -> None:
    token = hsm.token()
    key, cmac = token.ec_key("ds"), token.aes_key("scp03-30").cmac
    token.close()
    token.close()
    for asking in (lambda: key.sign_digest(bytes(32)), lambda: cmac(b"")):
        with pytest.raises(DeviceGone):
            asking()
    with token:
        assert len(token.ec_key("ds").sign_digest(bytes(32))) == 64


def test_the_boxs_keys_of_cards_come_from_its_token_where_no_file_is(hsm: SoftHsm, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(PIN)
    settings = schema.Token(str(hsm.module), hsm.label, str(tmp_path / "pin"))
    with token_of(schema.Config(token=settings)) or pytest.fail("no token") as token:
        keys = card_keys(tmp_path, token)
        assert keys is not None
        assert keys.static_keys(0x30, KDD) == diversify(MASTER, KDD)
    assert token_of(schema.Config()) is None and card_keys(tmp_path, None) is None
