"""A world in memory behind every port of a release: it keeps state, and it can misbehave.

``World.boundary`` is called before and after each change of the outside world; a test kills the
actor there, or lets AWS fail there.
"""

from tests.tasks.release.memory.ports import V1, V2, V3, MemoryRegistry
from tests.tasks.release.memory.world import MODEL, Killed, World, only, serving_world

__all__ = [
    "MODEL",
    "V1",
    "V2",
    "V3",
    "Killed",
    "MemoryRegistry",
    "World",
    "only",
    "serving_world",
]
