"""A variant that is a scalable target, for a module, and one of its own."""

import pytest
from customer.scaling import Scaling
from customer.shop import Shop


@pytest.fixture(scope="module")
def shop(aws):
    return Shop(aws.client)


@pytest.fixture(scope="module")
def endpoint(shop):
    return shop.simple()


@pytest.fixture
def scaling(aws, endpoint):
    made = Scaling(aws, endpoint)
    made.register()
    yield made
    if made.target() is not None:
        made.client.deregister_scalable_target(**made.scope)


@pytest.fixture
def fresh(aws, shop):
    """Of an endpoint of its own, to which nothing has happened yet."""
    made = Scaling(aws, shop.simple())
    made.register()
    return made
