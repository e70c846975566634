"""Who has this number: never another person's data, never from an extract that is not the centre's."""

from __future__ import annotations

import base64
import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyrage
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
    NotOurCentre,
    PersonUnknown,
)
from firmware.uplink.extract import Extract, keep
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
    return Registry(Scripted(answer), folder / "extract", certificate, box.identity, lambda: now)


def put(box: Box, folder: Path, data: bytes) -> bytes:
    """An extract as the centre gives it, kept on the box; what lies there."""
    keep(data, folder / "extract", box.certificate("extract.pem"), NOW, box.identity.to_public())
    return (folder / "extract").read_bytes()


def opened(box: Box, folder: Path, certificate: str = "extract.pem") -> Extract:
    return Extract(folder / "extract", box.certificate(certificate), NOW, box.identity)


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
        registry = Registry(client, tmp_path / "extract", box.certificate("extract.pem"), box.identity)
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
    put(box, tmp_path, extract)
    with pytest.raises(PersonUnknown):
        looked_up(box, tmp_path, raising(CentreRefused(404, "person_unknown"))).lookup(record.NUMBER)


def test_another_refusal_is_not_an_unknown_person(box: Box, tmp_path: Path) -> None:
    with pytest.raises(CentreRefused) as refused:
        looked_up(box, tmp_path, raising(CentreRefused(404, "unknown"))).lookup(record.NUMBER)
    assert not isinstance(refused.value, PersonUnknown)


def test_a_wrong_centre_is_not_papered_over_by_the_extract(box: Box, tmp_path: Path, extract: bytes) -> None:
    put(box, tmp_path, extract)
    with pytest.raises(CentreWrong):
        looked_up(box, tmp_path, raising(CentreWrong("TLS"))).lookup(record.NUMBER)


def test_a_guest_networks_certificate_is_as_good_as_no_line(box: Box, tmp_path: Path, extract: bytes) -> None:
    put(box, tmp_path, extract)
    person = looked_up(box, tmp_path, raising(NotOurCentre("TLS"))).lookup("001304000025")
    assert person.source is Source.EXTRACT


def test_a_guest_networks_certificate_without_an_extract_is_said_to_be_one(box: Box, tmp_path: Path) -> None:
    with pytest.raises(NotOurCentre):
        looked_up(box, tmp_path, raising(NotOurCentre("TLS"))).lookup("001304000025")


def test_offline_the_extract_answers_and_says_so(box: Box, tmp_path: Path, extract: bytes) -> None:
    put(box, tmp_path, extract)
    person = looked_up(box, tmp_path, SILENT, NOW + timedelta(days=3)).lookup("001304000025")
    assert (person.source, person.as_of) == (Source.EXTRACT, NOW.replace(microsecond=0))
    assert person.fields["full_name"] == "Trần Văn Mẫu"


def test_offline_without_an_extract_the_centre_is_unreachable(box: Box, tmp_path: Path) -> None:
    with pytest.raises(CentreUnreachable):
        looked_up(box, tmp_path, SILENT).lookup(record.NUMBER)


def test_an_old_extract_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    put(box, tmp_path, extract)
    late = NOW + timedelta(days=centre_registry.EXTRACT_DAYS, seconds=1)
    with pytest.raises(ExtractRefused, match="valid until"):
        looked_up(box, tmp_path, SILENT, late).lookup(record.NUMBER)


def test_an_extract_from_the_future_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    put(box, tmp_path, extract)
    with pytest.raises(ExtractRefused):
        looked_up(box, tmp_path, SILENT, NOW - timedelta(hours=1)).lookup(record.NUMBER)


@pytest.mark.parametrize("place", [40, 200, -30])
def test_an_extract_changed_in_one_byte_is_refused(
    box: Box, tmp_path: Path, extract: bytes, place: int
) -> None:
    changed = bytearray(extract)
    changed[place] ^= 1
    with pytest.raises(ExtractRefused):
        put(box, tmp_path, bytes(changed))
    assert list(tmp_path.iterdir()) == []


def test_an_extract_changed_in_any_byte_on_the_box_is_refused(
    box: Box, tmp_path: Path, extract: bytes
) -> None:
    kept = put(box, tmp_path, extract)
    for place in range(len(kept)):
        changed = bytearray(kept)
        changed[place] ^= 1
        (tmp_path / "extract").write_bytes(changed)
        with pytest.raises(ExtractRefused):
            opened(box, tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b"[]\n", b'{"header": 1, "signature": ""}\n', b"{" * 5000]
)
def test_what_is_no_extract_is_refused(box: Box, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "extract").write_bytes(data)
    with pytest.raises(ExtractRefused):
        opened(box, tmp_path)
    with pytest.raises(ExtractRefused):
        put(box, tmp_path, data)


def test_a_plain_extract_on_the_box_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(extract)
    with pytest.raises(ExtractRefused, match="not kept for this box"):
        opened(box, tmp_path)


def test_an_extract_without_its_last_person_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    short = b"\n".join(extract.splitlines()[:-1]) + b"\n"
    with pytest.raises(ExtractRefused, match="header"):
        put(box, tmp_path, short)


@pytest.mark.parametrize("cut", [1, 4, 200])
def test_an_extract_torn_on_the_box_is_refused(box: Box, tmp_path: Path, extract: bytes, cut: int) -> None:
    (tmp_path / "extract").write_bytes(put(box, tmp_path, extract)[:-cut])
    with pytest.raises(ExtractRefused):
        opened(box, tmp_path)


def test_an_extract_of_another_centre_is_refused(box: Box, tmp_path: Path, extract: bytes) -> None:
    put(box, tmp_path, extract)
    with pytest.raises(ExtractRefused, match="not signed"):
        opened(box, tmp_path, "receipt.pem")


def test_another_box_cannot_read_an_extract(box: Box, tmp_path: Path, extract: bytes) -> None:
    put(box, tmp_path, extract)
    stranger = pyrage.x25519.Identity.generate()
    with pytest.raises(ExtractRefused, match="not kept for this box"):
        Extract(tmp_path / "extract", box.certificate("extract.pem"), NOW, stranger)


def test_two_extracts_are_not_mixed(box: Box, tmp_path: Path, extract: bytes, station: TestStation) -> None:
    """The persons of one under the header of another, with the same number of bytes each."""
    signer = station.station.pki.credential(Role.EXTRACT)
    later = centre_registry.make_extract([PERSON], signer, NOW + timedelta(seconds=1))
    mine, other = put(box, tmp_path, extract), put(box, tmp_path, later)
    (tmp_path / "extract").write_bytes(other.splitlines(True)[0] + mine.split(b"\n", 1)[1])
    with pytest.raises(ExtractRefused):
        opened(box, tmp_path)


def test_nobody_in_the_extract_can_be_read_from_the_disk(box: Box, tmp_path: Path, extract: bytes) -> None:
    kept = put(box, tmp_path, extract)
    for secret in (record.NUMBER, "001304000025", "Trần", "Mẫu", "right_index", "full_name"):
        assert secret.encode() in extract and secret.encode() not in kept
    assert kept.startswith(extract.splitlines(True)[0])
    assert (tmp_path / "extract").stat().st_mode & 0o777 == 0o600


def test_a_bad_new_extract_leaves_the_old_one(box: Box, tmp_path: Path, extract: bytes) -> None:
    kept = put(box, tmp_path, extract)
    with pytest.raises(ExtractRefused):
        looked_up(box, tmp_path, lambda _path: b"nonsense").refresh()
    assert (tmp_path / "extract").read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["extract"]


def test_a_full_disk_leaves_the_old_extract(
    box: Box, tmp_path: Path, extract: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = put(box, tmp_path, extract)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        looked_up(box, tmp_path, lambda _path: extract).refresh()
    assert [path.name for path in tmp_path.iterdir()] == ["extract"]
    assert (tmp_path / "extract").read_bytes() == kept


def test_a_fresh_extract_takes_the_place_of_the_old(box: Box, tmp_path: Path, extract: bytes) -> None:
    (tmp_path / "extract").write_bytes(b"old")
    assert looked_up(box, tmp_path, lambda _path: extract).refresh() == NOW.replace(microsecond=0)
    assert opened(box, tmp_path).person(record.NUMBER, NOW) is not None


def test_an_extract_that_another_thread_has_replaced_is_opened_anew(
    box: Box, tmp_path: Path, extract: bytes, station: TestStation
) -> None:
    put(box, tmp_path, extract)
    asking = looked_up(box, tmp_path, SILENT)
    assert asking.lookup(record.NUMBER).fields["full_name"] == PERSON["full_name"]
    renamed = {**PERSON, "full_name": "Nguyễn Thị Mới"}
    signer = station.station.pki.credential(Role.EXTRACT)
    put(box, tmp_path, centre_registry.make_extract([renamed], signer, NOW))
    assert asking.lookup(record.NUMBER).fields["full_name"] == "Nguyễn Thị Mới"


def test_the_key_of_a_box_is_made_once_whoever_asks_first(box: Box) -> None:
    (box.folder / "drafts.age").unlink(missing_ok=True)
    with ThreadPoolExecutor(8) as threads:
        made = {str(each) for each in threads.map(lambda _: box.identity, range(32))}
    assert len(made) == 1
    assert [path.name for path in box.folder.glob("drafts*")] == ["drafts.age"]


def test_the_template_is_the_bytes_that_the_registry_holds() -> None:
    template = bytes(range(256))
    fingers = {"left_thumb": base64.b64encode(template).decode()}
    person = to_person({**PERSON, "fingers": fingers}, record.NUMBER, Source.REGISTRY, NOW)
    assert person.fingers == {"left_thumb": template}
