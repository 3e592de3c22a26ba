"""Virtual time never runs backwards over the end of a process."""

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.clock import Clock
from embedded_aws.state import StateError, Store
from embedded_aws.state.continuity import (
    AHEAD_SECONDS,
    REGION,
    Moment,
    check_region,
    epoch_of,
    left_behind,
    note,
)

NOW = 1_700_000_000.0


def shown(epoch: float, scale: float, real: float) -> float:
    return epoch + (real - epoch) * scale


@given(
    before=st.floats(0.5, 600).filter(lambda s: s != 1),
    after=st.floats(0.5, 600).filter(lambda s: abs(s - 1) > 0.01),
    ran=st.floats(0, 1e6),
    rested=st.floats(0, 1e7),
)
def test_time_goes_on_where_it_was_at_any_scale(before, after, ran, rested) -> None:
    ended = NOW + ran
    last = shown(NOW, before, ended)
    moment = Moment(before, NOW, last + AHEAD_SECONDS * before)
    real = ended + rested
    epoch = epoch_of(moment, after, None, real, "folder")
    begins = shown(epoch, after, real)
    assert begins >= last - 0.01
    # It stands still meanwhile, but for what a note is ahead and for the real time.
    assert begins <= max(last + AHEAD_SECONDS * before, real) + 0.01


def test_the_same_clock_goes_on_while_others_live_by_it() -> None:
    moment = Moment(60.0, NOW, shown(NOW, 60.0, NOW + 100))
    assert epoch_of(moment, 60.0, NOW, NOW + 101, "folder") == NOW
    with pytest.raises(StateError, match=r"minutes ahead.*--time-scale 60"):
        epoch_of(moment, 60.0, NOW + 100, NOW + 101, "folder")


def test_real_time_is_refused_while_the_state_is_ahead_of_it() -> None:
    moment = Moment(60.0, NOW, shown(NOW, 60.0, NOW + 86_400))
    with pytest.raises(StateError, match="59 days and 0 hours"):
        epoch_of(moment, 1.0, None, NOW + 86_400, "folder")
    later = NOW + 61 * 86_400
    assert epoch_of(moment, 1.0, None, later, "folder") == later


def test_a_new_folder_begins_now_or_as_asked() -> None:
    assert epoch_of(None, 60.0, None, NOW, "folder") == NOW
    assert epoch_of(None, 60.0, 5.0, NOW, "folder") == 5.0


def test_the_note_survives_and_is_ahead_of_the_clock(tmp_path) -> None:
    clock = Clock(120.0)
    store = Store(tmp_path)
    note(store, clock)
    store.close()
    again = Store(tmp_path)
    found = left_behind(again)
    again.close()
    assert found is not None
    assert (found.scale, found.epoch) == (120.0, clock.epoch)
    assert found.latest > clock.now()


def test_a_folder_stays_in_its_region(tmp_path) -> None:
    with closing(Store(tmp_path)) as store:
        check_region(store, "eu-west-1")
        store.note(REGION, "eu-west-1")
        check_region(store, "eu-west-1")
        with pytest.raises(StateError, match="is of eu-west-1, and us-east-1 was asked for"):
            check_region(store, "us-east-1")
