"""Great Expectations' pages without what they fetch from elsewhere. Pure.

As they are made they ask eight hosts for styles, scripts and pictures: offline they are bare and
their index is empty, and elsewhere they run strangers' scripts beside a company's data. Here they
bring a style of their own and run nothing: not even what a value of the data may smuggle in.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from html.parser import HTMLParser

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Of the browser: no script, nothing from any host, whatever stands in the page."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1280px; padding: 1rem; }
h4 { margin: 0; } a { color: #1a56a0; } .row { display: block; }
ol.breadcrumb, ul.nav { list-style: none; padding: 0; margin: 0.3rem 0; }
ol.breadcrumb li { display: inline; } ol.breadcrumb li + li::before { content: " / "; }
ul.nav { columns: 4; } ul.nav a { text-decoration: none; } .card { margin: 0.8rem 0; }
.alert { background: #eef2f6; border-left: 4px solid #8aa; padding: 0.4rem 0.8rem; }
.ge-section { border-top: 1px solid #ddd; margin-top: 1.2rem; padding-top: 0.6rem; }
table { border-collapse: collapse; margin: 0.4rem 0; width: 100%; table-layout: fixed; }
th, td { border: 1px solid #ddd; overflow-wrap: anywhere; padding: 0.3rem 0.6rem;
  text-align: left; vertical-align: top; }
th { background: #f5f7f9; } td img { display: block; }
.btn, input, .btn-group, .card-text { display: none; }
.card:has(.btn-group) { display: none; }
[data-search] th:first-child, .results th:first-child { width: 4rem; }
.text-success { color: #18794e; } .text-danger { color: #c62a2f; } i { font-style: normal; }
.fa-check-circle::before { content: "\\2713"; } .fa-times::before { content: "\\2717"; }
.fa-exclamation-triangle::before { content: "\\26A0"; }
.badge { background: #eef2f6; padding: 0 0.3em; }
"""
DROPPED = frozenset({"script", "style", "footer", "link", "iframe", "object", "embed", "base"})
"""Elements that go, with all that is in them."""
EMPTY = frozenset({"link", "embed", "base"})
"""Of these, those that have no end."""


def enclosed(text: str) -> str:
    """A page as it is, without scripts, handlers and whatever lies elsewhere."""
    page = _Page()
    page.feed(text)
    page.close()
    return "".join(page.written)


def index(title: str, lines: Sequence[tuple[bool, str, str]]) -> str:
    """A page that lists others.

    Args:
        title: What they are of.
        lines: Whether all held, what was judged, and where its page lies.
    """
    rows = "".join(
        f'<tr><td class="text-{"success" if good else "danger"}">{"✓" if good else "✗"}</td>'
        f'<td><a href="{html.escape(place)}">{html.escape(words)}</a></td></tr>'
        for good, words, place in lines
    )
    return (
        f"<!DOCTYPE html><html><head>{_HEAD}<title>{html.escape(title)}</title></head><body>"
        f"<h4>{html.escape(title)}</h4><p>What Great Expectations found.</p>"
        f'<table class="results"><thead><tr><th>Status</th><th>Result</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></body></html>\n"
    )


_HEAD = (
    f'<meta charset="UTF-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    f"<style>{STYLE}</style>"
)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.written: list[str] = []
        self._within = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self._within += tag not in EMPTY
            return
        if not self._within and not _elsewhere(tag, attrs):
            self.written.append(_written(tag, attrs))
            if tag == "head":
                self.written.append(_HEAD)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in DROPPED and not self._within and not _elsewhere(tag, attrs):
            self.written.append(_written(tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag in DROPPED:
            self._within = max(0, self._within - (tag not in EMPTY))
        elif not self._within:
            self.written.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._kept(data)

    def handle_entityref(self, name: str) -> None:
        self._kept(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._kept(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._kept(f"<!{decl}>")

    def _kept(self, text: str) -> None:
        if not self._within:
            self.written.append(text)


def _elsewhere(tag: str, attrs: list[tuple[str, str | None]]) -> bool:
    """A picture of another host; a rule for browsers that is not ours."""
    given = dict(attrs)
    if tag == "meta":
        return "http-equiv" in given
    return tag == "img" and not str(given.get("src") or "").startswith("data:")


def _written(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    kept = [
        f" {name}" if value is None else f' {name}="{html.escape(value)}"'
        for name, value in attrs
        if not name.startswith("on") and not _runs(value)
    ]
    return f"<{tag}{''.join(kept)}>"


def _runs(value: str | None) -> bool:
    """Whether an address is a program."""
    plain = "".join(str(value or "").split()).lower()
    return plain.startswith(("javascript:", "vbscript:", "data:text/html"))
