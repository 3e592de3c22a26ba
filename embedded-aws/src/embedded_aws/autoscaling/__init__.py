"""Application Auto Scaling, ours: variants of endpoints that really grow and shrink."""

from embedded_aws.autoscaling.service import AutoScaling

__all__ = ["AutoScaling"]
