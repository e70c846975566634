"""The room around the virtual sitter: how much light comes from where, of which colour, and the wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drivers.virtual.sitter_shape import Floats

LAMP_LUX = 450.0  # each lamp at full, at the sitter's face
SODIUM = (0.03, 0.66, 2.46)  # linear B, G, R of a street lamp's 589 nm, as bright as white 1, 1, 1
MAINS_HZ = 100.0  # 50 Hz mains: lamps pulse twice a period
READOUT_S = 0.025  # a rolling shutter's first to last row
BALANCE_RANGE = (0.45, 2.2)  # how far the automatic white balance goes


@dataclass(frozen=True, slots=True)
class Room:
    """Light in lux. `window` comes from the picture's left, `behind` falls on the wall only.

    `sodium` 0..1 is how much of the room's light is a street lamp's, `flicker` 0..1 how deep it pulses.
    `backdrop` is one of `scene.BACKDROPS`.
    """

    lux: float = 300.0
    window: float = 0.0
    behind: float = 0.0
    sodium: float = 0.0
    flicker: float = 0.0
    backdrop: str = "plain"


@dataclass(frozen=True, slots=True)
class Sources:
    """What shines now: the room and both lamps (0..1 each)."""

    room: Room
    left: float
    right: float

    @property
    def mix(self) -> Floats:
        """(3, 4) lux of B, G, R from each source: room, left lamp, right lamp, window."""
        colour = [1 + self.room.sodium * (channel - 1) for channel in SODIUM]
        white = [self.left * LAMP_LUX, self.right * LAMP_LUX, self.room.window]
        return np.array([[self.room.lux * channel, *white] for channel in colour], np.float32)

    @property
    def balance(self) -> tuple[float, float, float]:
        """Gains of B, G, R that an automatic white balance comes to under this light."""
        blue, green, red = self.mix.sum(axis=1) + 1e-6
        low, high = BALANCE_RANGE
        return float(np.clip(green / blue, low, high)), 1.0, float(np.clip(green / red, low, high))

    def pulses(self, rows: int, at_s: float, exposure_s: float) -> Floats:
        """(rows, 1, 1): how bright each row comes out beside steady light, by the lamps' pulses."""
        every = self.mix.sum()
        share = self.mix[:, 0].sum() / every if every > 0 else 0.0
        depth = self.room.flicker * share * abs(np.sinc(MAINS_HZ * exposure_s))
        began_s = at_s + np.linspace(0, READOUT_S, rows)
        wave = np.sin(2 * np.pi * MAINS_HZ * (began_s + exposure_s / 2))
        return (1 + depth * wave).astype(np.float32)[:, None, None]
