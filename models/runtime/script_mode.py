"""The script-mode contract of SageMaker, in a container or as a plain process.

https://github.com/aws/sagemaker-training-toolkit: folders and hyperparameters come from
``SM_*`` variables, everything lives under ``SAGEMAKER_BASE_DIR`` (``/opt/ml`` by default), the
reason of a failure is written to ``<base>/output/failure``, and SIGTERM announces the end.
"""

from __future__ import annotations

import json
import math
import operator
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

STOPPED = 128 + signal.SIGTERM
"""Exit code after SIGTERM: a job that was stopped must not pass for one that finished."""

FAILURE_LENGTH = 1024
LEADER_PORT = 7777
"""Where hosts of a job meet unless ``SM_MASTER_PORT`` says otherwise, as with SageMaker's SDK."""


BOUNDS: Mapping[str, Callable[[float, float], bool]] = {
    "least": operator.ge,
    "above": operator.gt,
    "below": operator.lt,
    "most": operator.le,
}
"""How a hyperparameter is held to a bound of that name."""
WORDS = {"least": "at least", "above": "above", "below": "below", "most": "at most"}


class InvalidHyperparameter(Exception):
    """A hyperparameter does not parse as what the model asks for."""


class Hyperparameters:
    """Hyperparameters, which SageMaker hands over as strings; the default tells the type.

    Args:
        values: Values by name.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name.replace("-", "_"): value for name, value in values.items()}
        self._used: dict[str, Any] = {}

    def integer(self, name: str, default: int, **bounds: float) -> int:
        """A whole number, within ``least``, ``above``, ``below`` and ``most`` where they are given.

        Raises:
            InvalidHyperparameter: it is none, or not within them.
        """
        return int(self._value_of(name, default, int, bounds))

    def number(self, name: str, default: float, **bounds: float) -> float:
        """A finite number, within bounds as :meth:`integer` has them.

        Raises:
            InvalidHyperparameter: it is none, or not within them.
        """
        return float(self._value_of(name, default, float, bounds))

    def text(self, name: str, default: str, choices: tuple[str, ...] = ()) -> str:
        """A text; one of the choices where there are some.

        Raises:
            InvalidHyperparameter: it is none of them.
        """
        value = str(self._value_of(name, default, str))
        if choices and value not in choices:
            raise InvalidHyperparameter(
                f"Hyperparameter {name}={value!r} is none of {', '.join(choices)}."
            )
        return value

    def integers(self, name: str, default: tuple[int, ...], **bounds: float) -> tuple[int, ...]:
        """Whole numbers, comma-separated, each within bounds as :meth:`integer` has them.

        Raises:
            InvalidHyperparameter: they are none, or one is not within them.
        """
        fallback = ",".join(map(str, default))
        return tuple(
            self._value_of(name, default, lambda text: [int(p) for p in text.split(",")], bounds)
            if str(self._values.get(name, fallback)) != fallback
            else self._note(name, default)
        )

    @property
    def used(self) -> dict[str, Any]:
        """Every hyperparameter that was asked for, with the value it had."""
        return dict(sorted(self._used.items()))

    @property
    def given(self) -> dict[str, Any]:
        """Every hyperparameter that the job was given, as it came."""
        return dict(self._values)

    @property
    def unused(self) -> tuple[str, ...]:
        """Hyperparameters that nobody asked for: probably misspelt."""
        return tuple(sorted(set(self._values) - set(self._used)))

    def _value_of(
        self, name: str, default: Any, parse: Any, bounds: Mapping[str, float] | None = None
    ) -> Any:
        raw = self._values.get(name, default)
        try:
            value = parse(raw if parse in {int, float} else str(raw))
            every = value if isinstance(value, list) else [value]
            if parse is not str and not all(map(math.isfinite, every)):
                raise ValueError(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidHyperparameter(
                f"Hyperparameter {name}={raw!r} is not like its default {default!r}."
            ) from error
        limits = dict(bounds or {})
        if not all(BOUNDS[bound](one, limits[bound]) for bound in limits for one in every):
            wanted = " and ".join(f"{WORDS[bound]} {limit:g}" for bound, limit in limits.items())
            raise InvalidHyperparameter(f"Hyperparameter {name}={raw!r}: it must be {wanted}.")
        return self._note(name, value)

    def _note(self, name: str, value: Any) -> Any:
        self._used[name] = value
        return value


@dataclass
class Job:
    """One training job as its program sees it."""

    base: Path
    model_dir: Path
    output_dir: Path
    channels: Mapping[str, Path]
    hyperparameters: Hyperparameters
    hosts: tuple[str, ...] = ("algo-1",)
    host: str = "algo-1"
    name: str = ""
    leader_address: str = "algo-1"
    leader_port: int = LEADER_PORT
    stopping: bool = field(default=False, init=False)

    @property
    def checkpoint_dir(self) -> Path:
        """Folder that SageMaker keeps in step with S3 while the job runs."""
        return self.base / "checkpoints"

    @property
    def leads(self) -> bool:
        """Whether this host measures and saves the model; what others do, the backend says."""
        return self.host == min(self.hosts)

    def channel(self, name: str) -> Path:
        """Folder of an input channel.

        Raises:
            FileNotFoundError: the job has no such channel.
        """
        try:
            return self.channels[name]
        except KeyError:
            raise FileNotFoundError(
                f"The job has no channel {name!r}; it has {sorted(self.channels)}."
            ) from None

    def obey_sigterm(self) -> None:
        """From now on SIGTERM only sets ``stopping``; the program ends at its next safe point."""
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def fail(self, reason: str) -> None:
        """Write the reason to where SageMaker reads ``FailureReason`` from."""
        folder = self.base / "output"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failure").write_text(reason[:FAILURE_LENGTH], encoding="utf-8")

    def _on_sigterm(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True
        # Past sys.stdout: the signal may come while it is being written to, which no second writer
        # may enter.
        os.write(1, b"SIGTERM received: stopping after this step\n")


def job_from_environment(arguments: Sequence[str], environment: Mapping[str, str]) -> Job:
    """The job that ``SM_*`` and the command line describe; the command line wins.

    Args:
        arguments: ``--key value`` pairs (without the program's name).
        environment: The process environment.
    """
    base = Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    data = base / "input" / "data"
    channels = (
        {path.name: path for path in sorted(data.iterdir()) if path.is_dir()}
        if data.is_dir()
        else {}
    )
    prefix = "SM_CHANNEL_"
    channels |= {
        name.removeprefix(prefix).lower(): Path(value)
        for name, value in environment.items()
        if name.startswith(prefix)
    }
    hyperparameters = json.loads(environment.get("SM_HPS", "{}")) | _pairs(arguments)
    host = environment.get("SM_CURRENT_HOST", "algo-1")
    hosts = tuple(json.loads(environment.get("SM_HOSTS", json.dumps([host]))))
    return Job(
        base=base,
        model_dir=Path(environment.get("SM_MODEL_DIR", str(base / "model"))),
        output_dir=Path(environment.get("SM_OUTPUT_DATA_DIR", str(base / "output" / "data"))),
        channels=channels,
        hyperparameters=Hyperparameters(
            {k: v for k, v in hyperparameters.items() if not k.startswith("sagemaker_")}
        ),
        hosts=hosts,
        host=host,
        name=environment.get("TRAINING_JOB_NAME", ""),
        leader_address=environment.get("SM_MASTER_ADDR", min(hosts)),
        leader_port=int(environment.get("SM_MASTER_PORT", str(LEADER_PORT))),
    )


def current_job() -> Job:
    """The job of this process."""
    return job_from_environment(sys.argv[1:], os.environ)


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        key = rest.pop(0)
        # SageMaker's toolkit hands a name of one letter over with one hyphen: -k 10.
        single = len(key) == 2 and key[0] == "-" and key[1].isalpha()
        if not (key.startswith("--") or single):
            raise InvalidHyperparameter(f"Expected --name value, got {key!r}.")
        name, sign, value = key.lstrip("-").partition("=")
        if not sign:
            value = rest.pop(0) if rest else ""
        pairs[name] = value
    return pairs
