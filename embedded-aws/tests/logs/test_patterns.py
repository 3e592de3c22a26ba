"""Filter patterns, by the examples of the user guide and by their laws."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from embedded_aws.logs.patterns import PatternError, parse_pattern

ERRORS = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[ERROR 500] INTERNAL SERVER ERROR",
    "[INFO] REQUEST FAILED",
]
TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "cluster.name": "c",
        "cluster": {"name": "d"},
        "ThisFlag": True,
        "errorCode": 400,
        "text": "400",
        "small": 0.001,
        "id": 9007199254740993,
    }
)
PEOPLE = json.dumps(
    {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [
            {"id": 2, "email": "John.Doe@example.com"},
            {"id": 3, "email": "Jane.Doe@example.com"},
        ],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }
)
APACHE = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
SERVICE = [
    "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200",
    "INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310",
    "WARNING 09/25/2014 12:00:02 Invalid user request",
    "ERROR 09/25/2014 12:00:02 Failed to process request",
]


def matches(pattern, message):
    return parse_pattern(pattern).matches(message)


def found(pattern, messages):
    return {i for i, message in enumerate(messages) if matches(pattern, message)}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", {0, 1, 2, 3, 4, 5}),
        ('" "', {0, 1, 2, 3, 4, 5}),
        ("ERROR", {0, 1, 2, 3, 4}),
        ("error", set()),
        ("ERROR ARGUMENTS", {2, 3}),
        ("?ERROR ?FAILED", {0, 1, 2, 3, 4, 5}),
        ("?MISSING ?INVALID", {2, 3}),
        ("?ERROR ?ARGUMENTS REQUEST", {0, 1, 5}),
        ("?ERROR -REQUEST", {2, 3, 4}),
        ('"INTERNAL SERVER ERROR"', {4}),
        ('"[ERROR 4" REQUEST', {0, 1}),
        ("ERROR -ARGUMENTS", {0, 1, 4}),
        ('ERROR -"BAD REQUEST" -ARGUMENTS', {1, 4}),
        ("-ERROR", {5}),
        ('?"BAD REQUEST" ?FAILED', {0, 5}),
        ("%AUTHORIZED%", {1}),
        (r"%^\[ERROR [0-9]{3}\] (?%", None),
        (r"%^\[INFO\]|SERVER%", {4, 5}),
    ],
)
def test_terms(pattern, expected):
    if expected is None:
        with pytest.raises(PatternError):
            parse_pattern(pattern)
    else:
        assert found(pattern, ERRORS) == expected


def test_quotation_marks_are_escaped_within_phrases():
    assert matches(r'"{\"level\":\"error\"}"', '{"level":"error"}')
    assert matches(r'"a\\b"', r"a\b")


WORDS = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=8)
LINES = st.text(max_size=60)


@given(WORDS, LINES)
def test_a_term_matches_the_lines_that_hold_it(word, line):
    assert matches(word, line) == (word in line)
    assert matches(word, line + word)


@given(st.text(min_size=1, max_size=20).filter(lambda phrase: not phrase.isspace()), LINES)
def test_a_phrase_matches_the_lines_that_hold_it(phrase, line):
    quoted = '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert matches(quoted, line) == (phrase in line)
    assert matches(quoted, f"{line}{phrase}{line}")


@given(WORDS, WORDS, LINES)
def test_terms_join_and_exclude(one, other, line):
    for text in (line, line + one, line + other, one + line + other):
        assert matches(f"-{one}", text) != matches(one, text)
        assert matches(f"{one} {other}", text) == (matches(one, text) and matches(other, text))
        assert matches(f"?{one} ?{other}", text) == (matches(one, text) or matches(other, text))
        assert matches(f"{one} ?{other}", text) == matches(one, text)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{$.eventType=UpdateTrail}", True),
        ('{ $.eventType = "Update" }', False),
        ('{ $.eventType = "Update*" }', True),
        ("{ $.eventType = *Trail }", True),
        ("{ $.eventType = *date* }", True),
        ("{ $.eventType = Up*ail }", False),
        ("{ $.eventType = * }", True),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ("{ $.sourceIPAddress != 111.111.* }", False),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.arrayKey[9] = "value" }', False),
        ('{ $.arrayKey = "value" }', False),
        ('{ $.arrayKey != "value" }', False),
        ("{ $.eventType = %Trail% }", True),
        ("{ $.eventType != %Trail% }", False),
        ("{ $.arrayKey[*] = %val.{2}% }", True),
        (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", True),
        ("{ $.objectList[*].name = b }", True),
        ("{ $.objectList[*].name = c }", False),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[*].id > 1 }", True),
        ("{ $.objectList[*].id > 2 }", False),
        ("{ $.['cluster.name'] = \"c\" }", True),
        ("{ $.cluster.name = d }", True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.eventType IS NULL }", False),
        ("{ $.missing IS NULL }", False),
        ("{ $.SomeObject = * }", False),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.ThisFlag = true }", False),
        ("{ $.errorCode = 400 }", True),
        ("{ $.errorCode = 4e2 }", True),
        ("{ $.errorCode = +400.0 }", True),
        ("{ $.errorCode = 4* }", True),
        ('{ $.errorCode = "400" }', True),
        ("{ $.errorCode != 500 }", True),
        ("{ $.errorCode != 400 }", False),
        ("{ $.errorCode >= 400 && $.errorCode < 400.5 }", True),
        ("{ $.errorCode > 400 }", False),
        ("{ $.text = 400 }", True),
        ("{ $.eventType > 5 }", False),
        ("{ $.eventType <= 5 }", False),
        ("{ $.small <= 1e-3 }", True),
        ("{ $.small != 1e-3 }", False),
        ("{ $.id = 9007199254740992 }", False),
        ("{ $.missing != 5 }", False),
        ('{ $.missing != "x" || $.errorCode = 400 }', True),
    ],
)
def test_json(pattern, expected):
    assert matches(pattern, TRAIL) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
        (
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch '
            "&& $.actions[2] = nomatch }",
            True,
        ),
        (
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) '
            "&& $.actions[2] = nomatch }",
            False,
        ),
        ("{ $.coordinates[1][2] = 6 }", True),
        ("{ $.coordinates[*][2] = 9 }", True),
    ],
)
def test_json_conditions_are_joined(pattern, expected):
    assert matches(pattern, PEOPLE) is expected


@pytest.mark.parametrize(
    "message", ["", "a = 1", "[1]", '"text"', "5", '{"a": 1', '{"a": NaN}', "[" * 100_000]
)
def test_what_is_no_json_object_matches_no_json_pattern(message):
    assert not matches("{ $.a NOT EXISTS }", message)


SCALARS = st.one_of(
    st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3)
)


@given(SCALARS, st.integers(-5, 5))
def test_a_comparison_and_its_opposite(value, bound):
    message = json.dumps({"v": value})
    assert matches(f"{{ $.v = {bound} }}", message) != matches(f"{{ $.v != {bound} }}", message)
    if isinstance(value, int | float):
        assert matches(f"{{ $.v < {bound} }}", message) == (value < bound)
        assert matches(f"{{ $.v >= {bound} }}", message) == (value >= bound)
        assert matches(f"{{ $.v = {bound} }}", message) == (value == bound)


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_and_binds_closer_than_or(a, b, c):
    message = json.dumps({"a": a, "b": b, "c": c})
    assert matches("{ $.a = 1 || $.b = 2 && $.c = 3 }", message) == (a == 1 or (b == 2 and c == 3))
    assert matches("{ ($.a = 1 || $.b = 2) && $.c = 3 }", message) == (
        (a == 1 or b == 2) and c == 3
    )


@given(st.text(st.characters(codec="ascii", exclude_characters="'"), min_size=1), st.integers())
def test_brackets_select_a_property_of_any_name(name, value):
    assume("\\" not in name)
    message = json.dumps({name: value})
    assert matches(f"{{ $.['{name}'] = {value} }}", message)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", True),
        (
            r"[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, "
            "status_code = 4*, bytes]",
            True,
        ),
        ("[..., request =*.html*, status_code = 4*, bytes]", True),
        ("[..., request=*.html*, status_code=4*,]", True),
        ("[ip, user, ...]", True),
        ("[ip, ..., bytes = 1534]", True),
        ("[ip != 127.*, ...]", False),
        ("[..., status_code = 404 || status_code = 410, bytes]", True),
        ("[..., status_code = 4* && status_code != 404, bytes]", False),
        ("[..., status_code = 500 || status_code = 4* && status_code != 403, bytes]", True),
        ("[..., bytes > 1000]", True),
        ("[..., bytes > 1534]", False),
        ("[..., timestamp > 5, request, status_code, bytes]", False),
        ('[..., request = "GET /index.html HTTP/1.0", status_code, bytes]', True),
        ("[a, b, c, d, e, f, g, h]", False),
        ("[a, b, c, d, e, f, g, h, ...]", False),
        ("[a, b, rest = *1534]", True),
        ("[]", True),
        ("[...]", True),
    ],
)
def test_fields(pattern, expected):
    assert matches(pattern, APACHE) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[w1=ERROR, w2]", {3}),
        ("[w1=ERROR]", set()),
        ("[w1=ERROR || w1=WARNING, w2]", {2, 3}),
        ("[w1=ERROR || w1=%WARN%, w2]", {2, 3}),
        ("[w1!=ERROR && w1!=WARNING, w2]", {0, 1}),
        ("[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]", {0}),
        (
            "[logLevel, date, time, method, url=%/service/resource/[0-9]+/part/[0-9]+$%, "
            "response_time]",
            {1},
        ),
    ],
)
def test_fields_in_order(pattern, expected):
    assert found(pattern, SERVICE) == expected


def test_fields_are_extracted():
    line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534'
    first = {
        "$1": "127.0.0.1",
        "$2": "-",
        "$3": "frank",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$5": "GET /apache_pb.gif HTTP/1.0",
        "$6": "200",
    }
    sized = parse_pattern("[..., size]").find(line)
    assert sized.extracted == {**first, "$size": "1534"}
    assert sized.value("$size") == sized.value("$7") == "1534"
    assert sized.value("$8") is sized.value("$other") is None
    assert parse_pattern("[]").find(line).extracted == {**first, "$7": "1534"}
    assert parse_pattern("[ip, rest]").find(line).value("$rest") == line[10:]


TOKENS = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=6)


@given(st.lists(TOKENS, min_size=1, max_size=6), st.data())
def test_an_ellipsis_stands_for_any_number_of_fields(words, data):
    before = data.draw(st.integers(0, len(words)))
    after = data.draw(st.integers(0, len(words) - before))
    names = [f"a{i}" for i in range(before)] + ["..."] + [f"b{i}" for i in range(after)]
    line = parse_pattern("[" + ", ".join(names) + "]").find(" ".join(words))
    assert [line.value(f"$a{i}") for i in range(before)] == words[:before]
    assert [line.value(f"$b{i}") for i in range(after)] == words[len(words) - after :]
    assert len(line.extracted) == len(words)


@pytest.mark.parametrize(
    ("expression", "yes", "no"),
    [
        ("^[hc]at", ["hat", "cats"], ["a hat"]),
        ("[hc]at$", ["the hat"], ["hats", "hat\n"]),
        ("colou?r", ["color", "colour"], ["colouur"]),
        ("^a{3,5}$", ["aaa", "aaaaa"], ["aa", "aaaaaa"]),
        ("gra|ey", ["gray", "grey"], ["gr"]),
        ("^starting|^shutting down", ["shutting down now"], ["not shutting down"]),
        (r"\[.\]", ["[a]", "[]]"], ["[]"]),
        ("ab*c", ["ac", "abbc"], ["ab"]),
        (r"10\.10\.0\.1", ["10.10.0.1"], ["10010,051"]),
        (r"^\d\D\s\S\w\W$", ["1a b_!"], ["١a b_!"]),
        (r"\x3A\x28", ["a:("], ["a:"]),
        ("[^]a]", ["b"], ["a]"]),
        ("[[|]", ["[", "|"], ["a"]),
    ],
)
def test_regular_expressions(expression, yes, no):
    for line in yes:
        assert matches(f"%{expression}%", line), line
    for line in no:
        assert not matches(f"%{expression}%", line), line


@pytest.mark.parametrize(
    "pattern",
    [
        "foo.bar", "foo-bar", "a:b", "(a)", '"open', "- a", "-", "?", "a %b%", "%a% b", "-%a%",
        "%a", "%%", "%something!%", "%(ab)+%", "%café%", r"%\p%", "%[abc%", "%a{3,2}%", "%a**%",
        "{", "{}", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $ = 1 }", "{ $. = 1 }", "{ $.a = 1",
        "{ $.a = 1 } x", "{ $.a == 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }", "{ $.a = 1) }",
        "{ !($.a = 1) }", "{ $.a EXISTS }", "{ $.a IS NOT NULL }", "{ $.a IS MAYBE }",
        "{ $.a is null }", '{ $.a > "b" }', "{ $.a > b }", "{ $.a > %b% }", "{ $.a[-1] = 1 }",
        "{ $.a[x] = 1 }", "{ $.a[0:2] = 1 }", "{ $..a = 1 }", '{ $."a" = 1 }', "{ $.a = a@b }",
        "{ $.a = 1 AND $.b = 2 }", "{ $.a[*].* = 1 }",
        "{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }",
        "{ $.v = %a% || $.v = %b% || $.v = %c% }",
        "[", "[a", "[a, b] c", "[a = ]", "[a b]", "[a, a]", "[1a]", "[a = 1 ||]", "[a = 1 || 2]",
        "[a, b = x || c = y]", "[..., a, ...]", "[a=!ERROR, b]", "[a = (b)]", "[a > b]",
        "[a=%x%, b=%y%, c=%z%]",
        "a" * 1025,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_sentence(pattern):
    with pytest.raises(PatternError) as caught:
        parse_pattern(pattern)
    assert str(caught.value).endswith(".")


@given(st.text(st.sampled_from("ab1 $.*\"[]{}()<>=!&|?-%\\,'"), max_size=25), LINES)
def test_any_text_is_a_pattern_or_refused(text, line):
    try:
        pattern = parse_pattern(text)
    except PatternError:
        return
    assert pattern.matches(line) in {True, False}


@pytest.mark.parametrize(
    ("pattern", "reference", "message", "value"),
    [
        ("{ $.latency = * }", "$.latency", '{"latency": 5e1}', "5e1"),
        ("{ $.a = * }", "$.b[1].c", '{"a": 1, "b": [0, {"c": "x"}]}', "x"),
        ("{ $.a = * }", "$.['b.c']", '{"a": 1, "b.c": 2}', "2"),
        ("{ $.a = * }", "$.b", '{"a": 1, "b": [2]}', None),
        ("{ $.a = * }", "$.b", '{"a": 1, "b": true}', None),
        ("{ $.a = * }", "$.b", '{"a": 1}', None),
    ],
)
def test_references_name_values(pattern, reference, message, value):
    parsed = parse_pattern(pattern)
    assert parsed.names(reference)
    assert parsed.find(message).value(reference) == value


@pytest.mark.parametrize(
    ("pattern", "reference"),
    [
        ("ERROR", "$.a"), ("ERROR", "$1"), ("{ $.a = 1 }", "$a"), ("{ $.a = 1 }", "$.a[*]"),
        ("{ $.a = 1 }", "$.a ="), ("[a, b]", "$c"), ("[a, b]", "$.a"), ("[a, b]", "$0"),
    ],
)  # fmt: skip
def test_references_to_nothing_are_known(pattern, reference):
    assert not parse_pattern(pattern).names(reference)
