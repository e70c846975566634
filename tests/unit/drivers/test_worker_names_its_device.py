"""Two readers, one driver: each worker's fault speaks of its own device."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drivers.errors import DeviceGone
from drivers.worker import Answer, Done, Down, Failed, Job, Stop, Up, Worker

ANSWER_S = 10.0


@contextmanager
def _reader() -> Iterator[str]:
    yield "reader"


def _pull(_reader: str, _stop: Stop) -> None:
    raise DeviceGone("chip", "transmit")


def _answers(*jobs: Job[str]) -> list[Answer]:
    inbox: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    worker: Worker[str] = Worker("badge", _reader, inbox.put, device="chip")
    worker.start()
    try:
        heard: list[Answer] = [inbox.get(timeout=ANSWER_S)]
        for job in jobs:
            worker.submit(job)
        while not any(isinstance(answer, Down | Done) for answer in heard[1:]):
            heard.append(inbox.get(timeout=ANSWER_S))
    finally:
        worker.close()
    return heard


def test_a_pulled_staff_reader_is_lost_under_its_own_name_and_reopened() -> None:
    up, failed, down = _answers(Job(1, "badge", _pull))
    assert isinstance(up, Up)
    assert isinstance(failed, Failed) and isinstance(failed.error, DeviceGone)
    assert isinstance(down, Down)
    assert (failed.error.device, down.fault.device) == ("badge", "badge")


def test_a_fault_of_another_device_does_not_close_this_one() -> None:
    def ask_the_store(_: str, __: Stop) -> Any:
        raise DeviceGone("store", "answer")

    heard = _answers(Job(1, "badge", ask_the_store), Job(2, "badge", lambda *_: "still open"))
    assert [type(answer) for answer in heard] == [Up, Failed, Done]
