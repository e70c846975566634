"""A configuration that cannot be used: exit code 78 and one line with file, key and what is allowed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from firmware.cli import EX_CONFIG, main

ROWS: dict[str, tuple[str | bytes, str]] = {
    "malformed": ("[centre\n", "not valid TOML"),
    "not text": (b"\xff\xfe", "not valid TOML"),
    "unknown table": ("[center]\n", "unknown table [center]; allowed: station, display, touch, finger, chip"),
    "unknown key": ("[centre]\nuri = 'x'\n", "[centre] unknown key 'uri'; allowed: url, timeout_s"),
    "unknown word": (
        "[station]\nprofile = 'demo'\n", "[station] profile = 'demo'; allowed: virtual, training, production"
    ),
    "out of limits": ("[centre]\ntimeout_s = 600\n", "[centre] timeout_s = 600; allowed: 1 to 60"),
    "another type": ("[finger]\nwait_s = 'long'\n", "[finger] wait_s = 'long'; must be a number"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["doctor", "run"])
@pytest.mark.parametrize("what", ROWS)
def test_a_bad_file_ends_the_command_with_one_line_that_names_file_key_and_what_is_allowed(
    what: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text, expected = ROWS[what]
    site = tmp_path / "site.toml"
    site.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setattr(sys, "argv", ["kiosk", command, "--config", str(site)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == EX_CONFIG == 78
    assert said.err.count("\n") == 1 and said.out == ""
    assert said.err.startswith(f"kiosk: {site}: ") and expected in said.err


NAMES = {
    "a file that is not there": (["--config", "no-such.toml"], "no-such.toml: no such file"),
    "an unknown board": (["--board", "pi9"], "config/boards: there is no 'pi9'; there are: pi4-7inch"),
}


@pytest.mark.parametrize("what", NAMES)
def test_a_name_of_nothing_is_refused_with_what_there_is(
    what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, expected = NAMES[what]
    monkeypatch.setattr(sys, "argv", ["kiosk", "doctor", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == EX_CONFIG
    assert capsys.readouterr().err.startswith(f"kiosk: {expected}")
