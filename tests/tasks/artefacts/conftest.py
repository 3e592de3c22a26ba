"""What these tests may ask for."""

from embedded_aws.fixture import _no_faults_left, aws, aws_environment
from tests.models.trained import trained

__all__ = ["_no_faults_left", "aws", "aws_environment", "trained"]
