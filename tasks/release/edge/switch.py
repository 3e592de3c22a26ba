"""The failsafe alarm at the edge: withdraw a candidate with nothing but S3 and CloudFront.

It writes what the registry would write, but needs no registry, no owner and no Prefect. The
owner, or `reconcile`, finds the pointer withdrawn, and does the rest.
"""

from __future__ import annotations

from tasks import objects
from tasks.aws import asking, client
from tasks.clock import utc, wall
from tasks.stored import parsed
from tasks.values import Pointer

TRIES = 10
FIVE_MINUTES = "public, max-age=300"


def withdraw(
    bucket: str,
    distribution_id: str,
    model: str,
    candidate: str,
    actor: str,
    reason: str,
    now: float,
) -> str:
    """Let the pointer show a candidate to nobody; what was done.

    Args:
        bucket: The registry.
        distribution_id: CloudFront distribution before it; "" for none.
        model: Whose pointer.
        candidate: Version that has to go; one that serves everybody is left to the owner.
        actor: Who withdraws it.
        reason: Why, in a sentence.
        now: Unix time, seconds.
    """
    key = f"{model}/latest.json"
    for _ in range(TRIES):
        latest = objects.read(bucket, key)
        if latest is None:
            return "there is no pointer"
        pointer = parsed(Pointer, latest.body, f"s3://{bucket}/{key}")
        if pointer.rollout is None or pointer.rollout.version != candidate:
            return f"the pointer does not show {candidate} to a share of the users"
        fresh = pointer.model_copy(
            update={
                "timestamp": utc(wall(now)).isoformat(timespec="milliseconds"),
                "previous": candidate,
                "rollback": True,
                "actor": actor,
                "reason": reason,
                "rollout": None,
            }
        )
        body = fresh.model_dump_json(indent=2).encode()
        if objects.swap(bucket, key, body, etag=latest.etag, cache_control=FIVE_MINUTES) is None:
            continue  # somebody moved it in this moment; read again
        return f"withdrew {candidate}; {_invalidate(distribution_id, model, now)}"
    return "the pointer was written by others all the time"


def _invalidate(distribution_id: str, model: str, now: float) -> str:
    if not distribution_id:
        return "there is no CDN"
    with asking(f"CreateInvalidation {distribution_id} /{model}/*"):
        client("cloudfront").create_invalidation(
            DistributionId=distribution_id,
            InvalidationBatch={
                "Paths": {"Quantity": 1, "Items": [f"/{model}/*"]},
                "CallerReference": f"sluice-switch-{model}-{now:.3f}",
            },
        )
    return "invalidated the CDN"
