"""``models/<name>/model.yaml``: everything about a model that is not code.

Parsed strictly and completely before anything costs money: an unknown key, a wrong type or a
missing file is one clear error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from models.runtime.family import Family
from tasks.errors import InvalidModelSpec, UnknownModel
from tasks.metrics import all_named, names_for, task_class
from tasks.specs.artefact import ArtefactSpec
from tasks.specs.behaviour import BehaviourSpec
from tasks.specs.conversion import ConversionSpec
from tasks.specs.data import DataSpec
from tasks.specs.data_gates import DataGatesSpec
from tasks.specs.family import CUSTOM, OWN_PROGRAM, FamilySpec, first_edition
from tasks.specs.gates import GateSpec
from tasks.specs.load_test import LoadTestSpec
from tasks.specs.trial import TrialSpec
from tasks.strict import Strict

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]

IMAGE = (
    "Container image: an address, or `sagemaker:<framework>:<version>[:<python>]`; empty takes the "
    "installation's."
)
LONGEST_NAME, LONGEST_VALUE = 256, 2500
"""Characters that SageMaker takes of a hyperparameter."""
WHOLE = 1e-9
"""Rounding error of a whole percentage written as a share."""


class LoggedMetric(Strict):
    """A number that SageMaker reads from the training log."""

    name: str = Field(min_length=1, max_length=255, description="Its name in SageMaker.")
    regex: str = Field(
        min_length=1, max_length=500, description="One group, which catches the number in a line."
    )

    @field_validator("regex")
    @classmethod
    def _catches(cls, regex: str) -> str:
        try:
            groups = re.compile(regex).groups
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if not groups:
            raise ValueError("has no group (…) that catches the number")
        return regex


class TrainingSpec(Strict):
    """How the SageMaker training job is asked for."""

    program: str = Field(
        default="",
        description="Backend custom: the training program in the model's folder; empty takes "
        "train.py. Other backends train by themselves.",
    )
    image: str = Field(default="", description=IMAGE)
    instance_type: str = Field(default="ml.m5.xlarge", description="Instance type of the job.")
    instance_count: int = Field(default=1, ge=1, description="Instances of the job.")
    volume_gb: int = Field(default=30, ge=1, le=16_384, description="Disk of each instance, GB.")
    max_runtime_seconds: int = Field(
        default=86_400,
        ge=60,
        le=2_419_200,
        description="SageMaker stops the job after this many seconds of its own clock. The "
        "embedded AWS's clock runs SLUICE_TIME_SCALE times as fast: at 60, 43200 are 12 real "
        "minutes.",
    )
    network_isolation: bool | None = Field(
        default=None,
        description="Run the job's containers without a network (EnableNetworkIsolation): channels "
        "and checkpoints come and go by SageMaker, and the hosts of one job reach each other. By "
        "default all backends but custom, whose own program may fetch something.",
    )
    spot: bool = Field(default=False, description="Train on spot capacity, with checkpoints.")
    budget_usd: float = Field(
        default=50.0, gt=0, description="A job whose worst case costs more is not submitted."
    )
    budget_usd_a_day: float | None = Field(
        default=None,
        gt=0,
        description="What the model's jobs of 24 hours may cost together: ended ones count with "
        "what was billed, others with their worst case. Beyond it none is submitted, whoever or "
        "whatever asks. Empty: three times budget_usd.",
    )
    hourly_usd: float | None = Field(
        default=None,
        ge=0,
        description="Price of one instance-hour, for the worst case; without it the list price of "
        "the instance type counts.",
    )
    hyperparameters: Mapping[str, str | int | float | bool] = Field(
        default_factory=dict, description="Passed to the program; a run may override each."
    )
    metrics: tuple[LoggedMetric, ...] = Field(
        default=(), max_length=40, description="Numbers read from the log while the job runs."
    )

    @field_validator("hyperparameters")
    @classmethod
    def _passable(cls, hyperparameters: Mapping[str, Any]) -> Mapping[str, Any]:
        for name, value in hyperparameters.items():
            if name.startswith("sagemaker_"):
                raise ValueError(f"{name} is not a model's to set")
            if not name or len(name) > LONGEST_NAME or len(str(value)) > LONGEST_VALUE:
                raise ValueError(
                    f"{name!r:.40}: SageMaker takes names of {LONGEST_NAME} characters and values "
                    f"of {LONGEST_VALUE}"
                )
        return hyperparameters


class AutoscalingSpec(Strict):
    """Target tracking on invocations per instance."""

    min_instances: int = Field(default=1, ge=1, description="Fewest instances.")
    max_instances: int = Field(default=10, ge=1, description="Most instances.")
    invocations_per_instance: float = Field(
        default=70.0, gt=0, description="Invocations a minute that an instance is meant for."
    )
    cooldown_seconds: int = Field(default=300, ge=0, description="Pause between two changes.")

    @model_validator(mode="after")
    def _ordered(self) -> AutoscalingSpec:
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances ({self.min_instances}) is above max_instances "
                f"({self.max_instances})"
            )
        return self


class ServingSpec(Strict):
    """How the endpoint serves."""

    program: str = Field(
        default="",
        description="Program that serves, below code/ of model.tar.gz; empty takes the bundle's "
        "own entry point. inference.py leaves serving to the image's own server.",
    )
    image: str = Field(default="", description=IMAGE)
    instance_type: str = Field(default="ml.m5.large", description="Instance type of a variant.")
    instance_count: int = Field(default=1, ge=1, description="Instances of a variant.")
    start_seconds: int = Field(
        default=600, ge=60, le=3600, description="Longest start-up of the container, seconds."
    )
    network_isolation: bool = Field(
        default=False,
        description="Run the containers without a network (EnableNetworkIsolation). They then "
        "publish no predictions, so that a release judges errors and latency, and fetch no photo "
        "by its address.",
    )
    autoscaling: AutoscalingSpec | None = None


class Tolerance(Strict):
    """How much worse than the stable version still counts as "not worse"."""

    errors: float = Field(default=0.01, gt=0, lt=1, description="Points of error rate.")
    latency_p50: float = Field(default=0.10, gt=0, lt=1)
    latency_p90: float = Field(default=0.05, gt=0, lt=1)
    latency_p99: float = Field(default=0.01, gt=0, lt=1)
    predictions: float = Field(default=1.6, gt=1, description="Odds ratio per prediction bin.")


class Harm(Strict):
    """How much worse than the stable version rolls nothing back; 0 is "no worse at all"."""

    errors: float = Field(default=0.0, ge=0, lt=1, description="Points of error rate.")
    latency: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share by which every answer may be slower: no two hosts are equally fast.",
    )


class ReleaseSpec(Strict):
    """How a version is put before users."""

    delivery: Literal["endpoint", "edge"] = Field(
        default="endpoint",
        description="Who answers users: a SageMaker endpoint, or their own browsers and phones "
        "with a model from the CDN.",
    )
    refresh_seconds: int = Field(
        default=300,
        ge=1,
        description="Edge: how long clients may go on without reading latest.json again.",
    )
    strategy: Literal["canary", "blue_green"] = "canary"
    shadow_seconds: int = Field(
        default=0,
        ge=0,
        description="Mirrored traffic before the canary, from its first answer on; "
        "0 skips the phase.",
    )
    shadow_below: float = Field(
        default=0.0,
        ge=0,
        description="Mirror only when fewer requests/s come than this, of which a small share "
        "tells too little; 0 always mirrors.",
    )
    ladder: tuple[float, ...] = Field(
        default=(0.01, 0.05, 0.10, 0.20, 0.33, 0.50),
        description="Shares of traffic, in order; the last is watched. Above a half, "
        "more load alone makes the candidate's instances slower than the old version's.",
    )
    window_seconds: int = Field(default=60, ge=1, description="One observation, seconds.")
    metrics_lag_seconds: int = Field(
        default=60, ge=0, description="How late CloudWatch tells, seconds."
    )
    warm_up_seconds: int = Field(
        default=60, ge=0, description="Start of the canary in which latency is not judged."
    )
    deadline_seconds: int = Field(
        default=14_400, ge=60, description="No proof by then is inconclusive."
    )
    alpha: float = Field(
        default=0.01, gt=0, lt=1, description="Chance of ever rolling back a good version."
    )
    beta: float = Field(default=0.05, gt=0, lt=1, description="Chance of promoting a bad one.")
    max_error_rate: float = Field(default=0.05, gt=0, le=1, description="Absolute floor.")
    max_latency_ms: float = Field(default=2000.0, gt=0, description="Absolute floor, mean.")
    tolerance: Tolerance = Tolerance()
    harm: Harm = Harm()
    sample_ratio: bool = Field(
        default=True,
        description="Endpoints: a candidate that answers far fewer requests than its share goes "
        "back. false where clients choose the version themselves (TargetVariant).",
    )
    prediction_bins: tuple[float, ...] = Field(
        default=(), description="Edges of the prediction bins that the server counts into."
    )
    watch_seconds: int = Field(
        default=3600, ge=0, description="Watch after promotion, old version kept as control."
    )
    demand_load: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Part of the last week's busiest hour that a window of the watch must have "
        "brought before it ends: what is slow only under load looks well until then. It goes on "
        "for at most deadline_seconds more. 0 demands nothing.",
    )
    keep_versions: int = Field(
        default=10, ge=2, description="Newest versions that stay at hand; older ones are archived."
    )
    load_test: LoadTestSpec = Field(
        default=LoadTestSpec(),
        description="Endpoints: what the candidate's own variant is asked before it has users.",
    )
    approval: Literal["none", "before_canary", "before_promotion"] = "none"
    approval_seconds: int = Field(default=86_400, ge=60, description="No answer by then means no.")
    inconclusive: Literal["roll_back", "ask"] = "roll_back"
    low_traffic: Literal["refuse", "run"] = Field(
        default="refuse",
        description="Where even the busiest hour of the last day brings too few requests for a "
        "proof before the deadline, and no person is asked then: refuse before anything begins, "
        "or run towards the deadline all the same.",
    )
    when_busy: Literal["wait", "refuse"] = "refuse"
    drain_seconds: int = Field(
        default=60, ge=0, description="Old variants live on this long after the last request."
    )

    @property
    def assigns_requests(self) -> bool:
        """Whether requests are assigned to a version, and not users."""
        return self.delivery == "endpoint"

    @model_validator(mode="after")
    def _climbs(self) -> ReleaseSpec:
        if not self.ladder or any(not 0 < share < 1 for share in self.ladder):
            raise ValueError("ladder needs shares between 0 and 1 (both excluded)")
        if list(self.ladder) != sorted(set(self.ladder)):
            raise ValueError("ladder must climb, without repeating a share")
        if self.delivery == "edge":
            self._fits_the_edge()
        if list(self.prediction_bins) != sorted(set(self.prediction_bins)):
            raise ValueError("prediction_bins must climb, without repeating an edge")
        return self

    def _fits_the_edge(self) -> None:
        if any(abs(100 * share - round(100 * share)) > WHOLE for share in self.ladder):
            raise ValueError("ladder of an edge release needs whole percentages, like 0.05")
        if self.strategy != "canary" or self.shadow_seconds:
            raise ValueError("an edge release knows no blue_green and no shadow_seconds")
        if self.window_seconds % 60:
            raise ValueError("window_seconds of an edge release must be whole minutes")


class RetrainWhen(Strict):
    """When retrain_due asks for a retraining."""

    max_age_days: int = Field(default=30, ge=1)
    min_new_rows: int = Field(default=0, ge=0, description="0 never triggers on new data alone.")
    max_metric_loss: float = Field(default=0.10, gt=0, description="Relative loss of quality.")


class ModelSpec(Strict):
    """One model."""

    name: Name = Field(description="The same as the folder's; its endpoint is sluice-<name>.")
    family: FamilySpec = Field(
        description="Task, input and backend. `tabular` or `image` alone, as older files say it, "
        "means that input, Keras, and the task that the gates' metrics belong to."
    )
    owner: str = Field(min_length=1, description="Who answers for it; a tag of its jobs.")
    description: str = Field(min_length=1, description="What it is for; a tag of its jobs.")
    data: DataSpec
    data_gates: DataGatesSpec = DataGatesSpec()
    training: TrainingSpec = TrainingSpec()
    gates: tuple[GateSpec, ...] = Field(min_length=1)
    artefact: ArtefactSpec = ArtefactSpec()
    behaviour: tuple[BehaviourSpec, ...] = Field(default=(), max_length=20)
    trial: TrialSpec | None = None
    conversion: ConversionSpec = ConversionSpec()
    serving: ServingSpec = ServingSpec()
    release: ReleaseSpec = ReleaseSpec()
    retrain_when: RetrainWhen = RetrainWhen()

    @model_validator(mode="before")
    @classmethod
    def _migrated(cls, raw: Any) -> Any:
        """Read what older files say: a family as one word, and the names of shared programs."""
        if not isinstance(raw, Mapping) or not isinstance(raw.get("family"), str):
            return raw
        return {**raw, **first_edition(raw)}

    @model_validator(mode="after")
    def _measurable(self) -> ModelSpec:
        task = self.family.task
        strangers = [gate.metric for gate in self.gates if gate.direction is None]
        if strangers:
            raise ValueError(
                f"gates: {', '.join(strangers)} is no metric that Sluice measures ({all_named()}); "
                "one of metrics() in model.py needs better: smaller, larger or zero"
            )
        others = [
            gate.metric
            for gate in self.gates
            if gate.known and gate.metric not in task_class(task).metrics
        ]
        if others:
            raise ValueError(
                f"gates: {', '.join(others)} is not measured for {task}; its metrics are "
                f"{', '.join(names_for(task))}"
            )
        return self

    @model_validator(mode="after")
    def _published(self) -> ModelSpec:
        if self.serving.network_isolation and self.release.prediction_bins:
            raise ValueError(
                "release.prediction_bins: predictions are counted by the containers, which publish "
                "none with serving.network_isolation; leave out one of the two"
            )
        return self

    @property
    def composition(self) -> Family:
        """The family, with what the programs need to know of the data."""
        custom = self.family.backend == CUSTOM
        return Family(
            task=self.family.task,
            input=self.family.input,
            backend=self.family.backend,
            label=self.data.label,
            features=dict(self.data.features),
            program=(self.training.program or OWN_PROGRAM) if custom else "",
        )

    @property
    def endpoint_name(self) -> str:
        """Name of the SageMaker endpoint that serves this model."""
        return f"sluice-{self.name}"


def known_models(models_dir: Path) -> tuple[str, ...]:
    """Names of the folders under models/ that hold a model.yaml, sorted."""
    return tuple(sorted(path.parent.name for path in models_dir.glob("*/model.yaml")))


def load_model_spec(name: str, models_dir: Path) -> ModelSpec:
    """Read one model.yaml.

    Raises:
        UnknownModel: no such folder.
        InvalidModelSpec: the file does not parse; every fault is named.
    """
    path = models_dir / name / "model.yaml"
    if name not in known_models(models_dir):
        raise UnknownModel(
            f"There is no model {name!r}: {path} does not exist.",
            f"Use one of {', '.join(known_models(models_dir)) or '(none yet)'}, or add the folder.",
        )
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        spec = ModelSpec.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']} (got {e['input']!r:.80})"
            for e in error.errors()
        )
        raise InvalidModelSpec(
            f"{path} does not describe a model: {faults}.",
            "Correct these keys; docs/model-yaml.md lists each with its meaning.",
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        raise InvalidModelSpec(
            f"{path} is not YAML: {error}.", "Correct the file at the line named above."
        ) from error
    if spec.name != name:
        raise InvalidModelSpec(
            f"{path} says name: {spec.name!r}, but its folder is {name!r}.",
            "Make the two the same.",
        )
    return spec
