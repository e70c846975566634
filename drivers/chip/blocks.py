"""How many bytes a kind of card moves in one command: what it says, or what it turns out to take.

A card says it in its historical bytes and in EF.ATR/INFO (ISO/IEC 7816-4:2020, 12.1.1.9 and 12.7.1).
One that says nothing is asked for much and then for less; what was found holds for its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from drivers.chip import tlv
from drivers.chip.apdu import SHORT_NE
from drivers.chip.errors import MalformedData
from drivers.chip.processor import Processor
from drivers.chip.select import Ef, read_free_start

SHORT_STEPS = (0xFF, 0xDF, 0xC0, 0x80)  # DF is the largest that a short answer holds under protection
LARGEST_BLOCK = 4000  # more saves nothing: 0.46 s instead of 0.48 s for 20 kB at 424 kbit/s
UNTOLD_BLOCK = 975  # tried on a card that says nothing: an APDU of 1000 B under secure messaging
ATR_INFO_SFI = 0x01
LARGEST_ATR = 33  # TS and 32 characters (ISO/IEC 7816-3:2006, 8.2.1)

STATUS_LAST, STATUS_INSIDE = 0x00, 0x80  # category indicators before compact-TLV objects
STATUS_SIZE = 3  # what ends the historical bytes of the first kind, outside of the objects
CARD_CAPABILITIES = 0x7  # compact tag; 47 in EF.ATR/INFO
CHAINING, EXTENDED_LENGTH = 0x80, 0x40  # of its third byte (table 119)
DO_CARD_CAPABILITIES = 0x47
DO_EXTENDED_LENGTH = 0x7F66

AROUND_EXTENDED = 4 + 3 + 2  # header, Lc, Le
STATUS_BYTES = 2


class Doubt(Enum):
    """Whether a size at which the card was lost is one that card or reader does not take."""

    NONE = auto()
    LOST = auto()  # or the card was lifted: the next look goes without the size
    SPARED = auto()  # that look is under way
    TRIED = auto()  # the size is asked for again
    SURE = auto()  # and the card was lost once more


class Blocks:
    """The block size a kind of card was found to take: starts large and falls.

    A size that the card refuses is given up for good, one at which it was lost only when that happens twice:
    it may have been lifted. `losses` counts how often.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sorted(sizes, reverse=True)
        self._taken = 0
        self._doubt, self._doubted = Doubt.NONE, 0
        self.losses = 0

    @property
    def size(self) -> int:
        return self._sizes[0]

    @property
    def short_only(self) -> bool:
        """Whether card or reader was lost at extended APDUs: none is to go out now."""
        return self._doubt is not Doubt.NONE and self.size <= SHORT_NE

    def begin(self) -> None:
        """A new look at a card: the first one after a loss does without the size, the next tries it again."""
        if self._doubt is Doubt.LOST:
            self._doubt = Doubt.SPARED
        elif self._doubt is Doubt.SPARED:
            self._doubt = Doubt.TRIED
            self._sizes.insert(0, self._doubted)

    def fall_back(self) -> bool:
        """Go to the next smaller size; False when there is none."""
        if len(self._sizes) == 1:
            return False
        del self._sizes[0]
        return True

    def took(self, count: int) -> None:
        """Blocks of `count` bytes come through."""
        self._taken = max(self._taken, count)
        if self._doubt is Doubt.TRIED and count > SHORT_NE:
            self._doubt = Doubt.NONE

    def silent(self, wanted: int) -> None:
        """No answer in time to a block of `wanted` bytes: so some cards say that it is too long."""
        if self._may_be_too_much(wanted):
            self._give_up()

    def lost(self, wanted: int) -> None:
        """The card went away at a block of `wanted` bytes.

        At an extended APDU it may be refusing that size, as readers for short APDUs only, and cards, end a
        session there. At any other it was lifted.
        """
        if wanted > SHORT_NE and self._may_be_too_much(wanted):
            self._give_up()

    def _may_be_too_much(self, wanted: int) -> bool:
        """Whether it never came through, and the next size would have asked for less."""
        return len(self._sizes) > 1 and wanted > max(self._taken, self._sizes[1])

    def _give_up(self) -> None:
        self.losses += 1
        if self.size > SHORT_NE:
            self._doubt = Doubt.SURE if self._doubt is Doubt.TRIED else Doubt.LOST
            self._doubted = self.size
        self.fall_back()


@dataclass(frozen=True, slots=True)
class CardType:
    """What tells one kind of card from another, and what it says about lengths.

    `extended` and `chaining` are None when it says nothing; `command_bytes` and `response_bytes` are
    the longest APDUs it takes and gives, None when it does not say.
    """

    atr: bytes = b""
    extended: bool | None = None
    chaining: bool | None = None
    command_bytes: int | None = None
    response_bytes: int | None = None

    @property
    def largest_read(self) -> int:
        """Payload of the largest answer under AES secure messaging."""
        room = None if self.response_bytes is None else self.response_bytes - STATUS_BYTES
        return self._largest(room)

    @property
    def largest_write(self) -> int:
        """Payload of the largest command under AES secure messaging."""
        room = None if self.command_bytes is None else self.command_bytes - AROUND_EXTENDED
        return self._largest(room)

    def _largest(self, room: int | None) -> int:
        if self.extended is False:
            return SHORT_STEPS[0]
        if room is None:
            return UNTOLD_BLOCK
        return max(min(protected_payload(room), LARGEST_BLOCK), SHORT_STEPS[0])


class BlockMemory:
    """Block sizes per kind of card, for as long as the program runs. One thread."""

    def __init__(self) -> None:
        self._reading: dict[CardType, Blocks] = {}
        self._writing: dict[CardType, Blocks] = {}

    def begin(self) -> None:
        """A new look at a card, whichever: what was in doubt may be tried again."""
        for blocks in self._reading.values():
            blocks.begin()

    def reading(self, card: CardType) -> Blocks:
        """The sizes for READ BINARY; what falls there stays fallen for the next card of this kind."""
        return self._reading.setdefault(card, Blocks(ladder(card.largest_read)))

    @property
    def losses(self) -> int:
        """Of all kinds, while reading: a look that adds one is worth repeating."""
        return sum(each.losses for each in self._reading.values())

    def writing(self, card: CardType) -> Blocks:
        """The sizes for UPDATE BINARY and its like."""
        return self._writing.setdefault(card, Blocks(ladder(card.largest_write)))


def ladder(largest: int) -> tuple[int, ...]:
    """`largest`, then the short steps below it."""
    return (largest, *(size for size in SHORT_STEPS if size < largest))


def protected_payload(room: int, block: int = 16) -> int:
    """Bytes of plain data that fit into `room` bytes of data field under secure messaging.

    DO 87 with padding indicator and padding to whole blocks, DO 99 or DO 97 (4), DO 8E (10).
    """
    header = 3 if room <= 0xFF + 3 + 14 else 4
    padded = (room - 14 - header - 1) // block * block
    return max(padded - 1, 0)


def card_type(plain: Processor, atr: bytes = b"") -> CardType:
    """Ask a card that was just reset what it takes. Bytes that make no sense count as saying nothing."""
    extended, chaining = _capabilities(_card_capabilities(historical_bytes(atr)))
    info = read_free_start(plain, Ef.ATR_INFO, ATR_INFO_SFI) or b""
    objects = _objects(info)
    if DO_CARD_CAPABILITIES in objects:
        extended, chaining = _capabilities(objects[DO_CARD_CAPABILITIES])
    limits = _limits(objects.get(DO_EXTENDED_LENGTH, b""))
    if limits is None:
        return CardType(atr, extended, chaining)
    return CardType(atr, True, chaining, *limits)


def historical_bytes(atr: bytes) -> bytes:
    """The historical bytes of an ATR (ISO/IEC 7816-3:2006, 8.2); empty when that is no ATR."""
    if not 2 <= len(atr) <= LARGEST_ATR:
        return b""
    count, following, at = atr[1] & 0x0F, atr[1] >> 4, 2
    while following:
        at += following.bit_count()
        if not following & 0x8:  # no TD, so no further interface bytes
            break
        if at > len(atr):
            return b""
        following = atr[at - 1] >> 4
    return atr[at : at + count] if at + count <= len(atr) else b""


def _card_capabilities(historical: bytes) -> bytes:
    """The value of compact object 7n; empty when there is none, or only the beginning of one.

    A reader of type B makes historical bytes of its own out of the card's ATQB: application data and
    protocol information, which may begin with 00 and go on as anything (PC/SC part 3, 3.1.3.2.3.2).
    """
    rest = _compact_objects(historical)
    while rest:
        tag, length = rest[0] >> 4, rest[0] & 0x0F
        value, rest = rest[1 : 1 + length], rest[1 + length :]
        if tag == CARD_CAPABILITIES:
            return value if len(value) == length else b""
    return b""


def _compact_objects(historical: bytes) -> bytes:
    """The part that holds compact-TLV objects (ISO/IEC 7816-4:2020, 12.1.1)."""
    category = historical[0] if historical else None
    if category == STATUS_LAST:
        return historical[1:-STATUS_SIZE]
    return historical[1:] if category == STATUS_INSIDE else b""


def _capabilities(value: bytes) -> tuple[bool | None, bool | None]:
    """Extended length and command chaining, out of the third byte of the card capabilities."""
    if len(value) != 3:
        return None, None
    return bool(value[2] & EXTENDED_LENGTH), bool(value[2] & CHAINING)


def _limits(value: bytes) -> tuple[int, int] | None:
    """The longest command and response: two INTEGERs of at most four bytes in DO 7F66."""
    numbers = _numbers(value)
    if len(numbers) != 2 or min(numbers) < 0x100:
        return None
    return numbers[0], numbers[1]


def _numbers(value: bytes) -> list[int]:
    try:
        objects = tlv.parse(value)
    except MalformedData:
        return []
    return [
        int.from_bytes(each.value, "big") for each in objects if each.tag == 0x02 and len(each.value) <= 4
    ]


def _objects(info: bytes) -> dict[int, bytes]:
    """The data objects of EF.ATR/INFO as far as they can be read; the file may be cut off or filled."""
    found: dict[int, bytes] = {}
    while info:
        try:
            header = tlv.read_header(info, der=False)
        except MalformedData:
            break
        value, info = info[header.size :][: header.length], info[header.size + header.length :]
        if len(value) == header.length:
            found[header.tag] = value
    return found
