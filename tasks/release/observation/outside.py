"""Whether clients of the CDN get the pointer that the registry holds. Thin."""

from __future__ import annotations

from tasks.release.context import ReleaseContext
from tasks.stored import opened
from tasks.values import Pointer

CHECKS, BETWEEN_CHECKS = 4, 5.0
"""How often, and how many seconds apart, one act checks whether the CDN shows a move."""


def shown(context: ReleaseContext, pointer: Pointer) -> bool:
    """Whether clients of the CDN get this pointer; true where there is no CDN to look at."""
    if not context.outside.address.startswith("http"):
        return True
    for check in range(CHECKS):
        if check:
            context.clock.sleep(BETWEEN_CHECKS)
        if served(context, pointer.model) == pointer:
            return True
    return False


def visibility(context: ReleaseContext) -> str:
    """How much is known of what clients get, once ``shown`` is true."""
    return "seen outside" if context.outside.address.startswith("http") else context.outside.address


def served(context: ReleaseContext, model: str) -> Pointer | None:
    """The pointer as clients of the CDN get it; None when they get none that parses."""
    body = context.outside.read(f"{model}/latest.json")
    try:
        return None if body is None else Pointer.model_validate_json(opened(body))
    except ValueError:
        return None


def stale(context: ReleaseContext, model: str, pointer: Pointer) -> str:
    """How the CDN's pointer differs from the registry's, or ""."""
    if not context.outside.address.startswith("http"):
        return ""
    from_cdn = served(context, model)
    if from_cdn == pointer or context.registry.pointer(model) != pointer:
        return ""
    answer = f"{from_cdn.version} of {from_cdn.timestamp}" if from_cdn else "no pointer"
    return (
        f"the CDN serves {answer}, the registry {pointer.version} of {pointer.timestamp}: "
        "invalidate the CDN, or look whether it still reads this bucket"
    )
