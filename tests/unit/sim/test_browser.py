"""The page of a virtual station: who is turned away, and what a person's acts do to the world."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
import pytest
from PIL import Image

from firmware.sim import web
from firmware.sim.people import citizen
from firmware.sim.station import VirtualStation
from firmware.sim.web import MAX_BODY_BYTES, page
from firmware.sim.world import World
from ui_fb.display import MemoryDisplay
from ui_fb.screens import Fingers, Prove

SIZE = (800, 480)
HOST = "127.0.0.1:8470"
TODAY = date(2026, 1, 15)
BADGES = ("NV-0001", "KT-0001")


@dataclass
class Stage:
    """A station without a kiosk: the picture and the touches are all there is."""

    station: VirtualStation
    display: MemoryDisplay = field(default_factory=lambda: MemoryDisplay(SIZE))
    about: Mapping[str, Any] = field(default_factory=lambda: {"size": SIZE})
    touched: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        people = [citizen(seed, TODAY) for seed in (1, 2, 3)]
        self.world = World(self.station, people, BADGES)

    def touch(self, x: int, y: int) -> None:
        self.touched.append((x, y))


class Client:
    """A browser's requests, without a network."""

    def __init__(self, stage: Stage) -> None:
        self._transport = httpx.ASGITransport(page(stage))

    def get(self, path: str, **given: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, given))

    def post(self, path: str, **given: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, given))

    async def _ask(self, method: str, path: str, given: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=f"http://{HOST}") as client:
            return await client.request(method, path, **given)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with VirtualStation(wait=time.sleep) as station:
        yield Stage(station)


@pytest.fixture
def client(stage: Stage) -> Client:
    return Client(stage)


def act(client: Client, verb: str, what: str, skin: str = "good") -> httpx.Response:
    return client.post("/world", json={"verb": verb, "what": what, "skin": skin})


def state_after(client: Client, verb: str, what: str, skin: str = "good") -> dict[str, Any]:
    answer = act(client, verb, what, skin)
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


def post(client: Client, path: str, body: bytes, **headers: str) -> httpx.Response:
    return client.post(path, content=body, headers={"content-type": "application/json", **headers})


TOUCH = b'{"x": 1, "y": 2}'


# --- who is turned away --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:8470", "0.0.0.0:8470", "[::1]:8470", "me@127.0.0.1", "", "["],
)
@pytest.mark.parametrize("path", ["/", "/state", "/screen.jpg", "/kiosk.js"])
def test_a_rebound_name_sees_nothing(client: Client, host: str, path: str) -> None:
    answer = client.get(path, headers={"host": host})
    assert (answer.status_code, answer.json()) == (421, {"problem": "foreign_host"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8470", "localhost:1234", "LOCALHOST:8470"])
def test_this_machine_by_its_own_names_is_let_in(client: Client, host: str) -> None:
    assert client.get("/station", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:8470", "http://127.0.0.1:8471", "null", ""]
)
def test_another_sites_script_moves_nothing(client: Client, stage: Stage, origin: str) -> None:
    answer = post(client, "/touch", TOUCH, origin=origin)
    assert (answer.status_code, answer.json()) == (403, {"problem": "foreign_origin"})
    assert stage.touched == []


def test_our_own_page_is_let_in(client: Client, stage: Stage) -> None:
    headers = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert post(client, "/touch", TOUCH, **headers).status_code == 204
    assert stage.touched == [(1, 2)]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cannot_even_embed_the_picture(client: Client, site: str) -> None:
    assert client.get("/screen.jpg", headers={"sec-fetch-site": site}).status_code == 403


def test_every_answer_keeps_other_sites_out_and_loads_nothing_from_elsewhere(client: Client) -> None:
    for answer in (client.get("/"), client.get("/nothing"), client.get("/", headers={"host": "x"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["/", "/kiosk.css", "/kiosk.js"])
def test_the_page_names_no_other_host(client: Client, name: str) -> None:
    text = client.get(name).text
    assert "://" not in text


# --- what is no request ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * MAX_BODY_BYTES, b'{"x": 1, "y": NaN', b"nul"],
)
def test_what_is_no_json_is_refused(client: Client, body: bytes) -> None:
    answer = post(client, "/touch", body)
    assert (answer.status_code, answer.json()) == (400, {"problem": "bad_json"})


@pytest.mark.parametrize(
    "fields",
    [
        {"x": 1},
        {"x": 1, "y": 2, "z": 3},
        {"x": 1, "y": "2"},
        {"x": True, "y": 2},
        {"x": 1.0, "y": 2},
        {"x": None, "y": 2},
        [1, 2],
        "x",
        None,
    ],
)
def test_json_of_another_shape_is_refused(client: Client, stage: Stage, fields: Any) -> None:
    answer = post(client, "/touch", json.dumps(fields).encode())
    assert (answer.status_code, answer.json()) == (400, {"problem": "bad_fields"})
    assert stage.touched == []


def test_a_form_of_another_site_is_refused_before_it_is_read(client: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=x"):
        answer = client.post("/touch", content=TOUCH, headers={"content-type": kind})
        assert (answer.status_code, answer.json()) == (415, {"problem": "not_json"})


def test_a_body_is_bounded_whether_or_not_it_says_its_length(client: Client) -> None:
    padded = TOUCH[:-1] + b" " * MAX_BODY_BYTES + b"}"

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 64

    headers = {"content-type": "application/json"}
    for body in (padded, endless()):
        answer = client.post("/touch", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (413, {"problem": "too_large"})


def test_a_body_that_does_not_come_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "BODY_S", 0.01)

    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = client.post("/touch", content=stalled(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (408, {"problem": "too_slow"})


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (800, 0), (0, 480), (10**18, 0)])
def test_a_touch_beside_the_screen_is_refused(client: Client, stage: Stage, x: int, y: int) -> None:
    answer = client.post("/touch", json={"x": x, "y": y})
    assert (answer.status_code, answer.json()) == (400, {"problem": "beside_the_screen"})
    assert stage.touched == []


def test_a_touch_at_each_corner_arrives(client: Client, stage: Stage) -> None:
    corners = [(0, 0), (799, 0), (0, 479), (799, 479)]
    for x, y in corners:
        assert client.post("/touch", json={"x": x, "y": y}).status_code == 204
    assert stage.touched == corners


@pytest.mark.parametrize(
    ("verb", "what", "skin"),
    [
        ("explode", "now", "good"),
        ("finger", "left_toe", "good"),
        ("finger", "asked", "green"),
        ("lux", "50000", "good"),
        ("person", "3", "good"),
        ("badge", "NV-9999", "good"),
        ("unplug", "network", "good"),
    ],
)
def test_an_unknown_act_is_refused(client: Client, verb: str, what: str, skin: str) -> None:
    answer = act(client, verb, what, skin)
    assert (answer.status_code, answer.json()) == (404, {"problem": "unknown_act"})


@pytest.mark.parametrize("since", ["x", "1.5", "", "-", "9" * 17, "٣" * 17])
def test_a_number_that_is_none_is_refused(client: Client, since: str) -> None:
    for path in ("/state", "/screen.jpg"):
        assert client.get(path, params={"since": since}).status_code == 400


@pytest.mark.parametrize("weight", ["..%2f..%2fpasswd", "Thin", "Medium.ttf%00"])
def test_no_file_but_the_pages_own_is_given_out(client: Client, weight: str) -> None:
    assert client.get(f"/font/{weight}.ttf").status_code == 404


def test_the_screens_own_font_is_given_out(client: Client) -> None:
    assert client.get("/font/Bold.ttf").status_code == 200


# --- what is seen ----------------------------------------------------------------------------------------


def test_the_picture_comes_with_its_number(client: Client, stage: Stage) -> None:
    stage.display.show(Image.new("RGB", SIZE, "#0B57A4"))
    answer = client.get("/screen.jpg", params={"since": 0})
    assert answer.headers["x-change"] == "1"
    assert answer.content[:3] == b"\xff\xd8\xff"


def test_who_waits_for_a_picture_gets_the_next_one(client: Client, stage: Stage) -> None:
    drawing = threading.Thread(target=stage.display.show, args=(Image.new("RGB", SIZE),))
    drawing.start()
    answer = client.get("/screen.jpg", params={"since": 0})
    drawing.join()
    assert answer.headers["x-change"] == "1"


def test_when_the_station_closes_nobody_is_kept_waiting(client: Client, stage: Stage) -> None:
    stage.display.close()
    stage.world.close()
    assert client.get("/screen.jpg", params={"since": stage.display.changes}).status_code == 204
    assert client.get("/state", params={"since": stage.world.state()["version"]}).status_code == 200


def test_the_page_knows_the_screen_as_a_person_sees_it(client: Client, stage: Stage) -> None:
    screen = Fingers(marks=("now",) + ("todo",) * 9, now="left_ring", lift=False)
    stage.world.sees(screen, SIZE)
    state = client.get("/state").json()
    assert (state["screen"], state["asks"], state["lift"]) == ("Fingers", "left_ring", False)
    actions = [target.action for target in screen.targets(SIZE)]
    assert [target["action"] for target in state["targets"]] == actions


# --- what is done ----------------------------------------------------------------------------------------


def test_the_asked_finger_is_the_one_that_the_screen_names(client: Client, stage: Stage) -> None:
    stage.world.sees(Prove(finger="left_index"), SIZE)
    own = state_after(client, "finger", "asked", "dry")["finger"]
    assert own == {"position": "left_index", "own": True, "skin": "dry"}
    beside = state_after(client, "finger", "other")["finger"]
    assert beside["own"]
    assert beside["position"] != "left_index"
    strange = state_after(client, "finger", "stranger")["finger"]
    assert (strange["position"], strange["own"]) == ("left_index", False)
    assert state_after(client, "finger", "none")["finger"] is None


def test_lifting_is_asked_for_only_while_a_finger_lies(client: Client, stage: Stage) -> None:
    stage.world.sees(Prove(finger="left_index", lift=True), SIZE)
    assert not client.get("/state").json()["lift"]
    assert state_after(client, "finger", "asked")["lift"]
    assert not state_after(client, "finger", "none")["lift"]


def test_a_new_person_takes_nothing_of_the_last_ones_over(client: Client, stage: Stage) -> None:
    for verb, what in (("qr", "own"), ("finger", "asked"), ("card", "blank"), ("badge", "NV-0001")):
        state_after(client, verb, what)
    state = state_after(client, "person", "next")
    assert state["person"] == "1"
    assert (state["finger"], state["qr"], state["card"], state["seated"]) == (None, "none", "none", 0)
    assert not state["has_record_card"]
    assert state["badge"] == "NV-0001", "the officer's badge is the officer's"
    assert not stage.station.chip.holds_card


def test_who_sits_down_is_alone_until_another_joins(client: Client) -> None:
    assert state_after(client, "sit", "down")["seated"] == 1
    assert state_after(client, "sit", "second")["seated"] == 2
    assert state_after(client, "sit", "second")["seated"] == 2
    assert state_after(client, "sit", "closed")["eyes_closed"]
    assert not state_after(client, "sit", "open")["eyes_closed"]
    assert state_after(client, "sit", "none")["seated"] == 0


@pytest.mark.parametrize(
    ("verb", "what", "problem"),
    [
        ("sit", "closed", "nobody_sits"),
        ("sit", "second", "nobody_sits"),
        ("card", "record", "no_record_card"),
        ("card", "slips", "no_card"),
    ],
)
def test_what_cannot_be_done_now_says_why(client: Client, verb: str, what: str, problem: str) -> None:
    answer = act(client, verb, what)
    assert (answer.status_code, answer.json()) == (409, {"problem": problem})


def test_the_records_card_is_the_blank_that_lay_there_before(client: Client, stage: Stage) -> None:
    assert state_after(client, "card", "blank")["card"] == "blank"
    assert state_after(client, "card", "foreign")["card"] == "foreign"
    assert state_after(client, "card", "record")["card"] == "record"
    assert state_after(client, "card", "none")["card"] == "none"
    assert not stage.station.chip.holds_card


def test_a_card_that_slipped_lies_there_no_more(client: Client, stage: Stage) -> None:
    state_after(client, "card", "blank")
    state_after(client, "card", "slips")
    with stage.station.openers().chip() as reader:
        reader.connect()
        with pytest.raises(Exception, match="hold_card_still"):
            while True:
                reader.transmit(bytes.fromhex("00A4000C023F00"))
    state = client.get("/state").json()
    assert (state["card"], state["has_record_card"]) == ("none", True)


def test_a_cable_is_pulled_and_put_back(client: Client, stage: Stage) -> None:
    for device in ("finger", "camera", "chip", "panel"):
        assert state_after(client, "unplug", device)["unplugged"] == [device]
        assert state_after(client, "plug", device)["unplugged"] == []


def test_lamps_tray_and_buzzer_are_seen_as_they_are(client: Client, stage: Stage) -> None:
    with stage.station.panel as panel:
        panel.lamps(1.0, 0.0)
        panel.tray(True)
        panel.buzz(5)
        state = client.get("/state").json()
    assert (state["lamps"], state["tray_locked"], state["buzzing"]) == ([1.0, 0.0], True, True)


def test_a_world_needs_a_stranger() -> None:
    with VirtualStation(wait=time.sleep) as station, pytest.raises(ValueError, match="two people"):
        World(station, [citizen(1, TODAY)], BADGES)
