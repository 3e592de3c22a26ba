"""Every component's licence is known, and accepted or refused by name."""

import pytest
import yaml

from deployments.supply_chain.accepted import Licences, accepted
from deployments.supply_chain.licences import licensed, markdown

KNOWN = Licences.model_validate(
    {
        "accepted": ["MIT", "Apache-2.0", "LGPL-3.0-only"],
        "spelled": {"License :: OSI Approved :: MIT License": "MIT"},
        "packages": {"quiet": {"licence": "MIT", "why": "its LICENSE file"}},
    }
)


def component(*licences, name="x", **more):
    told = [one if isinstance(one, dict) else {"license": {"id": one}} for one in licences]
    return {"name": name, "version": "1", "licenses": told} | more


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["MIT"], True),
        (["MIT", "Apache-2.0"], True),
        (["GPL-3.0-only"], False),
        (["MIT", "GPL-3.0-only"], False),
        ([{"expression": "MIT OR GPL-3.0-only"}], True),
        ([{"expression": "MIT AND GPL-3.0-only"}], False),
        ([{"expression": "(MIT OR GPL-2.0-only) AND Apache-2.0"}], True),
        ([{"expression": "(MIT AND GPL-2.0-only) OR AGPL-3.0-only"}], False),
        ([{"expression": "Apache-2.0 WITH LLVM-exception"}], False),
        ([{"license": {"name": "License :: OSI Approved :: MIT License"}}], True),
        ([{"license": {"name": "License :: OSI Approved"}}, "MIT"], True),
        ([{"license": {"name": "License :: OSI Approved"}}], False),
        ([{"license": {"name": "Copyright, all rights reserved"}}], False),
        ([{"license": {"name": ""}}], False),
        ([], False),
    ],
)
def test_what_leaves_no_way_under_accepted_licences_is_refused(licences, expected):
    (found,) = licensed([component(*licences)], KNOWN)
    assert found.accepted is expected


def test_a_package_that_people_looked_at_is_what_they_found():
    (found,) = licensed([{"name": "quiet", "version": "2"}], KNOWN)
    assert found == ("quiet", "2", "MIT", True)


def test_a_licence_that_is_accepted_twice_is_looked_at_again(tmp_path):
    once = "{licence: MIT, why: its LICENSE file}"
    (tmp_path / "accepted.yaml").write_text(
        f"licences:\n  accepted: [MIT]\n  packages:\n    a: {once}\n    a: {once}\n"
    )
    with pytest.raises(yaml.YAMLError, match="'a' stands in line 4 already"):
        accepted(tmp_path / "accepted.yaml")


def test_what_is_refused_stands_first_in_the_table():
    found = licensed([component("MIT", name="a"), component("GPL-3.0-only", name="b")], KNOWN)
    assert markdown(found).splitlines()[2:] == [
        "| **GPL-3.0-only: not accepted** | 1 | b |",
        "| MIT | 1 | a |",
    ]


def test_what_is_accepted_for_one_package_is_said_with_a_reason():
    assert all(item.why for item in accepted().licences.packages.values())
    assert all(item.why for item in accepted().vulnerabilities)
