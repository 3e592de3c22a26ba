"""The AWS that comes in the box: one process, one port, reached only by ``AWS_ENDPOINT_URL``."""

from embedded_aws.embedded import EmbeddedAws

__all__ = ["EmbeddedAws", "__version__"]

__version__ = "0.1.0"
