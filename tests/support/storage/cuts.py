"""Cut the power at every moment of a film, restart the box on what is left, and see that nothing is amiss."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from firmware.records.journal import Journal
from support import box
from support.storage.fates import Fate, fates
from support.storage.filming import Moment, Watched, folder, moments, taped
from support.storage.model import Disk, Image, lay_out
from support.storage.tape import Op
from support.storage.truth import all_done, content, sound
from support.storage.visits import Town

RUBBISH = b"\x5a" * 4096


class Broken(AssertionError):
    """What was found, and where: the moment and the fate are found again by the same seed."""


@dataclass
class Cutter:
    """`every_end`: each cut's day is worked to its end, not one of each outcome.

    Of `one_of` moments in a row one is cut, drawn by the seed. Of every `nested`th cut the restart itself is
    filmed and cut too.
    """

    seed: int = 1
    fates_each: int = 1
    one_of: int = 1
    nested: int = 25
    every_end: bool = False
    cuts: int = 0
    ends: int = 0
    _seen: set[Any] = field(default_factory=set)

    def through(self, ops: list[Op], part: int = 0, parts: int = 1) -> None:
        """The moments of one of the `parts` of a film, each with the next fates."""
        first, end = (len(ops) * each // parts for each in (part, part + 1))
        for moment in moments(ops):
            if not first <= moment.at < end + (part == parts - 1) or not self._drawn(moment.at):
                continue
            for number, fate in self._fates(moment):
                self._cut(moment, fate, f"operation {moment.at} ({_around(ops, moment.at)}), fate {number}")

    def at(self, ops: list[Op], places: Collection[int]) -> None:
        """These moments only; each day is worked to its end."""
        for moment in moments(ops):
            if moment.at in places:
                random = Random(f"{self.seed} {moment.at}")  # noqa: S311
                fate = random.choice(fates(random, 4))
                self._seen.clear()
                self._cut(moment, fate, f"operation {moment.at} ({_around(ops, moment.at)})")

    def _drawn(self, at: int) -> bool:
        group, place = divmod(at, self.one_of)
        return place == Random(f"{self.seed} group {group}").randrange(self.one_of)  # noqa: S311

    def _fates(self, moment: Moment) -> Iterator[tuple[str, Fate]]:
        random = Random(f"{self.seed} {moment.at}")  # noqa: S311
        here = fates(random, 8)
        if not moment.disk.uncertain:
            here = here[:1]
        for turn in range(min(self.fates_each, len(here))):
            at = (moment.at * self.fates_each + turn) % len(here)
            yield f"{type(here[at]).__name__} {at}", here[at]

    def _cut(self, moment: Moment, fate: Fate, where: str) -> None:
        self.cuts += 1
        image = moment.disk.after(fate)
        try:
            if self.cuts % self.nested:
                self._restart(image, moment)
            else:
                self._cut_restart(image, moment)
        except Exception as exc:
            raise Broken(f"cut at {where} in {moment.doing or 'no call'}, seed {self.seed}: {exc!r}") from exc

    def _restart(self, image: Image, moment: Moment) -> None:
        with folder() as root:
            lay_out(image, root)
            if self.cuts % 2 and (root / "data").exists():
                (root / "data" / "journal.db-shm").write_bytes(RUBBISH)
            town = Town.restored(moment.world)
            with box.open_journal(root) as journal:
                as_allowed(journal, moment)
                sound(journal, town)
                if self.every_end or moment.outcome not in self._seen:
                    self._seen.add(moment.outcome)
                    self.ends += 1
                    town.work(Watched(journal))
                    all_done(journal, town)

    def _cut_restart(self, image: Image, moment: Moment) -> None:
        """Film the restart after this cut, and cut that at two places."""
        with folder() as root:
            before = Disk.of(image)
            lay_out(image, root)
            with taped(root) as tape:
                tape.knows(image)
                with box.open_journal(root) as journal:
                    as_allowed(journal, moment)
            random = Random(f"{self.seed} {moment.at} again")  # noqa: S311
            stops = {random.randrange(len(tape.ops) + 1) for _ in range(2)} if tape.ops else set()
            for at, op in enumerate([*tape.ops, None]):
                if at in stops:
                    self.cuts += 1
                    self._once_more(before.after(fates(random, 4)[random.randrange(8)]), moment)
                if op is not None:
                    before.do(op)

    def _once_more(self, image: Image, moment: Moment) -> None:
        with folder() as root:
            lay_out(image, root)
            with box.open_journal(root) as journal:
                as_allowed(journal, moment)
                sound(journal, Town.restored(moment.world))


def as_allowed(journal: Journal, moment: Moment) -> None:
    """What was said to be done is there; what was under way is there wholly or not at all."""
    found = content(journal)
    if moment.allowed and found not in moment.allowed:
        differs = sorted(
            {name for allowed in moment.allowed for name in found if found[name] != allowed[name]}
        )
        raise AssertionError(f"neither as before nor as after: {differs}")


def _around(ops: list[Op], at: int) -> str:
    return str(ops[at]) if at < len(ops) else "the end"
