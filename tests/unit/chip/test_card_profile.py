from __future__ import annotations

from pathlib import Path

import pytest

from drivers.chip.dialects.profile import CARDS, ProfileError, load_profile

TEXT = (CARDS / "lds-plain.toml").read_text(encoding="utf-8")


def written(tmp_path: Path, old: str, new: str) -> Path:
    assert old in TEXT
    (tmp_path / "odd.toml").write_text(TEXT.replace(old, new), encoding="utf-8")
    return tmp_path


def test_the_shipped_profile_loads() -> None:
    profile = load_profile("lds-plain")
    assert profile.aid.hex() == "a0000002471001"
    assert profile.write_block == 255
    assert profile.unreadable == {0x0103, 0x0104}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("write_block = 255", "write_blocks = 255", "write_block"),
        ("write_block = 255", "write_block = 256", "from 1 to 255"),
        ("write_block = 255", "write_block = true", "from 1 to 255"),
        ("write_block = 255", "write_block =", "odd.toml"),
        ('aid = "A0000002471001"', 'aid = "A0"', "5 to 16"),
        ('aid = "A0000002471001"', 'aid = "zz"', "odd.toml"),
        ("read_blocks = [223, 192, 128]", "read_blocks = []", "read_blocks"),
        ("read_blocks = [223, 192, 128]", "read_blocks = 223", "list"),
        ("[tags]\naccess_keys", "[tags]\nkeys", "tags.access_keys"),
        ("apdu = 0.5", 'apdu = "soon"', "timeouts_s.apdu"),
        ("apdu = 0.5", "apdu = 0", "timeouts_s.apdu"),
        ("[tags]", "[labels]", "labels"),
    ],
)
def test_a_fault_is_told_with_file_and_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("odd", written(tmp_path, old, new))
    assert told in str(caught.value)
    assert "odd.toml" in str(caught.value)


def test_an_unknown_profile_is_told_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match="lds-plain"):
        load_profile("nothing")
