import json
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deployments.demo.generate import CLASSES, write_rooms
from models.programs.contract import load_code
from models.programs.data import NoData, Split, read_columns, read_images
from models.programs.preprocess import Images

SMALL = Images(
    {"input": {"shape": [1, 16, 16, 3]}, "pixels": {"scale": 1.0, "offset": 0.0}, "kind": "image"}
)


@pytest.mark.parametrize(
    "days",
    [
        ["2026-01-31", "2026-02-01"],
        ["2026-01-31T10:00:00", "2026-02-01T00:00:00"],
        [date(2026, 1, 31), date(2026, 2, 1)],
        pa.array([1769817600, 1769904000], pa.timestamp("s")),
    ],
)
def test_a_date_is_a_day_however_the_file_holds_it(tmp_path, days):
    pq.write_table(pa.table({"date": days, "n": [1, None]}), tmp_path / "a.parquet")
    got = read_columns(tmp_path, ("date", "n"), dates=("date",))
    assert got["date"].astype(str).tolist() == ["2026-01-31", "2026-02-01"]
    assert got["n"][0] == 1
    assert np.isnan(got["n"][1])


def test_files_are_read_in_order_and_more_columns_do_no_harm(tmp_path):
    (tmp_path / "deep").mkdir()
    pq.write_table(pa.table({"n": [2.5], "_day": ["x"]}), tmp_path / "deep" / "b.parquet")
    pq.write_table(pa.table({"n": [1]}), tmp_path / "a.parquet")
    assert read_columns(tmp_path, ("n",))["n"].tolist() == [1, 2.5]


def test_an_empty_channel_or_a_lacking_column_is_told(tmp_path):
    with pytest.raises(NoData, match="0 Parquet files"):
        read_columns(tmp_path, ("n",))
    pq.write_table(pa.table({"m": [1]}), tmp_path / "a.parquet")
    with pytest.raises(NoData, match=r"lacks the columns \['n'\]"):
        read_columns(tmp_path, ("n",))
    with pytest.raises(NoData, match=r"labels\.jsonl"):
        read_images(tmp_path, "label", SMALL)


def test_photos_of_several_days_are_read_with_their_labels(tmp_path):
    write_rooms(tmp_path, 12, date(2026, 1, 1), 2)
    got = read_images(tmp_path, "label", SMALL)
    assert got.inputs.shape == (12, 16, 16, 3)
    assert set(got.labels) == set(CLASSES)
    assert len(set(got.ids)) == 12
    assert (
        got.take(got.labels == "kitchen").ids.tolist() == got.ids[got.labels == "kitchen"].tolist()
    )


def test_a_photo_may_bear_an_id_of_its_own(tmp_path):
    write_rooms(tmp_path, 1, date(2026, 1, 1), 1)
    (index,) = tmp_path.rglob("labels.jsonl")
    index.write_text(json.dumps({**json.loads(index.read_text()), "id": 7}) + "\n\n")
    assert read_images(tmp_path, "label", SMALL).ids.tolist() == ["7"]


def test_rows_are_taken_together():
    split = Split(np.array(["a", "b"]), {"x": np.array([1, 2])}, np.array([3, 4]))
    taken = split.take(np.array([1]))
    assert (taken.ids[0], taken.inputs["x"][0], taken.labels[0], len(taken)) == ("b", 2, 4, 1)


def test_a_model_without_its_functions_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.py"):
        load_code(tmp_path / "model.py")
    (tmp_path / "model.py").write_text("def load(channel, hyperparameters): ...\n")
    with pytest.raises(TypeError, match=r"preprocess, build, baseline"):
        load_code(tmp_path / "model.py")
