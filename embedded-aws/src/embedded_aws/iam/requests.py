"""Which rights a request needs: actions and resources in the words of IAM. Pure.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
for the services that are served; what stands in no table here has the name of its operation, and is
about ``*``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from embedded_aws.protocol.service import Request
from embedded_aws.s3.deletions import objects_in
from embedded_aws.s3.forms import key_in
from embedded_aws.s3.objects import Place, place_of, source_of

SAGEMAKER = "sagemaker.amazonaws.com"


class Right(NamedTuple):
    """One thing that must be allowed."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = {}


class Where(NamedTuple):
    """Region and account of resources."""

    region: str
    account: str


_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
"""Where IAM calls a service otherwise than a signature does."""

_S3_NAMES = {
    "HeadObject": "GetObject",
    "GetObjectAttributes": "GetObject",
    "CopyObject": "PutObject",
    "PostObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "ListParts": "ListMultipartUploadParts",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListBuckets": "ListAllMyBuckets",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketCors": "PutBucketCORS",
    "GetBucketCors": "GetBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "PutBucketReplication": "PutReplicationConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "SelectObjectContent": "GetObject",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
}
_OF_A_VERSION = frozenset(
    {
        "GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging", "GetObjectAcl",
        "PutObjectAcl", "DeleteObjectTagging",
    }
)  # fmt: skip
_LISTED = ("prefix", "delimiter", "max-keys")
_S3_HEADERS = {
    "PutObjectTagging": ("x-amz-tagging",),
    "PutObjectAcl": ("x-amz-acl", "x-amz-grant-"),
    "PutObjectRetention": ("x-amz-object-lock-mode",),
    "PutObjectLegalHold": ("x-amz-object-lock-legal-hold",),
}
"""Rights that a write needs for what its headers ask for besides."""

# Members of SageMaker that name what a request is about, and what ARNs call it.
_SAGEMAKER = {
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "TransformJobName": "transform-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "ModelPackageGroupName": "model-package-group",
}
_LISTS_OF_ONE = frozenset({"ListTags", "ListTrainingJobsForHyperParameterTuningJob"})
_ROLES = ("RoleArn", "ExecutionRoleArn")
_ARNS = frozenset(
    {
        "ResourceArn", "ResourceARN", "TopicArn", "SubscriptionArn", "TableArn", "ModelPackageArn",
        "TargetArn", "StreamArn", "PolicyArn",
    }
)  # fmt: skip
_TABLES: Mapping[str, Mapping[str, str]] = {
    "cloudfront": {"DistributionId": "distribution/{}", "Id": "distribution/{}"},
    "dynamodb": {"TableName": "table/{}"},
    "logs": {"logGroupName": "log-group:{}:*"},
    "cloudwatch": {"AlarmName": "alarm:{}"},
    "events": {"Rule": "rule/{}"},
    "ssm": {"Name": "parameter/{}", "Path": "parameter/{}"},
    "kms": {"KeyId": "key/{}"},
    # AWS ends a secret's ARN in six characters of its own, which nobody's policy can know.
    "secretsmanager": {"SecretId": "secret:{}-000000", "Name": "secret:{}-000000"},
    "sns": {"Name": "{}"},
    "sqs": {"QueueName": "{}"},
    "ecr": {"repositoryName": "repository/{}"},
    "iam": {"RoleName": "role/{}", "UserName": "user/{}", "GroupName": "group/{}"},
}
"""By IAM's prefix: members that name what a request is about, and how its ARN ends."""
_TRANSACTIONS = frozenset({"TransactWriteItems", "TransactGetItems"})
_ITEMS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
          "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}  # fmt: skip
_LISTS = {
    ("cloudwatch", "AlarmNames"): "alarm:{}",
    ("ssm", "Names"): "parameter/{}",
}
_OF_ONE_ACTION = {
    ("events", "PutRule"): {"Name": "rule/{}"},
    ("events", "DeleteRule"): {"Name": "rule/{}"},
    ("events", "DescribeRule"): {"Name": "rule/{}"},
    ("iam", "CreatePolicy"): {"PolicyName": "policy/{}"},
}
"""By prefix and action: members that name what this action alone is about."""
_NAMES = {
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
    ("sns", "PublishBatch"): "Publish",
}
"""Actions that have the rights of another one."""
_WITHOUT_REGION = frozenset({"iam", "cloudfront"})


def rights(request: Request, members: Mapping[str, Any], where: Where) -> Iterator[Right]:
    """All rights that a request needs.

    Args:
        request: The request, its bucket in the path.
        members: Its members, as far as they are known.
        where: Region and account.
    """
    if request.service == "s3":
        yield from _of_s3(request)
        return
    prefix = _PREFIXES.get(request.service, request.service)
    if prefix == "dynamodb" and request.action in _TRANSACTIONS:
        yield from _of_transaction(members, where)
        return
    action = f"{prefix}:{_NAMES.get((prefix, request.action), request.action)}"
    context = {**_tags(members), **_namespace(members)}
    resources = list(_resources(prefix, request, members, where))
    for resource in resources or ["*"]:
        yield Right(action, resource, context)
    if prefix == "sagemaker" and request.action.startswith(("Create", "Update")):
        definition = members.get("TrainingJobDefinition")  # of a tuning job, which passes its role
        named = [members, definition] if isinstance(definition, Mapping) else [members]
        for role in (
            one[name] for one in named for name in _ROLES if isinstance(one.get(name), str)
        ):
            yield Right("iam:PassRole", role, {"iam:passedtoservice": (SAGEMAKER,)})


def general(now: float, region: str, principal: str, role: str) -> dict[str, tuple[str, ...]]:
    """What every request says of itself.

    Args:
        now: Virtual unix time.
        region: That is asked.
        principal: ARN of who asks.
        role: ARN of the session's role; "" of users.
    """
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    context: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (moment.strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(now)),),
        "aws:sourceip": ("127.0.0.1",),
        "aws:securetransport": ("false",),
        "aws:requestedregion": (region,),
        "aws:principalarn": (role or principal,),
        "aws:principalaccount": (principal.split(":")[4],),
        "aws:principaltype": ("AssumedRole" if role else "User",),
    }
    if not role:
        context["aws:username"] = (principal.rpartition("/")[2],)
    return context


def _of_s3(request: Request) -> Iterator[Right]:
    place, name = place_of(request), _S3_NAMES.get(request.action, request.action)
    query = {k.lower(): tuple(v) for k, v in parse_qs(request.query).items()}
    context: dict[str, tuple[str, ...]] = {
        f"s3:{key}": query[key] for key in _LISTED if key in query
    }
    headers = request.headers
    if headers.get("x-amz-bypass-governance-retention", "").lower() == "true":
        yield Right("s3:BypassGovernanceRetention", _s3_arn(place))
    if request.action == "DeleteObjects":
        for key, version in objects_in(request.body):
            deletes = "s3:DeleteObjectVersion" if version else "s3:DeleteObject"
            yield Right(deletes, _s3_arn(Place(place.bucket, key)), context)
        return
    if request.action == "PostObject":
        place = place._replace(key=key_in(request))
    if name == "PutObject":
        for needed, told in _S3_HEADERS.items():
            if any(header.startswith(told) for header in headers):
                yield Right(f"s3:{needed}", _s3_arn(place))
    if place.version and name in _OF_A_VERSION:
        name = name.replace("Object", "ObjectVersion", 1)
    yield Right(f"s3:{name}", _s3_arn(place) if place.bucket else "arn:aws:s3:::*", context)
    source = source_of(request)
    if source is not None:
        read = "s3:GetObjectVersion" if source.version else "s3:GetObject"
        yield Right(read, _s3_arn(source))


def _s3_arn(place: Place) -> str:
    return f"arn:aws:s3:::{place.bucket}" + (f"/{place.key}" if place.key else "")


def _resources(
    prefix: str, request: Request, members: Mapping[str, Any], where: Where
) -> Iterator[str]:
    def arn(path: str) -> str:
        region = "" if prefix in _WITHOUT_REGION else where.region
        return f"arn:aws:{prefix}:{region}:{where.account}:{path}"

    if prefix == "sagemaker":
        yield from _of_sagemaker(request.action, members, arn)
        return
    group, stream = (members.get(name) for name in ("logGroupName", "logStreamName"))
    if prefix == "logs" and isinstance(group, str) and isinstance(stream, str):
        yield arn(f"log-group:{group}:log-stream:{stream}")
        return
    if prefix == "dynamodb" and isinstance(members.get("RequestItems"), Mapping):
        yield from (arn(f"table/{table}") for table in members["RequestItems"])
        return
    if prefix == "events" and request.action == "PutEvents":
        buses = {one.get("EventBusName") or "default" for one in members.get("Entries") or ()}
        yield from (bus if bus.startswith("arn:") else arn(f"event-bus/{bus}") for bus in buses)
        return
    if prefix == "sts" and isinstance(members.get("RoleArn"), str):
        yield members["RoleArn"]
        return
    table = {**_TABLES.get(prefix, {}), **_OF_ONE_ACTION.get((prefix, request.action), {})}
    for name, value in members.items():
        if isinstance(value, str) and name in _ARNS and value.startswith("arn:"):
            yield value
        elif name in table and isinstance(value, str):
            told = value.removeprefix("/") if prefix == "ssm" else value
            yield value if value.startswith("arn:") else arn(table[name].format(told))
        elif (prefix, name) in _LISTS and isinstance(value, list):
            yield from (arn(_LISTS[prefix, name].format(one.removeprefix("/"))) for one in value)
    if prefix == "cloudwatch" and isinstance(members.get("DashboardName"), str):
        yield f"arn:aws:cloudwatch::{where.account}:dashboard/{members['DashboardName']}"
    if prefix == "sqs" and isinstance(members.get("QueueUrl"), str):
        yield arn(members["QueueUrl"].rpartition("/")[2])


def _of_sagemaker(
    action: str, members: Mapping[str, Any], arn: Callable[[str], str]
) -> Iterator[str]:
    if (action.startswith("List") and action not in _LISTS_OF_ONE) or action == "Search":
        return
    # What is made is what a request is about; an endpoint is made of a configuration, too.
    made = action.removeprefix("Create") + "Name" if action.startswith("Create") else ""
    about = {made, "EndpointConfigName"} if made == "EndpointName" else {made} if made else None
    for name, kind in _SAGEMAKER.items():
        if about is not None and made in _SAGEMAKER and name not in about:
            continue
        if isinstance(members.get(name), str) and members[name]:
            value = members[name]
            yield value if value.startswith("arn:") else arn(f"{kind}/{value.lower()}")
    for name in ("ResourceArn", "ModelPackageName", "ModelPackageArn"):
        if isinstance(members.get(name), str) and members[name].startswith("arn:"):
            yield members[name]


def _of_transaction(members: Mapping[str, Any], where: Where) -> Iterator[Right]:
    """A transaction has no right of its own: each of its items needs one."""
    for item in members.get("TransactItems") or ():
        for kind, asked in item.items():
            table = f"arn:aws:dynamodb:{where.region}:{where.account}:table/{asked['TableName']}"
            yield Right(f"dynamodb:{_ITEMS.get(kind, kind)}", table)


def _tags(members: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    tags = members.get("Tags")
    if not isinstance(tags, list):
        return {}
    pairs = {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags if "Key" in tag}
    named = {f"aws:requesttag/{key.lower()}": (value,) for key, value in pairs.items()}
    return {**named, "aws:tagkeys": tuple(pairs)} if pairs else {}


def _namespace(members: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    namespace = members.get("Namespace")
    return {"cloudwatch:namespace": (namespace,)} if isinstance(namespace, str) else {}
