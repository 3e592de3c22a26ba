"""What a process does to itself before it becomes the program: all of it, or nothing."""

import subprocess
import sys

import pytest

HALF = """
import os
from embedded_aws.processes import launcher

def act():
    os.chdir("/")
    {then}

try:
    launcher.rehearsed(act)
    print("done", os.getcwd())
except OSError as error:
    print(error.errno, os.getcwd())
"""


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("pass", "done /"),
        ("raise OSError(13, 'no')", "13 {folder}"),
        ("raise OSError('without a number')", "1 {folder}"),
        ("raise ValueError", "1 {folder}"),
        ("os.kill(os.getpid(), 9)", "-9 {folder}"),
    ],
)
def test_what_would_fail_half_way_is_not_begun(tmp_path, then, told):
    program = [sys.executable, "-c", HALF.format(then=then)]
    ran = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout.strip() == told.format(folder=tmp_path), ran.stderr
