import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.clock import ScaledClock, pace, wall

MOMENTS = st.floats(min_value=1.6e9, max_value=2.0e9)


@given(scale=st.floats(min_value=0.1, max_value=1000), epoch=MOMENTS, real=MOMENTS)
def test_the_wall_shows_when_a_moment_of_a_fast_clock_really_was(scale, epoch, real):
    clock = ScaledClock(scale=scale, epoch=epoch)
    shown = epoch + (real - epoch) * scale
    assert clock.wall(shown) == pytest.approx(real, abs=1e-3)


def test_where_a_second_is_a_second_nothing_is_converted_and_nothing_is_said(monkeypatch):
    assert wall(1_700_000_000.125) == 1_700_000_000.125
    assert pace() == ""


def test_a_rehearsal_says_how_fast_it_is(monkeypatch):
    monkeypatch.setenv("SLUICE_TIME_SCALE", "60")
    monkeypatch.setenv("SLUICE_TIME_EPOCH", "1700000000")
    assert wall(1_700_000_600.0) == 1_700_000_010.0
    assert pace() == "60× time"
