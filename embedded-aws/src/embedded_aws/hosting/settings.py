"""What a person may turn about hosting, and its defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

PREFIX = "EMBEDDED_AWS_HOSTING_"

KINDS: Mapping[str, type[int | float | str]] = {"processes_per_variant": int, "entrypoint": str}
"""What a setting is that is no float."""


@dataclass(frozen=True)
class HostingSettings:
    """How much of a real fleet one laptop plays.

    Each can be set by an environment variable ``EMBEDDED_AWS_HOSTING_<NAME>``. What a real process
    does is counted in real seconds (a model does not load faster because the clock does); what AWS
    itself waits for is virtual.

    Args:
        processes_per_variant: Most real processes behind one variant. Instance counts above it
            are reported and used in metrics, but not started.
        start_timeout_cap: Real seconds after which a process that does not answer ``/ping`` has
            failed, however long ``ContainerStartupHealthCheckTimeoutInSeconds`` would wait.
        model_timeout: Real seconds that a model may take for one answer. AWS gives 60.
        weights_seconds: Virtual seconds that ``UpdateEndpointWeightsAndCapacities`` takes.
        drain_timeout: Real seconds that a retired variant is given to finish its requests.
        stop_grace: Real seconds between SIGTERM and SIGKILL.
        usage_period: Virtual seconds between two measurements of CPU and memory.
        entrypoint: What serving images have as their ``ENTRYPOINT``: a program and arguments, as a
            shell would split them, that become the program which serves. There are no images here.
    """

    processes_per_variant: int = 1
    start_timeout_cap: float = 120.0
    model_timeout: float = 60.0
    weights_seconds: float = 2.0
    drain_timeout: float = 65.0
    stop_grace: float = 10.0
    usage_period: float = 60.0
    entrypoint: str = ""

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name == "entrypoint":
                continue
            if not getattr(self, item.name) > 0:
                raise ValueError(
                    f"{PREFIX}{item.name.upper()} must be above 0, got {getattr(self, item.name)}"
                )

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> HostingSettings:
        """Read the settings from the environment.

        Raises:
            ValueError: when a variable holds no number, or none above 0.
        """
        env = os.environ if env is None else env
        settings: dict[str, int | float | str] = {}
        for item in fields(cls):
            name = PREFIX + item.name.upper()
            if name not in env:
                continue
            kind = KINDS.get(item.name, float)
            try:
                settings[item.name] = kind(env[name])
            except ValueError:
                raise ValueError(f"{name} must be a number, got {env[name]!r}") from None
        return cls(**settings)  # type: ignore[arg-type]  # each value was made by its field's kind
