import pytest

from tasks.contracts.odcs.evolution import evolution
from tasks.contracts.versions import put_in_force, with_change
from tasks.errors import InvalidContract

PRICE = {"name": "price", "logicalType": "number", "logicalTypeOptions": {"minimum": 1}}
KIND = {"name": "kind", "logicalType": "string", "enum": [{"value": "a"}, {"value": "b"}]}


@pytest.fixture
def change(contract):
    def make(old, new, version="1.1.0"):
        return evolution(contract(old), contract(new, version=version))

    return make


def test_no_change_passes(change):
    assert change([PRICE], [PRICE], "1.0.0").verdict().outcome == "pass"


@pytest.mark.parametrize(
    "new",
    [
        [PRICE, KIND, {"name": "new", "logicalType": "string"}],
        [{**PRICE, "logicalTypeOptions": {"minimum": 2}}, KIND],
        [{**PRICE, "logicalTypeOptions": {"minimum": 1, "maximum": 9}}, KIND],
        [PRICE, {**KIND, "enum": [{"value": "a"}]}],
        [{**PRICE, "unique": True}, KIND],
    ],
)
def test_an_additive_change_passes_with_a_notice(change, new):
    found = change([PRICE, KIND], new)
    assert found.breaking == ()
    verdict = found.verdict()
    assert verdict.outcome == "pass"
    assert "additive" in verdict.reason


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ([KIND], "- price: the column is gone"),
        ([{**PRICE, "logicalType": "string", "logicalTypeOptions": {}}, KIND], "number → string"),
        ([{**PRICE, "required": True}, KIND], "may no longer be missing"),
        ([{**PRICE, "logicalTypeOptions": {"minimum": 0}}, KIND], "minimum 1 → 0"),
        ([{**PRICE, "logicalTypeOptions": {}}, KIND], "minimum 1 → (none)"),
        ([PRICE, {**KIND, "enum": [*KIND["enum"], {"value": "c"}]}], "new values c"),
        (
            [PRICE, KIND, {"name": "new", "logicalType": "string", "required": True}],
            "a required column is new",
        ),
    ],
)
def test_a_breaking_change_fails_with_a_diff_unless_the_major_version_says_so(change, new, said):
    verdict = change([PRICE, KIND], new).verdict()
    assert verdict.outcome == "fail"
    assert said in verdict.reason
    assert change([PRICE, KIND], new, "2.0.0").verdict().outcome == "pass"


def test_a_change_without_a_new_version_fails(change):
    verdict = change([PRICE], [PRICE, KIND], "1.0.0").verdict()
    assert verdict.outcome == "fail"
    assert "version did not" in verdict.reason


def test_the_diff_is_its_own_mirror_only_when_nothing_is_lost(change):
    wide = [PRICE, {"name": "new", "logicalType": "string"}]
    assert [c.effect for c in change([PRICE], wide).changes] == ["additive"]
    assert [c.effect for c in change(wide, [PRICE]).changes] == ["breaking"]


def test_the_contract_in_force_gives_way_to_one_that_readers_survive(aws_environment, contract):
    from tasks.aws import client

    client("s3").create_bucket(Bucket="contracts-in-force")
    wider = [PRICE, {"name": "new", "logicalType": "string"}]

    def put(properties, version):
        return put_in_force(contract(properties, version=version), "contracts-in-force")

    assert put([PRICE], "1.0.0") is None
    assert put([PRICE], "1.0.0").changes == ()
    with pytest.raises(InvalidContract, match="version did not"):
        put(wider, "1.0.0")
    assert "optional column is new" in put(wider, "1.1.0").diff()
    with pytest.raises(InvalidContract, match="new: the column is gone"):
        put([PRICE], "1.2.0")
    assert put(wider, "1.1.0").changes == ()
    assert put([PRICE], "1.0.0").breaking  # an older checkout
    assert put(wider, "1.1.0").changes == ()
    assert put([PRICE], "2.0.0").breaking


def test_a_report_tells_what_changed_in_its_contract(lake, judge, contract):
    lake.csv("a.csv.gz", [(2,)], ["price"])
    report = judge(contract([PRICE]), lake)
    same = evolution(contract([PRICE]), contract([PRICE]))
    assert with_change(report, None) == with_change(report, same) == report
    wider = [PRICE, {"name": "new", "logicalType": "string"}]
    changed = evolution(contract([PRICE]), contract(wider, version="1.1.0"))
    assert with_change(report, changed).notices == (
        "Contract 1.0.0 → 1.1.0: + new: an optional column is new",
    )
