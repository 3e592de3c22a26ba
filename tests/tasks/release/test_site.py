"""What the installation adds to every request of a release."""

import pytest

from tasks.release.context import here_site
from tasks.settings import settings

TRAINING, HOSTING = "arn:aws:iam::123456789012:role/train", "arn:aws:iam::123456789012:role/serve"


@pytest.mark.parametrize(("hosting", "taken"), [("", TRAINING), (HOSTING, HOSTING)])
def test_endpoints_may_have_a_role_of_their_own(monkeypatch, hosting, taken):
    monkeypatch.setenv("SLUICE_ROLE_ARN", TRAINING)
    monkeypatch.setenv("SLUICE_HOSTING_ROLE_ARN", hosting)
    settings.cache_clear()
    try:
        assert here_site().role_arn == taken
        assert settings().role_arn == TRAINING
    finally:
        settings.cache_clear()
