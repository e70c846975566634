"""ISO/IEC 7816-4 and -9 commands under SCP03 (config/cards/iso7816-scp03.toml)."""

from __future__ import annotations

from drivers.chip import tlv
from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.dialects import BytesDone
from drivers.chip.dialects.scp03_card import Scp03Card
from drivers.chip.errors import NotEnoughSpace, refusal
from drivers.chip.processor import demand
from drivers.chip.scp03 import Scp03
from drivers.chip.select import Ef, select_file

FCP = 0x62  # file control parameters (ISO/IEC 7816-4:2020, 7.4.3)
TRANSPARENT = b"\x01"  # file descriptor: working EF, transparent structure
CREATION_STATE = b"\x01"  # life cycle status
UPDATE_AND_READ = 0x03  # access mode byte: two conditions follow, for UPDATE and for READ
NEVER = 0xFF
ALWAYS, SECURED, SECURED_AND_AUTHENTICATED = 0x00, 0x40, 0x60  # conditions of READ


class Iso7816Scp03(Scp03Card):
    """CREATE FILE says size and who may read; UPDATE BINARY fills it; PUT DATA brings the keys.

    The file that was created is the current one (ISO/IEC 7816-9:2017, 6.2.1). One that the card will not
    create again (6A89), as a tear or a block too large left it, is written over from its start.
    """

    def _key_command(self, name: str, value: bytes, secret: bool = False) -> CommandApdu:  # noqa: ARG002
        return CommandApdu(Ins.PUT_DATA, 0, self._profile.tags[name], self._object(name, value))

    def _write(self, issuer: Scp03, fid: int, data: bytes, done: BytesDone) -> None:
        create = CommandApdu(Ins.CREATE_FILE, data=self._fcp(fid, len(data)))
        answer = issuer.send(create, self._wait.create_file)
        if answer.sw == Sw.FILE_EXISTS:
            self._take_up(issuer, fid, len(data))
        elif answer.sw != Sw.OK:
            raise refusal(f"CREATE FILE of EF {fid:04X}", answer.sw)
        size = self.block_bytes
        for offset in range(0, len(data), size):
            block = data[offset : offset + size]
            update = CommandApdu(Ins.UPDATE_BINARY, offset >> 8, offset & 0xFF, block)
            demand(issuer, update, f"UPDATE BINARY of EF {fid:04X}", self._wait.write)
            done(len(block))

    def _take_up(self, issuer: Scp03, fid: int, size: int) -> None:
        """Make the file current that this card will not make anew. NotEnoughSpace unless `size` bytes fit."""
        select_file(issuer, fid, self._wait.apdu)
        if not self._block(issuer, size - 1):
            raise NotEnoughSpace(f"EF {fid:04X} is there already, for fewer than {size} bytes", Sw.NO_SPACE)

    def _fcp(self, fid: int, size: int) -> bytes:
        parameters = (
            (0x80, size.to_bytes(2, "big")),
            (0x82, TRANSPARENT),
            (0x83, fid.to_bytes(2, "big")),
            (0x88, bytes([(fid & 0x1F) << 3])),  # short identifier
            (0x8A, CREATION_STATE),
            (0x8C, bytes((UPDATE_AND_READ, NEVER, self._readable_by(fid)))),
        )
        return tlv.encode(FCP, b"".join(tlv.encode(tag, value) for tag, value in parameters))

    def _readable_by(self, fid: int) -> int:
        if fid == Ef.CARD_ACCESS:
            return ALWAYS
        return SECURED_AND_AUTHENTICATED if fid in self.guarded else SECURED
