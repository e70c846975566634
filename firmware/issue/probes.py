"""The questions of an inspection that are not files: what is free to read, and whether the chip is a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drivers.chip.access import read_card_access
from drivers.chip.active_authentication import authenticate_actively
from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.bac import Random
from drivers.chip.chip_authentication import authenticate_chip, chip_key
from drivers.chip.errors import CardError, CardRefused, UnknownAlgorithm
from drivers.chip.lds import Ef, LdsFiles, select_file
from drivers.chip.patience import Endless
from drivers.chip.processor import Plain
from firmware.document import der
from firmware.document.errors import DocumentError, NotDerError
from firmware.document.lds import DG_TAGS, Fid
from firmware.document.security import decode_dg14
from firmware.issue.findings import Extra, Sheet

if TYPE_CHECKING:
    from drivers.chip.security_infos import SecurityInfo

GET_CPLC = CommandApdu(0xCA, 0x9F, 0x7F, ne=256, cla=0x80)  # GlobalPlatform 2.3.1, 11.3
CPLC_TAG, CPLC_SIZE = b"\x9f\x7f", 42
INITIALIZE_UPDATE = CommandApdu(0x50, data=bytes(8), ne=256, cla=0x80)  # GlobalPlatform 2.3.1, D.4.1
SELECTED = "files are selected in the clear: many cards allow it, one of lds-plain only before its lock"
SHORTEST_UPDATE = 28
"""Bytes of the shortest answer to INITIALIZE UPDATE: whoever gives it has a channel for an issuer's keys."""


def free_files(plain: Plain) -> tuple[bytes | None, bytes]:
    """EF.CardAccess (None where there is none) and the CPLC (empty where there is none) of a fresh card.

    Raises MalformedData for an EF.CardAccess that is no data object.
    """
    access = read_card_access(plain)
    answer = plain.send(GET_CPLC)
    data = answer.data[3:] if answer.data[:2] == CPLC_TAG else answer.data
    return access, data if answer.sw == Sw.OK and len(data) == CPLC_SIZE else b""


def note_plain_read(plain: Plain, sheet: Sheet) -> None:
    """With the application selected: whether it shows DG1 to anybody, or still takes an issuer's keys."""
    selected = _selects(plain)
    if selected and plain.send(CommandApdu(Ins.READ_BINARY, ne=1)).sw == Sw.OK:
        sheet.failed(Extra.PLAIN_READ, "DG1 is read without BAC or PACE")
    else:
        sheet.held(Extra.PLAIN_READ)
    if len(plain.send(INITIALIZE_UPDATE).data) >= SHORTEST_UPDATE:
        sheet.failed(Extra.CLOSED, "INITIALIZE UPDATE still opens a channel for the issuer")
    elif selected:
        sheet.not_made(Extra.CLOSED, SELECTED)
    else:
        sheet.held(Extra.CLOSED)


def note_hidden(sheet: Sheet) -> None:
    """The application cannot even be selected in the clear: nothing of it is free, or was asked."""
    sheet.held(Extra.PLAIN_READ)
    sheet.not_made(Extra.CLOSED, "the application is not selected in the clear")


def _selects(plain: Plain) -> bool:
    try:
        select_file(plain, Ef.DG1)
    except CardRefused:
        return False
    return True


def prove_chip(
    files: Callable[[], LdsFiles], contents: Mapping[int, bytes], sheet: Sheet, random: Random
) -> None:
    """Chip and Active Authentication, each where the chip offers it.

    Secure messaging goes on under Chip Authentication's keys (Doc 9303-11, 6.2): what signs in that channel
    is the chip that opened it. They prove something only once DG14 and DG15, where the keys stand, are
    authentic.
    """
    infos = _infos(contents)
    _chip(files, infos, sheet, random)
    _active(files, contents, infos, sheet, random)


def _infos(contents: Mapping[int, bytes]) -> tuple[SecurityInfo, ...]:
    """DG14's; none where it cannot be read, which is a finding of passive authentication."""
    try:
        return decode_dg14(contents[Fid.DG14]) if Fid.DG14 in contents else ()
    except DocumentError:
        return ()


def _active(
    files: Callable[[], LdsFiles],
    contents: Mapping[int, bytes],
    infos: Sequence[SecurityInfo],
    sheet: Sheet,
    random: Random,
) -> None:
    content = contents.get(Fid.DG15)
    if content is None:
        sheet.not_made(Extra.ACTIVE, "there is no DG15 to check it with")
        return
    with _judged(Extra.ACTIVE, sheet):
        key = der.one(content, DG_TAGS[15]).value
        sheet.held(Extra.ACTIVE, authenticate_actively(files().channel, key, infos, random))


def _chip(files: Callable[[], LdsFiles], infos: Sequence[SecurityInfo], sheet: Sheet, random: Random) -> None:
    with _judged(Extra.CHIP, sheet):
        key = chip_key(infos)
        if key is None:
            sheet.not_made(Extra.CHIP, "there is no key for it in DG14")
            return
        card = files()
        card.adopt(authenticate_chip(card.channel, key, random=random))
        sheet.held(Extra.CHIP, key.title)


@contextmanager
def _judged(check: Extra, sheet: Sheet) -> Iterator[None]:
    """What the chip cannot prove failed; what this terminal cannot ask about was not asked."""
    try:
        yield
    except UnknownAlgorithm as exc:
        sheet.not_made(check, str(exc))
    except Endless:
        raise
    except (CardError, NotDerError) as exc:
        sheet.failed(check, str(exc))
