import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.reports.self_contained import POLICY, enclosed, index

PAGE = """<!DOCTYPE html><html><head><title>t</title>
<link rel="stylesheet" href="https://cdn.example/a.css"/><script src="https://cdn.example/a.js">
</script><meta http-equiv="refresh" content="0;url=https://evil.example"></head>
<body onload="run()"><img src="https://logos.example/a.png"><img src="data:image/png;base64,aa">
<p class="x">5 &lt; 6 &amp; &#55;</p><a href="java&#115;cript:alert(1)">go</a><a href="#s">s</a>
<script>var x = "<p>";</script><footer><p>news</p></footer></body></html>"""


def test_nothing_of_other_hosts_and_nothing_that_runs_is_left():
    page = enclosed(PAGE)
    assert "https://" not in page
    assert not re.search(r"<script|<link|<footer|onload|javascript|refresh", page)
    assert page.count(POLICY) == 1
    assert page.index(POLICY) < page.index("<title>"), "a rule counts from where it stands"


def test_what_is_said_stays_as_it_was():
    page = enclosed(PAGE)
    assert '<p class="x">5 &lt; 6 &amp; &#55;</p>' in page
    assert '<a href="#s">s</a>' in page
    assert 'src="data:image/png;base64,aa"' in page
    assert "news" not in page


@pytest.mark.parametrize(
    "address", ["javascript:x()", " JavaScript:x()", "java\nscript:x()", "data:text/html,x"]
)
def test_an_address_that_is_a_program_is_none(address):
    assert enclosed(f'<a href="{address}">go</a>') == "<a>go</a>"


@given(st.text(alphabet="<>/=\"'a bscriptonlick!-&;", max_size=80))
def test_whatever_a_value_holds_no_script_comes_out(text):
    page = enclosed(f"<html><head></head><body><td>{text}</td></body></html>")
    assert "<script" not in page.lower()


def test_the_index_leads_to_each_result():
    page = index("Data Docs of a<b", [(True, "one & two", "v/1.html"), (False, "x", "v/2.html")])
    assert "Data Docs of a&lt;b" in page
    assert '<td class="text-success">✓</td><td><a href="v/1.html">one &amp; two</a>' in page
    assert '<td class="text-danger">✗</td><td><a href="v/2.html">x</a>' in page
    assert POLICY in page
