"""The requests to SageMaker and CloudWatch, made from the journal alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.runtime import model_files
from models.runtime.images.fetching import HOSTS
from tasks.images import address_of
from tasks.release.hosting import excess, names
from tasks.release.journal.record import Arm, Journal, Site
from tasks.release.machine.observed import Part
from tasks.specs.serving import AutoscalingSpec, ServingSpec
from tasks.values import FIRST_PROGRAM, Seal

SHORT = 60
NAMESPACE = "SLUICE_METRICS_NAMESPACE"
TAGS = "sluice:model"
HEADROOM_SECONDS = 1800
NOWHERE: Mapping[str, str] = {NAMESPACE: "", HOSTS: ""}
"""Where a container publishes to and fetches from that has no network."""


def environment(
    site: Site,
    program: str,
    model: str,
    version: str,
    edges: Sequence[float],
    files: str = "",
    listing: bytes = b"",
    *,
    isolated: bool = False,
) -> dict[str, str]:
    """What the serving program is told.

    Args:
        site: What the installation adds.
        program: What serves, below ``code/``.
        model: The model's name.
        version: Its version.
        edges: Of the prediction bins.
        files: SHA-256 of the list of files that it shall find; "" of a version without one.
        listing: That list, where it is at hand.
        isolated: Whether it has no network, and so nothing to publish to or to fetch from.
    """
    return {
        **(model_files.variables(listing, files) if files else {}),
        "SAGEMAKER_PROGRAM": program or FIRST_PROGRAM,
        "SLUICE_MODEL": model,
        "SLUICE_VERSION": version,
        "SLUICE_VARIANT": names.variant_of(version),
        NAMESPACE: site.metrics_namespace,
        "SLUICE_PREDICTION_EDGES": ",".join(f"{edge:g}" for edge in edges),
        **site.environment,
        **(NOWHERE if isolated else {}),
    }


def container(
    site: Site,
    serving: ServingSpec,
    program: str,
    model: str,
    version: str,
    url: str,
    edges: Sequence[float],
    files: str = "",
    listing: bytes = b"",
) -> dict[str, Any]:
    """The container of one version; see `environment`."""
    told = environment(
        site, program, model, version, edges, files, listing, isolated=serving.network_isolation
    )
    return {
        "Image": address_of(serving.image or site.image, serving.instance_type, "inference"),
        "Mode": "SingleModel",
        "ModelDataUrl": url,
        "Environment": told,
    }


def arm(
    site: Site,
    serving: ServingSpec,
    *,
    model: str,
    version: str,
    url: str,
    edges: Sequence[float],
    instances: int,
    program: str = "",
    identity: str = "",
    manifest: Seal | None = None,
    files: str = "",
) -> Arm:
    """One version with the names that its content gives it."""
    variant = names.variant_of(version)
    content = container(site, serving, program, model, version, url, edges, files)
    more = ["isolated"] if serving.network_isolation else []
    model_name = names.resource(model, variant, [content, site.role_arn, site.subnets, *more])
    solo = [_variant(serving, variant, model_name, instances, 1.0), site.kms_key_id]
    return Arm(
        version=version,
        variant=variant,
        model_name=model_name,
        solo_config=names.resource(model, variant, ["solo", *solo]),
        model_data=url,
        program=program,
        identity=identity,
        manifest=manifest,
        files=files,
    )


def pair_config(
    kind: str,
    model: str,
    candidate: Arm,
    stable: Arm,
    instances: int,
    serving: ServingSpec,
    captures_bucket: str = "",
) -> str:
    """Name of a configuration that holds both arms."""
    content = [kind, candidate.model_name, stable.model_name, instances, serving.model_dump()]
    if captures_bucket:
        content.append(captures_bucket)
    return names.resource(model, candidate.variant, content)


def create_model(journal: Journal, which: Arm, listing: bytes = b"") -> dict[str, Any]:
    """CreateModel; ``listing`` is what ``which.files`` is the digest of, where it is at hand."""
    site = journal.site
    request: dict[str, Any] = {
        "ModelName": which.model_name,
        "PrimaryContainer": container(
            site,
            journal.serving,
            # A journal that was begun before versions named their program holds model.yaml's.
            which.program or journal.serving.program,
            journal.model,
            which.version,
            which.model_data,
            journal.prediction_edges,
            which.files,
            listing,
        ),
        "ExecutionRoleArn": site.role_arn,
        "Tags": tags(journal, which.version),
    }
    if journal.serving.network_isolation:
        request["EnableNetworkIsolation"] = True
    if site.subnets:
        request["VpcConfig"] = {
            "Subnets": list(site.subnets),
            "SecurityGroupIds": list(site.security_groups),
        }
    return request


def create_config(journal: Journal, part: Part, name: str) -> dict[str, Any]:
    """CreateEndpointConfig. The candidate enters with weight 0: no request before its health."""
    serving, instances = journal.serving, journal.instances
    candidate, stable = journal.candidate, journal.stable
    request: dict[str, Any] = {
        "EndpointConfigName": name,
        "Tags": tags(journal, candidate.version),
    }

    def one(which: Arm, weight: float) -> dict[str, Any]:
        return _variant(serving, which.variant, which.model_name, instances, weight)

    if part == "both" and stable is not None:
        request["ProductionVariants"] = [one(stable, 1.0), one(candidate, 0.0)]
    elif part == "shadow" and stable is not None:
        request["ProductionVariants"] = [one(stable, 1.0)]
        request["ShadowProductionVariants"] = [one(candidate, 1.0)]
        if journal.captures:
            request["DataCaptureConfig"] = _capture(journal, name)
    elif part == "stable" and stable is not None:
        request["ProductionVariants"] = [one(stable, 1.0)]
    else:
        request["ProductionVariants"] = [one(candidate, 1.0)]
    if journal.site.kms_key_id:
        request["KmsKeyId"] = journal.site.kms_key_id
    if journal.spec.window_seconds < SHORT:
        request["MetricsConfig"] = {
            "EnableEnhancedMetrics": True,
            "MetricPublishFrequencyInSeconds": 10,
        }
    return request


def _capture(journal: Journal, config: str) -> dict[str, Any]:
    """All requests and answers of both versions: only what is captured on both sides is a pair."""
    prefix = names.captures_prefix(journal.model, config).rstrip("/")
    request: dict[str, Any] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{journal.site.captures_bucket}/{prefix}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    if journal.site.kms_key_id:
        request["KmsKeyId"] = journal.site.kms_key_id
    return request


def guardrail(journal: Journal, alarms: Sequence[str]) -> dict[str, Any]:
    """DeploymentConfig of a native blue/green update: a tenth first, then the rest."""
    bake = max(60, min(3600, journal.spec.watch_seconds // 2 or 600))
    drain = min(3600, journal.spec.drain_seconds)
    limit = min(
        28_800, max(600, 2 * journal.serving.start_seconds + bake + drain + HEADROOM_SECONDS)
    )
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                "WaitIntervalInSeconds": bake,
            },
            "TerminationWaitInSeconds": drain,
            "MaximumExecutionTimeoutInSeconds": limit,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]},
    }


def alarms(journal: Journal) -> list[dict[str, Any]]:
    """PutMetricAlarm: errors and latency of the candidate, beyond the stable version's own.

    With both versions on the endpoint an incident that they share does not ring: the excess over
    the stable version, less what chance makes, is compared with the floor of model.yaml.
    """
    period = max(60, journal.spec.window_seconds)
    prefix = names.alarm_prefix(journal.model, journal.candidate.variant)
    stable = journal.stable if journal.strategy == "canary" else None
    errors = _errors(journal, journal.candidate.variant, "c", period)
    latency = [_metric(journal, journal.candidate.variant, "ModelLatency", "lc", "Average", period)]
    failed = "(FILL(e4c,0)+FILL(e5c,0))"
    worse, slower = f"IF({failed}>={excess.MIN_ERRORS},{failed}/nc,0)", "lc"
    if stable:
        errors += _errors(journal, stable.variant, "s", period)
        queries, worse = excess.shares((failed, "nc"), ("(FILL(e4s,0)+FILL(e5s,0))", "ns"))
        errors += queries
        latency += [
            _metric(journal, journal.candidate.variant, "Invocations", "nc", "Sum", period),
            _metric(journal, stable.variant, "ModelLatency", "ls", "Average", period),
        ]
        slower = excess.slower("nc", "lc", "ls")
    common = {
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": bool(journal.site.alerts_topic_arn),
        "AlarmActions": [journal.site.alerts_topic_arn] if journal.site.alerts_topic_arn else [],
    }
    return [
        {
            **common,
            "AlarmName": f"{prefix}errors",
            "AlarmDescription": f"{journal.model}: error rate of {journal.candidate.version}",
            "Threshold": journal.spec.max_error_rate,
            "Metrics": [
                *errors,
                {"Id": "worse", "Expression": worse, "ReturnData": True},
            ],
        },
        {
            **common,
            "AlarmName": f"{prefix}latency",
            "AlarmDescription": f"{journal.model}: mean latency of {journal.candidate.version}",
            "Threshold": journal.spec.max_latency_ms * 1000.0,
            "Metrics": [*latency, {"Id": "slower", "Expression": slower, "ReturnData": True}],
        },
    ]


def alarm_names(journal: Journal) -> tuple[str, str]:
    """The two alarms of a release."""
    prefix = names.alarm_prefix(journal.model, journal.candidate.variant)
    return (f"{prefix}errors", f"{prefix}latency")


def scaling_policy(spec: AutoscalingSpec) -> dict[str, Any]:
    """TargetTrackingScalingPolicyConfiguration."""
    return {
        "TargetValue": spec.invocations_per_instance,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        "ScaleInCooldown": spec.cooldown_seconds,
        "ScaleOutCooldown": spec.cooldown_seconds,
    }


def _variant(
    serving: ServingSpec, variant: str, model_name: str, instances: int, weight: float
) -> dict[str, Any]:
    return {
        "VariantName": variant,
        "ModelName": model_name,
        "InitialInstanceCount": instances,
        "InstanceType": serving.instance_type,
        "InitialVariantWeight": weight,
        "ContainerStartupHealthCheckTimeoutInSeconds": serving.start_seconds,
    }


def _errors(journal: Journal, variant: str, arm_id: str, period: int) -> list[dict[str, Any]]:
    return [
        _metric(journal, variant, "Invocations", f"n{arm_id}", "Sum", period),
        _metric(journal, variant, "Invocation4XXErrors", f"e4{arm_id}", "Sum", period),
        _metric(journal, variant, "Invocation5XXErrors", f"e5{arm_id}", "Sum", period),
    ]


def _metric(
    journal: Journal, variant: str, name: str, metric_id: str, stat: str, period: int
) -> dict[str, Any]:
    return {
        "Id": metric_id,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SageMaker",
                "MetricName": name,
                "Dimensions": [
                    {"Name": "EndpointName", "Value": journal.endpoint},
                    {"Name": "VariantName", "Value": variant},
                ],
            },
            "Period": period,
            "Stat": stat,
        },
        "ReturnData": False,
    }


def tags(journal: Journal, version: str) -> list[dict[str, str]]:
    """Tags of everything that a release makes."""
    given: Mapping[str, str] = {TAGS: journal.model, "sluice:version": version}
    return [{"Key": key, "Value": value} for key, value in given.items()]
