"""The hosts of one training job, as threads of a test."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from models.runtime.collective import join
from models.runtime.script_mode import Hyperparameters, Job
from tests.ports import reserved_port


def jobs(count, port=None):
    """The hosts of one job, all on this machine."""
    hosts = tuple(f"algo-{number}" for number in range(1, count + 1))
    leader = Job(
        base=Path(),
        model_dir=Path(),
        output_dir=Path(),
        channels={},
        hyperparameters=Hyperparameters({}),
        hosts=hosts,
        name="a-job",
        leader_address="127.0.0.1",
        leader_port=port or reserved_port(),
    )
    return [replace(leader, host=host) for host in hosts]


@contextlib.contextmanager
def together(count, acts):
    """What each host's act came to; acts take a host's collective."""
    with ThreadPoolExecutor(count) as pool:

        def run(job, act):
            joined = join(job, "same", 20)
            try:
                return act(joined)
            finally:
                joined.close()

        yield [pool.submit(run, job, act) for job, act in zip(jobs(count), acts, strict=True)]
