"""The seven steps from frozen content to a live card, in three calls that each may be torn and repeated.

    write    keys, data groups, EF.COM; read back; the chip proves its private keys;
             SOD signed and kept; ISSUING; EF.SOD                                            (steps 2-5)
    verify   every file read back and compared; passive authentication up to the CSCA       (step 5)
    lock     lock; proof of the lock; COMPLETE                                               (6, 7)

A card is live from the first byte of EF.SOD that reaches it. So ISSUING is in the journal before that
byte is sent, EF.SOD is signed once per attempt, and a resume goes on only with a card that can be no
other (`firmware.issue.admission`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from cryptography import x509

from drivers.chip.errors import AccessUnsupported, NotGenuine, NotLocked
from firmware.document.lds import Fid
from firmware.document.passive import PaReport
from firmware.issue.admission import OURS, OURS_LOCKED, Held, begin, held, is_the_card, refusal
from firmware.issue.authority import Authority, signing_request
from firmware.issue.errors import IssueBroken, OutOfOrder
from firmware.issue.mark import Mark, Stage
from firmware.issue.meter import Meter
from firmware.issue.ports import (
    BytesDone,
    CardState,
    ChipKeys,
    DocumentSigner,
    IssueJournal,
    IssueProgress,
    Order,
    Personalizer,
)
from firmware.issue.report import NAMES, chip_report
from firmware.issue.work import Work

SOD_ROOM = 2048  # of the progress bar, before the SOD is there


class Transaction:
    """Issues one card at a time. Owned by one thread, which waits while it works.

    Every call raises UserRetry("place_card" | "hold_card_still" | "card_foreign" | "card_locked"),
    DeviceFault, or CardError when the card refuses: repeat the call. SignerUnavailable: repeat later.
    SignerRefused, IssueBroken: only `lost` leads on. OutOfOrder: the caller has a bug.
    """

    def __init__(
        self,
        card: Personalizer,
        journal: IssueJournal,
        signer: DocumentSigner,
        trust: Iterable[x509.Certificate],
        orders: Callable[[str], Order],
        now: Callable[[], datetime],
        progress: Callable[[IssueProgress], None],
    ) -> None:
        self._card = card
        self._journal = journal
        self._signer = signer
        self._authority = Authority(tuple(trust), now)
        self._orders = orders
        self._now = now
        self._progress = progress

    # --- the three calls ---

    def write(self, record_id: str) -> None:
        """Bring all files onto the card; returns at once if that was done before."""
        work = self._open(record_id)
        if work.mark.reached(Stage.WRITTEN):
            return
        meter = Meter(self._progress, 3 * work.content_bytes + 2 * SOD_ROOM)
        state = self._card.identify(work.image.access)
        if work.attempt.issuing:
            there = self._recognise(work, state, meter)
        else:
            work = self._sign(self._fill(work, state, meter), meter)
            there = Held.NOTHING
        if there is not Held.ALL:
            meter.begin("sod")
            self._card.write_file(Fid.SOD, work.files[Fid.SOD], meter.add)
        self._keep(work, work.mark.at(Stage.WRITTEN))
        meter.finish()

    def verify(self, record_id: str) -> None:
        """Read every file back through the access protocol, compare, authenticate up to the CSCA."""
        work = self._open(record_id)
        if work.mark.reached(Stage.AUTHENTIC):
            return
        self._demand(work, Stage.WRITTEN)
        meter = Meter(self._progress, work.content_bytes + len(work.files[Fid.SOD]))
        meter.begin("verify")
        state = self._card.identify(work.image.access)
        if state.kind != OURS:
            raise refusal(state)
        self._check_sod(work, state, meter)
        found = {fid: self._read_equal(fid, data, meter) for fid, data in work.image.files.items()}
        self._authority.authenticate(work.files[Fid.SOD], found)
        self._keep(work, work.mark.at(Stage.AUTHENTIC))

    def lock(self, record_id: str) -> None:
        """End personalisation, prove it, and complete the record."""
        work = self._open(record_id)
        self._demand(work, Stage.AUTHENTIC)
        meter = Meter(self._progress, len(work.files[Fid.SOD]))
        meter.begin("lock")
        state = self._card.identify(work.image.access)
        if state.kind not in (OURS, OURS_LOCKED):
            raise refusal(state)
        self._check_sod(work, state, meter)
        # the bytes that `verify` found on the card: what no longer authenticates is not locked
        authenticated = self._authority.authenticate(work.files[Fid.SOD], work.image.files)
        if state.kind == OURS:
            self._card.lock()
        work = self._keep(work, work.mark.at(Stage.LOCKED))
        locked = self._prove(work, self._card.prove_locked)
        self._check_opened_as_frozen(work, meter)
        self._complete(work, authenticated, locked)

    def lost(self, record_id: str, officers: Sequence[str]) -> int:
        """Give the attempt up: its card will not come back or is broken. Returns the next number.

        `officers` confirmed it. If the attempt was ISSUING, its SOD goes onto the void list.
        """
        if not officers:
            raise OutOfOrder("a card is declared lost by an officer")
        number = self._journal.attempt(record_id).number
        return self._journal.lost(record_id, number, officers)

    # --- steps 1 and 2: the image of this card, and its content ---

    def _with_own_keys(self, work: Work) -> Work:
        """Chip keys are on one card only: those of an attempt that was lost are not used again."""
        if work.attempt.inherited and work.mark.stage is Stage.FRESH:
            work = work.with_new_keys()
            self._journal.keep_image(work.record_id, work.attempt.number, work.image.to_bytes())
        return work

    def _fill(self, work: Work, state: CardState, meter: Meter) -> Work:
        """Keys, data groups and EF.COM are on the card, were read back, and the chip proved its keys."""
        keys = begin(state, work.mark)
        if keys is None:
            self._check_not_another(work, state)
            missing = self._missing(work, state, meter)
        else:
            work = self._keep(self._with_own_keys(work), keys)
            meter.begin("keys")
            self._card.put_keys(work.image.keys)
            missing = dict(work.image.files)
        if not work.mark.reached(Stage.FILES):
            work = self._keep(work, work.mark.at(Stage.FILES))
        meter.begin("content")
        for fid, content in missing.items():
            self._card.write_file(fid, content, meter.add)
        meter.begin("read_back")
        for fid, content in missing.items():
            self._read_equal(fid, content, meter)
        self._prove(work, self._card.prove_keys)
        return self._keep(work, work.mark.at(Stage.VERIFIED))

    def _check_not_another(self, work: Work, state: CardState) -> None:
        """Before ISSUING the card of this attempt has no EF.SOD at all."""
        here = is_the_card(state, work.mark, work.attempt)
        if not here or self._card.read_file(Fid.SOD, 1, _ignore) is not None:
            raise refusal(state)

    def _missing(self, work: Work, state: CardState, meter: Meter) -> dict[int, bytes]:
        """The files that are not wholly there. A file that we never wrote makes the card another."""
        meter.begin("inspect")
        missing: dict[int, bytes] = {}
        for fid, content in work.image.files.items():
            there = self._held(fid, content, meter.add)
            if there is Held.OTHER:
                raise refusal(state)
            if there is not Held.ALL:
                missing[fid] = content
        return missing

    # --- steps 3 and 4: the signature, and the point of no return ---

    def _sign(self, work: Work, meter: Meter) -> Work:
        """EF.SOD is kept, and ISSUING committed."""
        meter.begin("signing")
        if work.sod is None:
            order = self._orders(work.record_id)
            request = signing_request(work.record_id, work.attempt.number, work.image, order)
            sod = self._signer.sign(request)
            self._authority.check_signed(sod, work.image.files)
            self._journal.keep_sod(work.record_id, work.attempt.number, sod)
            work = replace(work, sod=sod)
        sod_sha256 = hashlib.sha256(work.files[Fid.SOD]).digest()
        self._journal.issuing(work.record_id, work.attempt.number, sod_sha256)
        return work

    def _recognise(self, work: Work, state: CardState, meter: Meter) -> Held:
        """How much of EF.SOD is on the card of an attempt that is ISSUING.

        It must be the card whose content was verified. Where opening is no proof, only the whole of
        this attempt's signature is.
        """
        if state.kind != OURS:
            raise refusal(state)
        meter.begin("inspect")
        there = self._held(Fid.SOD, work.files[Fid.SOD], meter.add)
        known = is_the_card(state, work.mark, work.attempt) or there is Held.ALL
        if not known or there is Held.OTHER or self._missing(work, state, meter):
            raise refusal(state)
        return there

    # --- steps 5 to 7 ---

    def _check_sod(self, work: Work, state: CardState, meter: Meter) -> None:
        """The card holds this attempt's EF.SOD: no other card can.

        Raises UserRetry for another card, IssueBroken for this one with a SOD that is damaged.
        """
        wanted = work.files[Fid.SOD]
        found = self._card.read_file(Fid.SOD, len(wanted), meter.add)
        if found == wanted:
            return
        if state.kind == OURS_LOCKED or not is_the_card(state, work.mark, work.attempt):
            raise refusal(state)
        if held(found, wanted, self._card.block_bytes) is Held.NOTHING or self._is_anothers(wanted):
            raise refusal(state)
        raise IssueBroken("read_back", NAMES[Fid.SOD])

    def _is_anothers(self, sod: bytes) -> bool:
        """Whether the card holds a genuine EF.SOD, perhaps longer, that is not this one."""
        found = self._card.read_file(Fid.SOD, len(sod) + SOD_ROOM, _ignore)
        return found is not None and self._authority.genuine(found)

    def _prove(self, work: Work, proof: Callable[[ChipKeys], Sequence[str]]) -> Sequence[str]:
        """Before the lock what the chip can prove by then, so that no card with other keys goes live."""
        try:
            return proof(work.image.keys)
        except (NotLocked, AccessUnsupported) as exc:
            raise IssueBroken("lock", str(exc)) from exc
        except NotGenuine as exc:
            raise IssueBroken("chip_keys", str(exc)) from exc

    def _check_opened_as_frozen(self, work: Work, meter: Meter) -> None:
        """What opened the locked card is the EF.CardAccess that a border is to find."""
        if card_access := work.image.files.get(Fid.CARD_ACCESS):
            self._read_equal(Fid.CARD_ACCESS, card_access, meter)

    def _complete(self, work: Work, authenticated: PaReport, locked: Sequence[str]) -> None:
        mark = work.mark.after(self._card.apdus - work.apdus_before)
        report = chip_report(work.attempt, work.files, authenticated, locked, self._card, mark, self._now())
        self._journal.complete(work.record_id, work.attempt.number, report)

    # --- the card and the journal ---

    def _open(self, record_id: str) -> Work:
        work = Work.of(record_id, self._journal.attempt(record_id), self._card.apdus)
        if self._card.unreadable & work.image.files.keys():
            raise OutOfOrder(f"the image has a file that {self._card.name} never gives back")
        return work

    def _keep(self, work: Work, mark: Mark) -> Work:
        apdus = self._card.apdus
        mark = mark.after(apdus - work.apdus_before)
        self._journal.stage(work.record_id, work.attempt.number, mark.text())
        return replace(work, mark=mark, apdus_before=apdus)

    def _demand(self, work: Work, stage: Stage) -> None:
        if not work.mark.reached(stage):
            raise OutOfOrder(f"{work.mark.stage.value or 'fresh'}, not yet {stage}")

    def _held(self, fid: int, wanted: bytes, done: BytesDone) -> Held:
        found = self._card.read_file(fid, len(wanted), done)
        return held(found, wanted, self._card.block_bytes)

    def _read_equal(self, fid: int, wanted: bytes, meter: Meter) -> bytes:
        found = self._card.read_file(fid, len(wanted), meter.add)
        if found != wanted:
            raise IssueBroken("read_back", NAMES[fid])
        return found


def _ignore(_: int) -> None:
    """Bytes that no progress bar counts."""
