import re

from tasks.contracts.reports.pages import html, markdown

HOSTILE = '<script src="http://x.example/a.js"></script>|`*_[a](b)'


def judged(lake, judge, contract, **more):
    column = {"name": "s", "logicalType": "string", "enum": [{"value": "a"}]}
    lake.jsonl("a.jsonl", [{"s": "a"}] * 3 + [{"s": HOSTILE}])
    return judge(contract([column], **more), lake)


def test_the_page_needs_no_network_and_believes_no_value(lake, judge, contract):
    page = html(judged(lake, judge, contract))
    assert "<script" not in page
    assert not re.search(r'(src|href)\s*=\s*"', page)
    assert "&lt;script src=" in page
    assert (judge.out / "report.html").read_text(encoding="utf-8") == page


def test_markdown_cells_stay_cells(lake, judge, contract):
    text = markdown(judged(lake, judge, contract))
    assert "<script" not in text
    row = next(line for line in text.splitlines() if "s.enum" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert text.startswith("## ✔ things: pass")


def test_the_report_is_small_whatever_fails(lake, judge, contract):
    columns = [{"name": f"c{n}", "logicalType": "integer", "required": True} for n in range(14)]
    lake.jsonl("a.jsonl", [{f"c{n}": "x" * 1000 for n in range(14)}] * 50)
    report = judge(contract(columns), lake)
    assert report.outcome == "fail"
    assert len(report.model_dump_json()) < 40_000
    text = markdown(report)
    assert "4 more in the full report." in text
    assert all(len(check.examples) <= 5 for check in report.checks)
