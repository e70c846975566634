"""The framebuffer on a plain file that stands for the panel's memory, with made-up kernel structs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ui_fb.display import DisplayFault
from ui_fb.framebuffer import Framebuffer, Request, changed
from ui_fb.geometry import Rect

RGB565 = ((11, 5), (5, 6), (0, 5))
XRGB = ((16, 8), (8, 8), (0, 8))
XBGR = ((0, 8), (8, 8), (16, 8))


@dataclass
class Kernel:
    """Answers the ioctls of one panel; remembers the console's mode."""

    size: tuple[int, int] = (40, 24)
    depth: int = 16
    colours: tuple[tuple[int, int], ...] = RGB565
    padding: int = 6
    offset: tuple[int, int] = (0, 0)
    rows: int | None = None
    mode: int = 0
    modes: list[int] = field(default_factory=list)

    @property
    def stride(self) -> int:
        return self.size[0] * self.depth // 8 + self.padding

    @property
    def length(self) -> int:
        return self.stride * (self.rows or self.size[1] + self.offset[1])

    def __call__(self, fd: int, request: int, argument: bytearray | int) -> object:
        if request == Request.FBIOGET_VSCREENINFO:
            bits = [n for offset, length in self.colours for n in (offset, length, 0)]
            values = [*self.size, *self.size, *self.offset, self.depth, 0, *bits, 0, 0, 0, *([0] * 20)]
            argument[:160] = struct.pack("40I", *values)  # type: ignore[index]
        elif request == Request.FBIOGET_FSCREENINFO:
            fix = struct.pack(
                "@16sLIIIIHHHILII", b"made up", 0, self.length, 0, 0, 2, 0, 0, 0, self.stride, 0, 0, 0
            )
            argument[: len(fix)] = fix  # type: ignore[index]
        elif request == Request.KDGETMODE:
            argument[:] = self.mode.to_bytes(4, "little")  # type: ignore[index]
        elif request == Request.KDSETMODE:
            assert isinstance(argument, int)
            self.mode = argument
            self.modes.append(argument)
        return 0


Open = Callable[[Kernel], tuple[Framebuffer, Path]]


@pytest.fixture
def panel(tmp_path: Path) -> Open:
    def opened(kernel: Kernel) -> tuple[Framebuffer, Path]:
        path = tmp_path / "fb0"
        path.write_bytes(b"\xee" * kernel.length)
        return Framebuffer(path, ioctl=kernel), path

    return opened


def memory(path: Path, kernel: Kernel) -> np.ndarray:
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, kernel.stride)


def picture(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), np.uint8))


def test_sixteen_bits_are_written_as_rgb565_between_the_paddings(panel: Open) -> None:
    kernel = Kernel()
    screen, path = panel(kernel)
    image = Image.new("RGB", kernel.size, (0xFF, 0x80, 0x08))
    screen.show(image)
    rows = memory(path, kernel)
    words = rows[:, : kernel.size[0] * 2].copy().view("<u2")
    assert set(words.ravel().tolist()) == {0b11111_100000_00001}
    assert (rows[:, kernel.size[0] * 2 :] == 0xEE).all()  # the padding is not ours
    screen.close()


@pytest.mark.parametrize(("colours", "order"), [(XRGB, (2, 1, 0)), (XBGR, (0, 1, 2))])
def test_thirty_two_bits_follow_the_offsets_of_the_device(
    panel: Open, colours: tuple[tuple[int, int], ...], order: tuple[int, int, int]
) -> None:
    kernel = Kernel(depth=32, colours=colours)
    screen, path = panel(kernel)
    image = picture(kernel.size)
    screen.show(image)
    pixels = memory(path, kernel)[:, : kernel.size[0] * 4].reshape(kernel.size[1], kernel.size[0], 4)
    assert np.array_equal(pixels[:, :, order], np.asarray(image))
    screen.close()


def test_a_panned_screen_is_written_where_it_is_seen(panel: Open) -> None:
    kernel = Kernel(offset=(0, 3))
    screen, path = panel(kernel)
    screen.show(Image.new("RGB", kernel.size, "#FFFFFF"))
    rows = memory(path, kernel)
    assert (rows[:3] == 0xEE).all()
    assert (rows[3:, : kernel.size[0] * 2] == 0xFF).all()
    screen.close()


def test_only_what_changed_is_written(panel: Open) -> None:
    kernel = Kernel(size=(100, 60))
    screen, path = panel(kernel)
    image = picture(kernel.size)
    screen.show(image)
    at_rest = path.read_bytes()
    screen.show(image)
    assert screen.written == ()
    image.putpixel((7, 5), (1, 2, 3))
    image.paste((9, 9, 9), (50, 40, 60, 44))
    screen.show(image)
    assert screen.written == (Rect(7, 5, 1, 1), Rect(50, 40, 10, 4))
    differ = np.flatnonzero(np.frombuffer(at_rest, np.uint8) != np.frombuffer(path.read_bytes(), np.uint8))
    assert len(differ) <= 2 + 10 * 4 * 2
    screen.close()


def test_a_blit_is_known_to_the_next_show(panel: Open) -> None:
    kernel = Kernel()
    screen, _ = panel(kernel)
    plain = Image.new("RGB", kernel.size, "#FFFFFF")
    screen.show(plain)
    screen.blit(Rect(4, 4, 8, 8), np.zeros((8, 8, 3), np.uint8))
    assert screen.written == (Rect(4, 4, 8, 8),)
    screen.show(plain)  # what the live picture covered comes back
    assert screen.written == (Rect(4, 4, 8, 8),)
    screen.close()


def test_closing_blanks_the_panel_and_may_be_repeated(panel: Open) -> None:
    kernel = Kernel()
    screen, path = panel(kernel)
    screen.show(picture(kernel.size))
    screen.close()
    screen.close()
    assert (memory(path, kernel)[:, : kernel.size[0] * 2] == 0).all()


def test_the_console_is_taken_and_given_back_as_it_was(tmp_path: Path) -> None:
    kernel = Kernel(mode=0)
    (tmp_path / "fb0").write_bytes(bytes(kernel.length))
    (tmp_path / "tty1").touch()
    screen = Framebuffer(tmp_path / "fb0", tmp_path / "tty1", ioctl=kernel)
    assert kernel.mode == 1
    screen.close()
    assert kernel.modes == [1, 0]


@pytest.mark.parametrize(
    "kernel",
    [
        Kernel(depth=24),
        Kernel(depth=8),
        Kernel(padding=-2),
        Kernel(rows=4),
        Kernel(colours=((30, 5), (5, 6), (0, 5))),
        Kernel(colours=((0, 0), (0, 0), (0, 0))),
        Kernel(size=(0, 24)),
    ],
)
def test_a_layout_that_cannot_be_drawn_on_is_a_fault(tmp_path: Path, kernel: Kernel) -> None:
    (tmp_path / "fb0").write_bytes(bytes(max(1, kernel.length)))
    with pytest.raises(DisplayFault, match="layout"):
        Framebuffer(tmp_path / "fb0", ioctl=kernel)


def test_a_missing_panel_and_one_that_is_none_are_faults(tmp_path: Path) -> None:
    with pytest.raises(DisplayFault, match="fb9"):
        Framebuffer(tmp_path / "fb9")
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(DisplayFault, match="plain"):
        Framebuffer(tmp_path / "plain")  # the kernel refuses the ioctl on a plain file


def test_a_fault_while_opening_gives_the_console_back(tmp_path: Path) -> None:
    kernel = Kernel()
    (tmp_path / "fb0").write_bytes(bytes(kernel.length))
    with pytest.raises(DisplayFault):
        Framebuffer(tmp_path / "fb0", tmp_path / "no_tty", ioctl=kernel)
    assert kernel.modes == []


PAIRS = hnp.arrays(np.uint8, (2, 30, 20, 3), elements=st.integers(0, 1))


@given(PAIRS)
def test_changed_rectangles_cover_every_change(pair: np.ndarray) -> None:
    old, new = pair[0].copy(), pair[1]
    for rect in changed(old, new):
        old[rect.y : rect.bottom, rect.x : rect.right] = new[rect.y : rect.bottom, rect.x : rect.right]
    assert np.array_equal(old, new)
