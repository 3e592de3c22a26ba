"""What the embedded AWS holds, kept in a folder.

docs/decisions/the-embedded-aws-keeps-its-state.md says why it is kept like this.
"""

from embedded_aws.state.store import StateError, Store

__all__ = ["StateError", "Store"]
