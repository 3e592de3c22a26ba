"""A room of alarms whose time stands still."""

import pytest
from rooms.alarms import Room


@pytest.fixture
def room():
    return Room()
