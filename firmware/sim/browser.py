"""`kiosk station`: a virtual station in a person's browser, who is the citizen, the officer and the world.

The loop stays the main thread's; the page is served by a thread of its own, on loopback only.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.applications import Starlette

from drivers.virtual.skin import POSITIONS
from firmware.app.build import build
from firmware.app.kiosk import Kiosk, Tap
from firmware.loop import Loop
from firmware.sim.office import VirtualOffice, Wishes
from firmware.sim.officer import PINS
from firmware.sim.web import page
from firmware.sim.world import World
from firmware.supervise import signals
from ui_fb.display import MemoryDisplay
from ui_fb.words import LANGUAGES, words

HOST, PORT = "127.0.0.1", 8470
PEOPLE = 4
MAX_CONNECTIONS = 32
MAX_HEAD_BYTES = 16 * 1024
GRACE_S = 3


class PortTaken(Exception):
    """Nothing can be served at this port; the text says why."""


class PageFailed(Exception):
    """The thread that serves the page has ended by itself: a bug."""


def run_station(wishes: Wishes, port: int, announce: Callable[[str], None]) -> None:
    """Run a virtual station until Ctrl-C or SIGTERM; `announce` gets the page's address once it answers.

    `wishes` as of the demo; the pace is real and at least four people come, because a person looks on.
    `port` 0 takes a free one. Call it from the main thread. Raises PortTaken, CentreFailed, DemoFailed.
    """
    wishes = replace(wishes, citizens=max(PEOPLE, wishes.citizens), real_pace=True)
    with _until_interrupted(), _listener(port) as listener, VirtualOffice(wishes) as office:
        station = Station(office)
        server = PageServer(page(station), listener, station.fail)
        try:
            station.kiosk.start()
            server.start()
            announce(f"http://{HOST}:{listener.getsockname()[1]}/")
            with signals(station.stop):
                station.loop.run(station.kiosk.handle)
        finally:
            server.end()
            station.close()
            server.join()


class Station:
    """The kiosk of an office, its display and its world: a `web.Stage`."""

    def __init__(self, office: VirtualOffice) -> None:
        config = office.config()
        self.loop = Loop()
        self.display = MemoryDisplay((config.display.width_px, config.display.height_px))
        self.world = World(office.station, office.people, tuple(PINS))
        self.kiosk = build(config, office.station.openers(), self.display, self.loop, self._look)

    @property
    def about(self) -> Mapping[str, Any]:
        catalogues = {language: words(language) for language in LANGUAGES}
        return {
            "size": self.display.size,
            "people": [
                {"name": person.fields["full_name"], "number": person.number} for person in self.world.people
            ],
            "pins": PINS,
            "verbs": self.world.verbs,
            "fingers": {
                position: {
                    language: catalogue.say(f"finger.{position}")
                    for language, catalogue in catalogues.items()
                }
                for position in POSITIONS
            },
        }

    def touch(self, x: int, y: int) -> None:
        self.loop.post(Tap(x, y))

    def stop(self) -> None:
        """Ask for an orderly end; callable from any thread and from a signal handler."""
        self.loop.post(self.loop.end)

    def fail(self, error: BaseException) -> None:
        """End the loop with an error of another thread."""

        def end() -> None:
            raise PageFailed(str(error)) from error

        self.loop.post(end)

    def close(self) -> None:
        """Close the kiosk, which wakes who waits for its picture; then the world, for its looks."""
        self.kiosk.close()
        self.world.close()

    def _look(self, kiosk: Kiosk) -> None:
        if kiosk.face.last is not None:
            self.world.sees(kiosk.face.last, kiosk.face.size)


class PageServer:
    """Serves an application on its own thread; `failed` hears of an end that nobody asked for."""

    def __init__(
        self, app: Starlette, listener: socket.socket, failed: Callable[[BaseException], None]
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._listener, self._failed = listener, failed
        self._up = threading.Event()
        self._server = _Server(config, self._up)
        self._thread = threading.Thread(target=self._run, name="page")

    def start(self) -> None:
        """Return once the page answers, or its thread has failed."""
        self._thread.start()
        self._up.wait()

    def end(self) -> None:
        """Take no more requests; those that wait for a change are let go when what they wait for closes."""
        self._server.should_exit = True

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run([self._listener])
            if not self._server.should_exit:
                raise PageFailed("the server ended")
        except BaseException as error:  # noqa: BLE001  uvicorn ends a bad start by SystemExit; see `fail`
            self._failed(error)
        finally:
            self._up.set()


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, up: threading.Event) -> None:
        super().__init__(config)
        self._answers = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._answers.set()


@contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    """Take the port first: nothing else is begun when it is taken."""
    try:
        listener = socket.create_server((HOST, port), backlog=MAX_CONNECTIONS)
    except OSError as exc:
        raise PortTaken(f"cannot listen on {HOST}:{port} ({exc.strerror}): choose another --port") from exc
    with listener:
        # inherited by each connection; without it an answer's second packet waits 40 ms for an ACK
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """Ctrl-C ends what is being set up or taken down as well; SIGTERM does the same."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
