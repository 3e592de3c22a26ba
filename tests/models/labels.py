"""Labels of any task, by the types of a contract's column that it says it predicts."""

from models.runtime.family import plug_in

NAMES = ("garden", "pool", "view")
KINDS = ("string", "array", "boolean", "number", "integer")
"""Types of a label, the one that says most of a task first."""


def label_of(task, number):
    """The label of a row that depends on a number from 0 to 1.

    So a new task is tested as it is: it says its types in ``label_types``, and what the objects of
    an array have in ``label_fields``.
    """
    kind = next(kind for kind in KINDS if kind in task.label_types)
    name = NAMES[min(int(number * len(NAMES)), len(NAMES) - 1)]
    if kind == "array" and task.label_fields:
        # A square whose place and class go with the number.
        low = 0.1 + 0.4 * number
        box = [round(corner, 3) for corner in (low, low, low + 0.4, low + 0.4)]
        return [{"label": name, "box": box}] if number > 0.1 else []
    values = {
        "string": name,
        "array": [name for index, name in enumerate(NAMES) if number > (index + 1) / 4],
        "boolean": bool(number > 0.8),
        "number": 100 + 300 * number,
        "integer": round(20 * number),
    }
    return values[kind]


def labels_of(name, rows):
    """A column of a task's labels, from the least to the greatest."""
    return [label_of(plug_in("tasks", name), number / (rows - 1)) for number in range(rows)]
