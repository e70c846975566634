"""The air's arithmetic against ISO/IEC 14443 by hand: nothing here waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.virtual.card.air import BIT_RATES, CARRIER_HZ, FRAME_SIZES, Air, Taken

BIT_S = 128 / CARRIER_HZ  # at 106 kbit/s
TURN_S = (1172 + 1236) / CARRIER_HZ


def test_a_short_exchange_is_two_frames() -> None:
    taken = Air(response_s=0).exchange(up=5, down=10)
    bits = (5 + 3) * 9 + 2 + (10 + 3) * 9 + 2
    assert taken.wire_s == pytest.approx(bits * BIT_S)
    assert taken.delay_s == pytest.approx(TURN_S)
    assert taken.memory_s == 0


def test_a_command_longer_than_a_frame_is_chained_and_acknowledged() -> None:
    one = Air(fsc=64, response_s=0).exchange(up=61, down=2)
    two = Air(fsc=64, response_s=0).exchange(up=62, down=2)
    block, acknowledgement = 3 * 9 + 2, 3 * 9 + 2
    assert two.wire_s - one.wire_s == pytest.approx((9 + block + acknowledgement) * BIT_S)
    assert two.delay_s - one.delay_s == pytest.approx(TURN_S)


def test_an_answer_longer_than_a_frame_is_chained_and_acknowledged() -> None:
    air = Air(fsd=256, response_s=0)
    assert air.exchange(4, 253).delay_s == pytest.approx(TURN_S)
    assert air.exchange(4, 254).delay_s == pytest.approx(2 * TURN_S)
    assert air.exchange(4, 253 * 3 + 1).delay_s == pytest.approx(4 * TURN_S)


def test_twice_the_bit_rate_is_half_the_time_on_the_wire_and_no_less_delay() -> None:
    slow, fast = Air(106).exchange(255, 2), Air(424).exchange(255, 2)
    assert slow.wire_s == pytest.approx(4 * fast.wire_s)
    assert slow.delay_s == fast.delay_s


def test_memory_costs_time_by_the_page() -> None:
    air = Air(page_write_s=0.002)
    assert air.exchange(255, 2, pages=4).memory_s == pytest.approx(0.008)
    assert air.exchange(255, 2, pages=4).wire_s == air.exchange(255, 2).wire_s


def test_a_chip_that_writes_for_long_asks_for_time() -> None:
    air = Air(page_write_s=0.002, response_s=0)  # may be silent for 77 ms
    assert air.frame_waiting_s == pytest.approx(0.0773, abs=1e-4)
    patient, asking = air.exchange(4000, 2, pages=38), air.exchange(4000, 2, pages=39)
    assert asking.delay_s - patient.delay_s == pytest.approx(TURN_S)
    assert asking.wire_s - patient.wire_s == pytest.approx(2 * (4 * 9 + 2) * BIT_S)


def test_a_run_is_the_sum_of_its_exchanges() -> None:
    air = Air(424)
    assert air.run([]) == Taken()
    assert air.run([(5, 10), (255, 2)]).air_s == pytest.approx(
        air.exchange(5, 10).air_s + air.exchange(255, 2).air_s
    )


def test_waking_a_card_takes_the_same_at_every_bit_rate() -> None:
    assert Air(106).activation() == Air(848).activation()
    assert Air().activation().air_s > 0.005


@given(
    rate=st.sampled_from(sorted(BIT_RATES)),
    fsc=st.sampled_from(FRAME_SIZES),
    payload=st.integers(1, 65535),
)
def test_nothing_beats_the_bound(rate: int, fsc: int, payload: int) -> None:
    air = Air(rate, fsc=fsc)
    assert air.exchange(payload, 2).air_s > air.bound_s(payload)


@pytest.mark.parametrize("wrong", [{"bit_rate": 100}, {"fsc": 255}, {"fsd": 8192}, {"fwi": 15}])
def test_what_the_standard_does_not_know_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="none of"):
        Air(**wrong)
