"""Hyperparameter tuning jobs: training jobs that are launched, compared and stopped."""

from embedded_aws.tuning.api import Tuning

__all__ = ["Tuning"]
