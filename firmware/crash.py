"""How the process dies: loudly, and without a word of what it knows about a person.

An error's message and the values in its frames may be personal, so neither is ever written: a report names
the kinds of the errors and the lines of code they came through. Core dumps are off.
"""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import resource
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

EX_CONFIG = 78  # sysexits.h: starting again would not help; the systemd unit knows it
EX_SOFTWARE = 70  # sysexits.h: a bug; systemd starts the kiosk again
PR_SET_DUMPABLE = 4  # linux/prctl.h
LONGEST_CHAIN = 8


def guard() -> None:
    """From now on: no core, no debugger, and each way to die tells only where it happened."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    faulthandler.enable()  # the watchdog's SIGABRT shows where each thread stood: lines, no values
    sys.excepthook = _last_words
    threading.excepthook = _of_a_thread


def report(error: BaseException) -> str:
    """Where `error` and what caused it came from: kinds and lines of code, no messages, no values."""
    return "\n".join(line for each in _chain(error) for line in _lines(each))


class Discreet(logging.Formatter):
    """Writes an error that is logged with its record as `report` does."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  logging's name
        return report(ei[1])


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(LONGEST_CHAIN):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _lines(error: BaseException) -> Iterator[str]:
    yield f"{type(error).__module__}.{type(error).__qualname__}"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} {frame.name}"


def _last_words(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    sys.stderr.write(f"kiosk: {report(error)}\n")


def _of_a_thread(thrown: threading.ExceptHookArgs) -> None:
    if thrown.exc_value is not None:
        sys.stderr.write(f"kiosk: {report(thrown.exc_value)}\n")
