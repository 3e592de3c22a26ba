"""The journal of a release: its record, where it lies, and who may write to it."""
