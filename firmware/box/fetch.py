"""The centre's newest papers for this box, over the line: what is new is taken, none is no error."""

from __future__ import annotations

import logging

from firmware.box.lease import Ask
from firmware.box.warrants import MAX_PAPER, PaperRefused, Papers, Taken
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreRefused, UplinkError

log = logging.getLogger("firmware.papers")

PATHS = ("/v1/box/assignment", "/v1/box/lease")
"""The assignment first: a lease is judged by it."""


def fetch(papers: Papers, client: CentreClient, ask: Ask) -> tuple[Taken, ...]:
    """Ask for each paper and take it; return what is new here.

    A paper that is refused is in the log and the audit; a line that fails ends the round.
    """
    taken = []
    for path in PATHS:
        try:
            data = client.get(path, MAX_PAPER)
        except CentreRefused as exc:
            if exc.status != 404:
                log.warning("the centre gives no paper: %s", exc.reason)
            continue
        except UplinkError as exc:
            log.warning("the papers were not fetched: %s", exc)
            break
        if (kept := _take(papers, data, ask)) is not None:
            taken.append(kept)
    return tuple(taken)


def _take(papers: Papers, data: bytes, ask: Ask) -> Taken | None:
    try:
        taken = ask(lambda journal: papers.take(journal, data, "centre"))
    except PaperRefused as exc:
        log.error("incident: the centre's paper is refused: %s", exc.reason)
        return None
    return taken if taken.new else None
