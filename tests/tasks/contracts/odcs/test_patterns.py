r"""Patterns of ECMA-262 in Python: what both understand alike, held against an engine of ECMA."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.contracts.odcs import contract_of
from tasks.contracts.odcs.patterns import python_pattern
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document

NODE = Path(sys.prefix) / "bin" / "node"
SEARCH = """
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(asked.map(([pattern, texts]) => {
  const found = new RegExp(pattern);
  return texts.map(text => found.test(text));
})));
"""


def ecma(asked):
    """What an engine of ECMA-262 finds: for each (pattern, texts) whether each text has it."""
    done = subprocess.run(
        [NODE, "-e", SEARCH], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def found(pattern, texts):
    search = re.compile(python_pattern(pattern)).search
    return [search(text) is not None for text in texts]


BLANKS = [chr(at) for at in range(0x3010)] + ["\ufeff", "\ufffe"]
LETTERS = "aZ_09-é٣ſKβ"


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        *((rf"^{name}$", BLANKS) for name in (r"\s", r"\S", r"\w", r"\W", r"\d", r"\D", ".")),
        *((rf"^[{name}]$", BLANKS) for name in (r"\s", r"\S", r"^\s", r"^\S", r"\sa", r"\S\n")),
        (r"\bfoo\b", ["foo", "éfoo", "foo é", "foo_", "a foo.", "fooé", "barfoo", "x foo"]),
        (r"\Bfoo\B", ["foo", "éfooé", "afoob", "afoo", "_foo1"]),
        (r"^\b|\b$", ["", "é", "a", " a"]),
        *((rf"^[{name}]$", list(f"{LETTERS}./,+z`[&|~"))
          for name in (r"\w-.", r"+-\d", r"\w-z", r"a-", r"-a", r"\d-\w", r"^\w-", r"&&a", r"[a",
                       r"a||b", r"a~~", r"+--", r"\b")),
        (r"^(a)?b\1$", ["b", "aba", "ab", "ba"]),
        (r"^(?:(a)|b)\1$", ["b", "aa", "ab", "a"]),
        (r"^(?<y>a)?\k<y>c$", ["c", "aac", "ac"]),
        (r"^(?!(a))\1b$", ["b", "ab"]),
        (r"^((a)?b)\2$", ["b", "aba", "ab"]),
        (r"^(?:(['\"])x\1,?)+$", ["'x'", "'x',\"x\"", "'x\""]),
        (r"^a}+$", ["a}", "a}}", "a"]),
        (r"^\++[+]+$", ["++", "+"]),
        (r"^a{2,3}?b{1}c{0,}$", ["aab", "aaabc", "ab"]),
        (r"^.$", ["a", "\n", "\r", "\u2028", "\x85", "\x0b"]),
        (r"a$", ["a", "a\n", "ba"]),
        (r"^\x41\u0042\/\0\t\-$", ["AB/\x00\t-"]),
        (r"^a{,b$", ["a{,b"]),
    ],
)  # fmt: skip
def test_a_pattern_finds_what_ecma_finds(pattern, texts):
    [said] = ecma([[pattern, texts]])
    differing = [t for t, ours, theirs in zip(texts, found(pattern, texts), said, strict=True)
                 if ours != theirs]  # fmt: skip
    assert differing == []


PARTS = ("a", "b", "é", " ", "_", ".", r"\s", r"\S", r"\b", r"\B", r"\w", r"\W", r"\d", "^", "$",
         r"[\s-]", r"[^\w]", "[a-b]", r"\1", r"\2", "(", "(?:", "(?=", "(?!", ")", ")", "|", "*",
         "?", "+", "{1,2}", "*?", "(a)", "(?:b|a)", r"\-", "]", "}")  # fmt: skip
SIGNS = "ab é_-\ufeff\x1c\x85\n1"


def test_whatever_is_accepted_finds_what_ecma_finds():
    draw = random.Random(11)
    asked = []
    for _ in range(6_000):
        pattern = "".join(draw.choices(PARTS, k=draw.randint(1, 9)))
        try:
            python_pattern(pattern)
        except re.error:
            continue
        texts = ["".join(draw.choices(SIGNS, k=draw.randint(0, 5))) for _ in range(8)]
        asked.append((pattern, texts))
    assert len(asked) > 300
    for (pattern, texts), said in zip(asked, ecma(asked), strict=True):
        assert found(pattern, texts) == said, (pattern, texts)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"\Aa", r"\\A is none of ECMA-262's escapes; write \^"),
        (r"a\Z", r"\\Z is none of ECMA-262's escapes; write \$"),
        (r"[\A]", r"\\A is none"),
        (r"\a", r"write \\x07"),
        (r"\N{DASH}", r"\\N is none of ECMA-262's escapes; write the sign itself"),
        (r"\U0001F600", "write the sign itself"),
        ("a{,3}", r"write \{0,n\}"),
        ("(?:a){,}", r"write \{0,n\}"),
        (r"\b*a", r"\\b cannot be repeated"),
        ("a++", r"\+\+ gives nothing back"),
        ("a*+", r"\*\+ gives nothing back"),
        ("a?+", r"\?\+ gives nothing back"),
        ("[a]{1,2}+", r"\{1,2\}\+ gives nothing back"),
        ("(a)++", "gives nothing back"),
        ("(?>a)", r"\(\?>a begins no group that"),
        ("(?x)a b", r"\(\?x\) begins no group that"),
        ("(?i)a", r"for either case write \[Aa\]"),
        ("(?i:a)", "begins no group that"),
        ("(?#note)a", r"\(\?#n begins no group that"),
        ("(?P<y>a)(?P=y)", "begins no group that"),
        ("(a)(?(1)b|c)", "begins no group that"),
        (r"^(?:(a)|b)*\1$", r"\\1 refers to a group that a repeat may leave out"),
        (r"((?<y>a)?b)+\k<y>", r"\\k<y> refers to a group that a repeat may leave out"),
        (r"(?<=(a)\1)", r"\\1 looks behind"),
        (r"\ud83d\ude00", r"\\ud83d is half a sign; write the sign itself"),
        (r"[\ud83d\ude00]", "is half a sign"),
        (r"\DE00\uDE00", r"\\uDE00 is half a sign"),
        ("[]", "an empty set"),
        ("[^]", "an empty set"),
        ("[a", "unterminated"),
        ("a)", "unbalanced"),
        ("(a", "unterminated"),
        ("a\\", "bad escape"),
        (r"\p{L}", r"\\p is none that ECMA-262 and Python share; write ranges"),
        (r"[\P{L}]", r"\\P is none that"),
        (r"\cA", r"\\c is none that .*; write \\x01"),
        (r"\u{1F600}", r"\\u is four digits .*; write the sign itself"),
        (r"[\u{1F600}]", r"\\u is four digits"),
        ("[[:alpha:]]+", r"\[:alpha:\] is no class in ECMA-262; write its signs"),
        ("[_[:digit:]]", r"\[:digit:\] is no class"),
    ],
)
def test_what_the_two_understand_in_two_ways_is_refused_by_name(pattern, said):
    with pytest.raises(re.error, match=said):
        python_pattern(pattern)
    column = {"name": "s", "logicalType": "string", "logicalTypeOptions": {"pattern": pattern}}
    with pytest.raises(InvalidContract, match=r"column s: pattern .* does not compile: "):
        contract_of(document([column]), "things", "t")
    rule = {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": pattern}}
    with pytest.raises(InvalidContract, match="does not compile: "):
        contract_of(document([{**column, "quality": [rule], "logicalTypeOptions": {}}]),
                    "things", "t")  # fmt: skip
