"""What leaves the box for the service team: enough to find a fault, and nothing of a person."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyrage
import pytest
import typer
from support import office
from support.kiosk import Story, story

from config.load import load
from config.schema import Config
from firmware.box import bundle
from firmware.box.bundle import BundleRefused, Part
from firmware.box.bundle_parts import parts
from firmware.box.discretion import FIELDS
from firmware.cli_bundle import write_bundle
from firmware.doctor import FAIL, PASS, Finding
from firmware.records.errors import StoreError
from firmware.records.journal import Journal
from firmware.sim.officer import PINS
from firmware.sim.people import Citizen
from statemachine.states import S

SERVICE = pyrage.x25519.Identity.generate()
MADE_UP = ("Nguyễn Thị Bê", "012345678901", "12 ngõ 3, phường Tân Lập", "1987-06-05", "4711 0815", "938271")
PICTURE = bytes(range(1, 250)) * 3
TEMPLATE = b"FMR\x00 20\x00" + bytes(range(60, 160))
FOUND = (
    Finding("disk", "5000 MB", "≥ 2000 MB", PASS),
    Finding("chip", "PC/SC 0x8010001d", "opens", FAIL, "is not running"),
)


def health() -> Iterable[Finding]:
    return FOUND


def log_of(*messages: str) -> Callable[[], Iterable[Mapping[str, str]]]:
    entries = [
        {"MESSAGE": each, "__REALTIME_TIMESTAMP": "1780000000000000", "PRIORITY": "4"} for each in messages
    ]
    return lambda: iter(entries)


def box_at(data: Path) -> Config:
    """The configuration of a box in `data`, its service team named."""
    (data / "identity").mkdir(parents=True, exist_ok=True)
    (data / "identity" / "service.txt").write_text(f"# the service team\n{SERVICE.to_public()}\n")
    config = load()
    return replace(config, station=replace(config.station, data=str(data)))


def opened(path: Path) -> dict[str, str]:
    return {name: data.decode() for name, data in _files(path).items()}


def _files(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pyrage.decrypt(path.read_bytes(), [SERVICE]))) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def made(config: Config, target: Path, log: Any = lambda: ()) -> bundle.Written:
    return bundle.write(
        parts(config, health, log), Path(config.station.data) / "identity", target, lambda _: None
    )


def spellings(secret: str | bytes) -> Iterator[bytes]:
    """A secret as it might stand in a file: text in three encodings, hexadecimal, base64 at each offset."""
    raws = (
        [secret]
        if isinstance(secret, bytes)
        else [secret.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")]
    )
    if isinstance(secret, str):
        raws += [json.dumps(secret)[1:-1].encode(), secret.upper().encode(), secret.replace(" ", "").encode()]
    for raw in raws:
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for before in range(3):
            yield _within_base64(raw, before)


def _within_base64(raw: bytes, before: int) -> bytes:
    """The characters that `raw` alone decides where it stands `before` bytes into a group of three."""
    text = base64.b64encode(bytes(before) + raw).rstrip(b"=")
    return text[(0, 2, 3)[before] : len(text) - bool((before + len(raw)) % 3)]


def holds(data: bytes, secret: str | bytes) -> bool:
    """Spellings of less than six bytes are not looked for: a zip holds each of them by chance one day."""
    return any(len(each) > 5 and each in data for each in spellings(secret))


def all_bytes(path: Path) -> bytes:
    """Everything that whoever opens the bundle can see: the zip as it lies there and each file in it."""
    packed = pyrage.decrypt(path.read_bytes(), [SERVICE])
    return packed + b"".join(_files(path).values())


def of(person: Citizen) -> list[str | bytes]:
    """What is known of a made-up citizen: each field, in the forms in which people write it."""
    long = [value for key, value in person.fields.items() if len(value) > 5 and key != "nationality"]
    names = [
        part
        for key in ("full_name", "father_name", "mother_name")
        for part in [person.fields.get(key, "")]
        if part
    ]
    day = "/".join(reversed(person.fields["birth_date"].split("-")))
    return [*long, *names, day, person.number, " ".join(person.number[n : n + 3] for n in range(0, 12, 3))]


def a_day(s: Story) -> list[str | bytes]:
    """One citizen is sealed, the next leaves with a ticket; everything of theirs that must not leave."""
    s.until(S.RECEIPT)
    s.comes(lambda: s.record in ("SEALED", "ACKED", "PURGED"))
    s.until(S.ATTRACT)
    s.comes_in(office.NEXT)
    s.until(S.FINGERS)
    s.touch("help")
    s.comes(S.HELP)
    s.officer()
    s.touch("act:pause")
    s.comes(S.PAUSED)
    s.badge(None)
    s.comes(lambda: s.kiosk.flow.session.ticket)
    for each in (MADE_UP[0], *MADE_UP[2:]):  # as if somebody's code had put into the audit log what may not
        s.ask(partial(_planted, each))
    visit = s.kiosk.visit
    secrets: list[str | bytes] = [
        *of(office.ADULT),
        *of(office.NEXT),
        visit.ticket,
        visit.ticket.replace(" ", ""),
    ]
    secrets += [*PINS.values(), *visit.templates.values(), *visit.impressions.values()]
    secrets += [row["ticket"] for row in s.rows("SELECT ticket FROM record WHERE ticket NOTNULL")]
    secrets += [row["id"] for row in s.rows("SELECT id FROM record")]
    return [secret for secret in secrets if secret]


def test_nothing_of_a_person_is_in_the_bundle(tmp_path: Path) -> None:
    with story() as s:
        secrets = [*a_day(s), *MADE_UP, PICTURE, TEMPLATE]
        says = [each if isinstance(each, str) else each.hex() for each in secrets]
        log = log_of(
            *(f"ERROR firmware.courier: not sent: {each}" for each in says),
            *(f"{each} {each}: {each}" for each in says),
            *(f"WARNING {each}: the line is {base64.b64encode(each.encode()).decode()}" for each in says),
            f"kiosk: builtins.{MADE_UP[0]}",
            f"  /opt/idkiosk/firmware/{MADE_UP[1]}.py:12 {MADE_UP[0]}", "end",
        )  # fmt: skip
        config = box_at(s.box)
        planted = s.box / "transcripts" / "00000999.jsonl"
        planted.write_text("".join(json.dumps(dict.fromkeys(FIELDS, each)) + "\n" for each in says))
        told = [
            *parts(config, lambda: [Finding(each, each, each, FAIL, each) for each in says], log),
            *(Part(f"broken{n}.jsonl", "", lambda each=each: _fails(each)) for n, each in enumerate(says)),  # type: ignore[misc]
        ]
        bundle.write(told, s.box / "identity", tmp_path / "a.age", lambda _: None)
    seen = all_bytes(tmp_path / "a.age")
    assert not [each for each in secrets if holds(seen, each)]
    told_of = {name: rows(text) for name, text in opened(tmp_path / "a.age").items() if ".jsonl" in name}
    assert len(told_of["audit.jsonl"]) > 10
    assert len([row for row in told_of["devices.jsonl"] if row.get("sw") == "9000"]) > 50


def _planted(text: str, journal: Journal) -> None:
    journal.audit.append(text, text, None, {"reason": text, text: text})


def _fails(secret: str) -> Iterator[Any]:
    yield {"message": secret, "name": secret, "reason": secret, "at": secret, "code": secret, secret: secret}
    raise ValueError(secret) from KeyError(secret)


def test_the_scan_itself_finds_what_is_planted(tmp_path: Path) -> None:
    target = tmp_path / "leaky.zip"
    for secret in (*MADE_UP, PICTURE, TEMPLATE):
        for planted in spellings(secret):
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
                packed.writestr("a", b"before " + planted + b" after")
            target.write_bytes(pyrage.encrypt(target.read_bytes(), [SERVICE.to_public()]))
            assert holds(all_bytes(target), secret)


def test_it_says_what_the_service_team_asks_first(tmp_path: Path) -> None:
    with story() as s:
        s.until(S.REVIEW)
        log = log_of(
            "WARNING firmware.supervise: chip: PC/SC 0x8010001d", "INFO firmware.supervise: finger is up",
            "kiosk: drivers.errors.DeviceGone",
            "  /opt/idkiosk/firmware/app/kiosk.py:193 handle", "  /opt/idkiosk/drivers/worker.py:40 run",
            "next",
        )  # fmt: skip
        written = made(box_at(s.box), tmp_path / "a.age", log)
        assert written.failed == ()
        steps = [row["name"] for row in s.rows("SELECT name FROM step ORDER BY n")]
    told = {name: rows(text) for name, text in opened(tmp_path / "a.age").items() if name.endswith(".jsonl")}
    assert {"box": office.BOX, "epoch": 1, "name": "development", "setting": True} in told["box.jsonl"]
    assert {"section": "chip", "option": "issues_here", "setting": True} in told["config.jsonl"]
    assert any(row.get("lock_sha256", "…") != "…" for row in told["program.jsonl"])
    assert {row["library"]: row for row in told["program.jsonl"] if "library" in row}["pyrage"][
        "version"
    ] != "…"
    chip = next(row for row in told["health.jsonl"] if row["name"] == "chip")
    assert (chip["verdict"], chip["code"], chip["value"]) == ("fail", "E-103", "PC/SC 0x8010001d")
    assert {"name": "records", "state": "DRAFT", "count": 1} in told["records.jsonl"]
    assert [row["state"] for row in told["steps.jsonl"]] == steps
    assert [row["act"] for row in told["audit.jsonl"]][:2] == ["created", "begin"]
    assert "…" not in json.dumps([row["act"] for row in told["audit.jsonl"]])
    assert told["log.jsonl"][0] | {"at": ""} == {
        "at": "", "level": "WARNING", "logger": "firmware.supervise", "message": "chip: PC/SC 0x8010001d",
    }  # fmt: skip
    assert told["crashes.jsonl"][0]["error"] == "drivers.errors.DeviceGone"
    assert told["crashes.jsonl"][0]["lines"] == [
        "firmware/app/kiosk.py:193 handle",
        "drivers/worker.py:40 run",
    ]


def test_a_password_in_the_configuration_stays_there(tmp_path: Path) -> None:
    config = box_at(tmp_path / "box")
    config = replace(
        config, token=replace(config.token, module="/lib/x.so", pin_file="/etc/idkiosk/pin-938271")
    )
    made(config, tmp_path / "a.age")
    told = rows(opened(tmp_path / "a.age")["config.jsonl"])
    assert {"section": "token", "option": "pin_file", "setting": "set"} in told
    assert {"section": "token", "option": "label", "setting": "empty"} in told


def test_a_part_that_breaks_says_so_and_the_others_are_there(tmp_path: Path) -> None:
    """A box without identity, journal or log: that is when a bundle is needed."""
    (tmp_path / "box" / "records").mkdir(parents=True)
    (tmp_path / "box" / "records" / "journal.db").write_bytes(b"not a database" * 99)

    def no_log() -> Iterable[Mapping[str, str]]:
        raise OSError("no journal files of Nguyễn Thị Bê")

    written = made(box_at(tmp_path / "box"), tmp_path / "a.age", no_log)
    told = opened(tmp_path / "a.age")
    assert {"box.jsonl", "records.jsonl", "audit.jsonl", "steps.jsonl", "log.jsonl"} <= set(written.failed)
    assert rows(told["records.jsonl"])[-1]["error"] == "firmware.records.errors.StoreDamaged"
    assert rows(told["log.jsonl"])[-1]["error"] == "builtins.OSError"
    assert rows(told["health.jsonl"])[0]["name"] == "disk"
    assert rows(told["program.jsonl"])


def test_a_device_that_kills_the_examination_leaves_what_was_found(tmp_path: Path) -> None:
    def dies() -> Iterator[Finding]:
        yield FOUND[0]
        raise RuntimeError("a driver's bug")

    config = box_at(tmp_path / "box")
    bundle.write(
        parts(config, dies, lambda: ()), tmp_path / "box" / "identity", tmp_path / "a.age", lambda _: None
    )
    told = rows(opened(tmp_path / "a.age")["health.jsonl"])
    assert [row.get("name") or row["error"] for row in told] == ["disk", "builtins.RuntimeError"]


@pytest.mark.parametrize("text", [None, "", "# nobody\n", "age1thisisnokey", "ssh-ed25519 AAAA"])
def test_without_a_service_team_no_bundle_is_made(tmp_path: Path, text: str | None) -> None:
    config = box_at(tmp_path / "box")
    path = tmp_path / "box" / "identity" / "service.txt"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(BundleRefused, match=r"service\.txt"):
        made(config, tmp_path / "a.age")
    assert not (tmp_path / "a.age").exists()


def test_a_stick_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        made(box_at(tmp_path / "box"), tmp_path / "no such folder" / "a.age")


def test_only_the_service_team_opens_it(tmp_path: Path) -> None:
    made(box_at(tmp_path / "box"), tmp_path / "a.age")
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt((tmp_path / "a.age").read_bytes(), [pyrage.x25519.Identity.generate()])


def test_a_part_is_bounded(tmp_path: Path) -> None:
    config = box_at(tmp_path / "box")
    endless = Part("endless.jsonl", "", lambda: ({"n": 1} for _ in iter(int, 1)))
    bundle.write([endless], tmp_path / "box" / "identity", tmp_path / "a.age", lambda _: None)
    assert len(rows(opened(tmp_path / "a.age")["endless.jsonl"])) == bundle.MOST_ROWS
    assert config


def test_the_command_says_where_it_lies_and_who_can_open_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = box_at(tmp_path / "box")
    monkeypatch.setattr("firmware.box.bundle_parts.read_log", lambda: iter(()))
    write_bundle(config, tmp_path / "a.age", health)
    said = capfd.readouterr().err
    assert str(tmp_path / "a.age") in said and " kB" in said
    assert str(SERVICE.to_public()) in said
    assert all(f"{name}.jsonl" in said for name in ("program", "health", "records", "log", "crashes"))


def test_the_command_without_a_service_team_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = box_at(tmp_path / "box")
    (tmp_path / "box" / "identity" / "service.txt").unlink()
    with pytest.raises(typer.Exit) as ended:
        write_bundle(config, tmp_path / "a.age", health)
    assert ended.value.exit_code == 1
    assert len(capfd.readouterr().err.splitlines()) == 1


@pytest.mark.skipif(shutil.which("age") is None, reason="the stock tool age is not installed")
def test_stock_age_and_unzip_open_it(tmp_path: Path) -> None:
    made(box_at(tmp_path / "box"), tmp_path / "a.age")
    (tmp_path / "key").write_text(f"{SERVICE}\n")
    age = str(shutil.which("age"))
    asked = [age, "-d", "-i", str(tmp_path / "key"), "-o", str(tmp_path / "a.zip"), str(tmp_path / "a.age")]
    subprocess.run(asked, check=True, timeout=30)
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.testzip() is None
        assert "README.txt" in packed.namelist()
    assert zlib.crc32((tmp_path / "a.zip").read_bytes())
