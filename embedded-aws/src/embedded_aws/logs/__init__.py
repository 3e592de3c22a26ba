"""CloudWatch Logs: moto's, with filter patterns that filter, and the lines of our own services."""

from embedded_aws.logs.lines import FLUSH_SECONDS, Logs

__all__ = ["FLUSH_SECONDS", "Logs"]
