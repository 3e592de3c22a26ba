"""What the documentation tells people to type is typed, block by block."""

import os
import re

import pytest

from embedded_aws.fixture import _no_faults_left, aws
from tests.docs.howtos import (
    ELSEWHERE,
    FENCE,
    ROOT,
    all_blocks,
    blocks_of,
    clone,
    pages,
    type_in,
)

__all__ = ["_no_faults_left", "aws"]

BLOCKS = all_blocks()
SECONDS = 900.0
pytestmark = pytest.mark.timeout(1000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("howtos") / "sluice")


def own_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.where == "alone"], ids=str)
def test_a_block_that_needs_nothing(block, folder):
    type_in(block, folder, own_environment(), SECONDS)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.where == "aws"], ids=str)
def test_a_block_that_needs_an_aws(block, folder, aws):
    told = {**own_environment(), **aws.environment(), "HOWTO_AWS": aws.endpoint_url}
    type_in(block, folder, told, SECONDS)


def test_every_block_is_run_by_some_test():
    journeys = (ROOT / "tests" / "journeys" / "test_howtos.py").read_text("utf-8")
    assert 'b.where == "stack"' in journeys
    assert {b.where for b in BLOCKS} <= {"alone", "aws", "stack", "elsewhere"}
    left = [str(b) for b in BLOCKS if b.where == "elsewhere"]
    assert len(left) <= len(ELSEWHERE), left


def test_commands_stand_in_a_block_that_is_found():
    """A fence without a language, or of a language that nobody runs, must hold no command."""
    typed = re.compile(
        r"^\s*(\$ )?(make|python3?|\.venv/bin/\w+|prefect|aws|pip|git) [\w-]", re.MULTILINE
    )
    hidden = []
    for page in pages():
        text = page.read_text("utf-8")
        found = {block.line for block in blocks_of(text, page.name)}
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if line not in found and typed.search(match["body"]):
                hidden.append(f"{page.relative_to(ROOT)}:{line}")
    assert hidden == []


def test_a_failing_command_fails_its_block(folder):
    [block] = blocks_of("text\n\n```bash\nls no-such-folder\nls\n```\n", "made-up.md")
    assert (block.where, block.line) == ("alone", 3)
    with pytest.raises(AssertionError, match=r"made-up\.md:3 ended with"):
        type_in(block, folder, own_environment(), SECONDS)


def test_a_block_that_nobody_has_thought_of_goes_to_the_stack():
    [block] = blocks_of("```sh\nfrobnicate --all\n```\n", "made-up.md")
    assert block.where == "stack"
    [console] = blocks_of("```console\n$ aws s3 ls\nwhat it says\n```\n", "made-up.md")
    assert (console.where, console.commands) == ("aws", "aws s3 ls")
