"""A virtual station begins and ends as a whole: its page, its centre, its helpers."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from support.station import END_S, RunningStation


@pytest.fixture
def station(tmp_path: Path) -> Iterator[RunningStation]:
    running = RunningStation(tmp_path)
    yield running
    running.close()


def test_it_serves_this_machine_only_and_sigterm_ends_all_that_it_started(station: RunningStation) -> None:
    assert _listening(station.pid) == ["127.0.0.1"]
    helpers = station.children()
    assert helpers, "the centre is a process of its own"
    number = httpx.get(f"{station.url}screen.jpg").headers["x-change"]
    answers: list[int] = []
    waiting = threading.Thread(target=_wait_for_the_next_picture, args=(station.url, number, answers))
    waiting.start()
    httpx.get(f"{station.url}state")  # whoever waits for a picture keeps nobody else waiting
    assert station.end(signal.SIGTERM, group=False) == 0
    waiting.join(END_S)
    assert not waiting.is_alive(), "who waits for a picture is let go"
    _, alive = psutil.wait_procs(helpers, END_S)
    assert not alive
    assert "Traceback" not in station.said()
    with pytest.raises(httpx.ConnectError):
        httpx.get(station.url)


def _wait_for_the_next_picture(url: str, number: str, answers: list[int]) -> None:
    try:
        answers.append(httpx.get(f"{url}screen.jpg", params={"since": number}, timeout=END_S).status_code)
    except httpx.TransportError:
        answers.append(0)


def _listening(pid: int) -> list[str]:
    connections = psutil.Process(pid).net_connections("tcp")
    return [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]


def test_a_taken_port_is_said_before_anything_is_begun(tmp_path: Path) -> None:
    folder = tmp_path / "station"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "firmware", "station", "--port", str(port), "--folder", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=END_S, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not folder.exists()
