"""The commands, on what is installed here."""

import json

import pytest

from deployments.supply_chain.__main__ import main

pytestmark = pytest.mark.seconds(10)


def test_all_that_is_installed_stands_in_the_bills_under_an_accepted_licence(tmp_path, capfd):
    assert main(["licences", "--folder", str(tmp_path)]) == 0, capfd.readouterr().err
    table = capfd.readouterr().out
    assert "| MIT |" in table
    assert "not accepted" not in table
    named = {}
    for bill in ("python.cdx.json", "javascript.cdx.json"):
        told = json.loads((tmp_path / bill).read_text("utf-8"))
        assert told["bomFormat"] == "CycloneDX"
        named[bill] = {item["name"] for item in told["components"]}
    assert {"prefect", "numpy", "boto3"} <= named["python.cdx.json"]
    assert "@tensorflow/tfjs-core" in named["javascript.cdx.json"]


def test_help_says_what_each_act_does(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert {"sbom", "licences", "audit"} <= set(capsys.readouterr().out.split())
