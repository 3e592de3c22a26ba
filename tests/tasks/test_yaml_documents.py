"""One strict way to read the YAML that people write."""

import re

import pytest
import yaml

from tasks.yaml_documents import NODES, yaml_document, yaml_text


def refused(text, said):
    with pytest.raises(yaml.YAMLError, match=said):
        yaml_document(text)


@pytest.mark.parametrize(
    ("text", "key", "first", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a'", 1, 3),
        ("x:\n  required: true\n  required: false\n", "'required'", 2, 3),
        ("- {a: 1}\n- {b: {c: 1,\n  c: 2}}\n", "'c'", 2, 3),
        ('a: 1\n"a": 2\n', "'a'", 1, 2),
        ("16: a\n0x10: b\n", "16", 1, 2),
        ("true: a\nTrue: b\n", "True", 1, 2),
        ("<<: {a: 1}\nb: 1\n<<: {c: 1}\n", "'<<'", 1, 3),
        ("base: &b {a: 1}\nthis:\n  <<: *b\n  a: 2\n  a: 3\n", "'a'", 4, 5),
    ],
)
def test_a_key_that_is_named_twice_is_refused_with_both_its_lines(text, key, first, line):
    refused(text, rf"the key {key} stands in line {first} already(?s:.*)line {line}, column")


def test_a_merged_key_may_be_written_anew():
    text = "base: &b {a: 1, c: 3}\none: {<<: *b, a: 2}\ntwo: {<<: [*b, {d: 4}]}\n"
    found = yaml_document(text)
    assert found["one"] == {"a": 2, "c": 3}
    assert found["two"] == {"a": 1, "c": 3, "d": 4}


@pytest.mark.parametrize(
    "text",
    ["version: &a [*a]", "&a {b: *a}", "a: [1, &x {c: [*x]}]", "&a {? *a : 1}", "&a {<<: *a}"],
)
def test_a_value_that_contains_itself_is_refused(text):
    refused(text, "stands inside the value that it names(?s:.*)line 1, column")


def test_an_alias_beside_the_value_that_it_names_is_another_word_for_it():
    assert yaml_document("a: &x [1, 2]\nb: *x\nc: [*x, *x]\n")["c"] == [[1, 2], [1, 2]]


LEAF = {"lists": "[x, x, x, x, x, x, x, x, x, x]", "mappings": "{x: 1}", "merged": "{x: 1}"}
ROUND = {"lists": "[{}]", "mappings": "{{a: [{}]}}", "merged": "{{<<: [{}]}}"}


def bomb(kind, levels):
    lines = [f"a0: &a0 {LEAF[kind]}"]
    for level in range(1, levels):
        again = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} {ROUND[kind].format(again)}")
    return "\n".join(lines)


@pytest.mark.parametrize("kind", LEAF)
@pytest.mark.parametrize("levels", [6, 9, 40])
def test_aliases_of_aliases_are_counted_and_not_written_out(kind, levels):
    refused(bomb(kind, levels), rf"it holds [0-9,]+ values, more than {NODES:,}")


@pytest.mark.parametrize("kind", LEAF)
def test_a_few_aliases_of_aliases_are_read(kind):
    assert set(yaml_document(bomb(kind, 3))) == {"a0", "a1", "a2"}


@pytest.mark.parametrize(
    "number", ["1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 5000, "1e400", "-1e+400",
               "0x" + "f" * 300],
)  # fmt: skip
def test_a_number_that_no_float_holds_is_refused(number):
    refused(f"a:\n  - {number}\n", f"{re.escape(number[:20])}.*is beyond(?s:.*)line 2, column 5")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01 10:00:00", "2024-01-01 10:00:00"),
        ("12:00:00", "12:00:00"),
        ("1:30", "1:30"),
        ("010", "010"),
        ("0o10", 8),
        ("0x10", 16),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("1e3", 1000.0),
        ("1e-400", 0.0),
        ("-0", 0),
        (".5", 0.5),
        ("=", "="),
        ("~", None),
        ('"12"', "12"),
    ],
)
def test_a_word_means_what_it_means_in_json_and_is_text_else(written, read):
    found = yaml_document(f"a: {written}")["a"]
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!timestamp 2024-01-01", "timestamp"),
        ("a: !!set {b, c}", "set"),
        ("a: !!python/object:os.system x", "python"),
        ("a: !!int x", "a tag does not fit"),
        ("a: !!bool x", "a tag does not fit"),
        ("a: 1\n---\nb: 1\n", "single document"),
        ("[" * 20_000, "nested too deep"),
        ("a: \x00", "special characters"),
        ("? [a]\n: 1", "unhashable"),
    ],
)
def test_what_is_no_such_document_is_one_kind_of_error(text, said):
    refused(text, said)


def test_nothing_is_nothing():
    assert yaml_document("") is None


@pytest.mark.parametrize("text", ["no", "1e5", "0o7", "010", "12:00", "=", "2024-01-01", "~", "<<"])
def test_a_text_is_written_so_that_every_reader_reads_the_text(text):
    written = yaml_text({text: [text]})
    assert yaml_document(written) == yaml.safe_load(written) == {text: [text]}
