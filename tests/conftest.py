"""What every test may ask for."""

import gc
import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from embedded_aws.fixture import _no_faults_left, aws, aws_environment

# A test has the same world in every shell: not a person's profiles, keys, server or stack.
for name in list(os.environ):
    if name.startswith(("AWS_", "PREFECT_", "SLUICE_")) and name != "SLUICE_CHROMIUM":
        del os.environ[name]
# What `make test ARGS=…` was told would reach every make that a documented command starts.
for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS"):
    os.environ.pop(name, None)
# Hundreds of processes start in the tests; each would compile all of ours again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = ",".join(filter(None, ["127.0.0.1", "localhost", os.environ.get(name)]))

# Before Prefect, Great Expectations or TensorFlow is imported: nothing phones home from a test.
os.environ.update(
    {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Long enough at every test's time scale for a busy machine to see an endpoint Updating.
        "EMBEDDED_AWS_HOSTING_WEIGHTS_SECONDS": "20",
    }
)

# All that is imported and collected stays: until then there is no garbage to look for among it.
gc.disable()

# A deadline on a shared machine measures the neighbours, not the code.
hypothesis_settings.register_profile("sluice", deadline=None)
hypothesis_settings.load_profile("sluice")

__all__ = ["_no_faults_left", "aws", "aws_environment", "fresh_clients"]


TENSORFLOW_SECONDS = 5.0
"""What a test takes that nobody has measured, about: conversions and fits are of that order."""
OTHER_SECONDS = 0.1


def pytest_addoption(parser):
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run files, and the tests of each, in any order"
    )


def pytest_collection_modifyitems(config, items):
    """Of several workers, none shall begin what takes longest when the others are done.

    Each worker takes the next file (``--dist loadfile --no-loadscope-reorder``). Alone, the order
    stays what it is. With ``--shuffle`` it is whatever the seed makes of it.
    """
    seed = config.getoption("--shuffle")
    if seed is not None:
        shuffled(items, random.Random(seed))
        return
    if not hasattr(config, "workerinput"):
        return
    seconds: dict[Path, float] = {}
    for item in items:
        measured = item.get_closest_marker("seconds")
        guessed = TENSORFLOW_SECONDS if item.get_closest_marker("tensorflow") else OTHER_SECONDS
        seconds[item.path] = measured.args[0] if measured else seconds.get(item.path, 0.0) + guessed
    items.sort(key=lambda item: -seconds[item.path])


def pytest_collection_finish():
    """Look for garbage among what the tests make, not among thousands of tests."""
    gc.freeze()
    gc.enable()


def shuffled(items, chance):
    """Files in any order, and the tests of each: what a file sets up once is still set up once."""
    files: dict[Path, list] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    paths = list(files)
    chance.shuffle(paths)
    for path in paths:
        chance.shuffle(files[path])
    items[:] = [item for path in paths for item in files[path]]


@pytest.fixture(autouse=True)
def fresh_clients():
    """Clients and settings are made once per process; a test may change what they are made of."""
    from tasks import aws as clients
    from tasks import settings

    clients.client.cache_clear()
    settings.settings.cache_clear()
    yield
    clients.client.cache_clear()
    settings.settings.cache_clear()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with private and public keys of two people: ours, and theirs."""
    from deployments.signing import new_key

    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        new_key(folder / f"{name}.pem")
    return folder
