"""What these tests may ask for."""

from tests.models.trained import trained

__all__ = ["trained"]
