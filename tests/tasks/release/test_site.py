"""What the installation adds to every request of a release."""

from dataclasses import replace

import pytest

from tasks.errors import InvalidSetting
from tasks.release import roll_back, run, start_release
from tasks.release.context import here_site
from tasks.release.hosting.names import variant_of
from tasks.settings import settings
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V2
from tests.tasks.release.test_outside import SHORT

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


def test_in_production_an_endpoint_takes_a_digest_only(monkeypatch):
    monkeypatch.setenv("SLUICE_ENVIRONMENT", "production")
    settings.cache_clear()
    try:
        assert here_site().images_by_digest
    finally:
        settings.cache_clear()


@pytest.mark.parametrize(
    ("image", "by_digest", "said"),
    [
        ("registry/serving:latest", False, "'registry/serving:latest' is whatever was pushed last"),
        ("registry/serving:1", True, "'registry/serving:1' is not fixed by its digest"),
    ],
)
def test_a_release_with_an_image_that_moves_is_refused_and_a_rollback_is_not(
    image, by_digest, said
):
    world = memory.serving_world(release=SHORT)
    start_release(world.context("ann"), MODEL, V2, "ann", "weekly")
    assert run(world.context("ann"), MODEL).phase == "done"
    context = world.context("bob")
    site = context.site.model_copy(update={"image": image, "images_by_digest": by_digest})
    context, before = replace(context, site=site), dict(world.serves())
    with pytest.raises(InvalidSetting, match=said):
        start_release(context, MODEL, memory.V1, "bob", "again")
    assert world.serves() == before
    assert roll_back(context, MODEL, "bob", "as it was").phase == "rolled_back"
    assert world.serves() == {variant_of(memory.V1): 1.0}
