import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.runtime import collective
from models.runtime.collective import HostLost, join
from tests.models.hosts import jobs, together

VECTORS = arrays.arrays(
    np.float32, st.integers(0, 20), elements=st.floats(-1e6, 1e6, width=32, allow_nan=False)
)


@given(st.integers(1, 4), VECTORS)
@hypothesis_settings(max_examples=20)
def test_each_host_has_the_sum_of_all_in_their_order(count, vector):
    vectors = [(vector * (rank + 1)).astype(np.float32) for rank in range(count)]
    with together(count, [lambda host: host.total(vectors[host.rank])] * count) as sums:
        expected = vectors[0].copy()
        for other in vectors[1:]:
            expected += other
        for added in sums:
            np.testing.assert_array_equal(added.result(), expected)


def test_the_leader_is_heard_by_all():
    with together(3, [lambda host: host.word(b"mine" if host.leads else b"not read")] * 3) as words:
        assert [word.result() for word in words] == [b"mine"] * 3


def test_a_job_of_one_host_talks_to_nobody():
    alone = join(jobs(1)[0], "same")
    assert (alone.rank, alone.size, alone.leads) == (0, 1, True)
    assert alone.total(np.ones(3, np.float32)).tolist() == [1, 1, 1]
    assert alone.word(b"said") == b"said"


def test_a_host_that_ends_is_named_to_the_others():
    acts = [lambda host: host.total(np.ones(2, np.float32)), lambda _: None]
    gone = r"algo-2 is gone \(it hung up\); see its own log"
    with together(2, acts) as (leader, _), pytest.raises(HostLost, match=gone):
        leader.result()


def test_hosts_of_other_vectors_are_refused():
    acts = [
        lambda host: host.total(np.ones(2, np.float32)),
        lambda host: host.total(np.ones(5, np.float32)),
    ]
    other = "algo-2 sends 20 bytes where at most 8 are right"
    with together(2, acts) as (leader, _), pytest.raises(HostLost, match=other):
        leader.result()


def test_a_silent_host_is_given_up(monkeypatch):
    monkeypatch.setattr(collective, "SILENCE_SECONDS", 0.2)
    over = threading.Event()
    acts = [lambda host: host.total(np.ones(2, np.float32)), lambda _: over.wait(20)]
    with together(2, acts) as (leader, _):
        with pytest.raises(HostLost, match="nothing was heard of algo-2 for"):
            leader.result()
        over.set()


def test_a_host_that_does_not_come_is_named():
    first, second = jobs(2)
    with pytest.raises(HostLost, match="algo-2 did not come"):
        join(first, "same", 0.2)
    with pytest.raises(HostLost, match=r"algo-1 did not answer on 127\.0\.0\.1:"):
        join(second, "same", 0.2)


def test_a_host_that_prepared_something_else_is_refused():
    first, second = jobs(2)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(join, first, "these rows", 20)
        join(second, "other rows", 20).close()
        with pytest.raises(HostLost, match=r"algo-2 prepared other rows .* FullyReplicated"):
            leader.result()


def test_strangers_at_the_door_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(collective, "GREETING_SECONDS", 0.2)
    first, second = jobs(2)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(join, first, "same", 20)
        door = (first.leader_address, first.leader_port)
        strangers = [connected(door) for _ in range(3)]
        strangers[0].sendall(struct.pack("!QI32s", 36, 7, b"x" * 32))  # no such host
        strangers[1].close()  # says nothing and goes; the third says nothing and stays
        follower = join(second, "same", 20)
        assert leader.result().size == follower.size == 2
        for one in (*strangers, follower, leader.result()):
            one.close()


def connected(door):
    for _ in range(200):
        try:
            return socket.create_connection(door, timeout=10)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nobody opens {door}")
