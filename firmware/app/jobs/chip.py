"""PLACE_CARD to LOCK_CHIP: the transaction of `firmware.issue` on the reader's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from drivers.api import Deadline
from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.errors import CardError
from drivers.chip.patience import Patient
from drivers.errors import UserRetry
from drivers.worker import Stop
from firmware.app.desk import Desk, until
from firmware.app.store import StoredAttempts
from firmware.app.visit import Learned, Seen, Visit
from firmware.box.lease import LeaseRefused
from firmware.document.image import CardImage
from firmware.issue.errors import IssueBroken, SignerRefused, SignerUnavailable
from firmware.issue.ports import IssueProgress, Order
from firmware.issue.transaction import Transaction
from statemachine import events as ev

if TYPE_CHECKING:
    from drivers.api import ChipReader

SLICE_S = 0.25
LIFT_S = 10.0
CALL_S = 180.0
"""Of one call of the transaction: a card that gives a byte at a time holds nobody up for ever."""
KINDS: Mapping[str, str] = {CardKind.OURS_LOCKED: "ours"}

Step = Callable[[Transaction, str], None]
STEPS: Mapping[str, tuple[Step, Callable[[], ev.Event]]] = {
    "write": (Transaction.write, ev.ChipWritten),
    "verify": (Transaction.verify, ev.ChipVerified),
    "lock": (Transaction.lock, ev.ChipLocked),
}
LAST = "lock"


def await_card(desk: Desk, visit: Visit, lift_first: bool) -> Callable[[ChipReader, Stop], Learned | None]:
    """Wait for a card and say which one it is; one just turned down gets a while to be lifted.

    What lies there after that is looked at: it may be another one, laid down while nobody watched.
    """

    def wait(reader: ChipReader, stop: Stop) -> Learned | None:
        lifting = until(stop, LIFT_S, desk.clock)
        while lift_first and not lifting.over and not reader.await_card(False, SLICE_S):
            continue
        while not stop:
            if reader.await_card(True, SLICE_S):
                return _seen(desk, visit, reader)
        return None

    return wait


def _seen(desk: Desk, visit: Visit, reader: ChipReader) -> Learned:
    record_id = visit.record
    image = CardImage.from_bytes(desk.store.call(lambda journal: journal.attempt(record_id)).image)
    try:
        state = _card(desk, reader).identify(image.access)
    except UserRetry as retry:
        return Learned(ev.CardSeen(retry.reason))
    except CardError:
        desk.transcripts.keep()
        return Learned(ev.CardSeen(CardKind.FOREIGN))
    return Learned(ev.CardSeen(KINDS.get(state.kind, state.kind)))


def issue(
    desk: Desk, visit: Visit, entry: int, step: str, began: Callable[[], None]
) -> Callable[[ChipReader, Stop], Learned]:
    """One of the three calls of the transaction; it is never stopped half-way, only torn."""
    call, told = STEPS[step]

    def work(reader: ChipReader, _: Stop) -> Learned:
        learned = run(reader)
        if step == LAST or not isinstance(learned.event, type(told())):
            desk.transcripts.keep()
        return learned

    def run(reader: ChipReader) -> Learned:
        transaction = _transaction(desk, reader, entry, began)
        try:
            call(transaction, visit.record)
        except UserRetry as retry:
            return Learned(ev.CardMoved(retry.reason))
        except CardError:
            return Learned(ev.CardMoved("hold_card_still"))
        except LeaseRefused as refused:
            return Learned(ev.SignerAway(refused.reason))
        except SignerUnavailable:
            return Learned(ev.SignerAway())
        except SignerRefused as refused:
            return Learned(ev.SignerRefused(refused.reason))
        except IssueBroken:
            return Learned(ev.ChipBroken("chip_wrong"))
        return Learned(told())

    return work


def _transaction(desk: Desk, reader: ChipReader, entry: int, began: Callable[[], None]) -> Transaction:
    def progress(progress: IssueProgress) -> None:
        desk.show(Seen(entry, fraction=progress.fraction))

    return Transaction(
        _card(desk, reader),
        StoredAttempts(desk.store, began),
        desk.signer,
        [desk.identity.certificate("csca")],
        lambda record_id: _order(desk, record_id),
        desk.now,
        progress,
    )


def _card(desk: Desk, reader: ChipReader) -> Dialect:
    patient = Patient(reader, Deadline.after(CALL_S, desk.clock))
    return open_dialect(desk.config.chip.dialect, patient, desk.card_keys, desk.blocks)


def _order(desk: Desk, record_id: str) -> Order:
    draft = desk.store.call(lambda journal: journal.draft(record_id))
    number = draft.parts["subject"]["number"]["value"]
    return Order(number, draft.case, str(draft.assignment["box"]), int(draft.assignment["epoch"]))
