"""Rule packs: the law of each period as data, read strictly, and only when somebody asks."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from config.load import ConfigError
from config.rulepack import FOLDER, read_rule_pack, rule_packs
from firmware.records.format.rules import pack_on, packs

GOOD = (FOLDER / "2024-07.toml").read_text(encoding="utf-8")


def written(folder: Path, text: str, name: str = "2024-07.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packs_of_the_house_are_these() -> None:
    facts = {
        pack.name: (pack.begins, pack.from_age, pack.renewal_ages, pack.iris_from_age)
        for pack in rule_packs().values()
    }
    assert facts == {
        "1/2021": (date(2021, 1, 1), 14, (25, 40, 60), None),
        "7/2021": (date(2021, 7, 1), 14, (25, 40, 60), None),
        "7/2024": (date(2024, 7, 1), 6, (14, 25, 40, 60), 6),
    }
    assert packs() == rule_packs()


def test_thresholds_are_by_finger_and_the_same_in_every_pack() -> None:
    for pack in rule_packs().values():
        kinds = ("thumb", "index", "middle", "ring", "little")
        assert [pack.fingers.least(f"left_{kind}") for kind in kinds] == [30, 30, 20, 10, 10]
        assert (pack.fingers.attempts, pack.waiting_days) == (3, 30)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2021, 1, 1), "1/2021"),
        (date(2021, 6, 30), "1/2021"),
        (date(2021, 7, 1), "7/2021"),
        (date(2024, 6, 30), "7/2021"),
        (date(2024, 7, 1), "7/2024"),
        (date(2199, 1, 1), "7/2024"),
    ],
)
def test_the_newest_pack_that_has_begun_is_in_force(day: date, name: str) -> None:
    assert pack_on(day).name == name


def test_before_the_first_pack_there_is_no_law_to_enrol_by() -> None:
    with pytest.raises(LookupError):
        pack_on(date(2020, 12, 31))


FINGERS = GOOD[GOOD.index("[fingers]") :]
AGES = "[14, 25, 40, 60]"
WRONG = {
    "unknown key": ("early_years", "early_year", "unknown key 'early_year'; allowed: name,"),
    "unknown table": ("[fingers]", "[eyes]\n[fingers]", "unknown table [eyes]; allowed: name,"),
    "missing key": ("guardian_below = 14\n", "", "missing: guardian_below"),
    "missing table": (FINGERS, "", "missing: fingers"),
    "missing finger": ("ring = 10\n", "", "[fingers.threshold] missing: ring"),
    "unknown finger": ("ring = 10", "sixth = 10", "[fingers.threshold] unknown key 'sixth'; allowed: thumb,"),
    "no table": (FINGERS, "fingers = 3\n", "[fingers] must be a table"),
    "out of limits": ("thumb = 30", "thumb = 101", "[fingers.threshold] thumb = 101; allowed: 1 to 100"),
    "a score as text": ("index = 30", 'index = "30"', "index = '30'; must be a whole number"),
    "a date as text": ("= 2024-07-01", '= "2024-07-01"', "begins = '2024-07-01'; must be a date"),
    "a moment": ("= 2024-07-01", "= 2024-07-01T00:00:00", "must be a date"),
    "an age as yes": ("from_age = 6 ", "from_age = true ", "from_age = True; must be a whole number"),
    "no list": (AGES, "14", "renewal_ages = 14; must be a list"),
    "an empty list": (AGES, "[]", "renewal_ages = []; must be a list"),
    "a mixed list": (AGES, '[14, "25"]', "renewal_ages = '25'; must be a whole number"),
    "falling ages": (AGES, "[25, 14]", "renewal_ages = [25, 14]; must rise"),
    "nine fingers": (
        '    "right_thumb", "right_index"',
        '    "right_index"',
        "order must name each of the ten",
    ),
    "a sixth kind": (
        '["index", "thumb"',
        '["sixth", "thumb"',
        "alternatives must be different ones of thumb",
    ),
    "a kind twice": (
        '["index", "thumb"',
        '["thumb", "thumb"',
        "alternatives must be different ones of thumb",
    ),
    "another month": ("= 2024-07-01", "= 2025-01-01", "must be named 2025-01.toml"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_pack_is_refused_with_file_and_key(tmp_path: Path, what: str) -> None:
    good, bad, expected = WRONG[what]
    assert GOOD.count(good) == 1
    path = written(tmp_path, GOOD.replace(good, bad))
    with pytest.raises(ConfigError) as refused:
        read_rule_pack(path)
    assert str(refused.value).startswith(f"{path}:") and expected in str(refused.value)


def test_two_packs_of_one_name_are_refused(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    second = written(tmp_path, GOOD.replace("2024-07-01", "2025-01-01"), "2025-01.toml")
    with pytest.raises(ConfigError, match=r"2025-01.toml: name = '7/2024'") as refused:
        rule_packs(tmp_path)
    assert str(second) in str(refused.value)


def test_a_folder_without_packs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no rule pack"):
        rule_packs(tmp_path)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    look = (
        "import firmware.records.format.schema as s, firmware.records.format.rules as r\n"
        "import firmware.quality.best, firmware.records.assemble\n"
        "assert r.packs.cache_info().misses == 0"
    )
    subprocess.run([sys.executable, "-c", look], check=True, timeout=60)
