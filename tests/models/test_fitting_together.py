"""Several hosts fit one model: each is a thread here, with a model and a folder of its own."""

import numpy as np
import pytest

from models.runtime.backend import Stopped, Unservable
from models.runtime.collective import HostLost
from tests.models.hosts import together
from tests.models.test_fitting import a_fit, small

pytestmark = pytest.mark.tensorflow


def counting():
    """A network that counts what it sees, as batch normalisation does."""
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.BatchNormalization()(inputs)))


def fitted(tmp_path, count, *, network=small, **asked):
    """What became of the fit on each of the hosts."""
    # Before the threads begin: what draws the first weights is the process's.
    models = [network() for _ in range(count)]

    def act(collective):
        fit = a_fit(
            tmp_path / str(collective.rank),
            collective=collective,
            network=lambda: models[collective.rank],
            **asked,
        )
        fit.run()
        return fit

    with together(count, [act] * count) as hosts:
        return [host.result() for host in hosts]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("count", [2, 3])  # 16 rows of a batch: 8 and 8; 6, 5 and 5
def test_they_learn_what_one_host_learns(tmp_path, count, compiled):
    alone = a_fit(tmp_path / "alone", compiled=compiled)
    alone.run()
    for host in fitted(tmp_path, count, compiled=compiled):
        for one, other in zip(alone.model.weights, host.model.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
        assert [e["loss"] for e in host.history] == pytest.approx(
            [e["loss"] for e in alone.history], rel=1e-4
        )


def test_all_hosts_end_with_one_model(tmp_path):
    """What each counted of its own rows included, bit by bit; and only the leader speaks."""
    first, second = fitted(tmp_path, 2, network=counting)
    for one, other in zip(first.model.variables, second.model.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.history == second.history
    assert list((tmp_path / "0").glob("epoch-*.npz"))
    assert not (tmp_path / "1").exists()


def test_they_stop_after_the_same_step_and_go_on_from_there(tmp_path, capsys):
    """One host is told to stop; a checkpoint of the other's own is not read."""

    models = [small(), small()]

    def told(collective):
        fit = a_fit(
            tmp_path / str(collective.rank),
            stop_after=3 if collective.leads else None,
            collective=collective,
            network=lambda: models[collective.rank],
        )
        with pytest.raises(Stopped):
            fit.run()

    with together(2, [told] * 2) as hosts:
        for host in hosts:
            host.result()
    straight = a_fit(tmp_path / "straight")
    straight.run()
    for host in fitted(tmp_path, 2):
        assert [entry["epoch"] for entry in host.history] == [1, 2, 3, 4, 5, 6]
        for one, other in zip(straight.model.weights, host.model.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert capsys.readouterr().out.count("resuming after epoch 3") == 1


def test_a_host_that_dies_ends_the_fit_with_its_name(tmp_path):
    def lives(collective):
        with pytest.raises(HostLost, match="algo-2 is gone"):
            a_fit(tmp_path, epochs=50, collective=collective).run()

    def dies(collective):
        fit = a_fit(tmp_path / "other", epochs=50, collective=collective)
        optimizer, _, _ = fit._training_steps()
        fit._resume(optimizer)  # and nothing more

    with together(2, [lives, dies]) as hosts:
        for host in hosts:
            host.result()


def test_a_batch_smaller_than_the_hosts_is_refused(tmp_path):
    def act(collective):
        with pytest.raises((Unservable, HostLost)) as refused:
            a_fit(tmp_path, batch=2, collective=collective).run()
        return str(refused.value)

    with together(3, [act] * 3) as hosts:
        said = [host.result() for host in hosts]
    assert any("batch_size 2 leaves 1 of 3 hosts without a row" in words for words in said)
