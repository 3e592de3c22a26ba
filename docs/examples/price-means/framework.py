"""Stands in for a framework: a module with parameters that are saved and loaded."""

import json


class Module:
    """A price for each grade."""

    def __init__(self, state=None):
        self.state = state or {}

    def __call__(self, grades):
        """Prices; of a grade that was never seen, the mean of all."""
        overall = sum(self.state.values()) / len(self.state)
        return [self.state.get(str(int(grade)), overall) for grade in grades]


def save(module, path):
    """Write the parameters."""
    path.write_text(json.dumps(module.state))


def load(path):
    """Read them again."""
    return Module(json.loads(path.read_text()))
