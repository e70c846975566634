"""What the box seals the centre takes in; what the centre would refuse the box refused first, and said why.

Each bent manifest goes both ways: through the box's own sealing, and signed and encrypted by a box that
checks nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from starlette.testclient import TestClient
from support import record
from support.centre import Box, TestStation, as_box, deliver
from support.mutants import VALID, mutants
from support.torture import many

from firmware.records.format.errors import FormatError, SchemaRefused, SealRefused
from firmware.records.format.manifest import MAX_MANIFEST_BYTES, canonical, parse, record_digest
from firmware.records.format.receipt import ReceiptKind, SignedReceipt
from firmware.records.format.schema import FINGERS, OPTIONAL, require_valid, validate
from firmware.records.format.seal import Sealed, _zip, encrypt, seal
from firmware.records.format.signing import sign_detached


@dataclass
class Line:
    """A box and its centre."""

    box: Box
    http: TestClient

    def recipients(self) -> list[str]:
        return (self.box.folder / "recipients.txt").read_text().split()

    def sealed(self, manifest: dict[str, Any]) -> Sealed:
        """As the box does it. Raises FormatError."""
        return seal(manifest, named_files(manifest), self.box.signer, self.recipients())

    def forced(self, manifest: dict[str, Any]) -> Sealed:
        """As a box would do it that checks nothing. Raises SchemaRefused for what is no JSON at all."""
        content = canonical(manifest)
        package = _zip(content, sign_detached(content, self.box.signer), named_files(manifest))
        return encrypt(package, record_digest(content), self.recipients())

    def receipt(self, sealed: Sealed) -> ReceiptKind | None:
        """The centre's verdict; None: it refused the record, as something that no box can have sealed."""
        answer = deliver(self.http, sealed)
        if answer.status_code == 422:
            assert answer.json()["reason"] in ("schema", "seal", "signature"), answer.text
            return None
        assert answer.status_code == 200, answer.text
        receipt = SignedReceipt.from_json(answer.content).verify(self.box.certificate("receipt.pem"))
        assert (receipt.record_digest, receipt.sealed_digest) == (sealed.record_digest, sealed.sealed_digest)
        return receipt.kind


def named_files(manifest: dict[str, Any]) -> dict[str, bytes]:
    """Of a whole record's files those that this one names, whatever it names them in."""
    named = manifest.get("files")
    return {name: data for name, data in record.files().items() if isinstance(named, dict) and name in named}


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        station = TestStation(Path(folder))
        box = station.enrol()
        with station.asgi() as app:
            yield Line(box, as_box(app, box))


def goes_both_ways(line: Line, manifest: dict[str, Any]) -> str:
    """How it ended: on the box, or with which receipt."""
    try:
        sealed = line.sealed(manifest)
    except FormatError as refused:
        return refused_by_the_box(line, manifest, refused)
    kind = line.receipt(sealed)
    assert kind is not None, "the centre refuses what the box sealed"
    return kind.value


def refused_by_the_box(line: Line, manifest: dict[str, Any], why: FormatError) -> str:
    """It says what is wrong; the centre says so too, but of values that JSON makes good (60.0 is 60)."""
    assert str(why)
    if isinstance(why, SchemaRefused):
        assert all(problem.where and problem.what for problem in why.problems)
    try:
        forced = line.forced(manifest)
    except FormatError:
        return "no JSON"
    if line.receipt(forced) is None:
        return "refused"
    assert isinstance(why, SchemaRefused)
    assert {problem.what for problem in why.problems} == {"must be a whole number"}, why
    return "mended by JSON"


@pytest.mark.parametrize("which", VALID)
def test_what_is_valid_gets_its_receipt(line: Line, which: str) -> None:
    assert goes_both_ways(line, VALID[which]()) in {kind.value for kind in ReceiptKind}


@pytest.mark.torture
def test_bent_records_end_the_same_way_on_both_sides(line: Line) -> None:
    ends: Counter[str] = Counter()

    @settings(
        max_examples=many(300, 20_000),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(mutants())
    @example({})
    @example(record.manifest(started_at="9999-12-31T23:59:59Z", completed_at="9999-12-31T23:59:59Z"))
    @example(record.manifest(sequence=2**31 - 1, previous_digest="ab" * 32))
    def bent(manifest: dict[str, Any]) -> None:
        ends[goes_both_ways(line, manifest)] += 1

    bent()
    assert ends["refused"] >= 50 and ends["no JSON"] >= 5
    assert sum(count for end, count in ends.items() if end in set(ReceiptKind)) >= 8, ends


@pytest.mark.parametrize("key", ["sequence", "assignment.epoch", "chip.attempt"])
def test_no_number_is_larger_than_a_column_of_postgresql(key: str) -> None:
    manifest = record.manifest(previous_digest="ab" * 32, sequence=7)
    *way, last = key.split(".")
    holder = manifest[way[0]] if way else manifest
    holder[last] = 2**31 - 1
    assert validate(manifest) == []
    holder[last] = 2**31
    assert [problem.where for problem in validate(manifest)] == [key]


def test_no_letter_is_newer_than_any_python_of_a_box_or_a_centre_knows() -> None:
    """U+1E9E came with Unicode 5.1: the tables of one side could have it and the other's not."""
    manifest = record.manifest()
    manifest["subject"]["full_name"]["value"] = "GROẞ"
    assert [problem.where for problem in validate(manifest)] == ["subject.full_name.value"]


HOSTILE = {
    "a key twice": lambda text: text.replace('"case":', '"case":"renewal","case":', 1),
    "a space": lambda text: text.replace('"case":', '"case": ', 1),
    "keys in another order": lambda text: json.dumps(dict(reversed(json.loads(text).items()))),
    "a whole number with a point": lambda text: text.replace('"sequence":1', '"sequence":1.0', 1),
    "a whole number as a power": lambda text: text.replace('"sequence":1', '"sequence":1e0', 1),
    "minus nothing": lambda text: text.replace('"sharpness":0.9', '"sharpness":-0', 1),
    "minus nothing with a point": lambda text: text.replace('"sharpness":0.9', '"sharpness":-0.0', 1),
    "digits that no double has": lambda text: text.replace("0.9", "0.90000000000000002", 1),
    "not a number": lambda text: text.replace('"sharpness":0.9', '"sharpness":NaN', 1),
    "without end": lambda text: text.replace('"sharpness":0.9', '"sharpness":Infinity', 1),
    "a number past any double": lambda text: text.replace('"sharpness":0.9', '"sharpness":1e999', 1),
    "a number of many digits": lambda text: text.replace('"sequence":1', '"sequence":1' + "0" * 5000, 1),
    "an escaped letter": lambda text: text.replace("Nguyễn", "Nguy\\u1ec5n", 1),
    "half a pair": lambda text: text.replace("Nguyễn", "\\ud83d", 1),
    "a pair in two halves": lambda text: text.replace("Nguyễn", "\\ud83d\\ude00", 1),
    "a byte order mark": lambda text: "\ufeff" + text,
    "something behind it": lambda text: text + "{}",
    "a line's end": lambda text: text + "\n",
    "deep": lambda text: text.replace('"steps":[', '"steps":[' + "[" * 100_000 + "]" * 100_000 + ",", 1),
    "a list": lambda text: f"[{text}]",
    "too long": lambda text: text + " " * MAX_MANIFEST_BYTES,
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_a_manifest_that_reads_as_more_than_one_thing_is_refused(how: str) -> None:
    text = canonical(record.manifest()).decode()
    bent = HOSTILE[how](text)
    assert bent != text
    with pytest.raises(SealRefused):
        parse(bent.encode())


@pytest.mark.parametrize(
    ("value", "written"),
    [(61, "61"), (61.0, "61"), (-0.0, "0"), (1e-7, "1e-7"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_a_number_reads_back_as_what_was_judged(value: float, written: str) -> None:
    manifest = record.manifest(
        proof={"method": "finger", "finger": "right_index", "score": value, "at": record.AT}
    )
    require_valid(manifest)
    content = canonical(manifest)
    assert f'"score":{written}'.encode() in content
    again = parse(content)
    assert again["proof"]["score"] == value and canonical(again) == content
    assert validate(again) == []


def test_the_longest_record_that_is_valid_can_be_read_by_the_centre(line: Line) -> None:
    """Every list full and every text at its length: it is still shorter than what the centre reads."""
    word, name = "W" * 64, "ệ" * 400
    attempts = [{"at": record.AT, "score": 60, "hint": word}] * 100
    manifest = record.manifest(
        fingers=[{**record.finger(finger), "attempts": attempts} for finger in FINGERS],
        steps=[{"step": word, "at": "2026-03-02T03:00:00.000001Z"}] * 2000,
        portrait={**record.portrait(), "flags": [word] * 32, "approved_by": word},
    )
    manifest["portrait"]["scores"] = {f"{n:060d}".replace("0", "a"): 1e-5 / 3 for n in range(64)}
    manifest["subject"] |= {
        key: {**record.stated(name), "previous": name} for key in OPTIONAL if "date" not in key
    }
    assert len(canonical(manifest)) < MAX_MANIFEST_BYTES
    assert goes_both_ways(line, manifest) in set(ReceiptKind)
