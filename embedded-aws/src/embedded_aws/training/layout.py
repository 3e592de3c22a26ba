"""The folders, files and variables that a training container finds under ``/opt/ml``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws.jobs.command import at_home, bring_interpreter, surroundings
from embedded_aws.training.command import arguments as command_arguments
from embedded_aws.training.command import program, user_values

DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"
_FOLDERS = ("input/config", "input/data", "model", "output/data", "output/intermediate", "code")


@dataclass(frozen=True)
class Host:
    """One machine of a job's cluster.

    Args:
        base: Its folder, laid out like ``/opt/ml``.
        name: ``algo-1`` …
        number: Its place, from 0.
        hosts: Names of all.
        instance_type: The machine asked for.
        group: Its instance group.
    """

    base: Path
    name: str
    number: int
    hosts: tuple[str, ...]
    instance_type: str
    group: str

    def channel(self, name: str) -> Path:
        """Folder of an input channel."""
        return self.base / "input" / "data" / name

    @property
    def model(self) -> Path:
        """What becomes ``model.tar.gz``."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        """What becomes ``output.tar.gz``."""
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        """Where the program writes why it failed."""
        return self.base / "output" / "failure"

    @property
    def code(self) -> Path:
        """Folder of the source archive."""
        return self.base / "code"


def cluster(request: Mapping[str, Any], folder: Path) -> list[Host]:
    """The hosts of a job, each with a folder below ``folder``."""
    resources = request["ResourceConfig"]
    groups = resources.get("InstanceGroups") or [
        {
            "InstanceGroupName": "homogeneousCluster",
            "InstanceType": resources["InstanceType"],
            "InstanceCount": resources.get("InstanceCount", 1),
        }
    ]
    machines = [group for group in groups for _ in range(group["InstanceCount"])]
    names = tuple(f"algo-{number}" for number in range(1, len(machines) + 1))
    return [
        Host(folder / name, name, number, names, group["InstanceType"], group["InstanceGroupName"])
        for number, (name, group) in enumerate(zip(names, machines, strict=True))
    ]


def prepare(host: Host, request: Mapping[str, Any]) -> None:
    """Make the folders and write the configuration files."""
    for folder in _FOLDERS:
        (host.base / folder).mkdir(parents=True, exist_ok=True)
    checkpoints(host, request).mkdir(parents=True, exist_ok=True)
    bring_interpreter(host.base)
    config = host.base / "input" / "config"
    files = {
        "hyperparameters.json": dict(request.get("HyperParameters") or {}),
        "resourceconfig.json": _resources(host),
        "inputdataconfig.json": _inputs(request),
    }
    for name, content in files.items():
        (config / name).write_text(json.dumps(content))


def checkpoints(host: Host, request: Mapping[str, Any]) -> Path:
    """Where the program keeps checkpoints: ``CheckpointConfig.LocalPath`` below the job's base."""
    local = (request.get("CheckpointConfig") or {}).get("LocalPath") or DEFAULT_CHECKPOINTS
    return host.base / local.removeprefix("/opt/ml").lstrip("/")


def environment(
    host: Host, request: Mapping[str, Any], arn: str, aws: Mapping[str, str], leader_port: int
) -> dict[str, str]:
    """Environment variables of the program on one host.

    Args:
        host: The machine.
        request: Members of ``CreateTrainingJob``.
        arn: The job's ARN.
        aws: Region, endpoint and credentials, as the role would give them.
        leader_port: A port of this machine that the job's first host may listen on.
    """
    values = user_values(request.get("HyperParameters") or {})
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig") or []]
    script = program(request) or ""
    variables: dict[str, Any] = {
        "SM_MODEL_DIR": str(host.model),
        "SM_OUTPUT_DIR": str(host.base / "output"),
        "SM_OUTPUT_DATA_DIR": str(host.output_data),
        "SM_OUTPUT_INTERMEDIATE_DIR": str(host.base / "output" / "intermediate"),
        "SM_INPUT_DIR": str(host.base / "input"),
        "SM_INPUT_CONFIG_DIR": str(host.base / "input" / "config"),
        "SM_HOSTS": list(host.hosts),
        "SM_CURRENT_HOST": host.name,
        # All hosts are this machine, which resolves no algo-1: programs that meet look here.
        "SM_MASTER_ADDR": "127.0.0.1",
        "SM_MASTER_PORT": leader_port,
        "SM_CURRENT_INSTANCE_TYPE": host.instance_type,
        "SM_CURRENT_INSTANCE_GROUP": host.group,
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": os.cpu_count() or 1,
        "SM_NUM_GPUS": 0,
        "SM_NUM_NEURONS": 0,
        "SM_CHANNELS": channels,
        "SM_HPS": values,
        "SM_INPUT_DATA_CONFIG": _inputs(request),
        "SM_RESOURCE_CONFIG": _resources(host),
        "SM_USER_ENTRY_POINT": script,
        "SM_USER_ARGS": command_arguments(values),
        "SM_MODULE_NAME": script.removesuffix(".py"),
        "SM_MODULE_DIR": str(host.code),
        "SM_FRAMEWORK_MODULE": "",
        "SM_FRAMEWORK_PARAMS": {},
        "SM_LOG_LEVEL": 20,
        "SM_JOB_NAME": request["TrainingJobName"],
        **{f"SM_CHANNEL_{name.upper()}": str(host.channel(name)) for name in channels},
        **{f"SM_HP_{name.upper()}": value for name, value in values.items()},
    }
    variables["SM_TRAINING_ENV"] = _training_env(variables, host, channels, values)
    isolation = bool(request.get("EnableNetworkIsolation"))
    return {
        **surroundings(),
        "PYTHONUNBUFFERED": "1",
        **({} if isolation else aws),
        **{name: _text(value) for name, value in variables.items()},
        "TRAINING_JOB_NAME": str(request["TrainingJobName"]),
        "TRAINING_JOB_ARN": arn,
        "SAGEMAKER_REGION": aws.get("AWS_REGION", ""),
        "SAGEMAKER_BASE_DIR": str(host.base),
        **{k: at_home(v, host.base) for k, v in (request.get("Environment") or {}).items()},
    }


def _training_env(
    variables: Mapping[str, Any], host: Host, channels: list[str], values: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole environment as one document, as the training toolkit tells it."""
    single = ("SM_CHANNEL_", "SM_HP_")
    return {
        **{k[3:].lower(): v for k, v in variables.items() if not k.startswith(single)},
        "channel_input_dirs": {name: str(host.channel(name)) for name in channels},
        "hyperparameters": dict(values),
        "is_master": host.number == 0,
        "master_hostname": host.hosts[0],
    }


def _resources(host: Host) -> dict[str, Any]:
    return {
        "current_host": host.name,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "hosts": list(host.hosts),
        "instance_groups": [
            {
                "instance_group_name": host.group,
                "instance_type": host.instance_type,
                "hosts": list(host.hosts),
            }
        ],
        "network_interface_name": "lo",
    }


def _inputs(request: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    algorithm = request["AlgorithmSpecification"]
    channels = {}
    for channel in request.get("InputDataConfig") or []:
        source = channel["DataSource"]["S3DataSource"]
        entry = {
            "TrainingInputMode": channel.get("InputMode") or algorithm["TrainingInputMode"],
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": "None",
        }
        if content_type := channel.get("ContentType"):
            entry["ContentType"] = content_type
        channels[channel["ChannelName"]] = entry
    return channels


def _text(value: object) -> str:
    """As the training toolkit writes values into the environment: text as is, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
