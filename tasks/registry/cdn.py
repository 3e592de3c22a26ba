"""Invalidation of what the CDN holds of a model."""

from __future__ import annotations

from tasks.aws import asking, client
from tasks.values import Pointer, fingerprint


def reference(pointer: Pointer) -> str:
    """Caller reference of the invalidation that belongs to a pointer's move.

    The same move gives the same reference, and CloudFront starts a reference only once.
    """
    return f"sluice-{pointer.model}-{fingerprint(pointer.model_dump(mode='json'))[:24]}"


def invalidate(distribution_id: str, pointer: Pointer) -> str:
    """Invalidate ``/<model>/*``.

    Returns:
        The invalidation's id, or a sentence in brackets when there is no CDN.
    """
    if not distribution_id:
        return "(no CDN: SLUICE_DISTRIBUTION_ID is empty)"
    with asking(f"CreateInvalidation {distribution_id} /{pointer.model}/*"):
        answer = client("cloudfront").create_invalidation(
            DistributionId=distribution_id,
            InvalidationBatch={
                "Paths": {"Quantity": 1, "Items": [f"/{pointer.model}/*"]},
                "CallerReference": reference(pointer),
            },
        )
    return str(answer["Invalidation"]["Id"])
