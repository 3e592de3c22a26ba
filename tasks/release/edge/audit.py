"""Whether clients still get what the last release left."""

from __future__ import annotations

from tasks.release.desk import Desk
from tasks.release.edge.acts import outside
from tasks.values import Pointer


def left_at_edge(desk: Desk, model: str, pointer: Pointer | None) -> str:
    """What is not as a release leaves it, or "". No release may be under way."""
    if pointer is None:
        return ""
    if pointer.rollout is not None:
        return (
            f"the pointer shows {pointer.rollout.version} to {pointer.rollout.percent} % of the "
            "users, but no release is under way: roll_back withdraws it"
        )
    return stale_outside(desk, model, pointer)


def stale_outside(desk: Desk, model: str, pointer: Pointer) -> str:
    """How the CDN's pointer differs from the registry's, or ""."""
    if not desk.outside.told.startswith("http"):
        return ""
    served = outside(desk, model)
    if served == pointer or desk.registry.pointer(model) != pointer:
        return ""
    told = f"{served.version} of {served.timestamp}" if served else "no pointer"
    return (
        f"the CDN serves {told}, the registry {pointer.version} of {pointer.timestamp}: "
        "invalidate the CDN, or look whether it still reads this bucket"
    )
