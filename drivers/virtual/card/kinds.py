"""The kinds of eMRTD chips there are: each makes a blank one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers.virtual.card.chip import Traits
from drivers.virtual.card.emrtd import Emrtd
from drivers.virtual.card.plain import KIND as LDS_PLAIN
from drivers.virtual.card.plain import PlainApplet

# An applet under its platform's master file, ISO 7816-4 and short APDUs only.
APPLETS: Mapping[str, Callable[[Traits], Emrtd]] = {LDS_PLAIN: PlainApplet}

# A card that is an eMRTD and nothing else: `field_chip(kind, Personalisation)`.
CHIPS: Mapping[str, Callable[[Traits], Emrtd]] = {}
