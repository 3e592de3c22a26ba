import pytest

from tasks.contracts.evolution import evolution

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
