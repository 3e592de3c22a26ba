"""Processing jobs: a command on S3 in, S3 out."""

from embedded_aws.processing.api import Processing

__all__ = ["Processing"]
