"""Only a tus server's own words move an upload: no page, no redirect, no empty yes, no other number."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import pytest
from support.bad_line import PORTAL, Clock

from firmware.uplink import tus
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreRefused, CentreUnreachable, CentreWrong, UplinkError
from firmware.uplink.pace import Pace

TUS = {"Tus-Resumable": "1.0.0"}
PLACE = "/files/a1"
DATA = bytes(range(100))
Ask = Callable[[CentreClient], Any]


def client(status: int, headers: Any, body: bytes = b"") -> CentreClient:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    return CentreClient(
        "https://centre.example", ssl.create_default_context(), None, httpx.MockTransport(answer)
    )


def append(one: CentreClient) -> int:
    clock = Clock()
    return tus.append(one, Pace(0, clock.wait, clock), PLACE, BytesIO(DATA), 10, 50)


def offset(one: CentreClient) -> int:
    return tus.offset(one, PLACE, len(DATA))


def create(one: CentreClient) -> str:
    return tus.create(one, len(DATA))


def test_what_a_tus_server_says_counts() -> None:
    assert create(client(201, {**TUS, "Location": "https://other.example/files/a1"})) == PLACE
    assert offset(client(200, {**TUS, "Upload-Offset": "40", "Upload-Length": "100"})) == 40
    assert append(client(204, {**TUS, "Upload-Offset": "60"})) == 60


ASKS = {"create": create, "offset": offset, "append": append}
STRANGE: dict[str, tuple[int, dict[str, str]]] = {
    "a page": (200, {"Content-Type": "text/html"}),
    "an empty yes": (204, {}),
    "a redirect": (302, {"Location": "http://portal.example/"}),
    "another version": (200, {"Tus-Resumable": "2.0.0", "Upload-Offset": "60"}),
    "no offset": (204, TUS),
    "more than there is": (204, {**TUS, "Upload-Offset": "101"}),
    "less than nothing": (204, {**TUS, "Upload-Offset": "-1"}),
    "other digits": (204, {**TUS, "Upload-Offset": "6\u00b2"}),
    "other bytes than were sent": (204, {**TUS, "Upload-Offset": "59"}),
    "nowhere to send to": (201, TUS),
    "somewhere else to send to": (201, {**TUS, "Location": "/v1/sign"}),
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("what", STRANGE)
def test_nothing_else_counts(what: str, ask: str) -> None:
    status, headers = STRANGE[what]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    with pytest.raises(CentreWrong):
        ASKS[ask](client(status, httpx.Headers(raw), PORTAL if status != 204 else b""))


@pytest.mark.parametrize("status", [408, 423, 429, 500, 502, 503])
@pytest.mark.parametrize("ask", ASKS)
def test_what_passes_is_tried_again(ask: str, status: int) -> None:
    with pytest.raises(CentreUnreachable):
        ASKS[ask](client(status, {}, PORTAL))


@pytest.mark.parametrize("status", [404, 410])
def test_an_upload_is_forgotten_only_on_the_servers_word(status: int) -> None:
    for ask in (offset, append):
        with pytest.raises(tus.UploadGone):
            ask(client(status, TUS))
        with pytest.raises(CentreRefused):
            ask(client(status, {}, PORTAL))


@pytest.mark.parametrize("status", [409, 460])
def test_out_of_step_or_damaged_on_the_way_asks_for_the_offset_next_time(status: int) -> None:
    with pytest.raises(CentreUnreachable, match="elsewhere"):
        append(client(status, TUS))


def test_another_files_upload_is_not_gone_on_with() -> None:
    with pytest.raises(tus.UploadGone):
        offset(client(200, {**TUS, "Upload-Offset": "40", "Upload-Length": "101"}))


def test_an_answer_without_end_is_cut_off() -> None:
    with pytest.raises(UplinkError, match="longer"):
        offset(client(200, TUS, bytes(tus.MAX_REPLY_BYTES + 1)))
