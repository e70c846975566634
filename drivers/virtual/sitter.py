"""The virtual person in front of the camera: made up, drawn, and moved by verbs of the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock

from drivers.virtual.sitter_figure import Pose
from drivers.virtual.sitter_wear import NOTHING, Wear

STRAIGHT = Pose()
DIGNIFIED = 3  # the seed of a default person


@dataclass(frozen=True, slots=True)
class Seat:
    """How one person sits: `seed` is who, `distance` 1.0 is where the kiosk asks them to be.

    `aside` and `lower` move the head off its place, in eye distances; `speed` is a movement across, in eye
    distances a second, that smears a long exposure. `skin` 0..1, light to dark, replaces the person's own.
    """

    seed: int = DIGNIFIED
    pose: Pose = STRAIGHT
    distance: float = 1.0
    aside: float = 0.0
    lower: float = 0.0
    speed: float = 0.0
    wear: Wear = NOTHING
    skin: float | None = None


class Sitter:
    """Who is in front of the camera. The verbs may be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seats: tuple[Seat, ...] = ()

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The people there now, the farthest first."""
        with self._lock:
            return self._seats

    def sit(
        self,
        seed: int | None = None,
        *,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        eyes_closed: float = 0.0,
        mouth_open: float = 0.0,
        distance: float = 1.0,
        aside: float = 0.0,
        lower: float = 0.0,
        speed: float = 0.0,
        wear: Wear = NOTHING,
        skin: float | None = None,
    ) -> None:
        """Sit down, or sit otherwise; whoever sits stays the same person unless `seed` names another.

        Angles are degrees: `yaw` to the picture's right, `pitch` chin up, `roll` to the picture's right.
        """
        pose = Pose(yaw, pitch, roll, eyes_closed, mouth_open)
        with self._lock:
            who = seed if seed is not None else self._seats[-1].seed if self._seats else DIGNIFIED
            self._seats = (Seat(who, pose, distance, aside, lower, speed, wear, skin),)

    def joined_by(self, seed: int, aside: float = 2.9, distance: float = 1.15) -> None:
        """Let a second person look over the sitter's shoulder."""
        with self._lock:
            self._seats = (Seat(seed, distance=distance, aside=aside), *self._seats)

    def blink(self, closed: bool) -> None:
        """Close or open the eyes of the person in front."""
        with self._lock:
            if self._seats:
                front = self._seats[-1]
                pose = replace(front.pose, closed=1.0 if closed else 0.0)
                self._seats = (*self._seats[:-1], replace(front, pose=pose))

    def leave(self) -> None:
        """Let everybody go."""
        with self._lock:
            self._seats = ()
