"""A real headless Chromium, driven over its DevTools pipe: JSON messages that end in NUL, on fds 3 and 4.

    with Chromium(tmp_path) as chromium:
        page = chromium.open("http://127.0.0.1:8470/")
        page.click("#asked")
        page.until("document.body.dataset.screen === 'Fingers'")

Every wait has a deadline; nothing sleeps.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

PROGRAM = Path("/usr/bin/chromium")
ANSWER_S = 30.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
LAUNCH = """
import fcntl, os, sys
given = [int(number) for number in sys.argv[1:3]]
ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in given]
for end in given:
    os.close(end)
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Gives the two ends of the pipes the numbers that Chromium expects, then becomes it."""
UNTIL = """
new Promise((resolve) => {
  const there = () => { try { return %(condition)s; } catch { return false; } };
  const end = (value) => { watcher.disconnect(); clearTimeout(timer); resolve(value); };
  const watcher = new MutationObserver(() => there() && end(true));
  const timer = setTimeout(() => end(there()), %(ms)d);
  const what = { subtree: true, childList: true, attributes: true, characterData: true };
  watcher.observe(document, what);
  if (there()) end(true);
})
"""


def chromium_or_skip() -> Path:
    if not PROGRAM.exists():
        pytest.skip(f"no {PROGRAM} here (apt-get install chromium)")
    return PROGRAM


class DevToolsError(AssertionError):
    """Chromium refused a command, or a script in the page failed."""


class Chromium:
    """The browser's process and its pipe; `profile` is a new empty folder."""

    def __init__(self, profile: Path, size: tuple[int, int] = (1440, 900)) -> None:
        self._command = [
            str(chromium_or_skip()),
            *FLAGS,
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
            "about:blank",
        ]
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._events: dict[tuple[str, str], threading.Event] = {}
        self._sending = threading.Lock()
        self.logged: list[str] = []

    def __enter__(self) -> Self:
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", LAUNCH, str(to_browser), str(from_browser), *self._command],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._listening = threading.Thread(target=self._listen, name="devtools")
        self._listening.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.send("Browser.close")
            self._process.wait(ANSWER_S)
        except (DevToolsError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        self._listening.join(ANSWER_S)
        os.close(self._in)

    def open(self, url: str) -> Page:
        """Open `url` in a tab of its own and return once it is loaded."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        page.send("Runtime.enable")
        page.send("Page.enable")
        loaded = self._events[session, "Page.loadEventFired"] = threading.Event()
        page.send("Page.navigate", url=url)
        if not loaded.wait(ANSWER_S):
            raise DevToolsError(f"{url} was not loaded in {ANSWER_S} s")
        return page

    def send(
        self, method: str, session: str | None = None, answer_s: float = ANSWER_S, **params: Any
    ) -> dict[str, Any]:
        """Send one command and return its result. Raises DevToolsError on a refusal or no answer in time."""
        number = next(self._numbers)
        answer = self._answers[number] = queue.SimpleQueue()
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        with self._sending:
            os.write(self._out, json.dumps(message).encode() + b"\0")
        try:
            said = answer.get(timeout=answer_s)
        except queue.Empty:
            raise DevToolsError(f"{method}: no answer in {answer_s} s") from None
        finally:
            del self._answers[number]
        if "error" in said:
            raise DevToolsError(f"{method}: {said['error']['message']}")
        result: dict[str, Any] = said["result"]
        return result

    def _listen(self) -> None:
        """Hand each answer to whoever waits for it; at the end of the pipe tell everybody."""
        held = b""
        while part := os.read(self._in, 1 << 16):
            *messages, held = (held + part).split(b"\0")
            for message in messages:
                self._heard(json.loads(message))
        for waiting in list(self._answers.values()):
            waiting.put({"error": {"message": "Chromium has ended"}})

    def _heard(self, message: dict[str, Any]) -> None:
        waiting = self._answers.get(message.get("id", 0))
        if waiting is not None:
            waiting.put(message)
        event = self._events.get((message.get("sessionId", ""), message.get("method", "")))
        if event is not None:
            event.set()
        if message.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.logged.append(json.dumps(message["params"]))


class Page:
    """One tab."""

    def __init__(self, chromium: Chromium, session: str) -> None:
        self._chromium, self._session = chromium, session

    def send(self, method: str, answer_s: float = ANSWER_S, **params: Any) -> dict[str, Any]:
        return self._chromium.send(method, self._session, answer_s, **params)

    def ask(self, script: str, answer_s: float = ANSWER_S) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited."""
        said = self.send(
            "Runtime.evaluate", answer_s, expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in said:
            raise DevToolsError(json.dumps(said["exceptionDetails"]))
        return said["result"].get("value")

    def until(self, condition: str, within_s: float = ANSWER_S) -> None:
        """Wait for a JavaScript condition to hold: it is looked at whenever the document changes."""
        if not self.holds(condition, within_s):
            where = self.ask("JSON.stringify(document.body.dataset)")
            raise DevToolsError(f"not within {within_s} s: {condition}, but {where}")

    def holds(self, condition: str, within_s: float) -> bool:
        """Whether the condition came to hold in time."""
        script = UNTIL % {"condition": condition, "ms": int(within_s * 1000)}
        return self.ask(script, within_s + ANSWER_S) is True

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element, which must be visible."""
        box = self.ask(
            f"(e => {{ e.scrollIntoView({{block: 'nearest'}}); const b = e.getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        self.click_at(*box)

    def click_at(self, x: float, y: float) -> None:
        """Press and release the left button at CSS pixel (x, y) of the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    def press(self, key: str) -> None:
        """Press and release a key that has no text: Tab, Enter, Backspace."""
        codes = {"Tab": 9, "Enter": 13, "Backspace": 8}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=codes[key],
                **text,
            )

    def type(self, text: str) -> None:
        for sign in text:
            self.send("Input.dispatchKeyEvent", type="keyDown", key=sign, text=sign)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=sign)

    def picture(self, file: Path) -> None:
        """Write what the window shows as PNG."""
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))
