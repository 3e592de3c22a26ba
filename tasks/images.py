"""Addresses of container images: what ``model.yaml`` or the settings name, as AWS knows it."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Literal

from tasks.errors import InvalidSetting

PREFIX = "sagemaker:"
Scope = Literal["training", "inference"]
_FORM = f"{PREFIX}<framework>:<version>[:<python>], like {PREFIX}tensorflow:2.18:py310"
_PARTS = (2, 3)
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\Z")
_TAG = re.compile(r":(\w[\w.-]{0,127})\Z", re.ASCII)  # of OCI's distribution specification
MOVING = "latest"
"""The tag that means whatever was pushed last."""
LONGEST = 255
"""Characters that SageMaker takes of an address."""


def region() -> str:
    """The region that every client and every image is of."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def fault_of(image: str, *, by_digest: bool) -> str:
    """Why an image is not taken, in a sentence; "" when it is.

    What runs must be what was tried: `latest`, and no tag at all, is whatever was pushed last, and
    any other tag can be pushed anew.

    Args:
        image: An address, or ``sagemaker:<framework>:<version>[:<python>]``.
        by_digest: Whether only a digest will do, as in production.
    """
    if by_digest and not _DIGEST.search(image):
        return (
            f"{image!r} is not fixed by its digest, which SLUICE_ENVIRONMENT=production asks for; "
            "write …/<repository>@sha256:<digest>, which `aws ecr batch-get-image` tells"
        )
    if image.startswith(PREFIX):
        return ""
    if not image or len(image) > LONGEST or any(character.isspace() for character in image):
        return f"{image!r} is no address of an image"
    _registry, slash, repository = image.rpartition("/")
    if not slash:
        return (
            f"{image!r} names no registry; write the whole address, or "
            f"{PREFIX}<framework>:<version>"
        )
    if "@" in repository:
        return "" if _DIGEST.search(repository) else f"{image!r} ends in no SHA-256"
    tag = _TAG.search(repository)
    if tag is None or tag[1] == MOVING:
        return f"{image!r} is whatever was pushed last; write a tag of one version, or the digest"
    return ""


@lru_cache(maxsize=64)
def address_of(image: str, instance_type: str, scope: Scope, where: str = "") -> str:
    """The registry address of an image.

    AWS keeps its framework images in accounts that differ by region, and in variants that differ by
    processor; the SageMaker SDK knows them all. Anything else is an address already.

    Args:
        image: An address, or ``sagemaker:<framework>:<version>[:<python>]``.
        instance_type: Decides between the images for processors and for accelerators.
        scope: What the container is for.
        where: Region; empty takes the environment's.

    Raises:
        InvalidSetting: the SDK knows no such image or is not installed, or the name is none.
    """
    if not image.startswith(PREFIX):
        return image
    parts = image.removeprefix(PREFIX).split(":")
    if len(parts) not in _PARTS or not all(parts):
        raise InvalidSetting(f"The image {image!r} is no name of an image.", f"Write {_FORM}.")
    try:
        from sagemaker.core import image_uris  # seconds to import: only who names images so pays
    except ImportError as error:
        raise InvalidSetting(
            f"The image {image!r} is one of AWS's; the SageMaker SDK, which knows their addresses, "
            f"is not installed: {error}",
            "Install Sluice with its extra `sagemaker`; or write the image's address.",
        ) from error
    try:
        return str(
            image_uris.retrieve(
                framework=parts[0],
                version=parts[1],
                py_version=parts[2] if len(parts) == max(_PARTS) else None,
                region=where or region(),
                instance_type=instance_type,
                image_scope=scope,
            )
        )
    except (ValueError, OSError) as error:  # the SDK opens a file by the framework's name
        raise InvalidSetting(
            f"The SageMaker SDK knows no image {image!r} for {scope}: {error}",
            f"Name one that it knows, as {_FORM}; or write the image's address.",
        ) from error
