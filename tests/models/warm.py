"""Jobs in processes that a framework has started in: forks of one that has done nothing else.

A start takes 2.5 s of processor time with scikit-learn and 5 s with TensorFlow, and each
composition needs two jobs. That a job starts by itself is shown by test_training_job.py, and by
every flow's test that trains. Run as a program, this file is the process that is forked: it reads
jobs and tells each one's number and end.
"""

import importlib
import json
import os
import runpy
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

NETWORKS = "networks"
"""TensorFlow, as the runtime starts it; any other name is a module's."""
START = Path(__file__).resolve().parents[2] / "models" / "runtime" / "networks" / "start.py"


class Job:
    """A fork's job, asked and told as :class:`subprocess.Popen` is."""

    def __init__(self, answers, pid, stdout):
        self._answers, self.pid, self.stdout = answers, pid, stdout
        self.returncode = None

    def send_signal(self, number):
        # Until its end is read here, nobody else gets its number.
        assert self.returncode is None
        os.kill(self.pid, number)

    def wait(self, timeout):
        if self.returncode is None:
            ready, _, _ = select.select([self._answers], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired("job", timeout)
            self.returncode = int(self._answers.readline())
        return self.returncode

    def communicate(self, timeout):
        said = self.stdout.read()
        self.wait(timeout)
        self.stdout.close()
        return said, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stdout.close()
        self.wait(60)


@contextmanager
def warm_starts(*started, **environment):
    """What starts a job where these have started: a function of its folder and environment."""
    process = subprocess.Popen(
        [sys.executable, __file__, *started],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def start(command, *, cwd, env):
        pipe = Path(cwd).parent / "said"
        if not pipe.exists():
            os.mkfifo(pipe)
        job = {"command": command, "cwd": str(cwd), "env": env, "said": str(pipe)}
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        pid = int(process.stdout.readline())
        return Job(process.stdout, pid, pipe.open(encoding="utf-8"))

    with process:
        yield start
        process.stdin.close()


def serve():
    """Start what was named, then fork for every job; returns in each fork what it has to do."""
    for name in sys.argv[1:]:
        if name == NETWORKS:
            runpy.run_path(str(START))["start"]()
        else:
            importlib.import_module(name)
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            return json.loads(line)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    return None


def run(job):
    """Be the job: its output, its environment, its folder, its program."""
    for path, flags, numbers in (
        (os.devnull, os.O_RDONLY, (0,)),
        (job["said"], os.O_WRONLY, (1, 2)),
    ):
        opened = os.open(path, flags)
        for number in numbers:
            os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.argv[:] = job["command"]
    sys.path[0] = job["cwd"]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__" and (asked := serve()) is not None:
    run(asked)
