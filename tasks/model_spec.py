"""``models/<name>/model.yaml``: everything about a model that is not code.

Parsed strictly and completely before anything costs money: an unknown key, a wrong type or a
missing file is one clear error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from models.runtime.family import Family
from tasks.errors import InvalidModelSpec, UnknownModel
from tasks.faults import faults_of
from tasks.metrics import ERROR, all_named, names_for, task_class, told_as
from tasks.specs.alarms import AlarmsSpec
from tasks.specs.artefact import ArtefactSpec
from tasks.specs.behaviour import BehaviourSpec
from tasks.specs.conversion import ConversionSpec
from tasks.specs.data import DataSpec
from tasks.specs.data_gates import DataGatesSpec
from tasks.specs.family import CUSTOM, OWN_PROGRAM, FamilySpec, first_edition
from tasks.specs.gates import GateSpec
from tasks.specs.monitor import MonitorSpec
from tasks.specs.release import ReleaseSpec
from tasks.specs.serving import ServingSpec
from tasks.specs.training import TrainingSpec
from tasks.specs.trial import TrialSpec
from tasks.strict import Strict
from tasks.yaml_documents import yaml_document

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]


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
    monitor: MonitorSpec = MonitorSpec()
    alarms: AlarmsSpec = AlarmsSpec()
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
    def _alarming(self) -> ModelSpec:
        told, task = told_as(self.family.task), self.family.task
        if self.alarms.accuracy and told == ERROR:
            raise ValueError(
                f"alarms.accuracy: an error of {task} is no share of wrong answers; write "
                "alarms.error, the largest mean error"
            )
        if self.alarms.error and told != ERROR:
            raise ValueError(
                f"alarms.error: of {task}, {told} is told; write alarms.accuracy, its lowest share"
            )
        return self

    @model_validator(mode="after")
    def _alarmed_at_an_endpoint(self) -> ModelSpec:
        given = sorted(self.alarms.model_fields_set - {"enabled"})
        if given and not self.release.has_endpoint:
            keys = ", ".join(f"alarms.{key}" for key in given)
            raise ValueError(
                f"{keys}: release.delivery is {self.release.delivery}, where no endpoint serves "
                "that an alarm could watch; leave out one of the two"
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
    def promised_accuracy(self) -> float | None:
        """Lowest accuracy that the gates let pass; None where they name none."""
        named = [
            gate.at_least
            for gate in self.gates
            if gate.metric == "accuracy" and gate.at_least is not None
        ]
        return max(named, default=None)

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
        raw: Any = yaml_document(path.read_text(encoding="utf-8"))
        spec = ModelSpec.model_validate(raw)
    except ValidationError as error:
        raise InvalidModelSpec(
            f"{path} does not describe a model: {'; '.join(faults_of(error, ModelSpec))}.",
            "Correct these keys; docs/model-yaml.md lists each with its meaning.",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise InvalidModelSpec(
            f"{path} is not YAML: {error}.", "Correct the file at the line named above."
        ) from error
    if spec.name != name:
        raise InvalidModelSpec(
            f"{path} says name: {spec.name!r}, but its folder is {name!r}.",
            "Make the two the same.",
        )
    return spec
