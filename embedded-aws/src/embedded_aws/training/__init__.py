"""SageMaker training jobs, run for real: subprocesses under the script-mode contract."""

from embedded_aws.training.api import Training

__all__ = ["Training"]
