"""Who has this number: never another person's data, never from an extract that is not the centre's."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import record
from support.centre import PERSON, Box, TestStation
from support.wire import json_answer, scripted_centre

from centre import registry as centre_registry
from centre.pki import Role
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import (
    CentreRefused,
    CentreUnreachable,
    CentreWrong,
    ExtractRefused,
    PersonUnknown,
)
from firmware.uplink.extract import Extract
from firmware.uplink.registry import Registry, Source, to_person

NOW = record.NOW


class Scripted(CentreClient):
    """A client whose line is replaced: `answer` is called for every path."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self._give = answer

    def get_json(self, path: str) -> dict[str, Any]:
        return dict(self._give(path))

    def get(self, path: str, most: int = 0) -> bytes:
        return bytes(self._give(path))


def raising(error: Exception) -> Callable[[str], Any]:
    def give(_path: str) -> Any:
        raise error

    return give


SILENT = raising(CentreUnreachable("no network"))


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> TestStation:
    return TestStation(tmp_path_factory.mktemp("station"))


@pytest.fixture(scope="module")
def box(station: TestStation) -> Box:
    return station.enrol()


@pytest.fixture(scope="module")
def extract(station: TestStation) -> bytes:
    signer = station.station.pki.credential(Role.EXTRACT)
    other = {**PERSON, "number": "001304000025", "full_name": "Trần Văn Mẫu"}
    return centre_registry.make_extract([PERSON, other], signer, NOW)


def looked_up(box: Box, folder: Path, answer: Callable[[str], Any], now: datetime = NOW) -> Registry:
    certificate = box.certificate("extract.pem")
    return Registry(Scripted(answer), folder / "extract", certificate, lambda: now)


def test_the_person_asked_for_is_answered(box: Box, tmp_path: Path) -> None:
    person = looked_up(box, tmp_path, lambda _path: PERSON).lookup(record.NUMBER)
    assert (person.number, person.source, person.as_of) == (record.NUMBER, Source.REGISTRY, NOW)
    assert person.fingers == {"right_index": bytes(range(4))}
    assert "fingers" not in person.fields


def test_another_persons_data_is_never_taken(box: Box, tmp_path: Path) -> None:
    registry = looked_up(box, tmp_path, lambda _path: {**PERSON, "number": "001304000025"})
    with pytest.raises(CentreWrong, match="another person"):
        registry.lookup(record.NUMBER)


def test_another_persons_data_is_never_taken_over_the_wire(tmp_path: Path) -> None:
    station = TestStation(tmp_path, datetime.now(UTC))  # TLS looks at the machine's clock
    box = station.enrol()
    answer = json_answer({**PERSON, "number": "001304000025"})
    with scripted_centre(station.station.pki, answer) as port, box.client(port) as client:
        registry = Registry(client, tmp_path / "extract", box.certificate("extract.pem"))
        with pytest.raises(CentreWrong, match="another person"):
            registry.lookup(record.NUMBER)


@pytest.mark.parametrize(
    "change",
    [
        {"full_name": 5},
        {"full_name": "x" * 501},
        {"fingers": []},
        {"fingers": {"right_index": "%%"}},
        {"fingers": {"right_index": None}},
    ],
)
def test_an_answer_that_is_no_person_is_wrong(change: dict[str, Any]) -> None:
    with pytest.raises(CentreWrong):
        to_person({**PERSON, **change}, record.NUMBER, Source.REGISTRY, NOW)


@pytest.mark.parametrize("number", ["", "12345", "00130400001x", "٠٠١٣٠٤٠٠٠٠١٧", "001304000017/../x"])
def test_only_twelve_digits_are_asked(box: Box, tmp_path: Path, number: str) -> None:
    with pytest.raises(ValueError, match="twelve"):
        looked_up(box, tmp_path, SILENT).lookup(number)


def test_unknown_at_the_centre_is_final_even_with_an_extract(
    box: Box, tmp_path: Path, extract: bytes
) -> None:
    (tmp_path / "extract").write_bytes(extract)
    with pytest.raises(PersonUnknown):
        looked_up(box, tmp_path, raising(CentreRefused(404, "person_unknown"))).lookup(record.NUMBER)


def test_another_refusal_is_not_an_unknown_person(box: Box, tmp_path: Path) -> None:
    with pytest.raises(CentreRefused) as refused:
        looked_up(box, tmp_path, raising(CentreRefused(404, "unknown"))).lookup(record.NUMBER)
    assert not isinstance(refused.value, PersonUnknown)


def test_a_wrong_centre_is_not_papered_over_by_the_extract(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(extract)
    with pytest.raises(CentreWrong):
        looked_up(box, tmp_path, raising(CentreWrong("TLS"))).lookup(record.NUMBER)


def test_offline_the_extract_answers_and_says_so(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(extract)
    person = looked_up(box, tmp_path, SILENT, NOW + timedelta(days=3)).lookup("001304000025")
    assert (person.source, person.as_of) == (Source.EXTRACT, NOW.replace(microsecond=0))
    assert person.fields["full_name"] == "Trần Văn Mẫu"


def test_offline_without_an_extract_the_centre_is_unreachable(box: Box, tmp_path: Path) -> None:
    with pytest.raises(CentreUnreachable):
        looked_up(box, tmp_path, SILENT).lookup(record.NUMBER)


def test_an_old_extract_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(extract)
    late = NOW + timedelta(days=centre_registry.EXTRACT_DAYS, seconds=1)
    with pytest.raises(ExtractRefused, match="valid until"):
        looked_up(box, tmp_path, SILENT, late).lookup(record.NUMBER)


def test_an_extract_from_the_future_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(extract)
    with pytest.raises(ExtractRefused):
        looked_up(box, tmp_path, SILENT, NOW - timedelta(hours=1)).lookup(record.NUMBER)


@pytest.mark.parametrize("place", [40, 200, -30])
def test_an_extract_changed_in_one_byte_is_refused(
    box: Box, tmp_path: Path, extract: bytes, place: int
) -> None:
    changed = bytearray(extract)
    changed[place] ^= 1
    (tmp_path / "extract").write_bytes(changed)
    with pytest.raises(ExtractRefused):
        Extract(tmp_path / "extract", box.certificate("extract.pem"), NOW)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b"[]\n", b'{"header": 1, "signature": ""}\n', b"{" * 5000]
)
def test_what_is_no_extract_is_refused(box: Box, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "extract").write_bytes(data)
    with pytest.raises(ExtractRefused):
        Extract(tmp_path / "extract", box.certificate("extract.pem"), NOW)


def test_an_extract_without_its_last_person_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    short = b"\n".join(extract.splitlines()[:-1]) + b"\n"
    (tmp_path / "extract").write_bytes(short)
    with pytest.raises(ExtractRefused):
        Extract(tmp_path / "extract", box.certificate("extract.pem"), NOW)


def test_an_extract_of_another_centre_is_refused(
    box: Box, tmp_path: Path, extract: bytes, station: TestStation
) -> None:
    (tmp_path / "extract").write_bytes(extract)
    with pytest.raises(ExtractRefused, match="not signed"):
        Extract(tmp_path / "extract", box.certificate("receipt.pem"), NOW)


def test_a_bad_new_extract_leaves_the_old_one(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(extract)
    with pytest.raises(ExtractRefused):
        looked_up(box, tmp_path, lambda _path: b"nonsense").refresh()
    assert (tmp_path / "extract").read_bytes() == extract
    assert [path.name for path in tmp_path.iterdir()] == ["extract"]


def test_a_fresh_extract_takes_the_place_of_the_old(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(b"old")
    assert looked_up(box, tmp_path, lambda _path: extract).refresh() == NOW.replace(microsecond=0)
    assert (tmp_path / "extract").read_bytes() == extract


def test_the_template_is_the_bytes_that_the_registry_holds() -> None:
    template = bytes(range(256))
    fingers = {"left_thumb": base64.b64encode(template).decode()}
    person = to_person({**PERSON, "fingers": fingers}, record.NUMBER, Source.REGISTRY, NOW)
    assert person.fingers == {"left_thumb": template}
