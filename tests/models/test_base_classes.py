"""The docstring of each base class is a whole plug-in that works as it stands."""

import inspect
import textwrap

import numpy as np
import pytest

from models.runtime.backend import Backend, Fitted, Fitting
from models.runtime.input import Input
from models.runtime.metric import Metric
from models.runtime.own import OwnCode
from models.runtime.script_mode import Hyperparameters, Job
from models.runtime.signature import Signature, Tensor, rows_of
from models.runtime.split import Split
from models.runtime.task import Task
from tests.models.labels import label_of


def documented(base, name):
    """The class of a base class's docstring."""
    text = inspect.getdoc(base)
    block = text.split(".. code-block:: python\n", 1)[1]
    lines = []
    for line in block.splitlines():
        if line.strip() and not line.startswith(" "):
            break
        lines.append(line)
    names = {
        "Backend": Backend, "Fitted": Fitted, "Input": Input, "Metric": Metric, "Task": Task,
        "Tensor": Tensor, "np": np, "rows_of": rows_of,
    }  # fmt: skip
    exec(textwrap.dedent("\n".join(lines)), names)  # noqa: S102 - what the page shows is run
    return names[name]


@pytest.fixture
def count():
    return documented(Task, "Count")


@pytest.fixture
def vector():
    return documented(Input, "Vector")


def test_the_documented_task_predicts_counts(count):
    labels = count.labels([3, 0, 7, 12])
    task = count(count.describe(labels, "rooms", Hyperparameters({})))
    targets = task.targets(labels)
    predicted = task.predicted({"prediction": targets})
    np.testing.assert_allclose(predicted, labels, atol=1e-5)
    assert task.answers(predicted) == [3, 0, 7, 12]
    assert task.measure(labels, task.read(task.answers(predicted))) == {"mae": 0.0}
    assert set(task.errors(labels, predicted)) == {"residual", "error", "score"}


def test_the_documented_task_holds_to_what_every_task_does(count):
    labels = count.labels([label_of(count, number / 5) for number in range(6)])
    assert labels.tolist() == [0, 4, 8, 12, 16, 20]
    task = count(count.describe(labels, "rooms", Hyperparameters({})))
    raw = np.random.default_rng(0).uniform(0.05, 3, (6, 1)).astype(np.float32)
    predicted = task.predicted({"prediction": raw})
    np.testing.assert_array_equal(task.read(task.answers(predicted)), predicted)
    assert set(task.measure(labels, predicted)) == set(task.metrics)


def test_the_documented_input_reads_and_decodes_alike(vector, tmp_path):
    rows = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "y.npy", np.arange(4.0))
    chosen = Hyperparameters({"size": "3"})
    source = vector(vector.schema((), "y", {}, chosen))
    ids, inputs, labels = source.read(tmp_path, "y")
    ready = vector(source.fit(inputs, None, chosen))
    assert (len(ids), labels) == (4, [0.0, 1.0, 2.0, 3.0])
    sent = ready.decode(ready.instances(inputs))
    np.testing.assert_array_equal(
        ready.transform(sent)["vector"], ready.transform(inputs)["vector"]
    )
    (tensor,) = ready.tensors
    assert ready.transform(ready.decode([ready.example()]))["vector"].shape == tensor.shape


def test_the_documented_backend_answers_what_it_saved(count, tmp_path):
    mean = documented(Backend, "Mean")()
    labels = np.asarray([1.0, 3.0])
    task = count({})
    signature = Signature((Tensor("vector", (1, 3)),), task.outputs)
    split = Split(np.asarray(["a", "b"]), {"vector": np.zeros((2, 3))}, labels)
    job = Job(tmp_path, tmp_path, tmp_path, {}, Hyperparameters({}))
    fitting = Fitting(
        job=job, task=task, signature=signature, split=split, watched=split,
        transform=lambda rows: rows.inputs, own=OwnCode(), identity="", lap=lambda *_: None,
    )  # fmt: skip
    fitted = mean.fit(fitting)
    mean.save(fitted, signature, tmp_path)
    answers = mean.load(tmp_path, signature).predict(split.inputs)["prediction"]
    np.testing.assert_allclose(answers, [[np.log(8) / 2]] * 2, rtol=1e-6)
