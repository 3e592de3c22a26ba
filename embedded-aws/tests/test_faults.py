import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.clock import Clock
from embedded_aws.faults import KINDS, Faults, LostAnswerError
from embedded_aws.protocol.service import AwsFault


def refused(faults, service="sagemaker", action="DescribeTrainingJob", params=None):
    try:
        faults.before(service, action, params or {})
    except AwsFault as fault:
        return fault.code
    return None


def test_without_faults_nothing_happens():
    faults = Faults()
    faults.before("s3", "PutObject", {})
    faults.after("s3", "PutObject", {})
    assert faults.take("capacity", "job") is None


@given(times=st.integers(1, 20), skip=st.integers(0, 20))
def test_a_throttle_is_injected_as_often_as_asked_after_what_it_lets_pass(times, skip):
    faults = Faults()
    fault = faults.add("throttle", times=times, skip=skip)
    answers = [refused(faults) for _ in range(skip + times + 3)]
    assert answers == [None] * skip + ["ThrottlingException"] * times + [None] * 3
    assert (fault.hits, fault.used_up) == (times, True)


def test_a_fault_meets_only_what_it_is_for():
    faults = Faults()
    faults.add("throttle", service="s3", action="Put*", params={"Key": "*/latest.json"}, times=None)
    assert refused(faults, "s3", "PutObject", {"Key": "m/latest.json"}) == "SlowDown"
    assert refused(faults, "s3", "PutObject", {"Key": "m/v1/manifest.json"}) is None
    assert refused(faults, "s3", "PutObject") is None
    assert refused(faults, "s3", "GetObject", {"Key": "m/latest.json"}) is None
    assert refused(faults, "sqs", "PutObject", {"Key": "m/latest.json"}) is None


def test_an_error_says_what_it_was_told_to():
    faults = Faults()
    faults.add("error", code="ResourceLimitExceeded", message="no more", status=400)
    with pytest.raises(AwsFault) as caught:
        faults.before("sagemaker", "CreateTrainingJob", {})
    assert (caught.value.code, caught.value.message) == ("ResourceLimitExceeded", "no more")


@pytest.mark.parametrize("drop", [True, False])
def test_an_answer_is_lost_after_the_act(drop):
    faults = Faults()
    faults.add("lost_answer", action="CreateTrainingJob", drop=drop)
    faults.before("sagemaker", "CreateTrainingJob", {})
    with pytest.raises(LostAnswerError) as caught:
        faults.after("sagemaker", "CreateTrainingJob", {})
    assert caught.value.drop is drop
    faults.after("sagemaker", "CreateTrainingJob", {})


def test_a_rate_limit_counts_virtual_seconds():
    slow, fast = Faults(Clock(scale=0.001)), Faults(Clock(scale=1e6))
    for faults in (slow, fast):
        faults.add("rate_limit", action="ListTrainingJobs", per_second=2)
    calls = [refused(slow, action="ListTrainingJobs") for _ in range(4)]
    assert calls == [None, None, "ThrottlingException", "ThrottlingException"]
    assert {refused(fast, action="ListTrainingJobs") for _ in range(20)} == {None}


def test_a_service_takes_what_is_meant_for_its_target():
    faults = Faults()
    faults.add("slow_start", target="price-*", seconds=300)
    assert faults.take("slow_start", "rooms-1") is None
    assert faults.take("capacity", "price-1") is None
    taken = faults.take("slow_start", "price-1")
    assert taken is not None
    assert taken.seconds == 300
    assert faults.take("slow_start", "price-1") is None


def test_many_threads_never_take_more_than_there_is():
    faults = Faults()
    fault = faults.add("throttle", times=50)
    barrier = threading.Barrier(8)
    struck = []

    def ask():
        barrier.wait()
        struck.extend(refused(faults) for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(code is not None for code in struck) == fault.hits == 50


def test_listeners_learn_of_faults_at_once():
    faults, seen = Faults(), []
    faults.on_add(seen.append)
    fault = faults.add("kill_variant", target="endpoint/canary")
    assert seen == [fault]


def test_faults_can_be_taken_back():
    faults = Faults()
    first, second = faults.add("throttle"), faults.add("throttle")
    assert faults.clear(first.id) == 1
    assert faults.clear(first.id) == 0
    assert faults.list() == [second]
    assert faults.clear() == 1
    assert refused(faults) is None


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"kind": "meteor"}, "unknown fault kind 'meteor'"),
        ({"kind": "throttle", "often": 3}, "unknown fault field often; known: action, code,"),
        ({"kind": "throttle", "times": 0}, "times must be at least 1 or null"),
        ({"kind": "rate_limit"}, "rate_limit needs per_second"),
        ({"kind": "error"}, "error needs a code"),
    ],
)
def test_nonsense_is_refused(fault, sentence):
    with pytest.raises(ValueError, match=sentence):
        Faults().add(**fault)


def test_every_kind_is_described_where_people_look():
    import embedded_aws.faults

    for kind in KINDS:
        assert f"``{kind}``" in embedded_aws.faults.__doc__
