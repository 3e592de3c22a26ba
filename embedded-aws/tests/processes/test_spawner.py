import sys

import pytest

from embedded_aws.processes.spawner import Spawner


class _Notebook:
    """Stands where the keeper stands, and notes what it is told."""

    def __init__(self):
        self.watched: set[int] = set()
        self.ever: set[int] = set()

    def watch(self, group):
        self.watched.add(group)
        self.ever.add(group)

    def forget(self, group):
        self.watched.discard(group)

    def close(self):
        pass


@pytest.fixture
def spawner():
    spawner = Spawner()
    spawner._keeper = _Notebook()
    yield spawner
    spawner.close()


def _started(spawner, program, tmp_path):
    process = spawner.start([sys.executable, "-c", program], {}, tmp_path)
    assert process.pid in spawner._keeper.watched
    return process


@pytest.mark.parametrize("program", ["pass", "import time; time.sleep(60)"])
def test_a_process_that_is_over_is_not_on_the_keepers_list(spawner, program, tmp_path):
    # Its number may be somebody else's when the keeper kills what is left.
    killed = _started(spawner, program, tmp_path)
    ended = _started(spawner, program, tmp_path)
    with killed.stdout, ended.stdout:
        spawner.kill(killed)
        spawner.end(ended, grace=5.0)
    assert killed.returncode is not None
    assert ended.returncode is not None
    assert len(spawner._keeper.ever) == 2
    assert spawner._keeper.watched == set()
