from __future__ import annotations

from pathlib import Path

import pytest

from drivers.chip.dialects.profile import CARDS, Kind, ProfileError, Serial, load_profile
from drivers.chip.scp03 import Level

PLAIN, ISO, STORE = "lds-plain", "iso7816-scp03", "store-data"


def written(tmp_path: Path, name: str, old: str, new: str) -> Path:
    text = (CARDS / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "odd.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return tmp_path


def test_the_lab_profile_loads() -> None:
    profile = load_profile(PLAIN)
    assert profile.aid.hex() == "a0000002471001"
    assert profile.write_block == 255
    assert profile.unreadable == {0x0103, 0x0104}
    assert profile.lab
    assert profile.scp03 is None
    assert profile.serial is Serial.NONE


@pytest.mark.parametrize("name", [ISO, STORE])
def test_the_field_profiles_load(name: str) -> None:
    profile = load_profile(name)
    assert profile.kind == Kind(name)
    assert not profile.lab
    assert profile.guarded == {0x0103, 0x0104}
    assert profile.scp03 is not None
    assert (profile.scp03.kvn, profile.scp03.level, profile.scp03.aes) == (0x30, Level.R_ENCRYPTION, 128)
    assert profile.scp03.locked == {0x6985}
    assert profile.tags == {"access_keys": 0x62, "can": 0x63, "aa": 0x64, "ca": 0x65}


def test_every_profile_says_its_file_name() -> None:
    for path in CARDS.glob("*.toml"):
        assert load_profile(path.stem).name == path.stem


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (PLAIN, "write_block = 255", "write_blocks = 255", "write_block"),
        (PLAIN, "write_block = 255", "write_block = 256", "from 1 to 255"),
        (PLAIN, "write_block = 255", "write_block = true", "from 1 to 255"),
        (PLAIN, "write_block = 255", "write_block =", "odd.toml"),
        (PLAIN, 'aid = "A0000002471001"', 'aid = "A0"', "5 to 16"),
        (PLAIN, 'aid = "A0000002471001"', 'aid = "zz"', "odd.toml"),
        (PLAIN, 'aid = "A0000002471001"', "aid = 5", "aid is text"),
        (PLAIN, "read_blocks = [223, 192, 128]", "read_blocks = []", "read_blocks"),
        (PLAIN, "read_blocks = [223, 192, 128]", "read_blocks = 223", "list"),
        (PLAIN, "[tags]\naccess_keys", "[tags]\nkeys", "tags.access_keys"),
        (PLAIN, "apdu = 0.5", 'apdu = "soon"', "timeouts_s.apdu"),
        (PLAIN, "apdu = 0.5", "apdu = 0", "timeouts_s.apdu"),
        (PLAIN, "[tags]", "[labels]", "labels"),
        (PLAIN, 'kind = "lds-plain"', "", "kind"),
        (PLAIN, 'kind = "lds-plain"', 'kind = "own"', "kind is one of"),
        (PLAIN, "lab = true", "lab = false", "in the clear"),
        (PLAIN, "lab = true", 'lab = "no"', "lab is true or false"),
        (PLAIN, 'serial = "none"', 'serial = "cplc"', "serial"),
        (PLAIN, 'access = ["BAC"]', "access = []", "access names"),
        (PLAIN, 'access = ["BAC"]', 'access = ["EAC"]', "access is one of"),
        (PLAIN, 'keys = ["aa:rsa1024"]', 'keys = ["aa:p256"]', "keys is one of"),
        (PLAIN, "guarded = []", "guarded = [0x0103]", "not both"),
        (PLAIN, "guarded = []", "guarded = [0x0105]", "no channel"),
        (ISO, "kvn = 0x30", "kvn = 0x80", "kvn"),
        (ISO, "level = 0x33", "level = 0x13", "scp03.level"),
        (ISO, "level = 0x33", "level = 0x03", "in the clear"),
        (ISO, "aes = 128", "aes = 192", "scp03.aes"),
        (ISO, "aes = 128", "", "scp03.aes"),
        (ISO, "[scp03]", "[scp04]", "scp0"),
        (ISO, "locked = [0x6985]", "locked = []", "scp03.locked"),
        (ISO, "locked = [0x6985]", "locked = [0x9000]", "locked"),
        (ISO, "locked = [0x6985]", "", "scp03.locked"),
        (ISO, "[tags]", '[store_data]\nlast_block = "grouping"\n[tags]', "store_data"),
        (STORE, 'last_block = "grouping"', 'last_block = "file"', "last_block is one of"),
        (STORE, 'last_block = "grouping"', "", "store_data.last_block"),
        (STORE, "access_keys = 0x0062", "access_keys = 0x10062", "access_keys"),
        (STORE, 'serial = "cplc"', 'serial = "uid"', "serial is one of"),
    ],
)
def test_a_fault_is_told_with_file_and_key(tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("odd", written(tmp_path, name, old, new))
    assert told in str(caught.value)
    assert "odd.toml" in str(caught.value)


def test_an_unknown_profile_is_told_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match="lds-plain"):
        load_profile("nothing")
