"""The border: what is exact, what is rounded which way, what is refused."""

import pytest

from sim import units
from sim.errors import ScenarioError


def test_decimal_fractions_are_meant_as_written():
    assert units.micro_per_tick_lot(0.1, 0.001) == 100
    assert units.ppm(0.0005) == 500
    assert units.us(0.2) == 200_000


def test_rounding_never_favours_the_sender():
    assert units.bid_ticks(100.19, 0.1) == 1001
    assert units.ask_ticks(100.11, 0.1) == 1002
    assert units.lots(0.0129, 0.001) == 12
    assert units.micro(0.0000019) == 1


def test_what_is_not_whole_is_refused_with_a_cure():
    with pytest.raises(ScenarioError, match="coarser tick"):
        units.micro_per_tick_lot(0.01, 0.00001)
    with pytest.raises(ScenarioError, match="whole microseconds"):
        units.us(0.1234567)


def test_overflow_is_refused():
    with pytest.raises(ScenarioError, match="2\\^62"):
        units.refuse_overflow(1 << 62, "cash")
