"""A container image in ``model.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Image = Annotated[
    str,
    Field(
        description="Container image: an address, or "
        "`sagemaker:<framework>:<version>[:<python>]`; empty takes the installation's."
    ),
]
