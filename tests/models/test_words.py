"""A text becomes the same ids in Python and in JavaScript, whatever Unicode each of them knows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.runtime.tables.operations import fnv1a
from models.runtime.texts.words import PADDING, Words, described

ROOT = Path(__file__).resolve().parents[2]
SHARED = json.loads((ROOT / "tests" / "vectors" / "words.json").read_text("utf-8"))
READ = Words(SHARED["spec"])
NODE = Path(sys.prefix) / "bin" / "node"
IN_NODE = """
import { readFileSync } from "node:fs";
import { reader, splitter } from %(module)s;
const { spec, texts } = JSON.parse(readFileSync(0, "utf8"));
const [ids, words] = [reader(spec), splitter(spec)];
console.log(JSON.stringify(texts.map((text) => [words(text), Array.from(ids(text))])));
"""


def in_node(texts, spec=SHARED["spec"]):
    """Words and ids of texts, by the reference in JavaScript."""
    if not NODE.exists():
        pytest.skip("node is not installed beside this Python")
    module = json.dumps((ROOT / "clients" / "javascript" / "words.js").as_uri())
    ran = subprocess.run(
        [NODE, "--input-type=module", "-e", IN_NODE % {"module": module}],
        input=json.dumps({"spec": spec, "texts": texts}).encode(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    return json.loads(ran.stdout)


def in_python(texts, read=READ):
    return [
        [words, ids] for words, ids in zip(map(read.words, texts), read.ids(texts).tolist(),
                                           strict=True)
    ]  # fmt: skip


def unpadded(ids):
    return [number for number in ids if number != PADDING]


def test_the_shared_vectors_hold_in_python():
    assert len(SHARED["vectors"]) >= 60
    for row in SHARED["vectors"]:
        assert READ.words(row["text"]) == row["words"], row["text"]
        assert unpadded(READ.ids([row["text"]])[0].tolist()) == row["ids"], row["text"]


def test_the_shared_vectors_hold_in_javascript():
    answered = in_node([row["text"] for row in SHARED["vectors"]])
    for row, (words, ids) in zip(SHARED["vectors"], answered, strict=True):
        assert (words, unpadded(ids)) == (row["words"], row["ids"]), row["text"]
        assert len(ids) == SHARED["spec"]["length"]


def test_every_code_point_is_read_alike_in_both_languages():
    """Beside letters, marks and itself: composing and folding are asked for too."""
    read = Words(described(40, (1, 2), 4096))
    for first in range(0, 0x110000, 0x8000):
        points = map(chr, range(first, first + 0x8000, 3 if first >= 0x30000 else 1))
        texts = [f"a{c}b {c} {c}\u0301 E{c} {c}\u3099{c}" for c in points]
        assert in_node(texts, described(40, (1, 2), 4096)) == in_python(texts, read)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(codec=None), max_size=200), min_size=200, max_size=300))
def test_any_text_is_read_alike_in_both_languages(texts):
    assert in_node(texts) == in_python(texts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("don't", "DON’T"),
        ("caf\u00e9", "CAFE\u0301"),
        ("straße", "STRASSE"),
        ("straße", "STRAẞE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("I ❤ it", "I ❤️ it"),
        ("soft\u00adhyphen", "softhyphen"),
        ("good,food", "  good food!!"),
    ],
)
def test_what_is_meant_alike_is_read_alike(one, other):
    assert READ.words(one) == READ.words(other)


def test_scripts_without_blanks_and_emoji_are_words_one_by_one():
    assert READ.words("很好吃 👍👍 𠮷野家") == ["很", "好", "吃", "👍", "👍", "𠮷", "野", "家"]


def test_half_a_character_parts_words_and_harms_nobody():
    assert READ.words("a\ud800b") == ["a", "b"]


def test_words_come_first_then_pairs_each_in_buckets_of_their_own():
    read = Words(described(4, (1, 2), 10))
    not_good = 1 + 10 + fnv1a("not good") % 10
    ids = [1 + fnv1a("not") % 10, 1 + fnv1a("good") % 10, not_good, *[PADDING] * 4]
    assert read.ids(["Not GOOD!"]).tolist() == [ids]
    assert (read.length, read.vocabulary) == (7, 21)


def test_a_long_text_is_read_from_its_beginning():
    read = Words(described(3, (1, 2), 50))
    assert read.ids(["one two three four"]).tolist() == read.ids(["one two three"]).tolist()
    assert (read.ids(["", " ?! "]) == PADDING).all()
    assert READ.ids(["good " * 20_000]).shape == (1, SHARED["spec"]["length"])


@given(st.text(max_size=60))
def test_reading_twice_changes_nothing(text):
    once = READ.normalised(text)
    assert READ.normalised(once) == once


@pytest.mark.parametrize(
    ("words", "grams", "buckets", "said"),
    [
        (8, (), 5, "grams"), (8, (0, 1), 5, "grams"), (2, (3,), 5, "grams"), (8, (1, 1), 5, "grams"),
        (8, (1,), 0, "buckets is 0"),
    ],
)  # fmt: skip
def test_a_description_that_means_nothing_is_refused(words, grams, buckets, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        described(words, grams, buckets)
