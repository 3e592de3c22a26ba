"""CloudFront's edge: what moto leaves out, namely answering, caching and forgetting.

``GET /_cdn/<distribution id>/<path>``, or any path with a distribution's domain as ``Host``, is
answered from the distribution's S3 origin, read with the distribution's own identity (the bucket
stays closed to everybody else), and kept for as long as ``Cache-Control`` says, in virtual time.
An invalidation takes effect at once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import unescape

from botocore.exceptions import ClientError

from embedded_aws.admission.hosts import host_name
from embedded_aws.admission.pages import answer_preflight, readable
from embedded_aws.protocol.service import AwsFault, Request, Response, Service
from embedded_aws.world import World

CDN_PREFIX = "/_cdn/"
DOMAIN = ".cloudfront.net"
DEFAULT_TTL = 86_400.0
_INVALIDATION = re.compile(r"/distribution/([^/]+)/invalidation$")
_PATHS = re.compile(rb"<Path>(.*?)</Path>", re.DOTALL)
_AGE = re.compile(r"(?:^|[\s,])(s-maxage|max-age)\s*=\s*(\d+)", re.IGNORECASE)
_UNCACHED = re.compile(r"\b(?:no-store|no-cache|private)\b", re.IGNORECASE)
_TOLD = ("content-type", "content-encoding", "cache-control", "etag", "last-modified")


@dataclass(frozen=True)
class _Kept:
    response: Response
    since: float
    until: float


class CloudFront:
    """The control plane, moto's, and the edge, ours; a Service for the signing name.

    Args:
        control: Answers the CloudFront API.
        world: Clock, and the clients to look up distributions and read origins with.
    """

    def __init__(self, control: Service, world: World) -> None:
        self._control = control
        self._world = world
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], _Kept] = {}

    def handle(self, request: Request) -> Response:
        """Answer the CloudFront API; an invalidation also empties the edge."""
        response = self._control.handle(request)
        match = _INVALIDATION.search(request.path)
        if match and request.method == "POST" and response.status < 300:
            patterns = [unescape(p.decode().strip()) for p in _PATHS.findall(request.body)]
            self._forget(match[1], patterns)
        return response

    def close(self) -> None:
        """Nothing runs on its own here."""

    def deliver(self, request: Request) -> Response:
        """Answer a viewer; what a page of another origin may read, the bucket's rules say.

        Args:
            request: GET, HEAD or a preflight, of ``/_cdn/<id>/<path>``, or of the bare path when
                the host is a distribution's domain.

        Raises:
            AwsFault: no such distribution or object, or its bucket allows no such request.
        """
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            raise AwsFault("MethodNotAllowed", "This distribution allows only GET and HEAD.", 403)
        distribution, path = self._distribution(request.path, request.headers)
        bucket = _bucket(_origin(distribution["DistributionConfig"]))
        if request.method == "OPTIONS":
            return answer_preflight(request, bucket)
        return readable(self._kept_or_fetched(distribution, path), request, bucket)

    def _kept_or_fetched(self, distribution: Mapping[str, Any], path: str) -> Response:
        key = (distribution["Id"], path)
        now = self._world.clock.now()
        with self._lock:
            copy = self._kept.get(key)
        if copy is not None and now < copy.until:
            return _with(copy.response, "Hit from cloudfront", now - copy.since)
        response, ttl = self._fetch(distribution["DistributionConfig"], path)
        if ttl > 0:
            with self._lock:
                self._kept[key] = _Kept(response, now, now + ttl)
        return _with(response, "Miss from cloudfront", 0.0)

    def _distribution(self, path: str, headers: Mapping[str, str]) -> tuple[dict[str, Any], str]:
        cloudfront = self._world.client("cloudfront")
        try:
            if path.startswith(CDN_PREFIX):
                name, _, rest = path.removeprefix(CDN_PREFIX).partition("/")
                return cloudfront.get_distribution(Id=name)["Distribution"], f"/{rest}"
            domain = host_name(headers.get("host", ""))
            for page in cloudfront.get_paginator("list_distributions").paginate():
                for summary in page["DistributionList"].get("Items", []):
                    if summary["DomainName"] == domain:
                        answer = cloudfront.get_distribution(Id=summary["Id"])["Distribution"]
                        return answer, path
        except ClientError as error:
            raise AwsFault("NoSuchDistribution", str(error), 404) from error
        raise AwsFault("NoSuchDistribution", "The specified distribution does not exist.", 404)

    def _fetch(self, config: Mapping[str, Any], path: str) -> tuple[Response, float]:
        """An object from the origin, and for how many virtual seconds it may be kept."""
        origin = _origin(config)
        key = unquote(origin.get("OriginPath", "").lstrip("/") + path).lstrip("/")
        try:
            answer = self._world.client("s3").get_object(
                Bucket=_bucket(origin), Key=key or config.get("DefaultRootObject", "")
            )
        except ClientError as error:
            fault = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise AwsFault(fault["Code"], fault["Message"], status) from error
        from_origin = answer["ResponseMetadata"]["HTTPHeaders"]
        reply_headers = {name: from_origin[name] for name in _TOLD if name in from_origin}
        rule = reply_headers.get("cache-control", "")
        ages = {name.lower(): float(age) for name, age in _AGE.findall(rule)}
        default = float(config["DefaultCacheBehavior"].get("DefaultTTL", DEFAULT_TTL))
        ttl = ages.get("s-maxage", ages.get("max-age", default))
        response = Response(200, answer["Body"].read(), reply_headers)
        return response, 0.0 if _UNCACHED.search(rule) else ttl

    def _forget(self, distribution: str, patterns: list[str]) -> None:
        with self._lock:
            for key in [k for k in self._kept if k[0] == distribution]:
                if any(_covers(pattern, key[1]) for pattern in patterns):
                    del self._kept[key]


def is_for_the_edge(path: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a viewer, not from a customer of the API."""
    return path.startswith(CDN_PREFIX) or host_name(headers.get("host", "")).endswith(DOMAIN)


def _origin(config: Mapping[str, Any]) -> Mapping[str, Any]:
    target = config["DefaultCacheBehavior"]["TargetOriginId"]
    origin: Mapping[str, Any] = next(o for o in config["Origins"]["Items"] if o["Id"] == target)
    return origin


def _bucket(origin: Mapping[str, Any]) -> str:
    return re.split(r"\.s3[.-]", origin["DomainName"])[0]


def _covers(pattern: str, path: str) -> bool:
    """Whether an invalidation path, perhaps with a final ``*``, means this path."""
    pattern = quote(unquote("/" + pattern.lstrip("/")), safe="/*")
    path = quote(unquote(path))
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _with(response: Response, cache: str, age: float) -> Response:
    headers = {**response.headers, "x-cache": cache, "age": str(int(age))}
    return Response(response.status, response.body, headers)
