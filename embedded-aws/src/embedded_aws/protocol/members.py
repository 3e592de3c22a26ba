"""Which members of a SageMaker request have an effect here. The others are refused by name.

A request that is accepted and half ignored is worse than one that is refused: its author finds out
in production. So the members with an effect are listed, and those that are only kept and told back,
each with the reason why that is all they can do on one machine. What stands in neither list is
refused, unless it asks for nothing (``false``, ``"None"``, an empty list). Members that a later
version of the API brings are refused too, until somebody has looked at them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from embedded_aws.protocol.service import AwsFault

_NOTHING = frozenset({"None", "Disabled", "DISABLED", "SingleModel", "Platform", "$"})
"""Values that ask for what is the case anyway; ``$`` is all of a record, as a JSONPath."""
_DISK = "programs use this machine's disk"
_KEY = "the disk is as its owner encrypted it"
_NETWORK = "there is one network, this machine's"


class Members(NamedTuple):
    """Members of one action's request, as paths: ``Channel[].Source.Uri``; ``[]`` is each entry.

    Attributes:
        used: Have an effect. A path that others continue is used as far as those are.
        kept: Are kept and told back, and why they have no effect here.
    """

    used: frozenset[str]
    kept: Mapping[str, str]


def paths(text: str) -> frozenset[str]:
    """Paths with spaces between."""
    return frozenset(text.split())


_VARIANT_USED = paths("""
    VariantName ModelName InitialInstanceCount InstanceType InitialVariantWeight
    ServerlessConfig.MaxConcurrency ContainerStartupHealthCheckTimeoutInSeconds
    RoutingConfig.RoutingStrategy
""")
_VARIANT_KEPT = {
    "VolumeSizeInGB": _DISK,
    "ModelDataDownloadTimeoutInSeconds": "model data are copied from this machine's own S3",
    "ServerlessConfig.MemorySizeInMB": "no program's memory is limited",
}
_CONTAINER_USED = paths("""
    Image ModelDataUrl Environment ModelPackageName ModelDataSource.S3DataSource.S3Uri
    ModelDataSource.S3DataSource.S3DataType ModelDataSource.S3DataSource.CompressionType
""")
_CONTAINER_KEPT = {"ContainerHostname": "a model has one container, which nobody calls by name"}

_TRAINED_USED = paths("""
    RoleArn Environment
    AlgorithmSpecification.TrainingImage AlgorithmSpecification.AlgorithmName
    AlgorithmSpecification.TrainingInputMode
    AlgorithmSpecification.MetricDefinitions[].Name
    AlgorithmSpecification.MetricDefinitions[].Regex
    InputDataConfig[].ChannelName InputDataConfig[].ContentType
    InputDataConfig[].CompressionType InputDataConfig[].RecordWrapperType
    InputDataConfig[].InputMode
    InputDataConfig[].DataSource.S3DataSource.S3DataType
    InputDataConfig[].DataSource.S3DataSource.S3Uri
    InputDataConfig[].DataSource.S3DataSource.S3DataDistributionType
    OutputDataConfig.S3OutputPath OutputDataConfig.KmsKeyId OutputDataConfig.CompressionType
    ResourceConfig.InstanceType ResourceConfig.InstanceCount
    ResourceConfig.InstanceGroups[].InstanceType
    ResourceConfig.InstanceGroups[].InstanceCount
    ResourceConfig.InstanceGroups[].InstanceGroupName
    StoppingCondition.MaxRuntimeInSeconds StoppingCondition.MaxWaitTimeInSeconds
    EnableManagedSpotTraining EnableNetworkIsolation
    CheckpointConfig.S3Uri CheckpointConfig.LocalPath
""")
"""What a training job and the definition of a tuning job's have in common."""
_TRAINED_KEPT = {
    "ResourceConfig.VolumeSizeInGB": _DISK,
    "ResourceConfig.VolumeKmsKeyId": _KEY,
    "VpcConfig.SecurityGroupIds": _NETWORK,
    "VpcConfig.Subnets": _NETWORK,
    "EnableInterContainerTrafficEncryption": "the job's hosts talk within this machine",
}

MEMBERS: Mapping[str, Members] = {
    "CreateTrainingJob": Members(
        _TRAINED_USED
        | paths("""
            TrainingJobName HyperParameters Tags[].Key Tags[].Value
            AlgorithmSpecification.ContainerEntrypoint AlgorithmSpecification.ContainerArguments
        """),
        {**_TRAINED_KEPT, "ProfilerConfig.DisableProfiler": "there is no profiler"},
    ),
    "CreateHyperParameterTuningJob": Members(
        paths("""
            HyperParameterTuningJobName Tags[].Key Tags[].Value
            WarmStartConfig.ParentHyperParameterTuningJobs[].HyperParameterTuningJobName
            WarmStartConfig.WarmStartType
            TrainingJobDefinition.DefinitionName TrainingJobDefinition.StaticHyperParameters
        """)
        | {f"TrainingJobDefinition.{path}" for path in _TRAINED_USED}
        | {
            f"HyperParameterTuningJobConfig.{path}"
            for path in paths("""
                Strategy RandomSeed TrainingJobEarlyStoppingType
                StrategyConfig.HyperbandStrategyConfig.MinResource
                StrategyConfig.HyperbandStrategyConfig.MaxResource
                HyperParameterTuningJobObjective.Type HyperParameterTuningJobObjective.MetricName
                ResourceLimits.MaxNumberOfTrainingJobs ResourceLimits.MaxParallelTrainingJobs
                ResourceLimits.MaxRuntimeInSeconds
                ParameterRanges.IntegerParameterRanges[].Name
                ParameterRanges.IntegerParameterRanges[].MinValue
                ParameterRanges.IntegerParameterRanges[].MaxValue
                ParameterRanges.IntegerParameterRanges[].ScalingType
                ParameterRanges.ContinuousParameterRanges[].Name
                ParameterRanges.ContinuousParameterRanges[].MinValue
                ParameterRanges.ContinuousParameterRanges[].MaxValue
                ParameterRanges.ContinuousParameterRanges[].ScalingType
                ParameterRanges.CategoricalParameterRanges[].Name
                ParameterRanges.CategoricalParameterRanges[].Values
                TuningJobCompletionCriteria.TargetObjectiveMetricValue
                TuningJobCompletionCriteria.BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving
                TuningJobCompletionCriteria.ConvergenceDetected.CompleteOnConvergence
            """)
        },
        {f"TrainingJobDefinition.{path}": why for path, why in _TRAINED_KEPT.items()},
    ),
    "CreateProcessingJob": Members(
        paths("""
            ProcessingJobName RoleArn Environment Tags[].Key Tags[].Value
            AppSpecification.ContainerEntrypoint AppSpecification.ContainerArguments
            ProcessingInputs[].InputName
            ProcessingInputs[].S3Input.S3Uri ProcessingInputs[].S3Input.LocalPath
            ProcessingInputs[].S3Input.S3DataType ProcessingInputs[].S3Input.S3InputMode
            ProcessingInputs[].S3Input.S3DataDistributionType
            ProcessingInputs[].S3Input.S3CompressionType
            ProcessingOutputConfig.KmsKeyId ProcessingOutputConfig.Outputs[].OutputName
            ProcessingOutputConfig.Outputs[].S3Output.S3Uri
            ProcessingOutputConfig.Outputs[].S3Output.LocalPath
            ProcessingOutputConfig.Outputs[].S3Output.S3UploadMode
            ProcessingResources.ClusterConfig.InstanceCount
            ProcessingResources.ClusterConfig.InstanceType
            StoppingCondition.MaxRuntimeInSeconds NetworkConfig.EnableNetworkIsolation
        """),
        {
            "AppSpecification.ImageUri": "no container image is run",
            "ProcessingResources.ClusterConfig.VolumeSizeInGB": _DISK,
            "ProcessingResources.ClusterConfig.VolumeKmsKeyId": _KEY,
            "NetworkConfig.VpcConfig.SecurityGroupIds": _NETWORK,
            "NetworkConfig.VpcConfig.Subnets": _NETWORK,
            "NetworkConfig.EnableInterContainerTrafficEncryption": "the job's hosts talk within "
            "this machine",
        },
    ),
    "CreateTransformJob": Members(
        paths("""
            TransformJobName ModelName Environment Tags[].Key Tags[].Value
            MaxConcurrentTransforms MaxPayloadInMB BatchStrategy
            ModelClientConfig.InvocationsTimeoutInSeconds ModelClientConfig.InvocationsMaxRetries
            TransformInput.DataSource.S3DataSource.S3DataType
            TransformInput.DataSource.S3DataSource.S3Uri
            TransformInput.ContentType TransformInput.CompressionType TransformInput.SplitType
            TransformOutput.S3OutputPath TransformOutput.Accept TransformOutput.AssembleWith
            TransformOutput.KmsKeyId TransformResources.InstanceCount
        """),
        {
            "TransformResources.InstanceType": "an instance is a process of this machine",
            "TransformResources.VolumeKmsKeyId": _KEY,
        },
    ),
    "CreateModel": Members(
        paths("ModelName ExecutionRoleArn EnableNetworkIsolation Tags[].Key Tags[].Value")
        | {
            f"{place}.{path}"
            for path in _CONTAINER_USED
            for place in ("PrimaryContainer", "Containers[]")
        },
        {
            "VpcConfig.SecurityGroupIds": _NETWORK,
            "VpcConfig.Subnets": _NETWORK,
            **{
                f"{place}.{path}": why
                for path, why in _CONTAINER_KEPT.items()
                for place in ("PrimaryContainer", "Containers[]")
            },
        },
    ),
    "CreateEndpointConfig": Members(
        paths("""
            EndpointConfigName Tags[].Key Tags[].Value
            DataCaptureConfig.EnableCapture DataCaptureConfig.InitialSamplingPercentage
            DataCaptureConfig.DestinationS3Uri DataCaptureConfig.KmsKeyId
            DataCaptureConfig.CaptureOptions[].CaptureMode
            DataCaptureConfig.CaptureContentTypeHeader.CsvContentTypes
            DataCaptureConfig.CaptureContentTypeHeader.JsonContentTypes
            AsyncInferenceConfig.ClientConfig.MaxConcurrentInvocationsPerInstance
            AsyncInferenceConfig.OutputConfig.KmsKeyId
            AsyncInferenceConfig.OutputConfig.S3OutputPath
            AsyncInferenceConfig.OutputConfig.S3FailurePath
            AsyncInferenceConfig.OutputConfig.NotificationConfig.SuccessTopic
            AsyncInferenceConfig.OutputConfig.NotificationConfig.ErrorTopic
            AsyncInferenceConfig.OutputConfig.NotificationConfig.IncludeInferenceResponseIn
        """)
        | {
            f"{kind}ProductionVariants[].{path}"
            for path in _VARIANT_USED
            for kind in ("", "Shadow")
        },
        {
            "KmsKeyId": _KEY,
            "MetricsConfig.EnableEnhancedMetrics": "metrics are always of each variant",
            "MetricsConfig.MetricPublishFrequencyInSeconds": "metrics are published as they come",
            **{
                f"{kind}ProductionVariants[].{path}": why
                for path, why in _VARIANT_KEPT.items()
                for kind in ("", "Shadow")
            },
        },
    ),
    "UpdateEndpointWeightsAndCapacities": Members(
        paths("""
            EndpointName DesiredWeightsAndCapacities[].VariantName
            DesiredWeightsAndCapacities[].DesiredWeight
            DesiredWeightsAndCapacities[].DesiredInstanceCount
        """),
        {},
    ),
}
"""Actions whose requests may hold more than is built here; of others every member is used."""


def refuse_what_has_no_effect(
    action: str, request: Mapping[str, Any], table: Mapping[str, Members] = MEMBERS
) -> None:
    """Refuse members that would be ignored.

    Args:
        action: The action, of SageMaker unless there is another table.
        request: Its members, valid by the API's model.
        table: What is known of the service's actions.

    Raises:
        AwsFault: ``ValidationException`` that names all of them.
    """
    members = table.get(action)
    if members is None:
        return
    known = members.used | members.kept.keys()
    ignored = dict.fromkeys(_ignored(request, "", known))
    if ignored:
        raise AwsFault(
            "ValidationException",
            f"{', '.join(ignored)} of {action} would have no effect on the embedded AWS, so the "
            "request is refused: leave it out.",
        )


def _ignored(value: Any, path: str, known: frozenset[str]) -> Iterator[str]:
    """Paths of what is asked for and known neither itself nor in any of its parts."""
    if path in known or _asks_for_nothing(value):
        return
    continued = path == "" or any(one.startswith((f"{path}.", f"{path}[")) for one in known)
    if not continued:
        yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _ignored(inner, f"{path}.{name}" if path else name, known)
    elif isinstance(value, list):
        for inner in value:
            yield from _ignored(inner, f"{path}[]", known)
    else:
        yield path


def _asks_for_nothing(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_asks_for_nothing, value.values()))
    return not value or (isinstance(value, str) and value in _NOTHING)
