"""udev and polkit rules: right in form, and no device of the drivers forgotten."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import udev

from drivers.fingerprint.models import MODELS

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
UDEV, POLKIT = DEPLOY / "60-idkiosk.rules", DEPLOY / "50-idkiosk-pcsc.rules"
# udev(7): KEY, or KEY{attribute}; match by == or !=, assign by =, += or :=
PART = re.compile(r'([A-Z_]+)(?:\{([\w/]+)\})?(==|!=|=|\+=|:=)"([^"]*)"')
MATCHES = {"SUBSYSTEM", "KERNEL", "ENV", "ATTR", "DEVPATH", "ACTION"}
ASSIGNMENTS = {"GROUP", "MODE", "ATTR", "TAG"}
POLKIT_STUB = """
const rules = [];
const polkit = { Result: { YES: "yes" }, addRule: (rule) => rules.push(rule) };
%s
const asked = JSON.parse(process.argv[1]);
console.log(JSON.stringify(asked.map(([id, user]) => rules[0]({ id }, { user }) ?? null)));
"""


def rules() -> list[list[tuple[str, str, str, str]]]:
    """Each rule as (key, attribute, operator, value); raises AssertionError for a malformed one."""
    parsed = []
    for line in UDEV.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        parts = [PART.fullmatch(part.strip()) for part in line.split(",")]
        assert all(parts), line
        parsed.append([(m[1], m[2] or "", m[3], m[4]) for m in parts if m])
    return parsed


def test_udev_itself_accepts_the_rules() -> None:
    udev.accepts(UDEV)


def test_each_rule_matches_first_and_then_assigns_known_keys() -> None:
    for rule in rules():
        kinds = ["match" if operator in ("==", "!=") else "assign" for _, _, operator, _ in rule]
        assert kinds == sorted(kinds, reverse=True), rule
        assert {key for (key, *_), kind in zip(rule, kinds, strict=True) if kind == "match"} <= MATCHES
        assert {key for (key, *_), kind in zip(rule, kinds, strict=True) if kind == "assign"} <= ASSIGNMENTS


def test_no_rule_opens_a_device_to_everybody() -> None:
    for rule in rules():
        said = {key: value for key, _, operator, value in rule if operator == "="}
        assert said["MODE"] == "0660"
        assert said["GROUP"] in {"idkiosk", "gpio", "video", "input"}


def test_each_sensor_that_the_driver_opens_has_its_rule() -> None:
    ruled = {
        (found["idVendor"], found["idProduct"])
        for rule in rules()
        if (found := {attribute: value for key, attribute, _, value in rule if key == "ATTR"}).get("idVendor")
    }
    opened = {(f"{m.vendor:04x}", f"{m.product:04x}") for m in MODELS if not m.authenticates}
    assert ruled == opened


def test_every_group_of_the_rules_is_one_of_the_service() -> None:
    unit = (DEPLOY / "idkiosk.service").read_text()
    line = next(line for line in unit.splitlines() if line.startswith("SupplementaryGroups="))
    groups = {"idkiosk", *line.partition("=")[2].split()}
    assert {value for rule in rules() for key, _, _, value in rule if key == "GROUP"} <= groups


def test_pcscd_lets_the_kiosk_in_and_nobody_else() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the polkit rule is JavaScript")
    pcsc = "org.debian.pcsc-lite."
    asked = [
        (f"{pcsc}access_pcsc", "idkiosk"),
        (f"{pcsc}access_card", "idkiosk"),
        (f"{pcsc}access_card", "pi"),
        ("org.freedesktop.login1.reboot", "idkiosk"),
    ]
    program = POLKIT_STUB % POLKIT.read_text()
    done = subprocess.run(
        ["node", "-e", program, json.dumps(asked)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["yes", "yes", None, None]
