"""Damage done to well-formed bytes: most noise is refused at its first byte, a bent object goes deep.

`IDKIOSK_FUZZ` is the number of examples of each fuzz test: `make fuzz` sets it high, the suite keeps it low.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LONG = "IDKIOSK_FUZZ" in os.environ
EXAMPLES = int(os.environ.get("IDKIOSK_FUZZ", "40"))
NASTY = tuple(
    bytes.fromhex(each)
    for each in (
        "80", "81FF", "82FFFF", "83FFFFFF", "84FFFFFFFF", "84 7FFFFFFF", "30 80", "3080 0000", "1F 81 82 03",
        "00", "FF", "0000", "FFFFFFFF", "7F", "5F", "30 84 80000000", "06 80", "31 00", "02 00", "24 80",
    )
)  # fmt: skip

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

costly = settings(fuzzed, max_examples=max(10, EXAMPLES // 4))
"""For tests that read a whole card for each example."""


@st.composite
def bent(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """A sample after up to four of: a bit flipped, a slice gone, doubled, exchanged; the end gone."""
    data = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 4))):
        last = max(0, len(data) - 1)
        at = draw(st.integers(0, min(last, 40)) | st.integers(0, last))  # headers first
        end = min(len(data), at + draw(st.integers(1, 24)))
        data = draw(st.sampled_from(_BENDS))(draw, data, at, end)
    return data


def _flip(draw: st.DrawFn, data: bytes, at: int, end: int) -> bytes:
    bit = 1 << draw(st.integers(0, 7))
    return data[:at] + bytes(byte ^ bit for byte in data[at : at + 1]) + data[at + 1 :]


def _drop(draw: st.DrawFn, data: bytes, at: int, end: int) -> bytes:
    return data[:at] + data[end:]


def _double(draw: st.DrawFn, data: bytes, at: int, end: int) -> bytes:
    return data[:end] + data[at:end] * draw(st.integers(1, 300)) + data[end:]


def _cut(draw: st.DrawFn, data: bytes, at: int, end: int) -> bytes:
    return data[:at]


def _nasty(draw: st.DrawFn, data: bytes, at: int, end: int) -> bytes:
    return data[:at] + draw(st.sampled_from(NASTY)) + data[end if draw(st.booleans()) else at :]


def _noise(draw: st.DrawFn, data: bytes, at: int, end: int) -> bytes:
    return data[:at] + draw(st.binary(max_size=24)) + data[end:]


_BENDS: tuple[Callable[[st.DrawFn, bytes, int, int], bytes], ...] = (
    _flip,
    _drop,
    _double,
    _cut,
    _nasty,
    _noise,
)


def on_bent(*samples: bytes) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator: run the test over the samples, bent, and over plain noise."""
    inputs = st.one_of(bent(samples), bent(samples), st.binary(max_size=400))
    return lambda test: fuzzed(given(data=inputs)(test))
