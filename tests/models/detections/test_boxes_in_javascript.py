"""Maps become the same boxes in Python and in JavaScript."""

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from models.runtime.tasks.detection import Detection

ROOT = Path(__file__).resolve().parents[3]
SHARED = json.loads((ROOT / "clients" / "vectors" / "boxes.json").read_text("utf-8"))["vectors"]
NODE = Path(sys.prefix) / "bin" / "node"
IN_NODE = """
import { readFileSync } from "node:fs";
import { finder } from %(module)s;
const asked = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(asked.map(({ output, maps }) => finder(output)(maps))));
"""


def in_node(asked):
    """Objects of maps, by the reference in JavaScript."""
    if not NODE.exists():
        pytest.skip("node is not installed beside this Python")
    module = json.dumps((ROOT / "clients" / "javascript" / "boxes.js").as_uri())
    ran = subprocess.run(
        [NODE, "--input-type=module", "-e", IN_NODE % {"module": module}],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    return json.loads(ran.stdout)


def in_python(asked):
    found = []
    for one in asked:
        task, grid = Detection(one["output"]), one["output"]["grid"]
        maps = np.asarray(one["maps"]).reshape(1, grid, grid, -1)
        found.append(task.answers(task.predicted({"prediction": maps}))[0]["objects"])
    return found


def alike(some, others):
    assert [len(one) for one in some] == [len(one) for one in others]
    for one, other in zip(chain(*some), chain(*others), strict=True):
        assert (one["label"], one["confident"]) == (other["label"], other["confident"])
        assert one["confidence"] == pytest.approx(other["confidence"], rel=1e-9)
        assert one["box"] == pytest.approx(other["box"], abs=1e-9)


def made(seed):
    """Maps as int8 answers them, where equal neighbours are common."""
    rng = np.random.default_rng(seed)
    classes, grid = [f"c{n}" for n in range(int(rng.integers(1, 4)))], int(rng.integers(2, 7))
    maps = rng.integers(0, 9, (grid, grid, len(classes) + 4)) / 8
    output = {
        "classes": classes,
        "grid": grid,
        "most": 5,
        "least_chance": 0.2,
        "confidence_threshold": 0.7,
    }
    if seed % 2:
        output["calibration"] = {"slope": 1.7, "intercept": -0.3, "rows": 40}
    return {"output": output, "maps": maps.ravel().tolist()}


def test_the_shared_vectors_hold_in_python_and_in_javascript():
    assert len(SHARED) >= 4
    alike(in_python(SHARED), [one["objects"] for one in SHARED])
    alike(in_node(SHARED), [one["objects"] for one in SHARED])


def test_any_maps_become_the_same_boxes():
    asked = [made(seed) for seed in range(60)]
    expected = in_python(asked)
    assert sum(map(len, expected)) > 100
    alike(in_node(asked), expected)
