"""What the dialects under SCP03 have in common; how keys and files are worded is the subclass's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.chip import tlv
from drivers.chip.apdu import EXTENDED_NE, SHORT_NE, CommandApdu, Ins, Sw
from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import BytesDone, CardKind, CardState, ChipKeys
from drivers.chip.dialects.channels import Channels
from drivers.chip.dialects.chip_proof import promises_pace, prove_keys
from drivers.chip.dialects.cplc import read_serial
from drivers.chip.dialects.profile import Profile, Serial, Timeouts
from drivers.chip.errors import (
    AccessUnsupported,
    CardRefused,
    ConditionsNotSatisfied,
    FileNotFound,
    MalformedData,
    NotLocked,
    WrongLength,
    refusal,
)
from drivers.chip.key_store import KeyStore, KeyStoreError
from drivers.chip.lds import LdsFiles
from drivers.chip.processor import Processor, demand
from drivers.chip.scp03 import CHALLENGE_SIZE, GP_CLA, INITIALIZE_UPDATE, OFFERING, KeysRefused, Scp03
from drivers.chip.select import Ef, select_file

if TYPE_CHECKING:
    from drivers.api import ChipReader
    from drivers.chip.bac import AccessKeys

SET_STATUS = 0xF0  # GlobalPlatform 2.3.1, 11.10
APPLICATION, PERSONALIZED = 0x40, 0x0F
TAG_FIELD = 0x04  # any one-byte tag does


class Scp03Card(ABC):
    """`drivers.chip.dialects.Dialect` over one reader."""

    def __init__(
        self, reader: ChipReader, profile: Profile, key_store: KeyStore | None, memory: BlockMemory
    ) -> None:
        """Raises KeyStoreError without a key store: nobody else may personalise such a card."""
        if profile.scp03 is None or key_store is None:
            raise KeyStoreError(f"{profile.name}: there is none, and its cards take nothing without")
        self._profile = profile
        self._words = profile.scp03
        self._channels = Channels(reader, profile, profile.scp03, key_store, memory)

    # --- what the dialect is ---

    @property
    def name(self) -> str:
        return self._profile.name

    @property
    def block_bytes(self) -> int:
        return self._channels.payload

    @property
    def unreadable(self) -> frozenset[int]:
        return self._profile.unreadable

    @property
    def guarded(self) -> frozenset[int]:
        return self._profile.guarded

    @property
    def protocol(self) -> str | None:
        return self._channels.protocol

    @property
    def apdus(self) -> int:
        return self._channels.plain.apdus

    # --- what it does ---

    def identify(self, keys: AccessKeys) -> CardState:
        """Locked is a card that offers no channel of the issuer any more; foreign, one of another issuer."""
        self._channels.begin(keys)
        serial = None
        try:
            if self._profile.serial is Serial.CPLC:
                serial = read_serial(self._channels.plain, self._wait.apdu)
            unlocked = self._unlocked()
            if unlocked and self._profile.serial is Serial.KDD:
                serial = self._channels.issuer().kdd.hex().upper()
            return CardState(self._kind(unlocked), serial)
        except (CardRefused, KeysRefused, AccessUnsupported):
            return CardState(CardKind.FOREIGN, serial)

    def put_keys(self, keys: ChipKeys) -> None:
        """The access keys come last: a card that opens has all its keys."""
        self._check_known(keys)
        issuer = self._channels.issuer()
        for name, private in (("aa", keys.aa), ("ca", keys.ca)):
            if private:
                self._send(issuer, self._key_command(name, issuer.wrap(private), secret=True))
        if keys.can:
            self._send(issuer, self._key_command("can", keys.can.encode("ascii")))
        self._send(issuer, self._access_command(keys.access))

    def write_file(self, fid: int, data: bytes, done: BytesDone) -> None:
        """Written again from its start, in smaller blocks, where the card rejects their size."""
        if not 1 <= len(data) <= self._profile.largest_file:
            raise ValueError(f"a file of {self.name} has 1 to {self._profile.largest_file} bytes")
        while True:
            try:
                return self._write(self._channels.issuer(), fid, data, done)
            except WrongLength:
                if not self._channels.writing.fall_back():
                    raise
            self._channels.close()

    def read_file(self, fid: int, size: int, done: BytesDone) -> bytes | None:
        try:
            if fid in self.guarded:
                return self._read_as_issuer(fid, size, done)
            if fid == Ef.CARD_ACCESS:
                return self._read_card_access(size, done)
            return self._channels.files().read(fid, size, done)
        except FileNotFound:
            return None

    def prove_keys(self, keys: ChipKeys) -> Sequence[str]:
        return prove_keys(self._channels.files(), keys) if self._profile.proof_before_lock else ()

    def lock(self) -> None:
        """SET STATUS to PERSONALIZED: irreversible, on an incomplete card as well."""
        aid = self._profile.aid
        lock = CommandApdu(SET_STATUS, APPLICATION, PERSONALIZED, aid, cla=GP_CLA)
        demand(self._channels.issuer(), lock, "SET STATUS", self._wait.lock)
        self._channels.close()

    def prove_locked(self, keys: ChipKeys) -> Sequence[str]:
        """Try what only personalisation may do, with what the card holds already: harmless if it works."""
        self._channels.begin(keys.access)
        self._channels.select()
        self._prove_no_issuer()
        self._prove_plain_read_refused()
        self._prove_refused(self._channels.plain, self._access_command(keys.access), "key_change_refused")
        files = self._channels.files()
        self._prove_write_refused(files)
        self._prove_opened_as_promised(self._channels.files())  # the refused write may have ended the other
        proofs = prove_keys(self._channels.files(), keys)
        refused = ("personalisation_refused", "plain_read_refused", "key_change_refused", "write_refused")
        return *refused, "access_opens", *proofs

    # --- words ---

    @abstractmethod
    def _key_command(self, name: str, value: bytes, secret: bool = False) -> CommandApdu:
        """The command that gives the card the key `name`; a secret is wrapped already."""

    @abstractmethod
    def _write(self, issuer: Scp03, fid: int, data: bytes, done: BytesDone) -> None:
        """Create the file (again) and write all of it, `block_bytes` at a time."""

    @property
    def _wait(self) -> Timeouts:
        return self._profile.timeouts_s

    def _object(self, name: str, value: bytes) -> bytes:
        return tlv.encode(self._profile.tags[name] & 0xFF, value)

    def _access_command(self, keys: AccessKeys) -> CommandApdu:
        fields = (keys.document_number.ljust(9, "<"), keys.birth, keys.expiry)
        value = b"".join(tlv.encode(TAG_FIELD, field.encode("ascii")) for field in fields)
        return self._key_command("access_keys", value)

    def _send(self, issuer: Scp03, command: CommandApdu) -> None:
        demand(issuer, command, "keys of the chip", self._wait.write)

    def _check_known(self, keys: ChipKeys) -> None:
        taken = {name.split(":")[0] for name in self._profile.keys}
        given = {"can": keys.can, "aa": keys.aa, "ca": keys.ca}
        for name, key in given.items():
            if key and name not in taken:
                raise ValueError(f"{self.name} takes no key {name}")

    # --- which card ---

    def _unlocked(self) -> bool:
        try:
            self._channels.issuer()
        except CardRefused as refused:
            if refused.doing == OFFERING and refused.sw in self._words.locked:
                return False
            raise
        return True

    def _kind(self, unlocked: bool) -> CardKind:
        """Raises CardRefused for a card that does not open with these keys."""
        blank = unlocked and not self._has_sod()
        try:
            self._channels.files()
        except ConditionsNotSatisfied:  # to GET CHALLENGE: it has no access keys
            return CardKind.BLANK if blank else CardKind.FOREIGN
        return CardKind.OURS if unlocked else CardKind.OURS_LOCKED

    def _has_sod(self) -> bool:
        try:
            select_file(self._channels.issuer(), Ef.SOD, self._wait.apdu)
        except FileNotFound:
            return False
        return True

    # --- files that are not of the guard's channel ---

    def _read_card_access(self, size: int, done: BytesDone) -> bytes | None:
        found = self._channels.card_access()
        if found is not None:
            found = found[:size]
            done(len(found))
        return found

    def _read_as_issuer(self, fid: int, size: int, done: BytesDone) -> bytes:
        """Each answer as long as the card likes: under R-ENCRYPTION Le says nothing about the plain text."""
        issuer = self._channels.issuer()
        select_file(issuer, fid, self._wait.apdu)
        content = bytearray()
        while len(content) < size:
            block = self._block(issuer, len(content))[: size - len(content)]
            if not block:
                break
            content += block
            done(len(block))
        return bytes(content)

    def _block(self, issuer: Scp03, offset: int) -> bytes:
        extended = self._channels.extended
        ne = EXTENDED_NE if extended else SHORT_NE
        command = CommandApdu(Ins.READ_BINARY, offset >> 8, offset & 0xFF, ne=ne, extended=extended)
        answer = issuer.send(command, self._wait.write)
        if answer.sw == Sw.WRONG_OFFSET:
            return b""
        if answer.sw not in (Sw.OK, Sw.END_OF_FILE):
            raise refusal("READ BINARY under SCP03", answer.sw)
        return answer.data

    # --- the proof of the lock ---

    def _prove_no_issuer(self) -> None:
        ask = CommandApdu(
            INITIALIZE_UPDATE, self._words.kvn, 0, bytes(CHALLENGE_SIZE), ne=SHORT_NE, cla=GP_CLA
        )
        if self._channels.plain.send(ask, self._wait.authenticate).sw not in self._words.locked:
            raise NotLocked("personalisation_refused")

    def _prove_plain_read_refused(self) -> None:
        plain = self._channels.plain
        select = CommandApdu(Ins.SELECT, 0x02, 0x0C, Ef.COM.to_bytes(2, "big"))
        by_name = CommandApdu(Ins.READ_BINARY, ne=1)
        by_sfi = CommandApdu(Ins.READ_BINARY, 0x80 | (Ef.COM & 0x1F), ne=1)
        for command in (select, by_name, by_sfi):
            answer = plain.send(command, self._wait.apdu)
            if answer.data or (command is not select and answer.sw == Sw.OK):
                raise NotLocked("plain_read_refused")

    def _prove_write_refused(self, files: LdsFiles) -> None:
        first = files.read(Ef.COM, 1, lambda _: None)
        if not first:
            raise MalformedData("EF.COM is empty")
        self._prove_refused(files.channel, CommandApdu(Ins.UPDATE_BINARY, data=first), "write_refused")

    def _prove_opened_as_promised(self, files: LdsFiles) -> None:
        """By a protocol of the profile: PACE where DG14, which is signed, has one (Doc 9303-11, 9.2.11)."""
        protocol = files.channel.protocol or ""
        if protocol.split(" ")[0] not in self._profile.access:
            raise AccessUnsupported(f"{self.name} is not to be opened with {protocol}")
        if not protocol.startswith("PACE") and promises_pace(files):
            raise AccessUnsupported(f"{self.name} promises PACE in DG14, and opens with {protocol}")

    def _prove_refused(self, processor: Processor, command: CommandApdu, check: str) -> None:
        if processor.send(command, self._wait.write).sw == Sw.OK:
            raise NotLocked(check)
