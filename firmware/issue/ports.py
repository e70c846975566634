"""What the transaction needs of the house: a journal, a signer, a card it may personalise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

BytesDone = Callable[[int], None]  # called with the bytes moved since the last call


class AccessKeys(Protocol):
    """The three MRZ fields that open a chip under BAC, without check digits (Doc 9303-11, 4.3)."""

    @property
    def document_number(self) -> str: ...  # 9 characters, filled with '<'
    @property
    def birth(self) -> str: ...  # YYMMDD
    @property
    def expiry(self) -> str: ...  # YYMMDD


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


# --- the card -------------------------------------------------------------------------------------


class CardState(Protocol):
    """Which card lies there. `kind`: blank, ours, ours_locked, foreign (the dialect's StrEnum)."""

    @property
    def kind(self) -> str: ...
    @property
    def serial(
        self,
    ) -> str | None: ...  # stable over a power cycle, or None where the dialect has none


class Personalizer(Protocol):
    """A card dialect over a reader (drivers/chip/dialects). One thread, one card at a time.

    Every call may raise UserRetry("hold_card_still" | "place_card"), DeviceFault, or CardError when
    the card refuses; after any of these the session is over and the next call must be `identify`.
    """

    @property
    def name(self) -> str: ...  # of the dialect, as in config/cards
    @property
    def block_bytes(self) -> int: ...  # payload of one write
    @property
    def unreadable(self) -> frozenset[int]: ...  # FIDs this chip never gives back
    @property
    def guarded(self) -> frozenset[int]: ...  # FIDs that only the issuer reads, before the lock
    @property
    def protocol(self) -> str | None: ...  # what opened the chip last: "BAC", "PACE …"
    @property
    def apdus(self) -> int: ...  # sent since this object was made
    def identify(self, keys: AccessKeys) -> CardState:
        """Reset the card, start a new session and say which card it is."""

    def put_keys(self, keys: ChipKeys) -> None:
        """Give a blank card its keys. ValueError for a key that this dialect has no words for."""

    def write_file(self, fid: int, data: bytes, done: BytesDone) -> None:
        """Create the file (again) and write all of it."""

    def read_file(self, fid: int, size: int, done: BytesDone) -> bytes | None:
        """The first `size` bytes through BAC or PACE (fewer where the file ends before), or None.

        A file that was created and not wholly written reads as what it holds: zeros where nothing
        was written. None means that the card has no such file. A guarded file comes through the
        channel of personalisation instead: before the lock only. EF.CardAccess is what a border finds
        after a reset, outside the application: the very bytes that opened the channel.
        """

    def prove_keys(self, keys: ChipKeys) -> Sequence[str]:
        """Before the lock: that the chip holds the private keys `aa` and `ca`, where `keys` has them.

        The proofs that held, by name; none where this kind of card proves nothing before its lock. Raises
        NotGenuine.
        """

    def lock(self) -> None:
        """End personalisation for ever."""

    def prove_locked(self, keys: ChipKeys) -> Sequence[str]:
        """The checks that held, by name (write_refused, plain_read_refused, access_opens).

        Where `keys` has `aa` or `ca`, the chip must also prove that it holds that private key.
        Raises NotLocked when one does not hold.
        """


# --- the journal ----------------------------------------------------------------------------------


class Attempt(Protocol):
    """What is durable about one try to make this record's card."""

    @property
    def number(self) -> int: ...  # from 1
    @property
    def image(self) -> bytes: ...  # CardImage.to_bytes()
    @property
    def sod(self) -> bytes | None: ...  # EF.SOD, once signed
    @property
    def issuing(self) -> bool: ...
    @property
    def stage(self) -> str: ...  # "" at the start, then what `stage` was given last
    @property
    def inherited(self) -> bool: ...  # the image is that of an earlier attempt: its chip keys are used


class IssueJournal(Protocol):
    """Durable before it returns, every method. `firmware.records.Journal` is one."""

    def attempt(self, record_id: str) -> Attempt: ...
    def keep_image(self, record_id: str, number: int, image: bytes) -> None:
        """The card of this attempt alone, with chip keys of its own; kept before a card is touched."""

    def stage(self, record_id: str, number: int, stage: str) -> None:
        """How far this attempt came, in the words of `firmware.issue.mark`."""

    def keep_sod(self, record_id: str, number: int, sod: bytes) -> None:
        """The one EF.SOD of this attempt."""

    def issuing(self, record_id: str, number: int, sod_sha256: bytes) -> None:
        """From here the record only goes forward; called before the first byte of EF.SOD is sent."""

    def complete(self, record_id: str, number: int, report: Mapping[str, Any]) -> None:
        """The card is live and locked; `report` is JSON."""

    def lost(self, record_id: str, number: int, officers: Sequence[str]) -> int:
        """Give this attempt up (onto the void list if it was ISSUING); returns the next number."""


# --- the signer -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """In whose name a card is made: the citizen's number, the case, and the box with its epoch."""

    number: str
    case: str
    box: str
    epoch: int


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What is asked of the document signer: never the content, only SHA-256 by data group."""

    record_id: str
    number: str
    case: str
    box: str
    epoch: int
    attempt: int
    data_group_hashes: Mapping[int, bytes]
    lds_version: str = "0107"  # as EF.COM has it: "0107" | "0108"

    def to_json(self) -> dict[str, Any]:
        """The body of POST /v1/sign; LDS 1.7 is what no word means."""
        return {
            "record_id": self.record_id,
            "number": self.number,
            "case": self.case,
            "box": self.box,
            "epoch": self.epoch,
            "attempt": self.attempt,
            "hash_algorithm": "sha256",
            "data_groups": {str(n): h.hex() for n, h in sorted(self.data_group_hashes.items())},
            **({} if self.lds_version == "0107" else {"lds_version": self.lds_version}),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> SigningRequest:
        """The request a body stands for. Raises ValueError if it is not one."""
        try:
            if body["hash_algorithm"] != "sha256":
                raise ValueError("hash_algorithm")
            groups = {int(n): bytes.fromhex(h) for n, h in body["data_groups"].items()}
            return cls(
                record_id=str(body["record_id"]),
                number=str(body["number"]),
                case=str(body["case"]),
                box=str(body["box"]),
                epoch=int(body["epoch"]),
                attempt=int(body["attempt"]),
                data_group_hashes=groups,
                lds_version=str(body.get("lds_version", "0107")),
            )
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError(f"not a signing request: {exc}") from exc


class DocumentSigner(Protocol):
    def sign(self, request: SigningRequest) -> bytes:
        """EF.SOD over these hashes. Raises SignerUnavailable or SignerRefused."""


# --- progress -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IssueProgress:
    """How far one call has come: `step` as in the journal, bytes moved of bytes to move."""

    step: str
    done_bytes: int
    total_bytes: int

    @property
    def fraction(self) -> float:
        """0..1, never going back within a call."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 1.0
