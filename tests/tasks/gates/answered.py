"""Models that never were: what they said of held-out rows, by how far they are off."""

import tarfile

import numpy as np

from models.runtime.answers import HeldOutAnswers, write
from models.runtime.tasks.classification import Classification
from models.runtime.tasks.regression import Regression
from tasks.gates.evidence import HeldOut, evidence_of
from tasks.model_spec import ModelSpec
from tasks.values import TrainedModel

NUMBER = {"kind": "number", "transform": "none", "scale": 1.0, "offset": 0.0}
CLASSES = {"kind": "classes", "classes": ["no", "yes"], "confidence_threshold": 0.8}


def named(rows):
    return np.asarray([f"row-{index:04}" for index in range(rows)])


def valued(off, rows=300, plain=None):
    """A regression of the value 100 that is off by so much in each row."""
    labels = np.full(rows, 100.0) + np.arange(rows) % 7
    other = None if plain is None else labels + plain
    return HeldOutAnswers("regression", NUMBER, named(rows), labels, labels + off, other)


def classed(right):
    """A classification that is right where it says so."""
    rows = len(right)
    labels = np.where(np.arange(rows) % 2 == 0, "yes", "no")
    yes = (labels == "yes") == np.asarray(right, dtype=bool)
    chances = np.where(yes, 0.9, 0.1)
    return HeldOutAnswers(
        "classification", CLASSES, named(rows), labels, np.stack([1 - chances, chances], axis=1)
    )


def measured(said):
    """What its job measured."""
    task = {"regression": Regression, "classification": Classification}[said.task](said.output)
    return task.measure(task.labels(said.labels.tolist()), said.predicted)


def side_by_side(candidate, champion=None, group="", **columns):
    held_out = HeldOut(candidate.rows.tolist(), columns) if columns else None
    metrics = {"candidate": measured(candidate)}
    if champion is not None:
        metrics["champion"] = measured(champion)
    return evidence_of(candidate, champion, metrics, held_out, group)


def kept(folder, said):
    """A job's folder that holds its answers."""
    (folder / "output").mkdir(parents=True)
    write(folder / "output" / "answers.npz", said)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("bundle.json"))
    return folder


def prices(**parts):
    """A model of prices, with these parts of its model.yaml."""
    return ModelSpec.model_validate(
        {
            "name": "prices",
            "family": {"task": "regression", "input": "tabular", "backend": "sklearn"},
            "owner": "o",
            "description": "d",
            "data": {"dataset": "sales", "label": "price"},
            "gates": [{"metric": "mae", "at_most": 10}],
            **parts,
        }
    )


def candidate(folder, **metrics):
    """What a job left in a folder, and what it measured."""
    return TrainedModel(
        model="prices", job_name="job", identity="0" * 64, model_data="s3://b/m",
        output_data="s3://b/o", created=0.0, metrics=metrics, folder=folder,
    )  # fmt: skip
