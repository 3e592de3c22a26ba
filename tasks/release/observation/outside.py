"""Whether clients of the CDN get the pointer that the registry holds. Thin."""

from __future__ import annotations

from tasks.release.context import ReleaseContext
from tasks.values import Pointer

LOOKS, BETWEEN_LOOKS = 4, 5.0
"""How often, and how many seconds apart, one act looks whether the CDN shows a move."""


def shown(context: ReleaseContext, pointer: Pointer) -> bool:
    """Whether clients of the CDN get this pointer; true where there is no CDN to look at."""
    if not context.outside.told.startswith("http"):
        return True
    for look in range(LOOKS):
        if look:
            context.clock.sleep(BETWEEN_LOOKS)
        if served(context, pointer.model) == pointer:
            return True
    return False


def how_seen(context: ReleaseContext) -> str:
    """How much is known of what clients get, once ``shown`` is true."""
    return "seen outside" if context.outside.told.startswith("http") else context.outside.told


def served(context: ReleaseContext, model: str) -> Pointer | None:
    """The pointer as clients of the CDN get it; None when they get none that parses."""
    body = context.outside.read(f"{model}/latest.json")
    try:
        return None if body is None else Pointer.model_validate_json(body)
    except ValueError:
        return None


def stale(context: ReleaseContext, model: str, pointer: Pointer) -> str:
    """How the CDN's pointer differs from the registry's, or ""."""
    if not context.outside.told.startswith("http"):
        return ""
    seen = served(context, model)
    if seen == pointer or context.registry.pointer(model) != pointer:
        return ""
    told = f"{seen.version} of {seen.timestamp}" if seen else "no pointer"
    return (
        f"the CDN serves {told}, the registry {pointer.version} of {pointer.timestamp}: "
        "invalidate the CDN, or look whether it still reads this bucket"
    )
