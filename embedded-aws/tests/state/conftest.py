"""An embedded AWS in a process of its own, that can be killed and started again."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from customer import CODE

SECRET = "made-for-a-test"


class Box:
    """One state folder, and the process that has it open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = None

    def start(self, *options: str) -> None:
        # What a process says on stderr is the test's to show, and its parent's death is its own.
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "embedded_aws", "--port", "0", "--die-with-parent"),
                *("--state-dir", str(self.folder), *options),
            ],
            env={**os.environ, "PYTHONPATH": CODE, "EMBEDDED_AWS_SECRET": SECRET},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().strip().partition("=")[2]
        assert self.url, "it did not start"

    def kill(self) -> None:
        """End it as the system does when it is short of memory: at whatever line it is."""
        self.process.kill()
        self._over()

    def end(self) -> None:
        self.process.terminate()
        self._over()

    def _over(self) -> None:
        self.process.wait(60)
        self.process.stdout.close()

    def client(self, service: str):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="embedded",
            aws_secret_access_key=SECRET,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def admin(self, name: str):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(
            f"{self.url}/_embedded/{name}", headers={"x-embedded-aws-secret": SECRET}
        )
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path / "aws")
    made.start()
    yield made
    if made.process.poll() is None:
        made.kill()
