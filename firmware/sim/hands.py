"""What a person at the page can do to a virtual station, as a table of verbs and their objects.

`hands.verbs["finger"]["asked"]("dry")`. One thread at a time; `world.World` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from drivers.virtual.card.card import OfficerCard, VirtualCard, foreign_card
from drivers.virtual.skin import POSITIONS, Finger, impression
from firmware.sim.citizen import qr_picture
from firmware.sim.people import Citizen
from firmware.sim.station import InProcess, VirtualStation

SKINS: Mapping[str, Callable[[Finger, int], Any]] = {
    "good": partial(impression, dry=0.05),
    "dry": partial(impression, dry=0.8),
    "wet": partial(impression, wet=0.8),
    "worn": partial(impression, worn=0.8),
}
LIGHTS_LUX = (5, 20, 100, 500)
DAYLIGHT_LUX = 500
SLIPS_AFTER_APDUS = 25
NOT_A_CARD = "https://example.org/"
NOTHING = "none"

Act = Callable[[], None]


class NotNow(Exception):
    """The world is not so that this can be done; the text is a word that the page explains."""


@dataclass(frozen=True, slots=True)
class Touching:
    """A finger on the glass: whose, which, and how its skin is."""

    position: str
    own: bool
    skin: str


@dataclass(frozen=True, slots=True)
class Held:
    """What was put where; "none" is nothing. `blank` counts the blank cards of this start."""

    person: int = 0
    finger: Touching | None = None
    qr: str = NOTHING
    card: str = NOTHING
    blank: int = 0
    badge: str = NOTHING
    lux: int = DAYLIGHT_LUX
    unplugged: frozenset[str] = field(default_factory=frozenset)


class Hands:
    """The hands of everybody around the station: of `people` one stands there, `badges` are the staff's.

    `asks` says which finger the screen asks for ("": none); `tell` is called after each movement.
    Raises ValueError for fewer than two people: there would be no stranger.
    """

    def __init__(
        self,
        station: VirtualStation,
        people: Sequence[Citizen],
        badges: Sequence[str],
        asks: Callable[[], str],
        tell: Act,
    ) -> None:
        if len(people) < 2:
            raise ValueError("a world needs two people")
        self.held = Held()
        self._station, self._people = station, people
        self._asks, self._tell = asks, tell
        self._touches = 0
        self._cards: dict[int, VirtualCard] = {}
        self.verbs = self._table(badges)
        station.camera.lux(DAYLIGHT_LUX)

    @property
    def has_record_card(self) -> bool:
        """Whether the citizen has had a card on the reader before."""
        return self.held.person in self._cards

    # --- the table ---------------------------------------------------------------------------------

    def _table(self, badges: Sequence[str]) -> Mapping[str, Mapping[str, Callable[..., None]]]:
        cables = self._cables()
        return {
            "person": {
                "next": self._next_person,
                **{str(n): partial(self._person, n) for n in range(len(self._people))},
            },
            "finger": {
                "asked": self._asked_finger,
                "other": self._other_finger,
                "stranger": self._strangers_finger,
                NOTHING: self._lift_finger,
            },
            "sit": {
                "down": self._sit,
                "second": self._second_person,
                "closed": partial(self._eyes, closed=True),
                "open": partial(self._eyes, closed=False),
                NOTHING: self._get_up,
            },
            "lux": {str(lux): partial(self._lux, lux) for lux in LIGHTS_LUX},
            "qr": {what: partial(self._show_qr, what) for what in ("own", "stranger", "nonsense", NOTHING)},
            "card": {
                "blank": self._blank_card,
                "foreign": self._foreign_card,
                "record": self._record_card,
                "slips": self._card_slips,
                NOTHING: self._lift_card,
            },
            "badge": {**{badge: partial(self._badge, badge) for badge in badges}, NOTHING: self._lift_badge},
            "unplug": {device: partial(self._unplug, device, pull) for device, (pull, _) in cables.items()},
            "plug": {device: partial(self._plug, device, push) for device, (_, push) in cables.items()},
        }

    def _cables(self) -> Mapping[str, tuple[Act, Act]]:
        """Device → how its cable is pulled and put back; a reader behind pcscd has none to pull."""
        station = self._station
        cables: dict[str, tuple[Act, Act]] = {
            "finger": (station.sensor.unplug, station.sensor.plug),
            "camera": (station.camera.unplug, station.camera.plug),
            "panel": (station.panel.unplug, station.panel.plug),
        }
        if isinstance(station.chip, InProcess):
            cables["chip"] = (station.chip.reader.unplug, station.chip.reader.plug)
        return cables

    # --- people ------------------------------------------------------------------------------------

    @property
    def _citizen(self) -> Citizen:
        return self._people[self.held.person]

    @property
    def _stranger(self) -> Citizen:
        return self._people[(self.held.person + 1) % len(self._people)]

    def _next_person(self) -> None:
        self._person((self.held.person + 1) % len(self._people))

    def _person(self, number: int) -> None:
        """Whoever stood there leaves, and takes all that was theirs along."""
        self._station.sensor.lift()
        self._station.chip.lift()
        self._station.camera.show_picture(None)
        self._station.camera.sitter.leave()
        self._now(person=number, finger=None, qr=NOTHING, card=NOTHING)

    # --- hands -------------------------------------------------------------------------------------

    def _asked_finger(self, skin: str) -> None:
        self._place(self._citizen, self._asked, skin)

    def _other_finger(self, skin: str) -> None:
        beside = POSITIONS[(POSITIONS.index(self._asked) + 1) % len(POSITIONS)]
        self._place(self._citizen, beside, skin)

    def _strangers_finger(self, skin: str) -> None:
        self._place(self._stranger, self._asked, skin)

    @property
    def _asked(self) -> str:
        return self._asks() or "right_index"

    def _place(self, owner: Citizen, position: str, skin: str) -> None:
        self._touches += 1
        self._station.sensor.place(SKINS[skin](Finger(owner.seed, position), self._touches))
        self._now(finger=Touching(position, owner is self._citizen, skin))

    def _lift_finger(self, _skin: str) -> None:
        self._station.sensor.lift()
        self._now(finger=None)

    # --- before the camera -------------------------------------------------------------------------

    def _sit(self) -> None:
        """Sit down and look: what was held up goes."""
        self._station.camera.show_picture(None)
        self._station.camera.sitter.sit(self._citizen.seed)
        self._now(qr=NOTHING)

    def _get_up(self) -> None:
        self._station.camera.sitter.leave()
        self._now()

    def _second_person(self) -> None:
        self._demand_sitter()
        if len(self._station.camera.sitter.seats) == 1:
            self._station.camera.sitter.joined_by(self._stranger.seed)
        self._now()

    def _eyes(self, closed: bool) -> None:
        self._demand_sitter()
        self._station.camera.sitter.blink(closed)
        self._now()

    def _demand_sitter(self) -> None:
        if not self._station.camera.sitter.seats:
            raise NotNow("nobody_sits")

    def _lux(self, lux: int) -> None:
        self._station.camera.lux(lux)
        self._now(lux=lux)

    def _show_qr(self, what: str) -> None:
        texts = {"own": self._citizen.qr(), "stranger": self._stranger.qr(), "nonsense": NOT_A_CARD}
        self._station.camera.show_picture(qr_picture(texts[what]) if what in texts else None)
        self._now(qr=what)

    # --- cards -------------------------------------------------------------------------------------

    def _blank_card(self) -> None:
        """A fresh blank; from now on it is this citizen's card."""
        card = self._cards[self.held.person] = self._station.blank()
        self._put(card, "blank", blank=self.held.blank + 1)

    def _foreign_card(self) -> None:
        self._put(foreign_card(), "foreign")

    def _record_card(self) -> None:
        card = self._cards.get(self.held.person)
        if card is None:
            raise NotNow("no_record_card")
        self._put(card, "record")

    def _put(self, card: VirtualCard, kind: str, **known: Any) -> None:
        self._station.chip.put(card)
        self._now(card=kind, **known)

    def _card_slips(self) -> None:
        """The citizen's card leaves the field a little later, in the middle of what is done with it."""
        if not self._station.chip.holds_card or self.held.card not in ("blank", "record"):
            raise NotNow("no_card")
        self._cards[self.held.person].lift_after(SLIPS_AFTER_APDUS)

    def _lift_card(self) -> None:
        self._station.chip.lift()
        self._now(card=NOTHING)

    def _badge(self, number: str) -> None:
        self._station.badge.put(OfficerCard(number))
        self._now(badge=number)

    def _lift_badge(self) -> None:
        self._station.badge.lift()
        self._now(badge=NOTHING)

    # --- cables ------------------------------------------------------------------------------------

    def _unplug(self, device: str, pull: Act) -> None:
        pull()
        self._now(unplugged=self.held.unplugged | {device})

    def _plug(self, device: str, push: Act) -> None:
        push()
        self._now(unplugged=self.held.unplugged - {device})

    def _now(self, **changes: Any) -> None:
        self.held = replace(self.held, **changes)
        self._tell()
