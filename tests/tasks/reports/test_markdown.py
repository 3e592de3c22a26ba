"""Tables that fit the page, text that stays text, addresses that open."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidSetting
from tasks.reports.links import SHOWN, browsable, label, linked, shortened
from tasks.reports.markdown import (
    PADDING,
    PAGE,
    SIGN,
    breadth,
    broken,
    fitted,
    flowing,
    plain,
    table,
)
from tasks.settings import settings

CONSOLE = "https://console.example/s3/{kind}/{bucket}?prefix={key}"
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=300)
HASH = "0123456789abcdef" * 4


def bars(line):
    return len(re.findall(r"(?<!\\)\|", line))


def widest(row):
    """Pixels of a row's cells: the longest line of each."""
    cells = re.split(r"(?<!\\)\|", row)[1:-1]
    return [max(map(breadth, cell.strip().split("<br>"))) for cell in cells]


@given(st.lists(st.lists(TEXT, min_size=3, max_size=3), min_size=1, max_size=4))
def test_no_value_breaks_its_table(rows):
    told = table(("a", "b", "c"), [[plain(cell) for cell in row] for row in rows]).splitlines()
    assert len(told) == len(rows) + 2
    assert {bars(line) for line in told} == {4}


@pytest.mark.parametrize(
    "signs", ["abcdef ghij", "W", "m0 ", "日😀Ж ", "v20261130_002543:/ ", "@%…Щ", "[a](b)"]
)
@given(st.data(), st.integers(1, 9))
def test_a_table_is_no_wider_than_the_page(signs, data, columns):
    texts = st.lists(st.text(signs, max_size=200), min_size=columns, max_size=columns)
    cells, more = data.draw(texts), data.draw(texts)
    header = [f"{text}{n}" for n, text in enumerate(more)]
    told = table(header, [cells, [f"`{text}x`" for text in cells]]).splitlines()
    lines = [widest(told[0]), *map(widest, told[2:])]
    pixels = sum(max(column) for column in zip(*lines, strict=True))
    assert pixels + columns * PADDING <= PAGE


@given(st.text("abcWM10 /._-", max_size=200), st.integers(51, 440))
def test_breaking_loses_nothing_and_fits(text, width):
    lines = broken(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(breadth(line) <= width for line in lines)


def test_words_stay_whole_where_they_fit():
    assert broken("one two three", 60) == ["one two", "three"]
    assert broken("ai_conversation.messages", 130) == ["ai_conversation.", "messages"]


def test_code_is_broken_into_code_and_wide_signs_take_more():
    assert broken("`" + "x" * 10 + "`", 43) == ["`xxxxx`", "`xxxxx`"]
    assert broken("日本語日本語", 45) == ["日本語", "日本語"]
    assert len(broken("W" * 40, 100)) > len(broken("0" * 40, 100)) > len(broken("i" * 40, 100))


def test_a_sign_takes_what_it_is_put_together_from_and_an_unknown_one_much():
    assert breadth("é") == breadth("e\u0301") == breadth("e")
    assert breadth("ﬁ") == breadth("fi")
    assert breadth("&lt;") == breadth("\\<") == breadth("<")
    assert breadth("Ж") > breadth("W") > breadth("i")


def test_what_names_and_moments_take_is_what_they_take_in_the_ui():
    """Measured in a browser: digits are wider than letters are on average."""
    for text, pixels in (
        ("v20261130_002543", 128.6),
        ("00:26:21 to 00:31:45, 12 times", 196.9),
        ("arn:aws:sagemaker:us-east-1:123456789012", 296.5),
    ):
        assert pixels <= breadth(text) <= 1.05 * pixels


def test_signs_that_hide_others_are_shown():
    assert plain("a\u202eb<i>|x|`") == "a\\\\u202eb&lt;i&gt;\\|x\\|\\`"
    assert plain("  ") == "–"


def test_a_word_no_line_holds_may_be_broken_in_a_paragraph():
    told = flowing("short " + "x" * 150)
    assert told.replace("\u200b", "") == "short " + "x" * 150
    assert max(map(breadth, re.split(r"[ \u200b]", told))) <= 60 * SIGN


@given(st.text("abcdefghij/._-()[]\"'|&?#%+ äß日", min_size=1, max_size=200))
def test_an_address_becomes_a_link_to_exactly_its_object(key):
    key = key.replace(" ", "_")
    told = linked(f"at `s3://bucket/{key}`.", CONSOLE)
    found = re.fullmatch(r'at \[(.+)\]\((\S+) "(\S+)"\)\.', told)
    assert found
    url = urlsplit(found[2])
    assert unquote(url.query).removeprefix("prefix=") == key
    assert url.path == f"/s3/{'buckets' if key.endswith('/') else 'object'}/bucket"
    assert len(label(f"s3://bucket/{key}")) <= SHOWN


def test_digests_give_way_first_and_the_whole_stands_in_the_link():
    address = f"s3://sluice-work/reports/contracts/sales/{HASH}/1.1.0/report.html"
    told = linked(f"`{address}`", CONSOLE)
    assert "01234567…/1.1.0/report.html" in told
    assert f'"{address}"' in told
    assert len(shortened(address, 40)) == 40


def test_text_that_is_no_address_stays():
    text = "`s3` s3://b/k `s3://a b` `x`"
    assert linked(text, CONSOLE) == text


def test_an_address_in_a_table_is_no_reason_to_scroll():
    address = f"s3://bucket/{'long-name/' * 30}"
    told = table(("what", "where"), [("word " * 40, f"`{address}`")])
    assert f"`{address}`" in told
    assert len(label(address)) == SHOWN
    assert sum(widest(told.splitlines()[2])) <= PAGE - 2 * PADDING


def test_the_laptops_console_is_a_setting_like_the_one_of_aws(monkeypatch):
    assert browsable("s3://b/k/", settings().s3_console_url).startswith("https://console.aws")
    for wrong in ("http://x/{bucket}", "http://x/{bucket}/{key}/{region}", "x/{bucket}/{key}", ""):
        monkeypatch.setenv("SLUICE_S3_CONSOLE_URL", wrong)
        settings.cache_clear()
        with pytest.raises(InvalidSetting, match="SLUICE_S3_CONSOLE_URL"):
            settings()
    monkeypatch.setenv("SLUICE_S3_CONSOLE_URL", "http://127.0.0.1:1/_embedded/s3/{bucket}/{key}")
    settings.cache_clear()
    assert browsable("s3://b/k ä", settings().s3_console_url).endswith("/s3/b/k%20%C3%A4")
    settings.cache_clear()


def test_tables_that_others_wrote_are_made_to_fit_and_the_rest_of_the_page_stays():
    wide = "| a | b |\n|--|--:|\n| " + "word " * 60 + "| `c|d` |\n"
    narrow = "| a | b |\n|---|---|\n| 1 | x \\| y |"
    page = f"# t\n\n| no table |\n\n{wide.replace('`c|d`', 'c')}\ntext\n\n{narrow}\n"
    told = fitted(page)
    assert told.count("<br>") >= 2
    assert "| x \\| y |" in told
    assert fitted(told) == told
    assert "# t\n\n| no table |\n\n| a | b |\n|--|--:|\n" in told
    assert fitted(wide) == wide, "a row that is broken already stays as it is"


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), min_size=1, max_size=3))
def test_what_fits_already_is_not_changed(rows):
    told = table(("a", "b"), [[plain(cell) for cell in row] for row in rows])
    assert fitted(told) == told
