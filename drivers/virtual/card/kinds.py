"""The kinds of eMRTD chips there are: each makes a blank one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers.virtual.card.chip import Traits
from drivers.virtual.card.emrtd import Emrtd
from drivers.virtual.card.field import FieldChip
from drivers.virtual.card.iso import KIND as ISO
from drivers.virtual.card.iso import IsoPersonalisation
from drivers.virtual.card.plain import KIND as LDS_PLAIN
from drivers.virtual.card.plain import PlainApplet
from drivers.virtual.card.store import KIND as STORE
from drivers.virtual.card.store import StorePersonalisation

# An applet under its platform's master file, ISO 7816-4 and short APDUs only.
APPLETS: Mapping[str, Callable[[Traits], Emrtd]] = {LDS_PLAIN: PlainApplet}

# A card that is an eMRTD and nothing else, and how it is filled.
CHIPS: Mapping[str, Callable[[Traits], Emrtd]] = {
    ISO: lambda traits: FieldChip(ISO, lambda chip: IsoPersonalisation(chip, traits), traits),
    STORE: lambda traits: FieldChip(STORE, lambda chip: StorePersonalisation(chip, traits), traits),
}
