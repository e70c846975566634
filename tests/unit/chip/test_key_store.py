from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from drivers.chip.key_store import FileKeyStore, KeyStoreError, StaticKeys, diversify

KDD = bytes.fromhex("00112233445566778899")
KEY = "404142434445464748494A4B4C4D4E4F"  # the GlobalPlatform test key: public by definition


def store(tmp_path: Path, text: str) -> FileKeyStore:
    path = tmp_path / "keys.toml"
    path.write_text(text, encoding="utf-8")
    return FileKeyStore(path)


@pytest.mark.parametrize("size", [16, 32])
def test_a_cards_keys_follow_from_the_master_key_and_its_kdd(tmp_path: Path, size: int) -> None:
    master = (KEY * 2)[: 2 * size]
    keys = store(tmp_path, f'[master]\n30 = "{master}"\n').static_keys(0x30, KDD)
    for constant, key in enumerate((keys.enc, keys.mac, keys.dek), 1):
        before = bytes(11) + bytes((constant, 0)) + (8 * size).to_bytes(2, "big")
        standard = KBKDFCMAC(
            AES, Mode.CounterMode, size, 1, None, CounterLocation.MiddleFixed, None, None,
            before + KDD, break_location=len(before),
        )  # fmt: skip
        assert key == standard.derive(bytes.fromhex(master))


def test_a_lab_card_has_one_key_for_all(tmp_path: Path) -> None:
    keys = store(tmp_path, f'[static]\n01 = "{KEY}"\n').static_keys(1, KDD)
    assert keys.enc == keys.mac == keys.dek == bytes.fromhex(KEY)


def test_other_cards_have_other_keys() -> None:
    one, other = diversify(bytes(16), KDD), diversify(bytes(16), KDD[::-1])
    assert len({one.enc, one.mac, one.dek, other.enc, other.mac, other.dek}) == 6


def test_a_key_that_is_not_there_is_told_by_its_version(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match="KVN 31"):
        store(tmp_path, f'[master]\n30 = "{KEY}"\n').static_keys(0x31, KDD)


@pytest.mark.parametrize(
    "text",
    [
        f'[master]\n30 = "{KEY}00"\n',
        f'[master]\nzz = "{KEY}"\n',
        f'[master]\n80 = "{KEY}"\n',
        f'[master]\n30 = "{KEY[:-1]}x"\n',
        f'[master]\n30 = "{KEY}"\n[static]\n30 = "{KEY}"\n',
        f'[masters]\n30 = "{KEY}"\n',
        "master = 3\n",
        "[master\n",
    ],
)
def test_a_fault_names_the_file_and_never_the_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyStoreError, match=r"keys\.toml") as caught:
        store(tmp_path, text)
    assert KEY[:-1] not in str(caught.value)


def test_without_a_file_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match=r"none\.toml"):
        FileKeyStore(tmp_path / "none.toml")


def test_keys_are_never_printed() -> None:
    keys = StaticKeys(*(3 * [bytes.fromhex(KEY)]))
    assert KEY.lower() not in repr(keys).lower()
    assert "@ABC" not in repr(keys)


@pytest.mark.parametrize("sizes", [(16, 16, 32), (24, 24, 24), (0, 0, 0)])
def test_the_three_keys_are_of_one_size(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="16"):
        StaticKeys(*map(bytes, sizes))


def test_a_kdd_of_another_length_is_refused() -> None:
    with pytest.raises(KeyStoreError, match="10 bytes"):
        diversify(bytes(16), KDD + b"\0")
