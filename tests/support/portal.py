"""One event loop for all requests to an application in this process: one for each costs more than it does."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import cache

from anyio.from_thread import BlockingPortal, start_blocking_portal

_open = ExitStack()


@cache
def portal() -> BlockingPortal:
    """In a thread of its own, begun with the first request and ended by `close`."""
    return _open.enter_context(start_blocking_portal("asyncio"))


def close() -> None:
    _open.close()
    portal.cache_clear()


def _forked() -> None:
    """The thread is the parent's."""
    _open.pop_all()
    portal.cache_clear()


os.register_at_fork(after_in_child=_forked)
