"""CloudWatch, ours: metrics that are kept, statistics that are right, alarms that go off."""

from embedded_aws.cloudwatch.service import CloudWatch

__all__ = ["CloudWatch"]
