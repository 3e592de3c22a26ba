"""Alarms: what is kept of them, how their state is decided, and what they then do."""
