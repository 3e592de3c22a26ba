"""A shadow: asked no more at once than it can be, and never behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from embedded_aws.hosting.fleet.shadow import AT_ONCE, Mirror
from embedded_aws.protocol.service import AwsFault


class Shade:
    """Stands for a variant: lets everybody in and counts who is inside."""

    name = "shade"

    def __init__(self) -> None:
        self.inside = 0
        self.lock = threading.Lock()

    def enter(self) -> bool:
        with self.lock:
            self.inside += 1
        return True

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1


class Program:
    """Stands for a serving program: answers when it may, and then as it is told."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked: list[bytes] = []
        self.heard = threading.Condition()
        self.fails = False

    def __call__(self, _variant: object, _headers: object, body: bytes) -> object:
        with self.heard:
            self.asked.append(body)
            self.heard.notify_all()
        assert self.may.wait(30)
        if self.fails:
            raise AwsFault("ModelError", "out of luck", 424)
        return b""

    def was_asked(self, times: int) -> bool:
        with self.heard:
            return self.heard.wait_for(lambda: len(self.asked) >= times, timeout=30)


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def mirror(program: Program) -> Iterator[Mirror]:
    made = Mirror(Shade(), program)  # type: ignore[arg-type]  # the little of a variant it needs
    yield made
    program.may.set()
    made.close()


def test_copies_beyond_what_it_answers_at_once_are_lost_not_kept(
    mirror: Mirror, program: Program
) -> None:
    for number in range(AT_ONCE + 24):
        mirror.offer(1.0, {}, str(number).encode())
    assert mirror.dropped == 24
    assert program.was_asked(AT_ONCE)
    program.may.set()
    while mirror.variant.inside:
        pass
    assert sorted(map(int, program.asked)) == list(range(AT_ONCE)), "nothing came later"


@pytest.mark.parametrize("fails", [False, True], ids=("answers", "faults"))
def test_whoever_has_answered_is_asked_again(
    mirror: Mirror, program: Program, *, fails: bool
) -> None:
    program.may.set()
    program.fails = fails
    for number in range(3 * AT_ONCE):
        mirror.offer(1.0, {}, b"x")
        assert program.was_asked(number + 1)
        while mirror.variant.inside:
            pass
    assert mirror.dropped == 0


def test_a_share_of_nothing_mirrors_nothing(mirror: Mirror, program: Program) -> None:
    mirror.offer(0.0, {}, b"x")
    assert (program.asked, mirror.dropped) == ([], 0)
