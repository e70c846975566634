"""What can go wrong with the box's store, and what a person can do about it.

`reason` is the key of a text; `remedy` is one sentence for the technician. None says anything personal.
"""

from __future__ import annotations

from typing import ClassVar


class RecordsError(Exception):
    """Whatever the journal raises, apart from `FormatError`s about content."""


class StoreError(RecordsError):
    """The disk or the database failed; nothing that was accepted is lost."""

    reason: ClassVar[str] = "store_failed"
    remedy: ClassVar[str] = "Check the storage card's seating, then restart; if it repeats, swap the box."

    def __init__(self, doing: str) -> None:
        super().__init__(f"{doing}: {self.remedy}")
        self.doing = doing


class SourceGone(RecordsError):
    """The medium that another box's files are taken from cannot be read any more."""


class SourceDamaged(RecordsError):
    """Files of another box are not what it wrote; the message names the records."""


class DiskFull(StoreError):
    """No space is left; the step can be repeated once there is."""

    reason: ClassVar[str] = "disk_full"
    remedy: ClassVar[str] = "Connect the box so that it delivers, or copy the outbox with a swap; then go on."


class StoreMissing(StoreError):
    """There is no journal in the folder."""

    reason: ClassVar[str] = "store_missing"
    remedy: ClassVar[str] = "Name the box's folder of records, or start the kiosk once: it makes its journal."


class StoreOfAnotherVersion(StoreError):
    """The journal was written by another version of the program."""

    reason: ClassVar[str] = "store_version"
    remedy: ClassVar[str] = (
        "Start the kiosk of this version once; if it says so itself, install the newer program."
    )


class StoreBusy(StoreError):
    """Another process holds the journal."""

    reason: ClassVar[str] = "store_busy"
    remedy: ClassVar[str] = "End the other kiosk process that uses this folder, then start again."


class StoreDamaged(StoreError):
    """The database or a file of it is not what was written."""

    reason: ClassVar[str] = "store_damaged"
    remedy: ClassVar[str] = (
        "Restart: the database is set aside and rebuilt from the files; then read its report."
    )


class StoreLocked(StoreError):
    """The machine was started anew: the keys of the journal wait for an officer's PIN."""

    reason: ClassVar[str] = "box_locked"
    remedy: ClassVar[str] = (
        "An officer unlocks the box with badge and PIN, on its screen or by `kiosk box unlock`."
    )


class KeysGone(StoreError):
    """What holds the box's keys does not answer."""

    reason: ClassVar[str] = "keys_gone"
    remedy: ClassVar[str] = "Restart the box; if it repeats, its TPM has failed: swap the box."


class UnknownRecord(RecordsError):
    """No record of this id is here."""


class WrongState(RecordsError):
    """The record is not in a state that allows this: the caller has a bug, or is late."""

    def __init__(self, record_id: str, state: str, wanted: str) -> None:
        super().__init__(f"record {record_id} is {state}: {wanted} is not allowed")
        self.record_id = record_id
        self.state = state


class HandedOver(RecordsError):
    """This box gave its epoch, or this record, to another box: only that one goes on."""

    reason: ClassVar[str] = "box_handed_over"


class OfficerLocked(RecordsError):
    """Too many wrong PINs: the officer's card is locked until another officer unlocks it."""


class TicketRefused(RecordsError):
    """`reason`: ticket_malformed, ticket_unknown or ticket_expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
