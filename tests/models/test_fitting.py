import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.runtime.backend import Stopped
from models.runtime.collective import Alone
from models.runtime.networks.fitting import Checkpoints, Examples, Fit, FittingSchedule
from models.runtime.signature import Signature, Tensor

pytestmark = pytest.mark.tensorflow
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(160, 3)).astype(np.float32)
TARGETS = (INPUTS @ np.array([1.0, -2.0, 0.5])).astype(np.float32)


def small():
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(1)(inputs))


SIGNATURE = Signature((Tensor("inputs", (1, 3)),), (Tensor("prediction", (1, 1)),))


def loss(truth, answer):
    import tensorflow as tf

    return tf.reduce_mean(tf.abs(answer[:, 0] - truth))


def a_fit(
    folder,
    *,
    epochs=6,
    stop_after=None,
    rate=0.05,
    compiled=False,
    identity="one",
    batch=16,
    collective=None,
    network=None,
):
    model, seen = (network or small)(), []

    def validate():
        seen.append(1)
        return {"val_mae": 0.5}

    return Fit(
        model=model,
        signature=SIGNATURE,
        examples=Examples.ready({"inputs": INPUTS}, TARGETS),
        schedule=FittingSchedule(loss, epochs, batch, rate, 0.01, 0, compiled),
        validate=validate,
        checkpoints=Checkpoints(folder, identity),
        stopping=lambda: stop_after is not None and len(seen) >= stop_after,
        collective=collective or Alone(),
    )


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    fit = a_fit(tmp_path_factory.mktemp("straight"))
    fit.run()
    return fit


def test_it_learns_and_tells_each_epoch(tmp_path, straight, capsys):
    losses = [entry["loss"] for entry in straight.history]
    assert losses[-1] < 0.5 * losses[0]
    a_fit(tmp_path, epochs=1, compiled=True).run()
    assert capsys.readouterr().out.startswith("epoch=1 loss=")


def test_a_fit_that_was_stopped_reaches_the_same_weights(tmp_path, straight):
    with pytest.raises(Stopped):
        a_fit(tmp_path, stop_after=3).run()
    resumed = a_fit(tmp_path)
    history = resumed.run()
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4, 5, 6]
    for one, other in zip(straight.model.weights, resumed.model.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("batch", "held"), [(16, 0), (4, 2_000)])  # segments of a batch, of three
def test_rows_that_do_not_fit_into_memory_teach_the_same(tmp_path, batch, held, compiled):
    straight = a_fit(tmp_path / "straight", batch=batch)
    straight.run()
    asked = []

    def of(rows):
        asked.append(rows)
        return {"inputs": INPUTS[rows]}, TARGETS[rows]

    fit = a_fit(tmp_path / "streamed", batch=batch, compiled=compiled)
    fit.examples = Examples(len(INPUTS), of, held)
    fit.run()
    for one, other in zip(straight.model.weights, fit.model.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert max(len(INPUTS[rows]) for rows in asked) < len(INPUTS)


def test_a_row_that_cannot_be_read_ends_the_fit_with_its_reason(tmp_path):
    def of(rows):
        if not isinstance(rows, slice) and 7 in rows:
            raise OSError("row 7 is gone")
        return {"inputs": INPUTS[rows]}, TARGETS[rows]

    fit = a_fit(tmp_path)
    fit.examples = Examples(len(INPUTS), of, 0)
    with pytest.raises(OSError, match="row 7 is gone"):
        fit.run()


def test_a_torn_checkpoint_is_passed_over(tmp_path, capsys):
    for epoch in (1, 2, 3):
        Checkpoints(tmp_path, "one").save(epoch, [np.ones(3)], [])
    newest = max(tmp_path.glob("epoch-*.npz"))
    newest.write_bytes(newest.read_bytes()[:100])
    epoch, _, _ = Checkpoints(tmp_path, "one").newest()
    assert epoch == 2
    assert "is unreadable" in capsys.readouterr().out


@given(st.floats(0, 0.999), st.sampled_from(["cut", "zeros", "noise"]))
def test_however_a_checkpoint_is_torn_the_previous_one_is_used(share, how):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for epoch in (1, 2):
            state = [np.full((40, 40), float(epoch))]
            Checkpoints(folder, "one").save(epoch, state, [{"loss": 1.0}])
        newest = folder / "epoch-000002.npz"
        whole = newest.read_bytes()
        kept = int(share * len(whole))
        lost = len(whole) - kept
        rest = {"cut": b"", "zeros": bytes(lost), "noise": bytes(range(1, 256)) * (lost // 255 + 1)}
        newest.write_bytes(whole[:kept] + rest[how][:lost])
        epoch, (state,), _ = Checkpoints(folder, "one").newest()
        assert epoch == state[0, 0]
        assert epoch == 1 or newest.read_bytes() == whole


def test_a_checkpoint_without_notes_is_passed_over(tmp_path):
    Checkpoints(tmp_path, "one").save(1, [np.ones(3)], [])
    np.savez(tmp_path / "epoch-000002.npz", v0000=np.ones(3))
    np.savez(tmp_path / "epoch-000003.npz", notes=np.asarray('{"epoch": 3}'), v0000=np.ones(3))
    (tmp_path / "epoch-000004.npz").mkdir()
    assert Checkpoints(tmp_path, "one").newest()[0] == 1


def test_a_checkpoint_of_another_network_starts_anew(tmp_path, capsys):
    Checkpoints(tmp_path, "one").save(3, [np.ones(3)], [{"epoch": 3}])
    history = a_fit(tmp_path, epochs=1).run()
    assert [entry["epoch"] for entry in history] == [1]
    assert "starting anew" in capsys.readouterr().out


def test_a_checkpoint_has_its_name_only_when_it_is_whole(tmp_path):
    """Seen from beside, as the one who copies the folder sees it."""
    seen, over = [], threading.Event()

    def look():
        while not over.is_set():
            for path in tmp_path.glob("epoch-*.npz"):
                with suppress(FileNotFoundError), path.open("rb") as file, np.load(file) as found:
                    seen.append(sorted(found.files))

    beside = threading.Thread(target=look)
    beside.start()
    try:
        for epoch in range(1, 30):
            Checkpoints(tmp_path, "one").save(epoch, [np.ones((200, 200))], [])
    finally:
        over.set()
        beside.join()
    assert all(names == ["notes", "v0000"] for names in seen)


def test_a_checkpoint_of_something_else_is_not_gone_on_from(tmp_path):
    Checkpoints(tmp_path, "one").save(1, [np.ones(3)], [])
    assert Checkpoints(tmp_path, "another").newest() is None


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    for epoch in (1, 2, 3, 4):
        Checkpoints(tmp_path, "one").save(epoch, [np.ones(3)], [])
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "epoch-000003.npz",
        "epoch-000004.npz",
    ]


def test_a_loss_that_is_not_finite_ends_the_fit(tmp_path):
    fit = a_fit(tmp_path)
    fit.examples = Examples.ready({"inputs": INPUTS}, TARGETS * np.nan)
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        fit.run()


def test_the_network_for_pictures_is_served_as_it_was_trained(tmp_path):
    """Batch normalisation and mirroring act while training only, and survive the export."""
    from models.runtime.inputs.image import Image
    from models.runtime.networks.architectures import build
    from models.runtime.networks.export import GRAPH, Network, export
    from models.runtime.networks.litert import Graph
    from models.runtime.networks.objectives import LOSSES
    from models.runtime.outputs import served_error
    from models.runtime.script_mode import Hyperparameters
    from models.runtime.tasks.classification import Classification

    chosen = Hyperparameters({"side": "32", "filters": "8,16"})
    pixels = np.random.default_rng(1).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    labels = np.array(["kitchen", "bedroom"] * 12)
    source = Image(Image.schema((), "label", {}, chosen))
    task = Classification(Classification.describe(labels, "label", chosen))
    signature = Signature(source.tensors, task.outputs)
    inputs = source.transform({"image": pixels})
    model = build(signature, task.activation, chosen)
    Fit(
        model=model,
        signature=signature,
        examples=Examples.ready(inputs, task.targets(labels)),
        schedule=FittingSchedule(LOSSES[task.objective], 2, 8, 0.01, 0.0, 0, compiled=False),
        validate=dict,
        checkpoints=Checkpoints(tmp_path / "checkpoints", "rooms"),
        stopping=lambda: False,
    ).run()
    export(model, signature, tmp_path)
    raw = Network(model, signature).predict(inputs)
    np.testing.assert_allclose(raw["prediction"].sum(axis=1), 1, rtol=1e-5)
    assert served_error(Graph(tmp_path / GRAPH, signature).predict(inputs), raw) < 1e-4


def test_patience_ends_a_fit_whose_validation_gets_no_better(tmp_path):
    losses = [0.9, 0.5, 0.6, 0.5, 0.7, 0.4, 0.3, 0.2]

    def patient(folder, stop_after=None):
        fit = a_fit(folder, epochs=8)
        fit.schedule = replace(fit.schedule, patience=3)
        fit.validate = lambda: {"val_loss": losses[len(fit.history)]}
        fit.stopping = lambda: stop_after is not None and len(fit.history) >= stop_after
        return fit

    assert len(patient(tmp_path / "straight").run()) == 5
    with pytest.raises(Stopped):
        patient(tmp_path / "torn", stop_after=4).run()
    assert len(patient(tmp_path / "torn").run()) == 5
    assert len(patient(tmp_path / "torn").run()) == 5, "a fit that is over learns no more"


def test_in_batch_softmax_takes_the_samples_share_off_and_no_twin_for_a_negative():
    """Against sums by hand, in float64."""
    from models.runtime.networks.towers import corrected_softmax

    users, items = RNG.normal(size=(2, 4, 3))
    items[3], number = items[1], np.array([5.0, 7.0, 2.0, 7.0])
    share = {5: 0.2, 7: 0.5, 2: 0.3}
    log_q = np.log([share[int(n)] for n in number])
    log_share, bias, weight = log_q + 0.1, np.array([0.3, -0.2, 0.1, -0.2]), np.array([1, 2, 1, 3])
    truth = np.stack([number, log_q, log_share, weight], axis=1).astype(np.float32)
    answer = np.concatenate([users, items, bias[:, None]], axis=1).astype(np.float32)
    logits = users @ items.T + bias + log_share - log_q
    losses = []
    for row in range(4):
        others = [c for c in range(4) if c == row or number[c] != number[row]]
        losses.append(np.log(np.exp(logits[row, others]).sum()) - logits[row, row])
    expected = float((weight * losses).sum() / weight.sum())
    assert float(corrected_softmax(3)(truth, answer)) == pytest.approx(expected, rel=1e-5)


def test_served_towers_answer_what_the_network_does():
    from models.runtime.networks import towers
    from models.runtime.networks.export import called

    shape = towers.TowerShape(6, 5, 2, 3, vector=4, hidden=7, dropout=0.5)
    model = towers.build(shape)
    users, at = np.array([3, 0, 6]), np.array([4, 2, 0])
    own, told = (RNG.normal(size=size).astype(np.float32) for size in ((3, 2), (5, 3)))
    numbers = np.array([1, 2, 0, 4, 5])  # the third item is too rare for a vector of its own
    base = np.log(np.arange(1, 6) / 15).astype(np.float32)
    served = towers.towers_of(model, shape, numbers, told, base)
    raw = called(model, {
        "user": users[:, None], "item": numbers[at][:, None],
        "user_features": own, "item_features": told[at],
    }, shape.signature)["prediction"].numpy()  # fmt: skip
    np.testing.assert_allclose(served.user_vectors(users, own)[:, :-1], raw[:, :4], atol=1e-5)
    np.testing.assert_allclose(served.items[at, :-1], raw[:, 4:8], atol=1e-5)
    np.testing.assert_allclose(served.items[at, -1], raw[:, 8] + base[at], atol=1e-5)
