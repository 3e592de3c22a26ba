"""Queues of asynchronous endpoints over the end of the embedded AWS."""

import pytest
from customer.queued import Counter
from customer.shop import Shop, soon

pytestmark = pytest.mark.timeout(600)  # processes that start several times, beside others

PATIENCE = 120.0


def begin(box, tmp_path):
    """An endpoint, one invocation that is being processed, and three that wait."""
    counter = Counter(box.client, Shop(box.client))
    name = counter.endpoint(most=1)
    mark, door = tmp_path / "begun", tmp_path / "door"
    first = counter.ask(name, {"mark": str(mark), "until": str(door), "echo": 0})
    rest = [counter.ask(name, {"echo": number}) for number in (1, 2)]
    rest.append(counter.ask(name, Body=b'{"echo": 3}'))
    soon(mark.exists, PATIENCE)
    return counter, name, door, [first, *rest]


@pytest.mark.parametrize("how", ["kill", "end"])
def test_what_was_accepted_is_processed_after_the_end(box, tmp_path, how) -> None:
    counter, name, door, answers = begin(box, tmp_path)
    (box.kill if how == "kill" else box.end)()
    door.touch()
    box.start()
    counter.reconnect(box.client)
    for number, answer in enumerate(answers):
        stored = soon(lambda answer=answer: counter.stored(answer["OutputLocation"]), PATIENCE)
        assert f'"echo": {number}'.encode() in stored
        assert counter.stored(answer["FailureLocation"]) is None
        assert counter.notice(answer)["invocationStatus"] == "Completed"
    told = [counter.notice(answer)["eventTime"] for answer in answers]
    assert told == sorted(told)
    # What is done is forgotten: nothing is told again by a third process.
    box.kill()
    box.start()
    counter.reconnect(box.client)
    last = counter.ask(name, {"echo": "last"})
    assert counter.response(last)["echo"] == "last"
    assert counter.notice(last)["invocationStatus"] == "Completed"
    assert len(counter.heard) == len(answers) + 1


def test_what_was_queued_for_a_deleted_endpoint_stays_dropped(box, tmp_path) -> None:
    counter, name, _, answers = begin(box, tmp_path)
    counter.shop.sm.delete_endpoint(EndpointName=name)
    box.kill()
    box.start()
    counter.reconnect(box.client)
    soon(lambda: counter.shop.sm.list_endpoints()["Endpoints"] == [], PATIENCE)
    config = counter.config(counter.shop.model(), most=1)
    counter.shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    counter.shop.wait(name, seconds=PATIENCE)
    assert counter.response(counter.ask(name, {"echo": "new"}))["echo"] == "new"
    assert all(counter.stored(answer["OutputLocation"]) is None for answer in answers)
