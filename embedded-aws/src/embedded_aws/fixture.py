"""pytest fixtures: import them into a ``conftest.py``.

``aws`` is an :class:`EmbeddedAws` per test module; a module chooses its time scale with a global
``TIME_SCALE`` (virtual seconds per real second, 60 by default). ``aws_environment`` lets the
process find it as any AWS client would, through environment variables.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from embedded_aws.embedded import EmbeddedAws

DEFAULT_TIME_SCALE = 60.0


@pytest.fixture(scope="module")
def aws(request: pytest.FixtureRequest) -> Iterator[EmbeddedAws]:
    """One embedded AWS for all tests of the module."""
    scale = float(getattr(request.module, "TIME_SCALE", DEFAULT_TIME_SCALE))
    with EmbeddedAws(time_scale=scale) as embedded:
        yield embedded


@pytest.fixture
def aws_environment(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """The same, reached through ``AWS_ENDPOINT_URL`` and its kin."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return aws


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take back every fault that a test has set."""
    yield
    if "aws" in request.fixturenames:
        request.getfixturevalue("aws").faults.clear()
