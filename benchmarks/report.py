"""Make `docs/benchmarks.md` from `var/bench/results.jsonl`: `python -m benchmarks.report`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.figure import PI4, Figure
from benchmarks.results import (
    CHECKOUT,
    GROUPS,
    MACHINE,
    about,
    beyond,
    group_module,
    kept,
    misses,
    worse_than_aim,
)

PAGE = CHECKOUT / "docs" / "benchmarks.md"
PER_SECOND = "1/s"
HEAD = """# Figures

Made from `var/bench/results.jsonl` by `python -m benchmarks.report`; measured by `make bench` (one group:
`make bench ONLY=kiosk`). Nothing here is a test: tests run on a virtual clock.
"""
HOW = """## How it is measured

- The measured kiosk is `kiosk run`'s own program over a plain file with the layout of `/dev/fb0`, real pcscd
  (vpcd as its driver) and a real centre over TLS. Its world is in another process: the proxies of its
  devices, a citizen and a stop-watch are all that its process holds besides.
- `citizen.software_s` leaves out, and nothing else: human pauses (a screen is touched as soon as it is there,
  a finger lies on the glass as soon as the sensor looks for one), the hand that lays the card down until it
  lies there, what the virtual sensor, camera and card themselves take for an answer (a real one takes its own
  time), and with them each wait for the camera's next frame. It counts all else: drawing, judging, scoring,
  matching, encrypting, disk, the centre's answers, PC/SC and pcscd's look at the slot. Upload and receipt
  come after the citizen has gone.
- `kiosk.peak_pss_mb` is `/proc/PID/smaps_rollup` of the kiosk, its chip children and its NFIQ 2 child, five
  times a second, by another process; the kiosk's file pages count in full, as if nobody else mapped them.
- On a Pi 4 the whole figure is multiplied, also what waits for a disk, a line or pcscd: an upper bound.
- `kiosk.first_screen_s` has the files in the page cache; from an SD card that was not read yet it is longer.
"""


def main() -> None:
    PAGE.write_text("\n".join(page(kept())), encoding="utf-8")


def page(figures: dict[str, Figure]) -> Iterator[str]:
    """The lines of the page."""
    yield HEAD
    yield _machine()
    for group in GROUPS:
        yield from _group(group, [each for each in figures.values() if _of(each, group)])
    yield HOW


def _machine() -> str:
    if not MACHINE.is_file():
        return "No machine is noted: run `make bench`.\n"
    machine = json.loads(MACHINE.read_text(encoding="utf-8"))
    return (
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {machine['system']},"
        f" Python {machine['python']}, {machine['day']}; load average at the start {machine['load']:g}."
        f" Pi 4: one core takes × {PI4:g} for what is the CPU's.\n"
    )


def _of(figure: Figure, group: str) -> bool:
    told = group_module(group).ABOUT
    return any(figure["name"] == name or figure["name"].startswith(f"{name}.") for name in told)


def _group(group: str, figures: Sequence[Figure]) -> Iterator[str]:
    pivots = tuple(getattr(group_module(group), "PIVOTS", ()))
    pivoted = [each for each in figures if each["name"].startswith(pivots)] if pivots else []
    plain = [each for each in figures if each not in pivoted]
    aimed = [each for each in plain if each["aim"] is not None or each["peer"] is not None]
    shares = [each for each in plain if each not in aimed]
    yield f"## {group}\n"
    if not figures:
        yield f"Not measured yet: `make bench ONLY={group}`.\n"
        return
    yield "| figure | value | aim | | beside | ratio | on a Pi 4 | |"
    yield "|---|---:|---:|---|---|---:|---:|---|"
    yield from map(_row, aimed)
    yield ""
    yield from _parts(shares)
    yield from _notes(aimed)
    for pivot in pivots:
        yield from _pivot(pivot, pivoted)
    yield from _plots(group)


def _pivot(pivot: str, figures: Sequence[Figure]) -> Iterator[str]:
    """Figures named `pivot.THING.MEASURE` as a table: a column for each thing."""
    cells = {tuple(each["name"].removeprefix(f"{pivot}.").split(".", 1)): each["value"] for each in figures}
    things = list(dict.fromkeys(thing for thing, _ in cells))
    if not things:
        return
    yield f"`{pivot}`: {about(pivot).what}.\n"
    yield f"| | {' | '.join(things)} |"
    yield f"|---|{'---:|' * len(things)}"
    for measure in dict.fromkeys(measure for _, measure in cells):
        row = (_amount(cells.get((thing, measure)), "").strip() for thing in things)
        yield f"| {measure} | {' | '.join(row)} |"
    yield ""


def _plots(group: str) -> Iterator[str]:
    """The group's pictures, as far as they were drawn."""
    plots: Mapping[Path, str] = getattr(group_module(group), "PLOTS", {})
    for path, caption in plots.items():
        if path.is_file():
            yield f"![{caption}]({path.relative_to(PAGE.parent)})\n"
            yield f"{caption}\n"


def _row(figure: Figure) -> str:
    cells = (
        f"`{figure['name']}`",
        _amount(figure["value"], figure["unit"]),
        _aim(figure),
        "" if figure["aim"] is None else "MISSED" if misses(figure) else "ok",
        _beside(figure),
        _ratio(figure),
        _amount(on_a_pi(figure), figure["unit"]),
        _missed_on_a_pi(figure),
    )
    return f"| {' | '.join(cells)} |"


def _parts(parts: Sequence[Figure]) -> Iterator[str]:
    """Parts of a figure, and figures without an aim."""
    if parts:
        yield "| part | value | on a Pi 4 |"
        yield "|---|---:|---:|"
        for each in parts:
            amounts = (_amount(value, each["unit"]) for value in (each["value"], on_a_pi(each)))
            yield f"| `{each['name']}` | {' | '.join(amounts)} |"
        yield ""


def _notes(figures: Sequence[Figure]) -> Iterator[str]:
    for figure in figures:
        told = about(figure["name"])
        if told.what and figure["name"] in _named():
            simulated = f" Simulated: {told.simulated}." if told.simulated else ""
            yield f"- `{figure['name']}`: {told.what}.{simulated}"
    yield ""


def _named() -> frozenset[str]:
    return frozenset(name for group in GROUPS for name in group_module(group).ABOUT)


def on_a_pi(figure: Figure) -> float | None:
    """The projection for one core of a Pi 4; None for what is not the CPU's, or was not measured."""
    value = figure["value"]
    if value is None or not about(figure["name"]).cpu:
        return None
    return value / PI4 if figure["unit"] == PER_SECOND else value * PI4


def _missed_on_a_pi(figure: Figure) -> str:
    if not worse_than_aim(figure, on_a_pi(figure)):
        return ""
    told = about(figure["name"])
    if told.limit is None:
        return "misses the aim"
    holds = "misses" if beyond(told.limit, on_a_pi(figure), told.more) else "holds"
    return f"misses the aim, {holds} the real limit {told.limit:g} {figure['unit']}: {told.limit_of}"


def _amount(value: float | None, unit: str) -> str:
    return "" if value is None else f"{float(f'{value:.3g}'):g} {unit}"


def _aim(figure: Figure) -> str:
    return "" if figure["aim"] is None else f"{'≥' if about(figure['name']).more else '≤'} {figure['aim']:g}"


def _beside(figure: Figure) -> str:
    if figure["peer"] is None:
        return ""
    return f"{figure['peer']}: {_amount(figure['peer_value'], figure['unit'])}"


def _ratio(figure: Figure) -> str:
    if figure["value"] is None or not figure["peer_value"]:
        return ""
    return f"{figure['value'] / figure['peer_value']:.2f}"


if __name__ == "__main__":
    main()
