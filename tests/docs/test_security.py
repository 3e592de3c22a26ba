"""Each row of the threat model names a test that there is."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    line
    for line in (ROOT / "docs" / "security.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| who ")
]


def test_every_row_names_a_test_that_there_is():
    assert len(ROWS) > 10
    for row in ROWS:
        named = re.findall(r"`((?:embedded-aws/)?tests/[\w/-]+\.py)::(test_\w+)`", row)
        assert named, f"tried by nothing: {row}"
        for path, test in named:
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            assert test in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, row
