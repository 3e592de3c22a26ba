import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.contracts.validation.keys import KeyIndex, key_hashes

KEYS = st.lists(st.lists(st.integers(0, 40), max_size=20), max_size=12)


@settings(max_examples=40)
@given(batches=KEYS)
def test_a_key_is_new_exactly_once_over_any_number_of_batches(batches, tmp_path_factory):
    index = KeyIndex(tmp_path_factory.mktemp("keys"))
    seen = set()
    for batch in batches:
        repeated = index.repeated(np.asarray(batch, dtype=np.uint64))
        for key, said in zip(batch, repeated, strict=True):
            assert said == (key in seen)
            seen.add(key)
    assert all((key in index) == (key in seen) for key in range(41))


def test_the_runs_stay_few_however_many_batches_there_are(tmp_path):
    index = KeyIndex(tmp_path)
    for start in range(0, 20_000, 100):
        index.add(np.arange(start, start + 100, dtype=np.uint64))
    assert len(index._runs) <= 12
    assert index.known(np.arange(20_000, dtype=np.uint64)).all()


def test_a_key_with_a_missing_part_is_not_whole_and_order_matters():
    left = pa.array([1, 2, None])
    right = pa.array(["a", "b", "c"])
    hashes, whole = key_hashes([left, right])
    assert whole.tolist() == [True, True, False]
    assert len(set(hashes.tolist())) == 3
    assert (
        key_hashes([pa.array([1]), pa.array([2])])[0]
        != key_hashes([pa.array([2]), pa.array([1])])[0]
    )


def test_the_hash_of_a_key_does_not_depend_on_its_batch():
    whole = key_hashes([pa.array([5, 6, None])])[0]
    assert key_hashes([pa.array([5])])[0][0] == whole[0]
    assert key_hashes([pa.array([6, 5])])[0].tolist() == [whole[1], whole[0]]
