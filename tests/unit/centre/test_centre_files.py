"""Uploads: nothing without its checksum, nothing beyond its bounds, nothing of another box."""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from support.centre import TestStation, as_box

from centre.files_app import MAX_CHUNK_BYTES, MAX_OPEN_UPLOADS, MAX_UPLOAD_BYTES
from centre.uploads import BoxUploads, UploadLocks

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def http(app: ASGIApp, station: TestStation) -> TestClient:
    return as_box(app, station.enrol())


def started(http: TestClient, length: int) -> str:
    answer = http.post("/files", headers={**TUS, "Upload-Length": str(length)})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def patch(
    http: TestClient, url: str, data: bytes, offset: int = 0, headers: dict[str, str] | None = None
) -> Any:
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    whole = {**CHUNK, "Upload-Offset": str(offset), "Upload-Checksum": f"sha256 {checksum}"}
    return http.patch(url, content=data, headers={**whole, **(headers or {})})


def offset(http: TestClient, url: str) -> int:
    return int(http.head(url, headers=TUS).headers["Upload-Offset"])


def test_an_upload_grows_chunk_by_chunk(http: TestClient, station: TestStation) -> None:
    url = started(http, 6)
    assert patch(http, url, b"abc").status_code == 204
    assert offset(http, url) == 3
    assert patch(http, url, b"def", 3).status_code == 204
    part = station.station.folder / "uploads" / "BOX-01" / f"{url.rpartition('/')[2]}.part"
    assert part.read_bytes() == b"abcdef"


def test_a_wrong_checksum_is_refused_and_nothing_kept(http: TestClient) -> None:
    url = started(http, 3)
    other = base64.b64encode(hashlib.sha256(b"xyz").digest()).decode()
    answer = patch(http, url, b"abc", headers={"Upload-Checksum": f"sha256 {other}"})
    assert answer.status_code == 460
    assert offset(http, url) == 0


@pytest.mark.parametrize("checksum", ["", "sha1 AAAA", "md5 AAAA", "sha256", "sha256 %%%"])
def test_a_chunk_without_its_sha256_is_refused(http: TestClient, checksum: str) -> None:
    url = started(http, 3)
    answer = patch(http, url, b"abc", headers={"Upload-Checksum": checksum})
    assert answer.status_code in (400, 460)
    assert offset(http, url) == 0


def test_a_method_override_does_not_get_round_the_checksum(http: TestClient) -> None:
    url = started(http, 3)
    headers = {**CHUNK, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert http.post(url, content=b"abc", headers=headers).status_code == 400
    assert offset(http, url) == 0


def test_a_creation_with_a_body_does_not_get_round_the_checksum(http: TestClient) -> None:
    headers = {**CHUNK, "Upload-Length": "3"}
    assert http.post("/files", content=b"abc", headers=headers).status_code == 413


@pytest.mark.parametrize("headers", [{"Upload-Defer-Length": "1"}, {"Upload-Length": "0"}, {}])
def test_an_upload_without_a_length_is_refused(http: TestClient, headers: dict[str, str]) -> None:
    assert http.post("/files", headers={**TUS, **headers}).status_code == 400


def test_concatenation_is_not_offered(http: TestClient) -> None:
    headers = {**TUS, "Upload-Length": "3", "Upload-Concat": "partial"}
    assert http.post("/files", headers=headers).status_code == 400


def test_an_upload_is_bounded_in_size(http: TestClient) -> None:
    headers = {**TUS, "Upload-Length": str(MAX_UPLOAD_BYTES + 1)}
    assert http.post("/files", headers=headers).status_code == 413


def test_a_chunk_is_bounded_in_size(http: TestClient) -> None:
    url = started(http, MAX_UPLOAD_BYTES)
    assert patch(http, url, bytes(MAX_CHUNK_BYTES + 1)).status_code == 413
    assert offset(http, url) == 0


def test_a_chunk_beyond_the_stated_length_is_refused(http: TestClient) -> None:
    url = started(http, 3)
    assert patch(http, url, b"abcd").status_code == 400


def test_a_box_has_only_so_many_open_uploads(http: TestClient) -> None:
    urls = [started(http, 3) for _ in range(MAX_OPEN_UPLOADS + 3)]
    found = [http.head(url, headers=TUS).status_code for url in urls]
    assert found.count(200) == MAX_OPEN_UPLOADS
    assert found[-1] == 200


def test_the_upload_that_stood_still_longest_gives_way(tmp_path: Path) -> None:
    uploads, names = BoxUploads(tmp_path), [str(uuid.uuid4()) for _ in range(3)]
    for name, moved_at in zip(names, (20, 10, 30), strict=True):
        uploads.create_upload(name, 3, {})
        os.utime(tmp_path / f"{name}.json", (moved_at, moved_at))
    uploads.make_room(3)
    assert [uploads.get_upload(name) is None for name in names] == [False, True, False]


def test_the_upload_of_another_box_does_not_exist(
    app: ASGIApp, http: TestClient, station: TestStation
) -> None:
    url = started(http, 3)
    other = as_box(app, station.enrol("BOX-02"))
    assert other.head(url, headers=TUS).status_code == 404
    assert patch(other, url, b"abc").status_code == 404
    assert other.delete(url, headers=TUS).status_code == 404
    assert offset(http, url) == 0


@pytest.mark.parametrize("name", ["..", "../../pki/csca.key.pem", "%2e%2e%2fx", "x" * 300])
def test_an_upload_id_is_never_a_path(http: TestClient, name: str) -> None:
    assert http.head(f"/files/{name}", headers=TUS).status_code in (400, 404)


def test_a_box_that_was_never_enrolled_gets_nothing(
    app: ASGIApp, station: TestStation, tmp_path: Path
) -> None:
    stranger = TestStation(tmp_path / "other").enrol("BOX-01")
    http = as_box(app, stranger)
    for path in ("/files", "/v1/health", "/v1/registry/001304000017", "/v1/registry/extract"):
        answer = http.get(path, headers=TUS)
        assert (answer.status_code, answer.json()["reason"]) == (403, "box_unknown")


def test_bytes_beyond_the_agreed_offset_are_written_again(tmp_path: Path) -> None:
    uploads, name = BoxUploads(tmp_path / "box"), str(uuid.uuid4())
    uploads.create_upload(name, 6, {})
    uploads.write_chunk(name, 0, b"torn!!")  # the power went before the offset was kept
    upload = uploads.get_upload(name)
    assert upload is not None and upload["offset"] == 0
    uploads.write_chunk(name, 0, b"abc")
    assert uploads.update_offset_atomic(name, 0, 3)
    assert uploads.read_file(name) == b"abc"


def test_two_writers_cannot_both_move_the_offset(tmp_path: Path) -> None:
    uploads, name = BoxUploads(tmp_path / "box"), str(uuid.uuid4())
    uploads.create_upload(name, 6, {})
    assert uploads.update_offset_atomic(name, 0, 3)
    assert not uploads.update_offset_atomic(name, 0, 3)


def test_one_writer_an_upload_over_all_processes(tmp_path: Path) -> None:
    uploads, name = BoxUploads(tmp_path), str(uuid.uuid4())
    uploads.create_upload(name, 6, {})
    mine, other = UploadLocks(tmp_path), UploadLocks(tmp_path)
    token = mine.acquire(name, 60)
    assert token is not None
    assert other.acquire(name, 60, wait_timeout=5) is None
    mine.release(name, token)
    again = other.acquire(name, 60)
    assert again is not None
    other.release(name, again)


def test_a_writer_who_meets_another_is_told_to_ask_again(http: TestClient, station: TestStation) -> None:
    url = started(http, 3)
    locks, name = UploadLocks(station.station.folder / "uploads" / "BOX-01"), url.rpartition("/")[2]
    token = locks.acquire(name, 60)
    assert token is not None
    assert patch(http, url, b"abc").status_code == 423
    locks.release(name, token)
    assert patch(http, url, b"abc").status_code == 204


@pytest.mark.parametrize("harm", ["no bytes", "empty state"])
def test_an_upload_that_a_power_cut_harmed_is_begun_anew(
    http: TestClient, station: TestStation, harm: str
) -> None:
    url = started(http, 6)
    patch(http, url, b"abc")
    folder, name = station.station.folder / "uploads" / "BOX-01", url.rpartition("/")[2]
    (folder / (f"{name}.part" if harm == "no bytes" else f"{name}.json")).write_bytes(b"")
    assert http.head(url, headers=TUS).status_code == 404
    assert patch(http, url, b"def", 3).status_code == 404
    BoxUploads(folder).cleanup_expired_uploads()
    assert patch(http, started(http, 3), b"abc").status_code == 204


def test_an_upload_is_complete_with_its_last_byte(tmp_path: Path) -> None:
    uploads, name = BoxUploads(tmp_path / "box"), str(uuid.uuid4())
    uploads.create_upload(name, 3, {})
    uploads.write_chunk(name, 0, b"abc")
    assert uploads.completed(name) is None
    assert not uploads.complete_upload(name)
    assert uploads.update_offset_atomic(name, 0, 3)
    assert uploads.complete_upload(name)
    assert uploads.completed(name) is not None
