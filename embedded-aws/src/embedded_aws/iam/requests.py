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
from embedded_aws.s3.deletions import keys_in
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
    "DeleteBucketWebsite": "DeleteBucketWebsite",
}
_OF_A_VERSION = frozenset(
    {
        "GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging", "GetObjectAcl",
        "PutObjectAcl", "DeleteObjectTagging",
    }
)  # fmt: skip
_LISTED = ("prefix", "delimiter", "max-keys")

# Members of SageMaker that name what a request is about, and what ARNs call it.
_SAGEMAKER = {
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "TransformJobName": "transform-job",
    "ModelPackageGroupName": "model-package-group",
}
_ROLES = ("RoleArn", "ExecutionRoleArn")
_ARNS = frozenset(
    {
        "ResourceArn", "ResourceARN", "TopicArn", "SubscriptionArn", "TableArn", "ModelPackageArn",
        "TargetArn", "StreamArn", "RoleArn",
    }
)  # fmt: skip
_TABLES: Mapping[str, Mapping[str, str]] = {
    "cloudfront": {"DistributionId": "distribution/{}", "Id": "distribution/{}"},
    "dynamodb": {"TableName": "table/{}"},
    "logs": {"logGroupName": "log-group:{}:*"},
    "cloudwatch": {"AlarmName": "alarm:{}", "DashboardName": "dashboard/{}"},
    "events": {"Rule": "rule/{}"},
    "kms": {"KeyId": "key/{}"},
    "secretsmanager": {"SecretId": "secret:{}", "Name": "secret:{}"},
    "sns": {"Name": "{}"},
    "sqs": {"QueueName": "{}"},
    "ecr": {"repositoryName": "repository/{}"},
    "iam": {"RoleName": "role/{}", "UserName": "user/{}", "PolicyName": "policy/{}"},
}
"""By IAM's prefix: members that name what a request is about, and how its ARN ends."""
_TRANSACTIONS = frozenset({"TransactWriteItems", "TransactGetItems"})
_ITEMS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
          "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}  # fmt: skip
_LISTS = {"AlarmNames": "alarm:{}"}
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
    action = f"{prefix}:{request.action}"
    context = {**_tags(members), **_namespace(members)}
    resources = list(_resources(prefix, request, members, where))
    for resource in resources or ["*"]:
        yield Right(action, resource, context)
    if prefix == "sagemaker" and request.action.startswith(("Create", "Update")):
        for role in (members[name] for name in _ROLES if isinstance(members.get(name), str)):
            yield Right("iam:PassRole", role, {"iam:passedtoservice": (SAGEMAKER,)})


def general(now: float, region: str, principal: str) -> dict[str, tuple[str, ...]]:
    """What every request says of itself.

    Args:
        now: Virtual unix time.
        region: That is asked.
        principal: ARN of who asks.
    """
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    kind = principal.rpartition(":")[2].partition("/")[0]
    context: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (moment.strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(now)),),
        "aws:sourceip": ("127.0.0.1",),
        "aws:securetransport": ("false",),
        "aws:requestedregion": (region,),
        "aws:principalarn": (principal,),
        "aws:principalaccount": (principal.split(":")[4],),
        "aws:principaltype": ("User" if kind == "user" else "AssumedRole",),
    }
    if kind == "user":
        context["aws:username"] = (principal.rpartition("/")[2],)
    return context


def _of_s3(request: Request) -> Iterator[Right]:
    place, name = place_of(request), _S3_NAMES.get(request.action, request.action)
    query = {k.lower(): tuple(v) for k, v in parse_qs(request.query).items()}
    context: dict[str, tuple[str, ...]] = {
        f"s3:{key}": query[key] for key in _LISTED if key in query
    }
    if request.action == "DeleteObjects":
        for key in keys_in(request.body):
            yield Right(f"s3:{name}", _s3_arn(Place(place.bucket, key)), context)
        return
    if place.version and name in _OF_A_VERSION:
        name = name.replace("Object", "ObjectVersion", 1)
    yield Right(f"s3:{name}", _s3_arn(place) if place.bucket else "*", context)
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
    for name, value in members.items():
        if isinstance(value, str) and name in _ARNS and value.startswith("arn:"):
            yield value
        elif name in _TABLES.get(prefix, {}) and isinstance(value, str):
            yield value if value.startswith("arn:") else arn(_TABLES[prefix][name].format(value))
        elif prefix == "cloudwatch" and name in _LISTS and isinstance(value, list):
            yield from (arn(_LISTS[name].format(one)) for one in value)
    if prefix == "sqs" and isinstance(members.get("QueueUrl"), str):
        yield arn(members["QueueUrl"].rpartition("/")[2])


def _of_sagemaker(
    action: str, members: Mapping[str, Any], arn: Callable[[str], str]
) -> Iterator[str]:
    if action.startswith("List") or action == "Search":
        return
    for name, kind in _SAGEMAKER.items():
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
