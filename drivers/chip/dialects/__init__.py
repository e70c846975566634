"""What a kind of chip calls the steps of its personalisation. A dialect is data plus one small class.

`firmware.issue.ports.Personalizer` is the same Protocol seen from above; the two must stay equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from drivers.chip.bac import AccessKeys

BytesDone = Callable[[int], None]  # called with the bytes moved since the last call


class CardKind(StrEnum):
    BLANK = "blank"  # in personalisation state, without keys or files
    OURS = "ours"  # opens with this record's keys, may still be written
    OURS_LOCKED = "ours_locked"  # opens with this record's keys, operational for ever
    FOREIGN = "foreign"  # anything else


@dataclass(frozen=True, slots=True)
class CardState:
    """Which card lies there; `serial` outlives a power cycle, or is None where the dialect has none."""

    kind: CardKind
    serial: str | None = None


class ChipKeys(Protocol):
    """All keys of one chip. A private key is PKCS#8 DER, or None where the chip gets none."""

    @property
    def access(self) -> AccessKeys: ...
    @property
    def can(self) -> str | None: ...  # card access number, digits
    @property
    def aa(self) -> bytes | None: ...  # Active Authentication
    @property
    def ca(self) -> bytes | None: ...  # Chip Authentication


class Dialect(Protocol):
    """One reader's card, spoken to in its own words. One thread, one card at a time.

    Every call may raise UserRetry("hold_card_still" | "place_card"), a DeviceFault, or a CardError when
    the card refuses; after any of these the session is over and the next call must be `identify`.
    """

    @property
    def name(self) -> str:
        """As in config/cards."""

    @property
    def block_bytes(self) -> int:
        """Payload of one write."""

    @property
    def unreadable(self) -> frozenset[int]:
        """File identifiers this chip never lets be read back: a profile leaves them out."""

    @property
    def guarded(self) -> frozenset[int]:
        """File identifiers that only the issuer reads, and only before the lock."""

    @property
    def protocol(self) -> str | None:
        """What opened the chip last ("BAC", "PACE …"); None before anything did."""

    @property
    def apdus(self) -> int:
        """Sent since this object was made."""

    def identify(self, keys: AccessKeys) -> CardState:
        """Reset the card, start a new session and say which card it is."""

    def put_keys(self, keys: ChipKeys) -> None:
        """Give a blank card its keys. ValueError for a key that this dialect has no words for."""

    def write_file(self, fid: int, data: bytes, done: BytesDone) -> None:
        """Create the file (again) and write all of it."""

    def read_file(self, fid: int, size: int, done: BytesDone) -> bytes | None:
        """The first `size` bytes through the access protocol (fewer where the file ends before).

        None when the card has no such file. What was created and not written reads as zeros. A guarded
        file comes through the channel of personalisation instead: before the lock only. EF.CardAccess is
        what a border finds after a reset, outside the application: the very bytes that opened the channel.
        """

    def prove_keys(self, keys: ChipKeys) -> Sequence[str]:
        """Before the lock: that the chip holds the private keys `aa` and `ca`, where `keys` has them.

        The proofs that held, by name; none where this kind of card proves nothing before its lock. Raises
        NotGenuine.
        """

    def lock(self) -> None:
        """End personalisation for ever."""

    def prove_locked(self, keys: ChipKeys) -> Sequence[str]:
        """The checks that held, by name; raises NotLocked when one does not.

        Where `keys` has `aa` or `ca`, the chip must also prove that it holds that private key.
        """
