from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.buckets import BUCKETS, bucket

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "clients" / "vectors" / "buckets.json"
NODE = Path(sys.prefix) / "bin" / "node"
IN_NODE = """
import { readFileSync } from "node:fs";
import { bucket } from %(module)s;
const { vectors } = JSON.parse(readFileSync(0, "utf8"));
const seen = [];
for (const { user_id, salt } of vectors) seen.push(await bucket(user_id, salt));
console.log(JSON.stringify(seen));
"""


def vectors() -> list[dict]:
    return json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]


def in_node(text: str) -> list[int]:
    module = json.dumps((ROOT / "clients" / "javascript" / "buckets.js").as_uri())
    ran = subprocess.run(
        [NODE, "--input-type=module", "-e", IN_NODE % {"module": module}],
        input=text.encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(ran.stdout)


def test_the_shared_vectors_hold_in_python() -> None:
    wrong = [row for row in vectors() if bucket(row["user_id"], row["salt"]) != row["bucket"]]
    assert len(vectors()) >= 50
    assert wrong == []


def test_the_shared_vectors_hold_in_javascript() -> None:
    if not NODE.exists():
        pytest.skip("node is not installed beside this Python")
    assert in_node(VECTORS.read_text(encoding="utf-8")) == [row["bucket"] for row in vectors()]


def test_any_text_falls_into_the_same_bucket_in_both_languages() -> None:
    if not NODE.exists():
        pytest.skip("node is not installed beside this Python")
    texts = [chr(c) + "é" + chr(c // 2) for c in range(0, 0x110000, 911)]
    asked = [{"user_id": text, "salt": text[::-1]} for text in texts]
    assert in_node(json.dumps({"vectors": asked})) == [
        bucket(row["user_id"], row["salt"]) for row in asked
    ]


@given(st.text(), st.text(max_size=20))
def test_the_bucket_is_the_published_formula(user: str, salt: str) -> None:
    digest = hashlib.sha256(f"{salt}:{user}".encode()).hexdigest()
    assert bucket(user, salt) == int(digest[:8], 16) % 100


@given(st.text(alphabet=st.characters(min_codepoint=0xD700, max_codepoint=0xE0FF)))
def test_halves_of_characters_are_no_fault(user: str) -> None:
    assert 0 <= bucket(user, "salt") < BUCKETS


def test_the_buckets_are_filled_evenly_and_salts_deal_anew() -> None:
    users = [f"user-{n}" for n in range(20_000)]
    counts = [0] * BUCKETS
    for user in users:
        counts[bucket(user, "even")] += 1
    chi_square = sum((count - 200) ** 2 / 200 for count in counts)
    assert chi_square < 148.2  # 99 degrees of freedom: exceeded once in a thousand
    same = sum(bucket(u, "even") == bucket(u, "other") for u in users)
    assert 100 < same < 300  # one in a hundred by chance
