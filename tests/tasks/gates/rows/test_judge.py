"""From channels to findings, a verdict and a page."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.runtime.split import COLUMNS, columns_document
from tasks.errors import GateRejected, NoDataInWindow
from tasks.gates.rows.finding import RowFinding, unknown
from tasks.gates.rows.judge import findings, require_sound_rows, verdict_of
from tasks.gates.rows.page import rows_page
from tasks.gates.rows.reading import both_sides
from tasks.model_spec import ModelSpec
from tests.tasks.contracts.conftest import photo
from tests.tasks.gates.rows.made import feature, rows

TABLE = (
    {"name": "id", "type": "string", "required": True, "key": True},
    {"name": "size", "type": "number", "kind": "numeric"},
    {"name": "town", "type": "string", "kind": "categorical"},
    {"name": "told", "type": "string", "kind": "text"},
    {"name": "new", "type": "boolean"},
    {"name": "closed", "type": "date"},
    {"name": "sold", "type": "string", "kind": "categorical"},
)
OFF = ("leaking_column", "duplicates", "same_key", "class_rows", "contradictions", "label_noise")


def spec(label="sold", family=("classification", "tabular", "sklearn"), data=None, **gates):
    task, source, backend = family
    metric = {"metric": "accuracy", "at_least": 0.1}
    if task != "classification":
        metric = {"metric": {"multi-label": "micro_f1", "ranking": "ndcg"}[task], "at_least": 0.1}
    return ModelSpec.model_validate(
        {
            "name": "teller",
            "family": {"task": task, "input": source, "backend": backend},
            "owner": "o",
            "description": "d",
            "data": {"dataset": "s", "label": label, **(data or {})},
            "gates": [metric],
            "data_gates": gates,
        }
    )


def table(folder, count=240, columns=TABLE, **changed):
    """Two sides of a table whose every third row is sold; a row of each has no label."""
    rng = np.random.default_rng(0)
    folders = {}
    for side, size, first in (("training", count, 0), ("holdout", count // 4, count)):
        sold = ["yes" if n % 3 == 0 else "no" for n in range(size)]
        values = {
            "id": [f"k{n}" for n in range(first, first + size)],
            "size": rng.normal(0, 1, size),
            "town": rng.choice(["Kent", "Renton", None], size).tolist(),
            "told": [" ".join(rng.choice(["light", "dark", "old", "new"], 6)) for _ in range(size)],
            "new": (rng.random(size) < 0.5).tolist(),
            "closed": [f"2026-01-0{day}" for day in rng.integers(1, 9, size)],
            "sold": [None, *sold[1:]],
            "_day": ["2026-02-01" if first else "2026-01-10"] * size,
        }
        values |= {name: value(sold) for name, value in changed.items()}
        folders[side] = folder / side
        folders[side].mkdir(parents=True)
        pq.write_table(pa.table(values), folders[side] / "day.parquet")
        (folders[side] / COLUMNS).write_text(columns_document(columns))
    return folders


def judged(model, folders, private=frozenset()):
    return findings(model, *both_sides(model, folders), private)


def levels(found):
    return {one.name.partition(":")[0]: one.level for one in found}


def test_a_table_is_read_as_its_model_would_learn_it(tmp_path):
    model = spec(data={"features": {"closed": "drop", "size": "category"}})
    training, holdout, features = both_sides(model, table(tmp_path))
    assert [(one.name, one.kind) for one in features] == [
        ("size", "category"), ("town", "category"), ("told", "text"), ("new", "number"),
    ]  # fmt: skip
    assert (len(training), len(holdout)) == (239, 59), "rows without a label are on no side"
    assert (training.names[0], training.labels[2]) == ("k1", "yes")
    assert training.key == ("id",)
    assert str(holdout.days[0]) == "2026-02-01"


def test_honest_rows_pass_every_check(tmp_path):
    found = judged(spec(data={"holdout_days": 5}), table(tmp_path))
    assert levels(found) == {
        "leaking column": "pass", "identifiers": "pass", "duplicates": "pass", "same key": "pass",
        "time order": "pass", "future dates": "pass", "labels": "pass", "class rows": "pass",
        "contradictions": "pass", "label noise": "unknown",
    }  # fmt: skip
    verdict = verdict_of("teller", found)
    require_sound_rows("teller", verdict)
    page = rows_page("teller", verdict, found, 239, 59)
    assert page.startswith("# ✔ Rows of teller: pass\n\n239 labelled rows to learn from, 59 held")
    assert "Checks: 9 passed, 1 not checked." in page


def leaked(sold):
    return [f"r{n}-{one[0]}" for n, one in enumerate(sold)]


def test_a_leak_ends_it_and_says_what_to_do(tmp_path):
    found = judged(spec(), table(tmp_path, town=leaked))
    verdict = verdict_of("teller", found)
    with pytest.raises(GateRejected, match=r"leaking column: town.*data\.features: \{town: drop\}"):
        require_sound_rows("teller", verdict)
    page = rows_page("teller", verdict, found, 239, 59).replace("<br>", " ")
    assert page.startswith("# ✘ Rows of teller: fail")
    assert "**leaking column: town**" in page
    allowed = [{"column": "town", "reason": "told by whoever asks"}]
    assert verdict_of("teller", judged(spec(allow=allowed), table(tmp_path / "2", town=leaked))
                      ).outcome == "pass"  # fmt: skip
    dropped = spec(data={"features": {"town": "drop"}})
    assert levels(judged(dropped, table(tmp_path / "3", town=leaked)))["leaking column"] == "pass"


def test_what_is_off_is_not_looked_at(tmp_path):
    off = {name: {"severity": "off"} for name in OFF}
    others = dict.fromkeys(("identifiers", "time_order", "future_dates", "labels"), "off")
    found = judged(spec(data={"holdout_days": 5}, **off, **others), table(tmp_path, town=leaked))
    assert found == ()
    verdict = verdict_of("teller", found)
    assert (verdict.outcome, verdict.reason) == ("pass", "model.yaml switches every check off.")
    assert "switches every check off" in rows_page("teller", verdict, found, 9, 9)


def test_private_columns_are_not_shown(tmp_path):
    folders = table(tmp_path, size=lambda sold: [1.0 * (n % 2) for n in range(len(sold))],
                    town=lambda sold: ["Kent"] * len(sold), told=lambda sold: ["x"] * len(sold),
                    new=lambda sold: [True] * len(sold),
                    closed=lambda sold: ["2026-01-01"] * len(sold),
                    sold=lambda sold: [*sold[1:], "rare"])  # fmt: skip
    model = spec(contradictions={"at_most": 0}, class_rows={"training": 2})
    told = {one.name: one for one in judged(model, folders)}
    assert told["contradictions"].examples[0].startswith("k")
    assert "rare 1 and 1" in told["class rows"].why
    hidden = {one.name: one for one in judged(model, folders, frozenset({"id", "sold"}))}
    assert hidden["contradictions"].examples == ()
    assert "rare" not in hidden["class rows"].why


def test_rows_without_a_key_are_called_by_their_place(tmp_path):
    unkeyed = [dict(column, key=False) for column in TABLE]
    model = spec(data={"features": {"id": "drop"}})
    training, holdout, _ = both_sides(model, table(tmp_path, columns=unkeyed))
    assert (training.names[0], holdout.names[0]) == ("training row 2", "holdout row 2")
    assert training.key == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sold": lambda sold: [None] * len(sold)}, "no row of training and holdout has a sold"),
        ({"new": lambda sold: ["perhaps"] * len(sold)}, "cannot be read as boolean"),
    ],
)
def test_sides_that_cannot_be_read_are_named(tmp_path, changed, said):
    with pytest.raises(NoDataInWindow, match=said):
        both_sides(spec(), table(tmp_path, **changed))


def test_acts_of_a_recommender_have_a_key_and_a_day_alone(tmp_path):
    data = {"features": {"town": "user", "closed": "time"}, "holdout_days": 5}
    model = spec("told", ("ranking", "pairs", "two-towers"), data)
    found = judged(model, table(tmp_path))
    checked = {name for name, level in levels(found).items() if level != "unknown"}
    assert checked == {"same key", "time order"}


def album(folder, labels):
    for side, count in (("training", 8), ("holdout", 4)):
        (folder / side).mkdir(parents=True)
        entries = []
        for number in range(count):
            name = f"{side}-{number}.png"
            photo(number if side == "training" else 100 + number).save(folder / side / name)
            entries.append({"file": name, "label": labels(number), "day": "2026-01-05"})
        lines = "\n".join(json.dumps(entry) for entry in entries)
        (folder / side / "labels.jsonl").write_text(lines)
        (folder / side / COLUMNS).write_text(columns_document([{"name": "file", "type": "string"}]))
    return {side: folder / side for side in ("training", "holdout")}


def test_photos_are_compared_by_their_files(tmp_path):
    folders = album(tmp_path, lambda number: "ab"[number % 2])
    model = spec("label", ("classification", "image", "keras"), label_noise={"severity": "off"})
    assert levels(judged(model, folders))["duplicates"] == "pass"
    copy = folders["training"] / "training-0.png"
    (folders["holdout"] / "holdout-0.png").write_bytes(copy.read_bytes())
    found = {one.name: one for one in judged(model, folders)}
    assert found["duplicates"].level == "fail"
    assert found["duplicates"].examples == ("holdout-0.png",)


def test_the_noise_of_photos_and_of_rare_classes_is_estimated_where_it_can_be(tmp_path):
    model = spec("label", ("classification", "image", "keras"))
    found = judged(model, album(tmp_path, lambda number: "ab"[number % 2]))
    assert "noise" in [one.name.partition(" ")[2] for one in found]
    rare = judged(model, album(tmp_path / "2", str))
    assert "classes have 5 rows or more" in {one.name: one.why for one in rare}["label noise"]


def test_of_very_many_rows_copies_are_looked_for_in_all_of_them():
    """150,000 rows, of which the last to learn from are held out, too."""
    size = np.random.default_rng(0).permutation(150_000) * 1.0
    labels = np.where(np.arange(150_000) % 2, "no", "yes")
    training = rows({"size": size[:140_000]}, labels[:140_000])
    holdout = rows({"size": size[130_000:]}, labels[130_000:], first=130_000)
    off = {name: {"severity": "off"} for name in ("leaking_column", "label_noise")}
    found = {one.name: one for one in findings(spec(**off), training, holdout, [feature("size")])}
    assert found["duplicates"].value == found["same key"].value == "10,000 of 20,000 (50 %)"
    assert found["contradictions"].value.endswith("of 100,000 (0 %)")


def test_a_class_that_is_too_rare_for_a_sample_keeps_no_other_from_the_estimate():
    """25,000 rows, of which one class has six: a sample has hardly one of them."""
    kinds = np.where(np.arange(25_000) < 6, 2, np.arange(25_000) % 2)
    size = kinds + np.random.default_rng(0).normal(0, 0.05, len(kinds))
    parts = [
        rows({"size": size[at]}, np.asarray(["no", "yes", "rare"])[kinds[at]], first=at.start)
        for at in (slice(0, 20_000), slice(20_000, 25_000))
    ]
    model = spec(leaking_column={"severity": "off"})
    found = {one.name: one for one in findings(model, *parts, [feature("size")])}
    assert found["label noise"].value.startswith("0 %")


def test_a_finding_is_a_line_of_a_log_and_a_check_of_a_verdict():
    warned = RowFinding("class rows", "warn", "3", "≥ 10", "few rows", "widen the window")
    assert str(warned) == "class rows: 3 (bound ≥ 10), few rows; widen the window"
    assert (warned.check().outcome, warned.check().detail) == (
        "pass", "warning: few rows; widen the window",
    )  # fmt: skip
    assert unknown("labels", "none").check().detail == "not checked: none"
