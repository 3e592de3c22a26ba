"""Batch transform jobs: a model's serving program on what lies in S3."""

from embedded_aws.transform.api import Transform

__all__ = ["Transform"]
