"""The registry as the other stages see it: one object with verbs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.clock import Clock, system_clock, wall
from tasks.registry import app_manifest, bundle, cdn, history, pointer, publication, retention
from tasks.registry.candidate import CandidateHistory, CandidateStatus
from tasks.registry.retention import RetentionPlan, RetentionPolicy
from tasks.values import Manifest, Pointer, Rollout, Seal, Verdict


@dataclass(frozen=True)
class Registry:
    """Bundles, pointers and candidate histories of one installation.

    Args:
        bucket: S3 bucket.
        distribution_id: CloudFront distribution before it; "" for none.
        clock: Our clock.
        cdn_url: Address at which clients find it; "" for none.
    """

    bucket: str
    distribution_id: str
    clock: Clock
    cdn_url: str = ""

    @classmethod
    def here(cls) -> Registry:
        """The registry that the settings name."""
        from tasks.settings import settings

        chosen = settings()
        return cls(chosen.registry_bucket, chosen.distribution_id, system_clock(), chosen.cdn_url)

    def claim_version(self, model: str, created: float, identity: str) -> str:
        """See `publication.claim_version`."""
        return publication.claim_version(self.bucket, model, created, identity)

    def publish(self, draft: Manifest, files: Mapping[str, Path | str]) -> Manifest:
        """See `publication.publish`; then the manifest for clients that know nothing of ours."""
        manifest = publication.publish(self.bucket, draft, files)
        app_manifest.write(self.bucket, manifest, self.cdn_url)
        return manifest

    def versions(self, model: str) -> tuple[str, ...]:
        """Committed versions, oldest first."""
        return bundle.versions(self.bucket, model)

    def manifest(self, model: str, version: str) -> Manifest:
        """See `bundle.manifest`."""
        return bundle.manifest(self.bucket, model, version)

    def inspect(self, model: str, version: str) -> Verdict:
        """See `bundle.inspect`."""
        return bundle.inspect(self.bucket, model, version)

    def verify(self, model: str, version: str) -> Manifest:
        """See `bundle.verify`."""
        return bundle.verify(self.bucket, model, version)

    def sealed(self, model: str, version: str) -> Seal:
        """See `bundle.sealed`."""
        return bundle.sealed(self.bucket, model, version)

    def file_url(self, model: str, version: str, path: str) -> str:
        """``s3://`` address of a bundle's file."""
        return bundle.file_url(self.bucket, model, version, path)

    def read_file(self, model: str, version: str, path: str) -> bytes:
        """A small file of a bundle."""
        return bundle.read_file(self.bucket, model, version, path)

    def way_back(self, model: str) -> str | None:
        """The version to return to when nobody names one; None when there is none."""
        return history.way_back(self.pointer(model), self.histories(model))

    def pointer(self, model: str) -> Pointer | None:
        """The pointer, or None before the first release."""
        return pointer.read(self.bucket, model)

    def move_pointer(
        self,
        model: str,
        version: str,
        *,
        expected: str | None,
        actor: str,
        reason: str,
        rollback: bool = False,
        rollout: Rollout | None = None,
        sealed: Seal | None = None,
    ) -> Pointer:
        """See `pointer.move`."""
        return pointer.move(
            self.bucket,
            model,
            version,
            expected=expected,
            actor=actor,
            reason=reason,
            now=wall(self.clock.now()),
            rollback=rollback,
            rollout=rollout,
            sealed=sealed,
        )

    def stage_rollout(
        self, model: str, rollout: Rollout, *, before: Pointer, actor: str, reason: str
    ) -> Pointer:
        """See `pointer.stage`."""
        return pointer.stage(
            self.bucket,
            model,
            rollout,
            before=before,
            actor=actor,
            reason=reason,
            now=wall(self.clock.now()),
        )

    def invalidate(self, moved: Pointer) -> str:
        """See `cdn.invalidate`."""
        return cdn.invalidate(self.distribution_id, moved)

    def history(self, model: str, identity: str) -> CandidateHistory | None:
        """The history of a candidate, or None when it is new."""
        return history.read(self.bucket, model, identity)

    def histories(self, model: str) -> tuple[CandidateHistory, ...]:
        """Every candidate's history, in order of its newest outcome."""
        return history.read_all(self.bucket, model)

    def record(
        self,
        model: str,
        identity: str,
        status: CandidateStatus,
        *,
        actor: str,
        reason: str,
        version: str = "",
    ) -> CandidateHistory:
        """See `history.append`."""
        return history.append(
            self.bucket,
            model,
            identity,
            status=status,
            actor=actor,
            reason=reason,
            now=wall(self.clock.now()),
            version=version,
        )

    def archive_old(
        self, model: str, in_use: Collection[str] = (), policy: RetentionPolicy | None = None
    ) -> RetentionPlan:
        """Send versions that nobody needs at hand to the archive; what was decided."""
        chosen = retention.plan(
            self.versions(model), self.pointer(model), in_use, policy or RetentionPolicy()
        )
        retention.archive(self.bucket, model, chosen.archive)
        return chosen
