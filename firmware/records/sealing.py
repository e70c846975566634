"""COMPLETE → SEALED: number, chain, sign, verify, encrypt, read back, commit; then the draft's key goes."""

from __future__ import annotations

from pathlib import Path

from firmware.records import assemble
from firmware.records.attempts import Attempts
from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database
from firmware.records.drafts import Drafts, forget_rows
from firmware.records.errors import StoreDamaged
from firmware.records.format import seal as format_seal
from firmware.records.format.data_quality import measure
from firmware.records.format.manifest import FIRST, canonical, record_digest
from firmware.records.keys import BoxKeys
from firmware.records.outbox import Outbox
from firmware.records.second_medium import Copies
from firmware.records.sidecar import Head
from firmware.records.states import RecordState, require_move
from firmware.records.vault import Vault

S = RecordState


class Sealer:
    """Seals one record at a time; a crash anywhere leaves it COMPLETE or SEALED, never between."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        audit: Audit,
        clock: JournalClock,
        drafts: Drafts,
        attempts: Attempts,
        outbox: Outbox,
        copies: Copies,
        keys: BoxKeys,
    ) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._drafts = drafts
        self._attempts = attempts
        self._outbox = outbox
        self._copies = copies
        self._keys = keys

    def seal(self, record_id: str) -> Path:
        """Seal a COMPLETE record and return the sealed file.

        Raises WrongState, HandedOver, StoreError (it stays COMPLETE; call again), SignatureRefused when the
        box's certificate has ended.
        """
        require_move(record_id, self._drafts.kept(record_id), S.SEALED)
        head, data = self._make(record_id)
        path = self._outbox.put(head, data)
        with self._db.transaction() as connection:
            self._drafts.move(record_id, S.SEALED)
            self._outbox.insert(head)
            forget_rows(connection, record_id)
            connection.execute(
                "UPDATE record SET is_open = 0, ticket = NULL, waiting_reason = NULL, waiting_until = NULL"
                " WHERE id = ?",
                (record_id,),
            )
            about = {"sequence": head.sequence, "digest": head.record_digest}
            self._audit.append("kiosk", "seal", record_id, about)
            self._audit.checkpoint()
        self._copies.sealed(head.sequence, head.stem)
        self._vault.destroy(record_id)
        return path

    def _make(self, record_id: str) -> tuple[Head, bytes]:
        """The sealed bytes and their head; the package is opened and verified before it is encrypted."""
        draft, card = self._drafts.draft(record_id), self._attempts.card(record_id)
        files = {name: self._drafts.blob(record_id, name) for name in draft.blobs}
        if card.report is not None:
            files[assemble.REPORT] = card.report
        sequence, previous = self._outbox.tip() or (0, FIRST)
        manifest = assemble.manifest(
            draft,
            files,
            steps=self._drafts.steps(record_id),
            completed_at=draft.completed_at or "",
            chip=card.chip,
            void_cards=card.void_cards,
            issued_here=draft.issued_here,
            simulated=self._keys.simulated,
            sequence=sequence + 1,
            previous_digest=previous,
            audit_head=self._audit.head(),
        )
        zipped = format_seal.package(manifest, files, self._keys.signer)
        opened = format_seal.open_package(zipped, self._keys.box_ca, self._clock.now())
        digest = record_digest(canonical(manifest))
        if opened.record_digest != digest or dict(opened.files) != files:
            raise StoreDamaged("verify a package before encrypting it")
        sealed = format_seal.encrypt(zipped, digest, self._keys.centre_recipients)
        head = Head(
            box=self._keys.box,
            epoch=draft.assignment["epoch"],
            sequence=sequence + 1,
            record_id=record_id,
            record_digest=digest,
            previous_digest=previous,
            sealed_digest=sealed.sealed_digest,
            size_bytes=len(sealed.data),
            audit_head=manifest["audit_head"],
            case=draft.case,
            rule_pack=draft.rule_pack,
            sealed_at=self._clock.stamp(),
            live_cards=int(card.chip is not None),
            void_cards=len(card.void_cards),
            quality=measure(manifest).percents(),
        )
        return head, sealed.data
