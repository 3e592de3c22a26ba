"""Every test below asks for ``aws``, an embedded AWS of its module."""

from embedded_aws.fixture import _no_faults_left, aws, aws_environment

__all__ = ["_no_faults_left", "aws", "aws_environment"]
