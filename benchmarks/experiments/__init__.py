"""Experiments: the promise and the time to a decision, beside a test that is peeked at."""
