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
SHARED = json.loads((ROOT / "clients" / "vectors" / "words.json").read_text("utf-8"))
READ = Words(SHARED["spec"])
LENGTHS = {"words": 12, "pairs": 11}
NODE = Path(sys.prefix) / "bin" / "node"
IN_NODE = """
import { readFileSync } from "node:fs";
import { reader, splitter } from %(module)s;
const { spec, texts } = JSON.parse(readFileSync(0, "utf8"));
const [ids, words] = [reader(spec), splitter(spec)];
console.log(JSON.stringify(texts.map((text) => [
  words(text),
  Object.fromEntries(Object.entries(ids(text)).map(([name, of]) => [name, Array.from(of)])),
])));
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
    ids = read.ids(texts)
    return [
        [read.words(text), {name: of[row].tolist() for name, of in ids.items()}]
        for row, text in enumerate(texts)
    ]


def unpadded(ids):
    return {name: [number for number in of if number != PADDING] for name, of in ids.items()}


def test_the_shared_vectors_hold_in_python():
    assert len(SHARED["vectors"]) >= 60
    answered = in_python([row["text"] for row in SHARED["vectors"]])
    for row, (words, ids) in zip(SHARED["vectors"], answered, strict=True):
        assert (words, unpadded(ids)) == (row["words"], row["ids"]), row["text"]


def test_the_shared_vectors_hold_in_javascript():
    answered = in_node([row["text"] for row in SHARED["vectors"]])
    for row, (words, ids) in zip(SHARED["vectors"], answered, strict=True):
        assert (words, unpadded(ids)) == (row["words"], row["ids"]), row["text"]
        assert {name: len(of) for name, of in ids.items()} == LENGTHS


def test_every_code_point_is_read_alike_in_both_languages():
    """Beside letters, marks and itself: composing and folding are asked for too."""
    spec = described(80, (1,), 4096)
    # Half of all planes are nobody's; a few of theirs speak for all.
    points = [*range(0x20000), *range(0x20000, 0x110000, 251)]
    texts = [
        " ".join(f"a{c}b {c} {c}\u0301 E{c} {c}\u3099{c}" for c in map(chr, points[n : n + 8]))
        for n in range(0, len(points), 8)
    ]
    assert in_node(texts, spec) == in_python(texts, Words(spec))


@settings(max_examples=4, deadline=None)
@given(st.lists(st.text(st.characters(codec=None), max_size=40), min_size=50, max_size=80))
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


def test_words_and_pairs_have_ids_of_their_own():
    read = Words(described(4, (1, 2), 10))
    words = [1 + fnv1a("not") % 10, 1 + fnv1a("good") % 10, PADDING, PADDING]
    pairs = [1 + fnv1a("not good") % 10, PADDING, PADDING]
    assert in_python(["Not GOOD!"], read) == [[["not", "good"], {"words": words, "pairs": pairs}]]
    assert {(t.name, t.shape, t.vocabulary) for t in read.tensors} == {
        ("words", (1, 4), 11), ("pairs", (1, 3), 11),
    }  # fmt: skip


def test_a_long_text_is_read_from_its_beginning():
    read = Words(described(3, (1, 2), 50))
    assert in_python(["one two three four"], read) == in_python(["one two three"], read)
    assert not read.ids(["", " ?! "])["words"].any()
    assert READ.ids(["good " * 20_000])["words"].shape == (1, 12)


@given(st.text(max_size=60))
def test_reading_twice_changes_nothing(text):
    once = READ.normalised(text)
    assert READ.normalised(once) == once


@pytest.mark.parametrize(
    ("words", "grams", "buckets", "said"),
    [
        (8, (), 5, "grams"), (8, (0, 1), 5, "grams"), (2, (3,), 5, "grams"), (8, (4,), 5, "grams"),
        (8, (1, 1), 5, "grams"), (8, (1,), 0, "buckets is 0"),
    ],
)  # fmt: skip
def test_a_description_that_means_nothing_is_refused(words, grams, buckets, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        described(words, grams, buckets)
