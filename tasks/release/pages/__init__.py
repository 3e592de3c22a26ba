"""What people read of a release: timeline, charts, folded lines, and the summary. Pure."""
