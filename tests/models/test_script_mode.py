import io
import json
import os
import signal

import pytest

from models.runtime.script_mode import (
    Hyperparameters,
    InvalidHyperparameter,
    job_from_environment,
)


def test_folders_come_from_the_environment_and_the_command_line_wins(tmp_path):
    job = job_from_environment(
        ["--epochs", "3", "--batch-size=8"],
        {
            "SAGEMAKER_BASE_DIR": str(tmp_path),
            "SM_MODEL_DIR": "/m",
            "SM_CHANNEL_TRAINING": "/t",
            "SM_HPS": json.dumps({"epochs": 9, "seed": 4, "sagemaker_program": "train.py"}),
        },
    )
    assert str(job.model_dir) == "/m"
    assert job.output_dir == tmp_path / "output" / "data"
    assert str(job.channel("training")) == "/t"
    assert job.hyperparameters.integer("epochs", 100) == 3
    assert job.hyperparameters.integer("batch_size", 32) == 8
    assert job.hyperparameters.integer("seed", 0) == 4
    assert job.hyperparameters.unused == ()


def test_without_variables_everything_lies_under_opt_ml():
    job = job_from_environment([], {})
    assert str(job.model_dir) == "/opt/ml/model"
    assert str(job.checkpoint_dir) == "/opt/ml/checkpoints"


def test_channels_are_found_in_the_folder_of_the_container(tmp_path):
    (tmp_path / "input" / "data" / "holdout").mkdir(parents=True)
    job = job_from_environment([], {"SAGEMAKER_BASE_DIR": str(tmp_path)})
    assert job.channel("holdout") == tmp_path / "input" / "data" / "holdout"
    with pytest.raises(FileNotFoundError, match=r"'training'.*holdout"):
        job.channel("training")


@pytest.mark.parametrize(
    ("name", "value", "ask"),
    [("epochs", "many", "integer"), ("rate", "x", "number"), ("hidden", "1,b", "integers")],
)
def test_a_hyperparameter_of_the_wrong_type_is_named(name, value, ask):
    default = {"integer": 1, "number": 1.0, "integers": (1, 2)}[ask]
    with pytest.raises(InvalidHyperparameter, match=f"{name}='{value}'"):
        getattr(Hyperparameters({name: value}), ask)(name, default)


def test_a_misspelt_hyperparameter_is_told_and_the_used_ones_are_kept():
    chosen = Hyperparameters({"epoch": "3", "hidden": "8,4"})
    assert chosen.integer("epochs", 5) == 5
    assert chosen.integers("hidden", (128, 64)) == (8, 4)
    assert chosen.text("place", "here") == "here"
    assert chosen.unused == ("epoch",)
    assert chosen.used == {"epochs": 5, "hidden": [8, 4], "place": "here"}


def test_an_argument_without_a_name_is_refused():
    with pytest.raises(InvalidHyperparameter, match="stray"):
        job_from_environment(["stray"], {})


def test_a_hyperparameter_of_one_letter_comes_with_one_hyphen():
    """As SageMaker's toolkit writes it: --C and --k are -C and -k there."""
    job = job_from_environment(["-k", "7", "-C", "-0.5", "--epochs", "3"], {"SM_HPS": '{"k": 1}'})
    assert job.hyperparameters.given == {"k": "7", "C": "-0.5", "epochs": "3"}
    with pytest.raises(InvalidHyperparameter, match="got '-1'"):
        job_from_environment(["-1", "2"], {})


def test_only_the_first_host_trains():
    hosts = json.dumps(["algo-2", "algo-1"])
    asked = {"SM_HOSTS": hosts, "SM_CURRENT_HOST": "algo-2"}
    assert not job_from_environment([], asked).leads
    assert job_from_environment([], asked | {"SM_CURRENT_HOST": "algo-1"}).leads


def test_the_reason_of_a_failure_lies_where_sagemaker_reads_it(tmp_path):
    job = job_from_environment([], {"SAGEMAKER_BASE_DIR": str(tmp_path)})
    job.fail("x" * 5000)
    assert len((tmp_path / "output" / "failure").read_text()) == 1024


def test_sigterm_while_a_line_is_written_ends_nothing(monkeypatch, capfd):
    class Interrupted(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            signal.raise_signal(signal.SIGTERM)
            return len(data)

    job = job_from_environment([], {})
    before = signal.getsignal(signal.SIGTERM)
    try:
        job.obey_sigterm()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BufferedWriter(Interrupted())))
        print("epoch=1 loss=0.3", flush=True)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert job.stopping
    assert "stopping after this step" in capfd.readouterr().out


def test_sigterm_asks_and_does_not_kill():
    job = job_from_environment([], {})
    before = signal.getsignal(signal.SIGTERM)
    try:
        job.obey_sigterm()
        assert not job.stopping
        os.kill(os.getpid(), signal.SIGTERM)
        assert job.stopping
    finally:
        signal.signal(signal.SIGTERM, before)
