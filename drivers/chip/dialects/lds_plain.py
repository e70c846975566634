"""The plain LDS applet (config/cards/lds-plain.toml): ISO commands in the clear, BAC to read.

Reading needs BAC in every state of its life, and nothing stops a lock on an incomplete card: the order
of the steps is the transaction's (`firmware.issue`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from drivers.chip import tlv
from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.bac import AccessKeys, open_bac
from drivers.chip.dialects import BytesDone, CardKind, CardState, ChipKeys
from drivers.chip.dialects.chip_proof import prove_keys
from drivers.chip.dialects.profile import Profile, Timeouts, load_profile
from drivers.chip.errors import (
    CardError,
    CardRefused,
    ConditionsNotSatisfied,
    FileNotFound,
    MalformedData,
    NotLocked,
    SecurityStatusNotSatisfied,
)
from drivers.chip.lds import Blocks, Ef, LdsFiles, select_application, select_file
from drivers.chip.processor import Plain, demand
from drivers.chip.secure_messaging import SecureMessaging

if TYPE_CHECKING:
    from drivers.api import ChipReader

TAG_CREATE = 0x63  # the applet's own: CREATE FILE takes 63 04 size fid
TAG_FIELD = 0x04  # any one-byte tag does
AA_HEAD = b"\x60\x00"  # the applet skips an object without value
AA_BITS = 1024


class LdsPlain:
    """`drivers.chip.dialects.Dialect` over one reader."""

    def __init__(self, reader: ChipReader, profile: Profile | None = None) -> None:
        self._reader = reader
        self._profile = profile or load_profile("lds-plain")
        self._blocks = Blocks(self._profile.read_blocks)
        self._plain = Plain(reader)
        self._keys: AccessKeys | None = None
        self._files: LdsFiles | None = None  # while a channel is open
        self._in_the_clear = False  # the application is selected, and no channel is open
        self._protocol: str | None = None

    @property
    def name(self) -> str:
        return self._profile.name

    @property
    def block_bytes(self) -> int:
        return self._profile.write_block

    @property
    def unreadable(self) -> frozenset[int]:
        return self._profile.unreadable

    @property
    def guarded(self) -> frozenset[int]:
        return frozenset()

    @property
    def protocol(self) -> str | None:
        return self._protocol

    @property
    def apdus(self) -> int:
        return self._plain.apdus

    def identify(self, keys: AccessKeys) -> CardState:
        """This applet has no serial that outlives a power cycle: only its access keys tell it."""
        self._restart()
        self._keys = keys
        try:
            self._select_application()
            return CardState(self._kind())
        except CardRefused:
            return CardState(CardKind.FOREIGN)

    def put_keys(self, keys: ChipKeys) -> None:
        """The access keys come last: a card that opens has all its keys."""
        if keys.can or keys.ca:
            raise ValueError(f"{self.name} takes access keys of the MRZ and a key for AA only")
        self._select_application()
        for command in self._aa_commands(keys.aa) if keys.aa else ():
            demand(self._plain, command, "PUT DATA key of Active Authentication", self._wait.write)
        demand(self._plain, self._key_command(keys.access), "PUT DATA access keys", self._wait.write)
        self._keys = keys.access

    def write_file(self, fid: int, data: bytes, done: BytesDone) -> None:
        if not 1 <= len(data) <= self._profile.largest_file:
            raise ValueError(f"a file of {self.name} has 1 to {self._profile.largest_file} bytes")
        if not self._in_the_clear:
            self._select_application()
        self._create(fid, len(data))
        select_file(self._plain, fid, self._wait.apdu)
        for offset in range(0, len(data), self.block_bytes):
            block = data[offset : offset + self.block_bytes]
            update = CommandApdu(Ins.UPDATE_BINARY, offset >> 8, offset & 0xFF, block)
            demand(self._plain, update, f"UPDATE BINARY of EF {fid:04X}", self._wait.write)
            done(len(block))

    def read_file(self, fid: int, size: int, done: BytesDone) -> bytes | None:
        files = self._open_files()
        try:
            return files.read(fid, size, done)
        except FileNotFound:
            return None

    def prove_keys(self, keys: ChipKeys) -> Sequence[str]:
        return prove_keys(self._open_files(), keys) if self._profile.proof_before_lock else ()

    def lock(self) -> None:
        """PUT DATA DEAD: irreversible, on an incomplete card as well."""
        self._select_application()
        lock = CommandApdu(Ins.PUT_DATA, 0xDE, 0xAD, ne=256)
        demand(self._plain, lock, "PUT DATA lock", self._wait.lock)

    def prove_locked(self, keys: ChipKeys) -> Sequence[str]:
        """Try what only personalisation may do, with what the card holds already: harmless if it works."""
        self._restart()
        self._keys = keys.access
        self._select_application()
        self._prove_plain_read_refused()
        self._prove_refused(self._plain, self._key_command(keys.access), "key_change_refused")
        files = self._open_files()
        first = files.read(Ef.COM, 1, lambda _: None)
        if not first:
            raise MalformedData("EF.COM is empty")
        self._prove_refused(files.channel, CommandApdu(Ins.UPDATE_BINARY, data=first), "write_refused")
        proofs = prove_keys(self._open_files(), keys)
        self._close_files()
        return "plain_read_refused", "key_change_refused", "write_refused", "access_opens", *proofs

    # --- steps ---

    @property
    def _wait(self) -> Timeouts:
        return self._profile.timeouts_s

    def _restart(self) -> None:
        self._close_files()
        self._in_the_clear = False
        self._reader.disconnect()
        self._reader.connect()

    def _kind(self) -> CardKind:
        """Raises CardRefused when it does not take these keys, or answers like no card of this dialect."""
        guarded, has_sod = self._probe(Ef.SOD)
        try:
            self._open_files()
        except ConditionsNotSatisfied:  # to GET CHALLENGE: it has no access keys
            return CardKind.FOREIGN if guarded or has_sod else CardKind.BLANK
        return CardKind.OURS_LOCKED if guarded else CardKind.OURS

    def _probe(self, fid: int) -> tuple[bool, bool]:
        """Whether a plain SELECT of this EF is refused, and whether it is there."""
        try:
            select_file(self._plain, fid, self._wait.apdu)
        except SecurityStatusNotSatisfied:
            return True, False
        except FileNotFound:
            return False, False
        return False, True

    def _select_application(self) -> None:
        self._close_files()
        select_application(self._plain, self._profile.aid, self._profile.select_p2)
        self._in_the_clear = True

    def _open_files(self) -> LdsFiles:
        if self._files is None or not self._files.channel.alive:
            self._files = LdsFiles(self._open_channel, self._blocks, self._wait.apdu)
        return self._files

    def _open_channel(self) -> SecureMessaging:
        if self._keys is None:
            raise CardError("no card was identified")
        self._in_the_clear = False
        select_application(self._plain, self._profile.aid, self._profile.select_p2)
        channel = open_bac(self._plain, self._keys, timeout_s=self._wait.authenticate)
        self._protocol = "BAC"
        return channel

    def _close_files(self) -> None:
        self._files = None

    def _create(self, fid: int, size: int) -> None:
        where = size.to_bytes(2, "big") + fid.to_bytes(2, "big")
        create = CommandApdu(Ins.CREATE_FILE, data=tlv.encode(TAG_CREATE, where))
        demand(self._plain, create, f"CREATE FILE of EF {fid:04X}", self._wait.create_file)

    def _key_command(self, keys: AccessKeys) -> CommandApdu:
        fields = (keys.document_number.ljust(9, "<"), keys.birth, keys.expiry)
        value = b"".join(tlv.encode(TAG_FIELD, field.encode("ascii")) for field in fields)
        tag = self._profile.tags["access_keys"]
        return CommandApdu(Ins.PUT_DATA, 0, tag, tlv.encode(tag, value))

    def _aa_commands(self, private: bytes) -> Sequence[CommandApdu]:
        """Modulus and exponent, in the applet's own form. ValueError for another key than RSA-1024."""
        key = load_der_private_key(private, password=None)
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != AA_BITS:
            raise ValueError(f"{self.name} takes RSA-{AA_BITS} for Active Authentication")
        numbers = key.private_numbers()
        tags = self._profile.tags
        halves = (tags["aa_modulus"], numbers.public_numbers.n), (tags["aa_exponent"], numbers.d)
        return [
            CommandApdu(Ins.PUT_DATA, 0, p2, AA_HEAD + tlv.encode(0x04, number.to_bytes(AA_BITS // 8, "big")))
            for p2, number in halves
        ]

    def _prove_plain_read_refused(self) -> None:
        guarded, _ = self._probe(Ef.COM)
        read = CommandApdu(Ins.READ_BINARY, 0x80 | (Ef.COM & 0x1F), ne=1)
        if not guarded or self._plain.send(read, self._wait.apdu).sw == Sw.OK:
            raise NotLocked("plain_read_refused")

    def _prove_refused(self, processor: Plain | SecureMessaging, command: CommandApdu, check: str) -> None:
        if processor.send(command, self._wait.write).sw == Sw.OK:
            raise NotLocked(check)
