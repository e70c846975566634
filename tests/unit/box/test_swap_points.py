"""A box fails at any moment of its day, and is replaced in any of three ways: nobody loses what they gave."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from support.swap_points import DIALECTS, LINES, MEMORY, Point, points
from support.swap_trial import CASES, LAID, Trial
from support.torture import TORTURE

from firmware.box import adopt
from firmware.document import keys

GIVEN_UP = "given up"
SEED = 7
OF_EACH = 68
USUAL = [("store-data", "centre"), ("iso7816-scp03", "lease"), ("lds-plain", "lease")]
COMBINATIONS = [*product(DIALECTS, LINES)] if TORTURE else USUAL
"""So many moments of each dialect: 204 swaps, the three cases in turn.

Under torture each dialect with both signers, every moment there is, 634, in each of the three cases.
"""


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chip's RSA key is checked for a hundredth of a second whenever it is read: once is enough."""
    monkeypatch.setattr(keys, "load_der_private_key", cache(load_der_private_key))


def drawn(every: tuple[Point, ...], dice: Random) -> Iterator[Point]:
    """One of each kind of moment, then another one of each, while there are any."""
    groups: dict[str, list[Point]] = {}
    for point in dice.sample(every, len(every)):
        groups.setdefault(point.group, []).append(point)
    while groups:
        for name in list(groups):
            yield groups[name].pop()
            if not groups[name]:
                del groups[name]


@pytest.mark.torture
@pytest.mark.parametrize(("kind", "line"), COMBINATIONS)
def test_a_box_that_fails_at_any_moment_is_replaced_and_nothing_is_lost_or_made_twice(
    kind: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = Random(f"{SEED} {kind} {line}")  # noqa: S311  dice, no secret
    chosen = list(drawn(points(kind, line), dice))
    first = COMBINATIONS.index((kind, line))
    for turn, point in enumerate(chosen if TORTURE else chosen[:OF_EACH], first):
        for case in CASES if TORTURE else (CASES[turn % len(CASES)],):
            replaced(point, case, dice, monkeypatch)


@pytest.mark.parametrize("case", CASES)
def test_who_left_after_the_centre_signed_begins_anew_at_the_spare(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (point,) = (point for point in points("store-data", "centre") if point.group == GIVEN_UP)
    replaced(point, case, Random(SEED), monkeypatch)  # noqa: S311  dice, no secret


def replaced(point: Point, case: str, dice: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run; what raised is told where."""
    laid = dice.choice(LAID)
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="swap-point-") as folder:
        trial = Trial(point, case, laid, Path(folder), next_card=dice.random() < 0.3)
        recovery = trial.world.recovery()
        monkeypatch.setattr(adopt, "open_recovery", lambda *_: recovery)
        try:
            trial.run()
        except Exception as exc:
            exc.add_note(f"{point.name}, replaced by {case}, laid: {laid}")
            raise


def test_the_moments_are_of_every_kind() -> None:
    every = points("store-data", "lease")
    groups = {point.group for point in every}
    chip = {f"{card} {side} ISSUING" for card in ("chip", "second card") for side in ("before", "after")}
    others = {"mid-finger", "portrait", "frozen", "waiting", "complete", "sealed", "sending", "delivered"}
    assert groups >= chip | others | {"lost", "given up"}
    assert len({point.name for point in every}) == len(every) >= 90
    assert sum(point.group == "sending" for point in every) >= 6
