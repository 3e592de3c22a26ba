"""EnableNetworkIsolation of a job: no network, or a log that says so."""

import os
import subprocess
import sys

import pytest

TIME_SCALE = 120
CODE_CHANNEL = "/opt/ml/input/data/code"
SCRIPT = """
    import json, os, pathlib, socket

    def reaches(address):
        try:
            socket.create_connection(address, 5).close()
        except OSError:
            return False
        return True

    here = socket.create_server(("127.0.0.1", 0))
    told = {
        "outside": reaches(("127.0.0.1", int(os.environ["OUTSIDE"]))),
        "loopback": reaches(here.getsockname()),
        "user": os.getuid(),
    }
    pathlib.Path(os.environ["SM_MODEL_DIR"], "told.json").write_text(json.dumps(told))
    print("done")
"""
SEPARATES = """
import sys
from embedded_aws.processes import launcher
try:
    launcher.leave_network()
except OSError as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def separates():
    """Whether this system makes network namespaces for us."""
    return subprocess.run([sys.executable, "-c", SEPARATES]).returncode == 0


@pytest.fixture
def outside(lab):
    """A port of this machine at which something listens: the embedded AWS itself."""
    return {"OUTSIDE": lab.aws.endpoint_url.rpartition(":")[2]}


def test_a_job_has_a_loopback_of_its_own_and_nothing_else(lab, outside, separates):
    lab.run("open", SCRIPT, Environment=outside)
    everything = {"outside": True, "loopback": True, "user": os.getuid()}
    assert lab.told("open") == everything
    lab.run("apart", SCRIPT, Environment=outside, EnableNetworkIsolation=True)
    assert lab.told("apart") == {**everything, "outside": not separates}
    assert any("the network stays open here" in line for line in lab.lines("apart")) != separates


def test_the_hosts_of_a_job_keep_their_loopback_and_the_log_says_so(lab, outside):
    lab.run(
        "several",
        SCRIPT,
        Environment=outside,
        EnableNetworkIsolation=True,
        ResourceConfig={"InstanceCount": 2},
    )
    assert lab.told("several")["outside"]
    assert "the network stays open here, since the hosts" in lab.lines("several")[0]


def test_where_no_namespace_can_be_made_the_log_says_so():
    refused = """
import os, sys, threading, time
from embedded_aws.processes import launcher
# A process of two threads is refused a namespace for its users by every Linux.
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
sys.argv = ["", str(os.getppid()), launcher.NO_NETWORK, "echo", "became the program"]
launcher.main()
"""
    ran = subprocess.run([sys.executable, "-c", refused], capture_output=True, text=True)
    said, became = ran.stdout.splitlines()
    assert "the network stays open here, since this system" in said
    assert became == "became the program"


def test_the_source_may_come_with_a_channel(lab, outside):
    request = lab.request("brought", SCRIPT, Environment=outside)
    source = request["HyperParameters"]["sagemaker_submit_directory"]
    name = source.rpartition("/")[2]
    channel = {
        "ChannelName": "code",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
    }
    lab.run(
        "brought",
        SCRIPT,
        Environment=outside,
        EnableNetworkIsolation=True,
        InputDataConfig=[channel],
        HyperParameters={"sagemaker_submit_directory": f"{CODE_CHANNEL}/{name}"},
    )
    assert lab.told("brought")["loopback"]
