"""What the commands that touch a card or the journal share: the card to look at, and errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from cryptography import x509

    from config.schema import Config
    from drivers.api import ChipReader
    from drivers.chip.password import Password
    from drivers.virtual.card import VirtualCard


CARD_S = 2.0  # five of the looks that pcscd takes at a slot
EX_UNAVAILABLE = 69  # sysexits.h: no reader, no card, or it was lifted
RETRY: Mapping[str, str] = {
    "place_card": "không có thẻ trên đầu đọc · no card lies on the reader",
    "hold_card_still": "thẻ bị nhấc lên, hãy giữ yên · the card was lifted: hold it still and try again",
    "card_foreign": "không phải thẻ của hồ sơ này · this is not the card of this record",
    "card_locked": "thẻ đã khoá · this card is locked already",
}


def refuse(why: str, code: int = 1) -> NoReturn:
    """One line on stderr, and the exit."""
    sys.stderr.write(f"kiosk: {why}\n")
    raise typer.Exit(code)


def now() -> datetime:
    """The moment for which certificates must be valid."""
    return datetime.now(UTC)


def site(config: Path | None) -> Config:
    from config.load import load

    return load(*([config] if config else []))


@contextmanager
def reader_trouble() -> Iterator[None]:
    """What the reader or the person must mend is one line and exit code 69."""
    from drivers.errors import DeviceFault, UserRetry

    try:
        yield
    except UserRetry as retry:
        refuse(RETRY.get(retry.reason, retry.reason), EX_UNAVAILABLE)
    except DeviceFault as fault:
        refuse(f"đầu đọc thẻ · the card reader: {fault.doing}", EX_UNAVAILABLE)


@contextmanager
def open_reader(settings: Config, name: str, virtual: Path | None) -> Iterator[ChipReader]:
    """The PC/SC reader, or a reader with the saved card `virtual` on it; the saved card is not changed.

    Raises UserRetry("place_card") where none lies there; pcscd is given time to see one just laid down.
    """
    if virtual is None:
        from drivers.chip.process import ChipProcess
        from drivers.errors import UserRetry

        with ChipProcess(name or settings.chip.reader) as reader:
            if not reader.await_card(True, CARD_S):
                raise UserRetry("place_card")
            yield reader
        return
    if settings.station.profile == "production":
        refuse("a box in production takes no virtual card", 2)
    from drivers.virtual.card import VirtualReader

    with VirtualReader() as virtual_reader:
        virtual_reader.put(saved_card(virtual))
        yield virtual_reader


def saved_card(path: Path) -> VirtualCard:
    from drivers.virtual.card import VirtualCard

    try:
        return VirtualCard.from_bytes(path.read_bytes())
    except (OSError, ValueError) as exc:
        refuse(f"{path} is not a saved virtual card: {exc}")


def trust_store(settings: Config, folder: Path | None) -> tuple[x509.Certificate, ...]:
    """The CSCAs that are believed: `folder`, or else the box's own."""
    from firmware.issue.trust import TrustError, load_trust

    own = Path(settings.station.data) / "identity" / "csca.pem"
    if folder is None and not own.is_file():
        refuse(f"no trust store: name a folder of CSCAs with --trust ({own} is not there)")
    try:
        return load_trust(folder or own)
    except TrustError as exc:
        refuse(str(exc))


def password_of(number: str, birth: str, expiry: str, can: str) -> Password:
    """What opens the card, from the options; what is missing is asked for and not shown."""
    from drivers.chip.bac import mrz_information
    from drivers.chip.password import Can
    from firmware.document.mrz import BacKeys

    if can and (number or birth or expiry):
        refuse("either --can or the MRZ's fields", 2)
    try:
        if can:
            return Can(can)
        keys = BacKeys(
            (number or _asked("số giấy tờ · document number")).upper().ljust(9, "<"),
            birth or _asked("ngày sinh · birth, YYMMDD"),
            expiry or _asked("ngày hết hạn · expiry, YYMMDD"),
        )
        mrz_information(keys)
    except ValueError as exc:
        refuse(str(exc), 2)
    return keys


def _asked(what: str) -> str:
    answer: str = typer.prompt(what, hide_input=True, err=True)
    return answer.strip()
