"""Every screen × example × language as a picture, with a page to look at them.

`python -m ui_fb.gallery OUT` writes a gallery; `--golden` writes the pictures that the tests compare with.
"""

from __future__ import annotations

import argparse
import dataclasses
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ui_fb.geometry import Size
from ui_fb.samples import sample
from ui_fb.screen import Screen
from ui_fb.screens import SCREENS, ScanQr
from ui_fb.theme import DEFAULT, Theme
from ui_fb.words import LANGUAGES

SIZE = (800, 480)
STEPS = (  # what the strip counts; screens beside the procedure have no step
    ("Identify", "ScanQr", "EnterCan", "OldChip", "EnterNumber", "EnterTicket", "LookUp"),
    ("Prove",),
    ("Review",),
    ("Consent", "EidRequest"),
    ("Fingers",),
    ("Portrait",),
    ("Confirm",),
    ("PlaceCard", "WriteChip", "VerifyChip", "LockChip", "HoldStill"),
    ("Receipt",),
)
COLOURS = 32


@dataclass(frozen=True, slots=True)
class Example:
    """One picture of the gallery; `name` is also its file name without the ending."""

    name: str
    screen: Screen

    def picture(self, size: Size = SIZE, theme: Theme = DEFAULT) -> Image.Image:
        live = self.screen.preview(size, theme)
        return self.screen.render(size, theme, sample(shown_to(self.screen, live.kind)) if live else None)


def shown_to(screen: Screen, kind: str) -> str:
    """Return which sample a screen's live picture of `kind` shows: a ticket where a ticket is asked for."""
    return "ticket" if isinstance(screen, ScanQr) and screen.what == "ticket" else kind


def gallery(languages: Sequence[str] = LANGUAGES) -> Iterator[Example]:
    """Yield every example of every screen, in the order of the procedure, as a virtual station shows it."""
    for kind in SCREENS:
        step = next((n for n, names in enumerate(STEPS, start=1) if kind.__name__ in names), 0)
        for example, screen in kind.examples().items():
            for language in languages:
                shown = dataclasses.replace(
                    screen, language=language, simulated=True, step=step, steps=len(STEPS) if step else 0
                )
                yield Example(f"{snake(kind.__name__)}-{example}-{language}", shown)


def snake(name: str) -> str:
    """Return a class name as a file name: PlaceCard → place_card."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def small(picture: Image.Image) -> Image.Image:
    """Return the picture in COLOURS colours, as golden pictures are kept; nothing in it is random."""
    return picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def write(folder: Path, *, golden: bool = False, size: Size = SIZE) -> int:
    """Write every picture, and `index.html` unless `golden`; return how many. Old pictures are removed.

    Each appears whole or not at all, whenever the writing is stopped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / "picture.part"
    for old in folder.glob("*.png"):
        old.unlink()
    names = []
    for example in gallery():
        picture = example.picture(size)
        (small(picture) if golden else picture).save(aside, "PNG", optimize=golden)
        aside.replace(folder / f"{example.name}.png")
        names.append(example.name)
    if not golden:
        (folder / "index.html").write_text(page(names), "utf-8")
    return len(names)


PAGE = """<!doctype html>
<html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Screens</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem; background: #e8edf2; color: #0f2238 }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(360px, 1fr)); gap: 1.5rem }}
figure {{ margin: 0 }} img {{ width: 100%; border-radius: 6px; box-shadow: 0 1px 6px #0003 }}
</style>
<h1>Screens</h1>
<main>
{figures}
</main>
</html>
"""


def page(names: Sequence[str]) -> str:
    """Return the page that shows the pictures of these names, which lie beside it."""
    figures = (
        f'<figure><a href="{n}.png"><img loading="lazy" src="{n}.png" alt="{n}"></a>'
        f"<figcaption>{n}</figcaption></figure>"
        for n in map(html.escape, names)
    )
    return PAGE.format(figures="\n".join(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a picture of every screen.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--golden", action="store_true", help="the small pictures that tests compare with")
    parser.add_argument("--size", default="800x480", help="of the panel, in pixels")
    arguments = parser.parse_args()
    wide, high = (int(part) for part in arguments.size.split("x"))
    write(arguments.folder, golden=arguments.golden, size=(wide, high))


if __name__ == "__main__":
    main()
