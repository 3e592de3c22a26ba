"""An upload's page: the outcome first, the reason as text."""

import re

from tasks.uploads.page import upload_page


def test_the_outcome_comes_first_and_a_hostile_reason_stays_text():
    address = "s3://models/models/prices/1.2.3/model.tar.gz"
    reason = "KeyError: 'a|b' <script>`x`\n" + "y" * 300
    page = upload_page("prices", "1.2.3", address, "rolled_back", reason, "2026-01-31T02:00:00Z")
    assert page.startswith("# ↩ Upload rolled back: `prices/1.2.3`")
    assert "<script>" not in page
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in page.splitlines() if "|" in row} == {3}
    assert f"`{address}`" in page
    assert "`s3://models/models/prices/1.2.3/outcome.json`" in page
    assert "2026-01-31 02:00:00 UTC" in page
