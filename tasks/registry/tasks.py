"""The registry's door: Prefect tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from tasks.errors import SluiceError
from tasks.registry import app_archive
from tasks.registry.candidate import CandidateStatus
from tasks.registry.packages import ModelPackages
from tasks.registry.page import app_page, bundle_page
from tasks.registry.publication import created_text
from tasks.registry.registry import Registry
from tasks.registry.retention import RetentionPolicy
from tasks.reports.artifacts import key_for, logger, show
from tasks.retrying import retried
from tasks.values import Frozen, Lineage, Manifest, TrainedModel

RETRAIN = "retrain"


class Earlier(Frozen):
    """What became of the same candidate before; ``status`` is None when it is new."""

    status: CandidateStatus | None = None
    version: str = ""
    at: str = ""
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do for this candidate."""
        return self.status not in {None, "published"}

    def __str__(self) -> str:
        named = f" as {self.version}" if self.version else ""
        return (
            f"Nothing new: the same snapshot, code and parameters were {self.status}{named} on "
            f"{self.at} ({self.reason}). Run with force to try this candidate again."
        )


@retried("look back")
def earlier_outcome(model: str, identity: str) -> Earlier:
    """What became of the same candidate before."""
    registry = Registry.here()
    record = registry.history(model, identity)
    if record is None:
        return Earlier()
    last = record.entries[-1]
    earlier = Earlier(
        status=record.status, version=record.version, at=last.at, reason=last.reason.rstrip(".")
    )
    logger().info(str(earlier))
    if not earlier.settled:  # published by a run that died since, perhaps before its page was shown
        _show_bundle(registry, registry.manifest(model, earlier.version))
    return earlier


@retried("champion")
def champion_of(model: str) -> Manifest | None:
    """The manifest of the version that serves, or None before the first release."""
    registry = Registry.here()
    pointer = registry.pointer(model)
    return registry.manifest(model, pointer.version) if pointer else None


@retried("reject")
def reject(
    model: str, identity: str, reason: str, status: CandidateStatus = "gate_rejected"
) -> None:
    """Remember that this candidate went no further, so that it is not paid for again."""
    Registry.here().record(model, identity, status, actor=RETRAIN, reason=reason)


@retried("archive")
def archive_old(
    model: str, keep: int, needed: Callable[[str, str], Collection[str]]
) -> tuple[str, ...]:
    """Send versions beyond the newest ``keep`` to cold storage; what serves and its way back stay.

    Args:
        model: Whose versions.
        keep: How many of the newest stay.
        needed: Says which versions of a model in a bucket others need; they stay, too. When it
            cannot tell, nothing is archived.

    Returns:
        The versions that are archived.
    """
    registry = Registry.here()
    in_use = needed(registry.bucket, model)
    archived = registry.archive_old(model, in_use, RetentionPolicy(keep=keep)).archive
    if archived:
        logger().info(f"In the archive: {', '.join(archived)}")
    return archived


@retried("register")
def publish(
    candidate: TrainedModel,
    lineage: Lineage,
    files: Mapping[str, Path],
    parity: Mapping[str, float],
    converters: Mapping[str, str],
    version: str = "",
) -> str:
    """Publish the bundle; what an earlier run published of the same candidate is found again.

    Args:
        candidate: The finished job.
        lineage: What it came from.
        files: Local file by path in the bundle.
        parity: Largest difference of each converted model.
        converters: Version of each converter.
        version: Under which name, where somebody chose one; "" takes the job's creation time.

    Returns:
        The version.

    Raises:
        VersionExists: the name that was chosen belongs to another candidate.
    """
    model = candidate.model
    registry = Registry.here()
    version = version or registry.claim_version(model, candidate.created, candidate.identity)
    manifest = registry.publish(
        Manifest(
            model=model,
            version=version,
            created=created_text(candidate.created),
            identity=candidate.identity,
            training_job=candidate.job_name,
            metrics=candidate.metrics,
            parity=parity,
            converters=converters,
            program=candidate.program,
            files=(),
            **lineage.model_dump(),
        ),
        {"model.tar.gz": candidate.folder / "model.tar.gz", **files},
    )
    registry.record(
        model,
        candidate.identity,
        "published",
        actor=RETRAIN,
        reason="passed its gate",
        version=version,
    )
    _show_bundle(registry, manifest)
    logger().info(f"Published {model} {version}: {len(manifest.files)} files, verified")
    return version


@retried("model packages")
def keep_packages_in_step(*models: str) -> list[str]:
    """Let SageMaker's model registry say what ours does of the newest versions.

    Returns:
        A sentence for each package that was made or corrected.

    Raises:
        SluiceError: of the first model with which it could not be done; the others' are.
    """
    packages = ModelPackages.here()
    if packages is None:
        return []
    sentences: list[str] = []
    failed: SluiceError | None = None
    for model in models:
        try:
            sentences += packages.keep_in_step(model)
        except SluiceError as error:
            logger().warning(f"{model}: {error}")
            failed = failed or error
    for sentence in sentences:
        logger().info(sentence)
    if failed is not None:
        raise failed
    return sentences


@retried("pack for apps")
def pack_for_apps(models: Sequence[str], formats: Sequence[str]) -> str:
    """Pack what serves into one archive that an app brings along; its page is shown.

    Args:
        models: Whose versions. One that serves nothing, or has none of the formats, is left out
            and named.
        formats: Which formats.

    Returns:
        A sentence with the archive's address and SHA-256.

    Raises:
        NothingToPack: nothing is left.
    """
    bucket = Registry.here().bucket
    versions, without = app_archive.serving(bucket, models)
    made, body = app_archive.pack(
        bucket, versions, formats, app_archive.shared_files(), left_out=without
    )
    address = app_archive.keep(bucket, made, body)
    show(key_for("app", "archive"), app_page(made, address), "What an app brings along")
    named = ", ".join(f"{part.model} {part.version}" for part in made.models)
    return f"{address} (SHA-256 {made.sha256}): {named}"


def _show_bundle(registry: Registry, manifest: Manifest) -> None:
    page = bundle_page(manifest, f"s3://{registry.bucket}/{manifest.model}/{manifest.version}/")
    show(key_for("bundle", manifest.model), page, "What was published")
