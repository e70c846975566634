"""A box fails at one moment: the swap, the day that goes on, and the old box that comes late."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, blank_card
from firmware.box.adopt import Wanted, adopt
from firmware.issue.errors import IssueBroken, SignerRefused
from firmware.records.adopted import Adopted, AdoptedDraft
from firmware.records.journal import Journal
from firmware.records.states import RecordState
from support import record, swap
from support.memory import memory
from support.swap_points import OFFICERS, WAITING_DAYS, Point, visit
from support.swap_proof import prove
from support.swap_world import BLANKS, DISK, NEW, OLD, ORDER, STICK, World, card_image, parts
from support.tears import DyingReader

S = RecordState
CASES = (STICK, DISK, ORDER)
SAME, BLANK, NONE = LAID = ("same", "blank", "none")
ROUNDS = 5


@dataclass
class Trial:
    """`laid`: what citizen 2 lays on the spare's reader first."""

    point: Point
    case: str
    laid: str
    root: Path
    next_card: bool = True
    sods: dict[str, bytes] = field(default_factory=dict)
    finished: list[VirtualCard] = field(default_factory=list)
    anew: str = ""
    on_reader: VirtualCard | None = None
    laid_last: VirtualCard | None = None

    def __post_init__(self) -> None:
        point = self.point
        self.world = World.again(self.root, point.kind, point.line, point.files)
        self.cards = [VirtualCard.from_bytes(card) for card in point.cards]
        self.pile = BLANKS - point.used
        self.sods = {sha256(sod).hexdigest(): sod for sod in (*point.sods.values(), point.first_sod)}
        self.born = {self.cards[-1]: point.blank}
        self.first = self.cards[-1] if point.on_reader else None
        self.begun = point.on_reader and not point.booked
        if self.case == ORDER and self.begun and self._is_blank(self.cards[-1]):  # it is as any other
            self.begun = False
            del self.cards[-1]
            self.pile += 1
        self.mine = self.cards[-1] if len(self.cards) > 1 else None

    def run(self) -> None:
        with ExitStack() as stack:
            self.app = stack.enter_context(self.world.centre())
            self._swap()
            self.journal = stack.enter_context(self.world.new.journal())
            self.client = stack.enter_context(self.world.client(self.app, self.world.new))
            if self.point.line == "centre":
                self._deliver(self.world.new, self.journal, self.client)
            self._go_on()
            self._next_citizen()
            self._deliver(self.world.new, self.journal, self.client)
            self._old_box_late()
            if self.case == ORDER:
                self._disk_turns_up()
                self._deliver(self.world.new, self.journal, self.client)
            prove(self)

    # --- the swap ---------------------------------------------------------------------------------------

    def _swap(self) -> None:
        world = self.world
        with world.old.journal() as journal:
            self.open_was = journal.open_record()
        if self.case == STICK:
            world.old.export(world.stick)
        self._restore_old_disk()
        if self.case == ORDER:
            order = world.stick / "order.json"
            order.write_bytes(world.station.order_swap(NEW, OLD, now=record.NOW))
        source = {STICK: world.stick, DISK: world.old.data, ORDER: world.stick / "order.json"}[self.case]
        self.counted = self.pile + (self.begun and self.case != ORDER)
        with world.new.journal() as journal:
            self.adopted = self._adopt(journal, source, self.counted)
        assert self.adopted.lost == (), self.adopted.lost

    def _restore_old_disk(self) -> None:
        """But for a stick the old box was never on again: its disk is as it was."""
        if self.case != STICK:
            for path in self.world.old.data.rglob("*"):
                if path.is_file() and str(path.relative_to(self.root)) not in self.point.files:
                    path.unlink()
            for name, content in self.point.files.items():
                if name.startswith(OLD):
                    path = self.root / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)

    def _adopt(self, journal: Journal, source: Path, blanks: int) -> Adopted:
        recovery = self.world.stick / "recovery-identity.age"
        wanted = Wanted(source, "O-1", blanks, recovery, swap.CODE)
        return adopt(journal, self.world.new.papers, wanted)

    def _is_blank(self, card: VirtualCard) -> bool:
        return memory(card.to_bytes()) == self.born.get(card)

    # --- the day goes on ----------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Citizen 2 comes back with the ticket, or begins anew where nobody knows of them."""
        drafts = {draft.record_id: draft for draft in self.adopted.drafts}
        mine = drafts.pop(self.point.record_id, None)
        assert not drafts
        if mine is not None:
            self._resume(mine)
        elif not self._has_gone_home():
            self._anew()

    def _has_gone_home(self) -> bool:
        """Citizen 2 has the finished card in hand, or has left for good."""
        return self.point.sealed or self.point.group == "complete"

    def _resume(self, draft: AdoptedDraft) -> None:
        if draft.state is S.COMPLETE:
            self.journal.seal(draft.record_id)
            return
        if self.point.ticket:
            assert draft.ticket == self.point.ticket.replace(" ", "") or draft.ticket == self.point.ticket
        assert draft.now == (self.open_was == draft.record_id)
        assert self.journal.resume(draft.ticket) == draft.record_id
        self._finish(draft.record_id)

    def _anew(self) -> None:
        """Nobody knows of the first visit: another record, as if it were the first."""
        record_id = self.world.begin(self.world.new, self.journal)
        try:
            self._finish(record_id)
        except SignerRefused as exc:
            assert (exc.reason, self.case) == ("open_elsewhere", ORDER)
            self.laid_last = self.on_reader
            until = self.journal.now() + timedelta(days=WAITING_DAYS)
            self.anew = self.journal.wait(record_id, "signer_refused", until)

    def _finish(self, record_id: str) -> None:
        """From wherever the record stands to its seal."""
        if self.journal.state(record_id) is S.DRAFT:
            there = self.journal.draft(record_id).parts
            for part, value, blobs in parts(2, NEW):
                if part not in there:
                    self.journal.accept(record_id, part, value, blobs)
            self.journal.freeze(record_id, card_image(self.world.kind, 2))
        self._make_card(record_id)
        self.journal.seal(record_id)

    def _make_card(self, record_id: str) -> None:
        """The first card is `laid`; one that was begun and will not do is given up by two officers."""
        laid = self.laid
        signer = self.world.signer(self.world.new, self.journal, self.client)
        for _ in range(ROUNDS):
            reader = DyingReader()
            reader.__enter__()
            card = self.on_reader = self._lay(laid)
            if card is not None:
                reader.put(card)
            made = self.world.transaction(reader, self.journal, signer)
            try:
                for step in (made.write, made.verify, made.lock):
                    step(record_id)
                    self._note(record_id)
            except (UserRetry, IssueBroken):
                self._note(record_id)
                self._give_up(record_id, made, card)
                laid = BLANK
            else:
                self._made(record_id, card)
                return
        raise AssertionError(f"no card of {ROUNDS} would do")

    def _give_up(self, record_id: str, made: Any, card: VirtualCard | None) -> None:
        """Two officers give up what was begun; a blank that was not taken goes back."""
        if card is not None and card is not self.mine and self._is_blank(card):
            self.cards.remove(card)
            self.pile += 1
        attempt = self.journal.attempt(record_id)
        if attempt.stage or attempt.issuing:
            made.lost(record_id, OFFICERS)
            self.begun = self.begun and record_id != self.point.record_id

    def _made(self, record_id: str, card: VirtualCard | None) -> None:
        assert card is not None
        self.finished.append(card)
        if self.begun and record_id == self.point.record_id and card is not self.first:
            self.journal.stock.spoil(1, OFFICERS)  # the first card lies there with keys on it
        self.begun = self.begun and record_id != self.point.record_id and card is not self.first

    def _lay(self, laid: str) -> VirtualCard | None:
        if laid == SAME and self.mine is not None and self.mine not in self.finished:
            return self.mine
        if laid == NONE:
            return None
        self.pile -= 1
        card = blank_card(kind=self.world.kind)
        self.born[card] = memory(card.to_bytes())
        self.cards.append(card)
        return card

    def _note(self, record_id: str) -> None:
        attempt = self.journal.attempt(record_id)
        if attempt.sod:
            self.sods[sha256(attempt.sod).hexdigest()] = attempt.sod
            kept = self.point.sods.get(attempt.number)
            if kept and record_id == self.point.record_id:
                assert attempt.sod == kept, "a resume never signs again"

    def _next_citizen(self) -> None:
        """With a card, or with one that is made elsewhere: that takes less time."""
        record_id = self.world.begin(self.world.new, self.journal)
        if not self.next_card:
            for part, value, blobs in parts(3, NEW):
                self.journal.accept(record_id, part, value, blobs)
            self.journal.freeze(record_id, None)
            self.journal.complete_without_card(record_id)
            self.journal.seal(record_id)
            return
        self.pile -= 1
        card, sod = visit(self.world, self.world.new, self.journal, self.client, 3, record_id)
        self.cards.append(card)
        self.finished.append(card)
        self.sods[sha256(sod).hexdigest()] = sod

    def _deliver(self, box: swap.SwapBox, journal: Journal, client: Any) -> None:
        done = self.world.courier(box, journal, client)
        assert not done.failed and not done.refused, done
        assert journal.counts().outbox.unsent == 0 and journal.carried.counts().unsent == 0

    def _old_box_late(self) -> None:
        """It comes on line with its own disk, seals what is complete and sends what it has."""
        with self.world.old.journal() as journal, self.world.client(self.app, self.world.old) as client:
            for record_id in journal.unsealed():
                journal.seal(record_id)
            self._deliver(self.world.old, journal, client)
            self.old_blanks = journal.blanks()
            assert journal.audit.verify() == []

    def _disk_turns_up(self) -> None:
        """After an order: the old card is found, and the spare takes what lies on it."""
        answer = self._adopt(self.journal, self.world.old.data, 0)
        assert answer.lost == ()
        for draft in answer.drafts:
            assert draft.record_id == self.point.record_id
            if self.anew or draft.state is S.COMPLETE:
                self._resume(draft)
            elif draft.state is not S.ISSUING:
                self.journal.abandon(self.journal.resume(draft.ticket), "left")
        if self.anew and not answer.drafts:  # the first visit had ended: the second one is theirs
            self._deliver(self.world.new, self.journal, self.client)
            self.mine, self.laid = self.laid_last, SAME
            self._finish(self.journal.resume(self.anew))
        elif self.anew:
            record_id = self.journal.resume(self.anew)
            if self.journal.attempt(record_id).stage and self.laid_last is not self.mine:
                self.journal.stock.spoil(1, OFFICERS)  # it has this person's keys, and no signature
            self.journal.abandon(record_id, "left")
