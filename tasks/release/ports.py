"""What a release needs from its surroundings, as small ports.

`context.ReleaseContext.here` fills each with real AWS; tests fill them with a world in memory that
misbehaves.
Every act is safe to repeat: an adapter adopts what stands there with the same content, and says so
in the sentence that it returns, which goes into the journal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tasks.release.journal.record import Journal, Point, Ruling
from tasks.release.machine.observed import ObservedEndpoint
from tasks.specs.load_test import LoadTestSpec
from tasks.specs.serving import AutoscalingSpec
from tasks.values import Manifest, Pointer, Rollout, Seal

WindowCounts = Mapping[str, Any]
"""One window of counts as JSON: what the judge's Window is built from."""


@dataclass(frozen=True)
class StoredJournal:
    """A journal and the ETag that proves nobody wrote since.

    ``age`` is how long ago it was written when it was read, in seconds of the store's own clock;
    None where it was written here just now, or where the store does not say.
    """

    journal: Journal
    etag: str
    age: float | None = None


class Journals(Protocol):
    """Where journals live. `store.S3Journals` is the real one."""

    def read(self, model: str) -> StoredJournal | None:
        """The model's current journal, live or ended."""
        ...

    def start(self, journal: Journal, replacing: StoredJournal | None) -> StoredJournal:
        """Make this the current journal; raises ReleaseInProgress when another was faster."""
        ...

    def write(self, stored: StoredJournal, journal: Journal) -> StoredJournal:
        """Replace what was read; raises LeaseLost when somebody wrote since."""
        ...

    def archive(self, journal: Journal) -> None:
        """Keep an ended journal for good; repeating it changes nothing."""
        ...

    def archived(self, model: str, release_id: str) -> Journal | None:
        """An ended release, or None."""
        ...

    def keep_checklist(self, journal: Journal, text: str) -> str:
        """Keep an ended release's checklist beside its journal; where it lies."""
        ...

    def keep_window(self, journal: Journal, window: WindowCounts) -> WindowCounts:
        """Store a window once; the one that was stored first is returned."""
        ...


class RegistryPort(Protocol):
    """What a release needs of the registry. `tasks.registry.Registry` has it."""

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of a version that must exist."""
        ...

    def verify(self, model: str, version: str) -> Manifest:
        """The manifest, once every file was found as it says; raises BundleCorrupt."""
        ...

    def sealed(self, model: str, version: str) -> Seal:
        """The manifest to which every file was just held; raises BundleCorrupt."""
        ...

    def file_url(self, model: str, version: str, path: str) -> str:
        """``s3://`` address of a bundle's file."""
        ...

    def read_file(self, model: str, version: str, path: str) -> bytes:
        """A small file of a bundle, checked against the manifest."""
        ...

    def pointer(self, model: str) -> Pointer | None:
        """The pointer, or None before the first release."""
        ...

    def move_pointer(
        self,
        model: str,
        version: str,
        *,
        expected: str | None,
        actor: str,
        reason: str,
        rollback: bool = False,
        sealed: Seal | None = None,
    ) -> Pointer:
        """Point to another version by compare-and-swap; raises PointerMoved, BundleCorrupt."""
        ...

    def stage_rollout(
        self, model: str, rollout: Rollout, *, before: Pointer, actor: str, reason: str
    ) -> Pointer:
        """Show a candidate to a share of edge clients by compare-and-swap; raises PointerMoved."""
        ...

    def invalidate(self, moved: Pointer) -> str:
        """Invalidate the CDN for a move, once."""
        ...

    def way_back(self, model: str) -> str | None:
        """The version to return to when nobody names one."""
        ...

    def record(
        self,
        model: str,
        identity: str,
        status: Literal["released", "rolled_back", "published"],
        *,
        actor: str,
        reason: str,
        version: str = "",
    ) -> object:
        """Add to the history what became of a candidate."""
        ...


class Cloud(Protocol):
    """SageMaker, CloudWatch alarms and scaling. `hosting.SageMaker` is the real one."""

    def endpoint(self, name: str) -> ObservedEndpoint | None:
        """An endpoint as it is now; None when there is none."""
        ...

    def models(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that exist as models."""
        ...

    def configs(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that exist as endpoint configurations."""
        ...

    def config_models(self, name: str) -> Mapping[str, str]:
        """Variant name → model name of a configuration (empty when there is none)."""
        ...

    def model_container(self, name: str) -> Mapping[str, Any]:
        """PrimaryContainer of a model (empty when there is none)."""
        ...

    def create_model(self, request: Mapping[str, Any]) -> str:
        """CreateModel, or adopt it."""
        ...

    def create_config(self, request: Mapping[str, Any]) -> str:
        """CreateEndpointConfig, or adopt it."""
        ...

    def create_endpoint(self, name: str, config: str, tags: Sequence[Any]) -> str:
        """CreateEndpoint, or adopt it."""
        ...

    def update_endpoint(self, name: str, config: str, guardrail: Mapping[str, Any] | None) -> str:
        """UpdateEndpoint; an update to the same configuration under way is adopted."""
        ...

    def delete_endpoint(self, name: str) -> str:
        """DeleteEndpoint; one that is gone is as good."""
        ...

    def set_weights(self, name: str, weights: Mapping[str, float]) -> str:
        """UpdateEndpointWeightsAndCapacities."""
        ...

    def load_test(
        self, name: str, variant: str, body: bytes, load: LoadTestSpec, longest_ms: float
    ) -> str:
        """Invoke one variant past the weights; ``pass: …`` or ``fail: …``."""
        ...

    def last_lines(self, name: str, variant: str, since: float) -> tuple[str, ...]:
        """The newest lines that a variant's containers wrote since then, oldest first."""
        ...

    def ringing(self, alarms: Collection[str]) -> tuple[str, ...]:
        """Those of the alarms that are in state ALARM."""
        ...

    def create_alarms(self, requests: Sequence[Mapping[str, Any]]) -> str:
        """PutMetricAlarm for each."""
        ...

    def pull_alarm(self, name: str, reason: str) -> str:
        """SetAlarmState to ALARM."""
        ...

    def delete_alarms(self, names: Collection[str]) -> str:
        """DeleteAlarms; those that are gone are as good."""
        ...

    def autoscale(
        self, endpoint: str, variants: Collection[str], spec: AutoscalingSpec | None
    ) -> str:
        """Let just these variants of the endpoint scale."""
        ...

    def forget_captures(self, journal: Journal) -> str:
        """Delete what was captured of mirrored traffic."""
        ...

    def clean(self, model: str, keep: Collection[str], only: Collection[str] = ()) -> str:
        """Delete this model's SageMaker models and configurations, but for ``keep``.

        When ``only`` names some, no others are deleted.
        """
        ...


class Feed(Protocol):
    """Where windows come from. `feed.CloudWatchFeed` is the real one."""

    def read(
        self,
        journal: Journal,
        spans: Sequence[tuple[float, float]],
        queries: Sequence[Mapping[str, Any]],
    ) -> Sequence[WindowCounts]:
        """The windows that are complete, in order; fewer than wanted when some are late.

        Args:
            journal: The release.
            spans: The windows, in unix seconds.
            queries: What the release's delivery asks CloudWatch for (`delivery.Delivery.queries`).
        """
        ...

    def values(
        self, subject: str, queries: Sequence[Mapping[str, Any]], begin: float, end: float
    ) -> Mapping[str, Mapping[float, float]]:
        """Query id → start of a period → value, of metrics between two moments (unix seconds).

        Args:
            subject: Whose metrics they are, for an error's text.
            queries: MetricDataQueries.
            begin: Where the first period starts.
            end: Before which the last one starts.
        """
        ...


class Analysis(Protocol):
    """Who analyses a canary. `analysis.CanaryAnalysis` is the real one."""

    def analyse(
        self, journal: Journal, counts: Sequence[WindowCounts]
    ) -> tuple[Any, Ruling, tuple[Point, ...]]:
        """The judge's new state, its ruling after the newest window, and the windows as points."""
        ...

    def seconds_to_proof(self, journal: Journal, requests_per_second: float) -> float:
        """Expected seconds until a candidate that is no worse is proven so; inf: never."""
        ...


class ClientView(Protocol):
    """What clients of the CDN get. `edge.outside.Cdn` is the real one."""

    def read(self, path: str) -> bytes | None:
        """A file as the CDN answers it; None when it does not."""
        ...

    @property
    def address(self) -> str:
        """Where it reads, or in brackets why it cannot."""
        ...


class People(Protocol):
    """Who is told. `notify.Topic` is the real one."""

    def tell(self, subject: str, text: str) -> str:
        """Publish to the people."""
        ...
